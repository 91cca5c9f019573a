//! The corrected protocol: a registry that converges whatever happens.
//!
//! # The algorithm
//!
//! *Claims, not entries.* Each node keeps, for every node of the cluster, the *claims* of that owner: name → process,
//! metadata, rank. An owner writes its own and nobody else's. Whoever is connected to it holds a copy, and a copy is
//! always a prefix of what the owner did: a snapshot is the first thing on a new connection, every change follows it on
//! the same connection, to everyone, the node that asked for the change included. Nothing is filtered after it, nothing
//! is written by a calling task, no two writers share a row. When the connection is lost, or the owner says that its
//! scope process is new, the copy is dropped, and a snapshot comes first again.
//!
//! *What a name points at* is not stored but follows: of the claims on it that a node has, the one of the greatest
//! (rank, pid). All nodes compute it alike from what they have.
//!
//! *Rank.* A process gets its rank with the first name it is given, from a hybrid logical clock: the wall clock, or one
//! more than the greatest rank seen or given, whichever is greater. It keeps it until it has lost its last name. A
//! clock that steps backwards cannot take a rank back, and who registers having seen another comes after it. Ranks and
//! their clock are the node's (`ranks.rs`), one for all scopes: all else here is for each scope by itself.
//!
//! *Calls* go to the process' node, which refuses a name that it sees claimed by another process.
//!
//! *Conflict.* An owner that learns of a greater claim on a name of its own kills its process and withdraws *all* of
//! its claims, in the same step. The owner of the greater claim does nothing at all: no new stamp, no message.
//!
//! # Why a process is ranked, and not each of its names
//!
//! A conflict is about a name and a death about a process. Were each name stamped, two processes that contend for two
//! names could each win one, and die for the other. Syn's semantics is the death: a process must not go on believing
//! that a name is its own. So what is compared must belong to the process, across names and across scopes. "Was killed
//! in favour of" then always points to a greater (rank, pid); ranks of a process only grow while it lives; so it never
//! goes in a circle, and of any processes that contend for any names the greatest lives and keeps all of them.
//!
//! # Why it converges
//!
//! Let the cluster be connected, and let clients rest.
//!
//! 1. Both ends of a lost connection find out (heartbeats, RST), and the next one begins with a snapshot each way. So
//!    every node ends with a copy of every owner's claims, and, as connections keep order, with the last state of it.
//! 2. Then all nodes hold the same claims, and what names point at is a function of them: all tables are equal.
//! 3. A withdrawal needs the death of a process and nothing is claimed anew, so withdrawals end. When they have, no
//!    owner sees a greater claim on a name of its own: each name has one claim, that of its owner.
//! 4. A process that dies is withdrawn by its node; a node that dies is forgotten with its connection, and a later
//!    life of it comes with another connection and another incarnation. So every process in a table is alive.
//!
//! The steps use neither time-outs of calls nor clocks, so a call that times out or a clock that is wrong changes
//! which process wins, never whether all agree.
//!
//! # What it gives up
//!
//! * One owner for a name while the cluster is split: each side may register it, as in Syn.
//! * "The later registration wins" holds for a process' first name only: an older process with many names may lose
//!   them all to a younger one that registered one of them, even if it registered that one first.
//! * A clock far in the future lifts all ranks that follow. Order stays causal; "later" then means little else.
//! * Memory: contended names are held once for each owner that claims them, until the conflict is resolved.
//! * A node that is not connected to an owner shows nothing of it, even if a third node could tell.

use crate::registry::{
    events::{Event, Events},
    local::Local,
    message::{Answer, Call, PeerMessage, Record, Refusal},
    process::{NodeId, Pid, Processes},
    rules::Rules,
    table::Entry,
};
use host::{probe, sometimes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod ranks;
#[cfg(test)]
mod tests;

pub(super) use ranks::Ranks;

/// A node's claims, and its copies of the others'.
#[derive(Debug)]
pub(super) struct Converged {
    node: NodeId,
    ranks: Arc<Mutex<Ranks>>,
    /// All claims, by name: one for each owner at most, the greatest first. What a name points at is the first.
    claims: BTreeMap<String, Vec<Entry>>,
    /// Our processes that have names.
    ours: BTreeMap<Pid, BTreeSet<String>>,
    /// Connected peers: they get every change.
    linked: BTreeSet<NodeId>,
    /// Those of them whose snapshot is here.
    known: BTreeSet<NodeId>,
    events: Events,
}

impl Converged {
    pub fn new(node: NodeId, ranks: Arc<Mutex<Ranks>>) -> Self {
        Converged {
            node,
            ranks,
            claims: BTreeMap::new(),
            ours: BTreeMap::new(),
            linked: BTreeSet::new(),
            known: BTreeSet::new(),
            events: Events::default(),
        }
    }

    fn ranks(&self) -> MutexGuard<'_, Ranks> {
        self.ranks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visible(&self, name: &str) -> Option<&Entry> {
        self.claims.get(name)?.first()
    }

    // Our own claims.

    fn register(&mut self, record: Record, now: u64, local: &mut Local) -> Answer {
        let Record { name, pid, meta, .. } = record;
        if !local.processes.is_alive(pid) {
            return Answer::Refused(Refusal::NotAlive);
        }
        match self.visible(&name) {
            Some(entry) if entry.pid != pid => return Answer::Refused(Refusal::Taken),
            Some(entry) if entry.meta == meta => return Answer::Unchanged,
            Some(_) | None => {}
        }
        let rank = match self.visible(&name) {
            Some(entry) => entry.time,
            None => self.ranks().add_name(pid, now),
        };
        self.ours.entry(pid).or_default().insert(name.clone());
        self.put(&name, Entry { pid, meta: meta.clone(), time: rank });
        self.tell(PeerMessage::SyncRegister(Record { name, pid, meta, time: rank }), local);
        Answer::Registered { time: rank }
    }

    fn unregister(&mut self, name: String, pid: Pid, local: &mut Local) -> Answer {
        match self.visible(&name) {
            None => return Answer::Refused(Refusal::Undefined),
            Some(entry) if entry.pid != pid => {
                sometimes!("race condition answered");
                return Answer::Refused(Refusal::RaceCondition);
            }
            Some(_) => {}
        }
        if let Some(names) = self.ours.get_mut(&pid) {
            names.remove(&name);
            if names.is_empty() {
                self.ours.remove(&pid);
            }
        }
        self.withdraw(name, pid, local);
        Answer::Unregistered
    }

    /// Withdraws all that a dead process of ours claimed.
    fn withdraw_all(&mut self, pid: Pid, local: &mut Local) {
        for name in self.ours.remove(&pid).unwrap_or_default() {
            self.withdraw(name, pid, local);
        }
    }

    fn withdraw(&mut self, name: String, pid: Pid, local: &mut Local) {
        self.ranks().remove_name(pid);
        self.take(&name, pid);
        self.tell(PeerMessage::SyncUnregister { name, pid }, local);
    }

    // Any owner's claims.

    /// What is visible before a change, if somebody watches.
    fn before(&self, name: &str) -> Option<Entry> {
        if self.events.is_watched() { self.visible(name).cloned() } else { None }
    }

    fn changed(&mut self, name: &str, before: Option<Entry>) {
        if self.events.is_watched() {
            let after = self.visible(name).cloned();
            self.events.changed(name, before, after);
        }
    }

    /// Writes an owner's claim on a name in place of its earlier one, and says how many owners now claim it.
    fn put(&mut self, name: &str, claim: Entry) -> usize {
        let before = self.before(name);
        let claimed_by = self.place(name, claim);
        self.changed(name, before);
        claimed_by
    }

    fn place(&mut self, name: &str, claim: Entry) -> usize {
        let Some(claims) = self.claims.get_mut(name) else {
            self.claims.insert(name.to_owned(), vec![claim]);
            return 1;
        };
        claims.retain(|other| other.pid.node != claim.pid.node);
        let place = claims.partition_point(|other| (other.time, other.pid) > (claim.time, claim.pid));
        claims.insert(place, claim);
        claims.len()
    }

    /// Removes exactly one claim.
    fn take(&mut self, name: &str, pid: Pid) {
        let before = self.before(name);
        let Some(claims) = self.claims.get_mut(name) else { return };
        claims.retain(|claim| claim.pid != pid);
        if claims.is_empty() {
            self.claims.remove(name);
        }
        self.changed(name, before);
    }

    /// Takes over one claim of a peer.
    fn hear(&mut self, record: Record, local: &mut Local) {
        let Record { name, pid, meta, time } = record;
        self.ranks().see(time);
        if self.put(&name, Entry { pid, meta, time }) > 1 {
            self.yield_to_greater(&name, local);
        }
    }

    /// If a name of ours has a greater claim, our process dies, and all that it claimed goes with it.
    fn yield_to_greater(&mut self, name: &str, local: &mut Local) {
        let Some([first, rest @ ..]) = self.claims.get(name).map(Vec::as_slice) else { return };
        if first.pid.node == self.node {
            if let Some(lesser) = rest.first() {
                sometimes!("conflict: local kept");
                probe!("conflict", name, first.pid.to_string(), lesser.pid.to_string());
            }
            return;
        }
        let Some(ours) = rest.iter().find(|claim| claim.pid.node == self.node) else { return };
        if ours.time == first.time {
            sometimes!("conflict: tie");
        }
        sometimes!("conflict: remote kept");
        let (kept, lost) = (first.pid, ours.pid);
        probe!("conflict", name, kept.to_string(), lost.to_string());
        tracing::debug!(node = self.node.0, name, %kept, %lost, "conflict");
        self.events.push(Event::Resolved {
            name: name.to_owned(),
            here: lost,
            there: kept,
            kept: Some(kept),
        });
        if local.processes.kill(lost) {
            probe!("killed", lost.to_string());
        }
        self.withdraw_all(lost, local);
    }

    /// Drops the copy of a peer's claims.
    fn forget(&mut self, peer: NodeId) {
        let Converged { claims, events, .. } = self;
        let mut lost = 0u64;
        claims.retain(|name, claims| {
            let Some(place) = claims.iter().position(|claim| claim.pid.node == peer) else { return true };
            lost += 1;
            let claim = claims.remove(place);
            // Behind another claim it was not visible.
            if place == 0 && events.is_watched() {
                events.changed(name, Some(claim), claims.first().cloned());
            }
            !claims.is_empty()
        });
        probe!("purge", peer.to_string(), lost);
    }

    // The wire.

    fn tell(&self, message: PeerMessage, local: &mut Local) {
        local.send(self.linked.iter().copied().collect(), message);
    }

    fn send_snapshot(&self, to: NodeId, local: &mut Local) {
        let names = self.ours.iter().flat_map(|(pid, names)| names.iter().map(move |name| (pid, name)));
        let own = |(pid, name): (&Pid, &String)| {
            let claim = self.claims.get(name)?.iter().find(|claim| claim.pid == *pid)?;
            Some(Record { name: name.clone(), pid: *pid, meta: claim.meta.clone(), time: claim.time })
        };
        let records: Vec<Record> = names.filter_map(own).collect();
        tracing::debug!(node = self.node.0, peer = to.0, entries = records.len(), "snapshot sent");
        local.send(vec![to], PeerMessage::AckSync(records));
    }
}

impl Rules for Converged {
    fn known(&self) -> &BTreeSet<NodeId> {
        &self.known
    }

    fn entries(&self) -> Arc<BTreeMap<String, Entry>> {
        let visible = |(name, claims): (&String, &Vec<Entry>)| Some((name.clone(), claims.first()?.clone()));
        Arc::new(self.claims.iter().filter_map(visible).collect())
    }

    fn events(&mut self) -> &mut Events {
        &mut self.events
    }

    fn count_of(&self, node: NodeId) -> u64 {
        self.claims
            .values()
            .filter(|claims| claims.first().is_some_and(|claim| claim.pid.node == node))
            .count() as u64
    }

    fn count(&self) -> i64 {
        self.claims.len() as i64
    }

    fn watches(&self, pid: Pid) -> bool {
        self.ours.contains_key(&pid)
    }

    fn lookup(&self, name: &str, processes: &Processes) -> Option<&Entry> {
        let entry = self.visible(name)?;
        if entry.pid.node == self.node && !processes.is_alive(entry.pid) {
            sometimes!("dead local process hidden");
            return None;
        }
        Some(entry)
    }

    fn holder(&self, name: &str) -> Option<Pid> {
        self.visible(name).map(|entry| entry.pid)
    }

    fn on_call(&mut self, requester: NodeId, call: Call, now: u64, local: &mut Local) -> Answer {
        match call {
            Call::Register { name, pid, meta } => {
                if requester != self.node {
                    sometimes!("remote registration");
                }
                self.register(Record { name, pid, meta, time: 0 }, now, local)
            }
            Call::Unregister { name, pid } => self.unregister(name, pid, local),
            // Groups and processes are not the registry's.
            _ => Answer::Refused(Refusal::NotAlive),
        }
    }

    /// The owner's change has come before its answer, on the same channel.
    fn write_registered(&mut self, _: &str, _: Pid, _: String, _: u64) {}

    fn write_unregistered(&mut self, _: &str, _: Pid) {}

    fn on_process_down(&mut self, pid: Pid, local: &mut Local) {
        self.withdraw_all(pid, local);
    }

    /// The first word on a new connection is all that we claim; every change follows it.
    fn on_node_up(&mut self, peer: NodeId, local: &mut Local) {
        self.linked.insert(peer);
        self.send_snapshot(peer, local);
    }

    fn on_node_down(&mut self, peer: NodeId) {
        self.linked.remove(&peer);
        self.known.remove(&peer);
        self.forget(peer);
    }

    /// The new scope process begins, towards every peer, as a new connection does.
    fn on_scope_crash(&mut self, peers: &[NodeId], local: &mut Local) {
        for peer in peers {
            self.on_node_down(*peer);
        }
        let dead: Vec<Pid> =
            self.ours.keys().copied().filter(|pid| !local.processes.is_alive(*pid)).collect();
        for pid in dead {
            self.withdraw_all(pid, local);
        }
        for peer in peers {
            local.send(vec![*peer], PeerMessage::ScopeDown);
            self.on_node_up(*peer, local);
        }
    }

    /// Its snapshot follows. It has lost its copy of ours.
    fn on_scope_down(&mut self, peer: NodeId, local: &mut Local) {
        self.on_node_down(peer);
        self.on_node_up(peer, local);
    }

    /// Nobody needs to ask.
    fn on_discover(&mut self, _: NodeId, _: &mut Local) {}

    fn on_ack_sync(&mut self, from: NodeId, records: Vec<Record>, _: u64, local: &mut Local) {
        // Never on one connection, unless its scope process came back twice: then only the latest counts.
        if !self.known.insert(from) {
            self.forget(from);
        }
        let entries = records.len() as u64;
        for record in records {
            self.hear(record, local);
        }
        probe!("snapshot", from.to_string(), entries);
    }

    fn on_sync_register(&mut self, record: Record, _: u64, local: &mut Local) {
        if self.known.contains(&record.pid.node) {
            self.hear(record, local);
        } else {
            // Its snapshot, which is still to come, has the claim.
            sometimes!("sync from unknown peer ignored");
        }
    }

    fn on_sync_unregister(&mut self, name: &str, pid: Pid) {
        self.take(name, pid);
    }
}
