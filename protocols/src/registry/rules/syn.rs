//! The rules of a scope: what a node does with each call, message and death. Synchronous, without I/O.
//!
//! Functions named `on_…` take one event, change the tables, and send what must leave the node, in order, through
//! [`Local`]. Receivers of a broadcast are fixed when it is pushed, as in Syn: a peer that is discovered a line later
//! gets a snapshot instead.

use crate::registry::{
    events::{Event, Events},
    local::Local,
    message::{Answer, Call, PeerMessage, Record, Refusal},
    options::Flaw,
    process::{NodeId, Pid, Processes},
    resolver::Resolve,
    rules::Rules,
    table::{Entry, Table},
};
use host::{probe, sometimes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What Syn's scope process and its tables hold.
#[derive(Debug)]
pub(super) struct Syn {
    node: NodeId,
    flaw: Option<Flaw>,
    table: Table,
    /// Syn's `nodes_map`: peers that are discovered, not merely connected.
    known: BTreeSet<NodeId>,
    /// Local processes whose death is reported. In Syn a reference in each row of the process.
    monitors: BTreeSet<Pid>,
    /// A custom resolver; none is Syn's rule, which kills.
    resolve: Option<Resolve>,
    /// The flaw [`Flaw::DoubleCount`].
    counted: i64,
    events: Events,
}

impl Syn {
    pub fn new(node: NodeId, flaw: Option<Flaw>, resolve: Option<Resolve>) -> Self {
        Syn {
            node,
            flaw,
            table: Table::default(),
            known: BTreeSet::new(),
            monitors: BTreeSet::new(),
            resolve,
            counted: 0,
            events: Events::default(),
        }
    }

    fn on_register(
        &mut self,
        requester: NodeId,
        name: String,
        pid: Pid,
        meta: String,
        now: u64,
        local: &mut Local,
    ) -> Answer {
        if !local.processes.is_alive(pid) {
            return Answer::Refused(Refusal::NotAlive);
        }
        match self.table.get(&name) {
            Some(entry) if entry.pid != pid => return Answer::Refused(Refusal::Taken),
            Some(entry) if entry.meta == meta => return Answer::Unchanged,
            Some(_) | None => {}
        }
        self.monitors.insert(pid);
        self.insert(&name, Entry { pid, meta: meta.clone(), time: now });
        let record = Record { name, pid, meta, time: now };
        self.broadcast(Some(requester), PeerMessage::SyncRegister(record), local);
        Answer::Registered { time: now }
    }

    fn on_unregister(&mut self, requester: NodeId, name: String, pid: Pid, local: &mut Local) -> Answer {
        match self.table.get(&name) {
            None => return Answer::Refused(Refusal::Undefined),
            Some(entry) if entry.pid != pid => {
                sometimes!("race condition answered");
                return Answer::Refused(Refusal::RaceCondition);
            }
            Some(_) => {}
        }
        self.demonitor_if_last(pid);
        self.remove(&name, pid);
        self.broadcast(Some(requester), PeerMessage::SyncUnregister { name, pid }, local);
        Answer::Unregistered
    }

    /// Removes what a peer owned and, by its snapshot, no longer owns. By name, as Syn does: another pid under the
    /// same name is left to the stamps.
    fn drop_absent(&mut self, owner: NodeId, snapshot: &[Record]) {
        let mut owned = self.table.owned_by(owner).peekable();
        // After a purge, which comes before most snapshots, there is nothing to compare with.
        if owned.peek().is_none() {
            return;
        }
        let present: BTreeSet<&str> = snapshot.iter().map(|record| record.name.as_str()).collect();
        let absent: Vec<(String, Pid)> = owned
            .filter(|(name, _)| !present.contains(name.as_str()))
            .map(|(name, entry)| (name.clone(), entry.pid))
            .collect();
        for (name, pid) in absent {
            sometimes!("snapshot dropped an entry");
            self.remove(&name, pid);
        }
    }

    /// The rule for one entry that its owner announced.
    fn apply(&mut self, record: Record, now: u64, local: &mut Local) {
        match self.table.get(&record.name) {
            // The same process comes from the same owner, in the owner's order: it is always the later word.
            Some(ours) if ours.pid != record.pid => {
                if ours.pid.node == self.node {
                    let ours = ours.clone();
                    self.resolve(record, ours, now, local);
                } else if ours.time < record.time {
                    let previous = ours.pid;
                    self.replace(previous, record);
                } else {
                    sometimes!("older entry ignored");
                }
            }
            Some(_) | None => {
                let Record { name, pid, meta, time } = record;
                self.insert(&name, Entry { pid, meta, time });
            }
        }
    }

    /// A name is registered here and there. The owners of both decide alike, each for itself.
    fn resolve(&mut self, theirs: Record, ours: Entry, now: u64, local: &mut Local) {
        if theirs.time == ours.time {
            sometimes!("conflict: tie");
            // Syn before afb74de: not later is not kept, said both sides of the other. (A new stamp mended most of it.)
            if self.flaw == Some(Flaw::TieKeepsBoth) {
                return;
            }
        }
        let kept = match &self.resolve {
            Some(resolve) => resolve.decide(&theirs.name, &theirs.entry(), &ours),
            None => {
                Some(if (theirs.time, theirs.pid) > (ours.time, ours.pid) { theirs.pid } else { ours.pid })
            }
        };
        let kept = kept.filter(|kept| [theirs.pid, ours.pid].contains(kept));
        tracing::debug!(node = self.node.0, name = theirs.name, theirs = %theirs.pid, ours = %ours.pid, ?kept, "conflict");
        self.events.push(Event::Resolved {
            name: theirs.name.clone(),
            here: ours.pid,
            there: theirs.pid,
            kept,
        });
        match kept {
            None => self.keep_neither(&theirs, ours.pid, local),
            Some(kept) if kept == theirs.pid => self.keep_remote(theirs, &ours, local),
            Some(_) => self.keep_local(&theirs, ours, now, local),
        }
    }

    fn keep_remote(&mut self, theirs: Record, ours: &Entry, local: &mut Local) {
        let loser = ours.pid;
        sometimes!("conflict: remote kept");
        probe!("conflict", theirs.name.as_str(), theirs.pid.to_string(), loser.to_string());
        let name = theirs.name.clone();
        self.replace(loser, theirs);
        // It was watched on. If it has other names its death is still reported, and those go too. One that traps the
        // signal (`exit(Pid, {syn_resolve_kill, Name, Meta})`) keeps them.
        let reason = || format!("syn_resolve_kill {name} {}", ours.meta);
        if self.resolve.is_some() {
            local.given_up.push(loser);
        } else if local.processes.exit(loser, reason) {
            probe!("killed", loser.to_string());
        }
        // Syn before 7716a98 (found by Graham Hay with TLA+): a third node may hold the loser from an older snapshot.
        if self.flaw != Some(Flaw::LoserNotBroadcast) {
            self.broadcast(None, PeerMessage::SyncUnregister { name, pid: loser }, local);
        }
    }

    /// The other process is given up by its own node. The new stamp lets the kept one win wherever the other is known.
    fn keep_local(&mut self, theirs: &Record, ours: Entry, now: u64, local: &mut Local) {
        sometimes!("conflict: local kept");
        probe!("conflict", theirs.name.as_str(), ours.pid.to_string(), theirs.pid.to_string());
        let record = Record { name: theirs.name.clone(), pid: ours.pid, meta: ours.meta, time: now };
        self.insert(&record.name, record.entry());
        self.broadcast(None, PeerMessage::SyncRegister(record), local);
        if self.resolve.is_some() {
            local.given_up.push(theirs.pid);
        }
    }

    /// The name is freed here; the other node, asking its own resolver, does the same.
    fn keep_neither(&mut self, theirs: &Record, ours: Pid, local: &mut Local) {
        sometimes!("conflict: neither kept");
        let name = theirs.name.clone();
        self.demonitor_if_last(ours);
        self.remove(&name, ours);
        self.broadcast(Some(theirs.pid.node), PeerMessage::SyncUnregister { name, pid: ours }, local);
    }

    fn insert(&mut self, name: &str, entry: Entry) {
        let after = self.events.is_watched().then(|| entry.clone());
        let before = self.table.insert(name, entry);
        if before.is_none() {
            self.counted += 1;
        }
        if after.is_some() {
            self.events.changed(name, before, after);
        }
    }

    fn remove(&mut self, name: &str, pid: Pid) {
        self.counted -= 1;
        let before = if self.events.is_watched() { self.table.get(name).cloned() } else { None };
        if self.table.remove(name, pid) {
            self.events.changed(name, before, None);
        }
    }

    fn replace(&mut self, previous: Pid, record: Record) {
        let Record { name, pid, meta, time } = record;
        self.demonitor_if_last(previous);
        self.remove(&name, previous);
        self.insert(&name, Entry { pid, meta, time });
    }

    /// Stops watching a process that is about to lose its only name.
    fn demonitor_if_last(&mut self, pid: Pid) {
        // Syn before 0003754.
        if self.table.count_of(pid) == 1 || self.flaw == Some(Flaw::EarlyDemonitor) {
            self.monitors.remove(&pid);
        }
    }

    /// All that this node owns, and nothing that it has heard of.
    fn send_snapshot(&self, to: NodeId, local: &mut Local) {
        let records: Vec<Record> = self
            .table
            .owned_by(self.node)
            .map(|(name, entry)| Record {
                name: name.clone(),
                pid: entry.pid,
                meta: entry.meta.clone(),
                time: entry.time,
            })
            .collect();
        tracing::debug!(node = self.node.0, peer = to.0, entries = records.len(), "ack_sync sent");
        local.send(vec![to], PeerMessage::AckSync(records));
    }

    fn broadcast(&self, except: Option<NodeId>, message: PeerMessage, local: &mut Local) {
        local.send(self.known.iter().copied().filter(|peer| Some(*peer) != except).collect(), message);
    }
}

impl Rules for Syn {
    fn known(&self) -> &BTreeSet<NodeId> {
        &self.known
    }

    fn entries(&self) -> Arc<BTreeMap<String, Entry>> {
        Arc::clone(self.table.by_name())
    }

    fn events(&mut self) -> &mut Events {
        &mut self.events
    }

    fn count_of(&self, node: NodeId) -> u64 {
        self.table.owned_by(node).count() as u64
    }

    fn count(&self) -> i64 {
        // Seed 000, "It's a Syn", part 3: added minus removed, by messages.
        if self.flaw == Some(Flaw::DoubleCount) { self.counted } else { self.table.len() as i64 }
    }

    fn watches(&self, pid: Pid) -> bool {
        self.monitors.contains(&pid)
    }

    /// Where a name points, from this node's own table. A local process that has died is not shown.
    fn lookup(&self, name: &str, processes: &Processes) -> Option<&Entry> {
        let entry = self.table.get(name)?;
        let dead = entry.pid.node == self.node && !processes.is_alive(entry.pid);
        // Syn before 8173c5e: who restarts a process that has died was told that its name was taken by it.
        if dead && self.flaw != Some(Flaw::DeadPidLookup) {
            sometimes!("dead local process hidden");
            return None;
        }
        Some(entry)
    }

    fn holder(&self, name: &str) -> Option<Pid> {
        self.table.get(name).map(|entry| entry.pid)
    }

    // Calls: this node runs the process, so it decides.

    fn on_call(&mut self, requester: NodeId, call: Call, now: u64, local: &mut Local) -> Answer {
        match call {
            Call::Register { name, pid, meta } => self.on_register(requester, name, pid, meta, now, local),
            Call::Unregister { name, pid } => self.on_unregister(requester, name, pid, local),
            // Groups and processes are not the registry's.
            _ => Answer::Refused(Refusal::NotAlive),
        }
    }

    // The caller's own table, written by the calling task when the owner's answer has arrived: whatever the scope
    // learnt in between is overwritten.

    fn write_registered(&mut self, name: &str, pid: Pid, meta: String, time: u64) {
        sometimes!("remote registration");
        self.insert(name, Entry { pid, meta, time });
    }

    fn write_unregistered(&mut self, name: &str, pid: Pid) {
        self.remove(name, pid);
    }

    /// A watched process has died: all its names go, and everyone is told of each.
    fn on_process_down(&mut self, pid: Pid, local: &mut Local) {
        // Taken off the watch meanwhile: in Erlang `demonitor` with `flush` removes the report too.
        if !self.monitors.remove(&pid) {
            return;
        }
        for name in self.table.names_of(pid) {
            self.remove(&name, pid);
            self.broadcast(None, PeerMessage::SyncUnregister { name, pid }, local);
        }
    }

    // The subcluster.

    fn on_node_up(&mut self, peer: NodeId, local: &mut Local) {
        // Seed 000, "It's a Syn", part 4: a visible node is a synchronised node.
        if self.flaw == Some(Flaw::NoSyncAfterHeal) && self.known.contains(&peer) {
            return;
        }
        local.send(vec![peer], PeerMessage::Discover);
    }

    /// A connection is gone. Syn watches the peer's scope process, which it knows only once discovered.
    fn on_node_down(&mut self, peer: NodeId) {
        if !self.known.contains(&peer) {
            return;
        }
        if self.flaw != Some(Flaw::NoSyncAfterHeal) {
            self.known.remove(&peer);
        }
        // Seed 000, "It's a Syn", part 5: what was learnt is kept, and the heal adds to it.
        if self.flaw != Some(Flaw::PhantomOnMerge) {
            if self.events.is_watched() {
                for (name, entry) in self.table.owned_by(peer) {
                    self.events.changed(name, Some(entry.clone()), None);
                }
            }
            let purged = self.table.purge(peer);
            self.counted -= purged as i64;
            probe!("purge", peer.to_string(), purged as u64);
            tracing::debug!(node = self.node.0, peer = peer.0, purged, "purge");
        }
    }

    /// Tables outlive the scope process. The new one purges what others own, and watches anew what is alive; who has
    /// died meanwhile is dropped without a word, as peers purge all of it when they see the scope process go.
    fn on_scope_crash(&mut self, peers: &[NodeId], local: &mut Local) {
        self.known.clear();
        self.monitors.clear();
        let before = Arc::clone(self.table.by_name());
        for (name, entry) in &*before {
            let ours = entry.pid.node == self.node;
            if !ours || !local.processes.is_alive(entry.pid) {
                self.remove(name, entry.pid);
            } else {
                self.monitors.insert(entry.pid);
            }
        }
        for message in [PeerMessage::ScopeDown, PeerMessage::Discover] {
            local.send(peers.to_vec(), message);
        }
    }

    fn on_scope_down(&mut self, peer: NodeId, _: &mut Local) {
        self.on_node_down(peer);
    }

    fn on_discover(&mut self, from: NodeId, local: &mut Local) {
        self.send_snapshot(from, local);
        self.known.insert(from);
    }

    fn on_ack_sync(&mut self, from: NodeId, records: Vec<Record>, now: u64, local: &mut Local) {
        // Seed 000, "It's a Syn", part 5: a plain union resurrects what was unregistered meanwhile. And Syn before
        // 807efaf relied on the purge alone, after which a calling task may still write.
        if !matches!(self.flaw, Some(Flaw::PhantomOnMerge | Flaw::NoSnapshotReconcile)) {
            self.drop_absent(from, &records);
        }
        let entries = records.len() as u64;
        for record in records {
            self.apply(record, now, local);
        }
        probe!("snapshot", from.to_string(), entries);
        if !self.known.contains(&from) {
            self.send_snapshot(from, local);
            self.known.insert(from);
        }
    }

    fn on_sync_register(&mut self, record: Record, now: u64, local: &mut Local) {
        if self.known.contains(&record.pid.node) {
            self.apply(record, now, local);
        } else {
            // Its snapshot, which is still to come, has the entry.
            sometimes!("sync from unknown peer ignored");
        }
    }

    fn on_sync_unregister(&mut self, name: &str, pid: Pid) {
        self.remove(name, pid);
    }
}
