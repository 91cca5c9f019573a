//! The rules of a scope: what a node does with each call, message and death. Synchronous, without I/O.
//!
//! Functions named `on_…` take one event, change the tables, and push what must leave the node as [`Effect`]s, in
//! order. Receivers of a broadcast are fixed when it is pushed, as in Syn: a peer that is discovered a line later gets
//! a snapshot instead.

use super::{
    events::Events,
    message::{Answer, Call, PeerMessage, Record, Refusal},
    options::Flaw,
    process::{NodeId, Pid, Processes},
    rules::Rules,
    table::{Entry, Table},
};
use host::{probe, sometimes};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// What the node must do after an event, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send one message to each of these peers, through its ordered channel.
    Send { to: Vec<NodeId>, message: PeerMessage },
    /// A watched process died: feed [`Scope::on_process_down`] with it, later, as an event of its own.
    Down(Pid),
}

/// What Syn's scope process and its tables hold, and the processes of the node under them.
#[derive(Debug)]
pub(super) struct Scope {
    node: NodeId,
    flaw: Option<Flaw>,
    table: Table,
    /// Syn's `nodes_map`: peers that are discovered, not merely connected.
    known: BTreeSet<NodeId>,
    /// Local processes whose death is reported. In Syn a reference in each row of the process.
    monitors: BTreeSet<Pid>,
    processes: Processes,
    /// The flaw [`Flaw::DoubleCount`].
    counted: i64,
    events: Events,
}

impl Scope {
    pub fn new(node: NodeId, incarnation: u64, flaw: Option<Flaw>) -> Self {
        Scope {
            node,
            flaw,
            table: Table::default(),
            known: BTreeSet::new(),
            monitors: BTreeSet::new(),
            processes: Processes::new(node, incarnation),
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
        effects: &mut Vec<Effect>,
    ) -> Answer {
        if !self.processes.is_alive(pid) {
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
        self.broadcast(Some(requester), PeerMessage::SyncRegister(record), effects);
        Answer::Registered { time: now }
    }

    fn on_unregister(
        &mut self,
        requester: NodeId,
        name: String,
        pid: Pid,
        effects: &mut Vec<Effect>,
    ) -> Answer {
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
        self.broadcast(Some(requester), PeerMessage::SyncUnregister { name, pid }, effects);
        Answer::Unregistered
    }

    /// Removes what a peer owned and, by its snapshot, no longer owns. By name, as Syn does: another pid under the
    /// same name is left to the stamps.
    fn drop_absent(&mut self, owner: NodeId, snapshot: &[Record]) {
        let present: BTreeSet<&str> = snapshot.iter().map(|record| record.name.as_str()).collect();
        let absent: Vec<(String, Pid)> = self
            .table
            .owned_by(owner)
            .filter(|(name, _)| !present.contains(name.as_str()))
            .map(|(name, entry)| (name.clone(), entry.pid))
            .collect();
        for (name, pid) in absent {
            sometimes!("snapshot dropped an entry");
            self.remove(&name, pid);
        }
    }

    /// The rule for one entry that its owner announced.
    fn apply(&mut self, record: Record, now: u64, effects: &mut Vec<Effect>) {
        match self.table.get(&record.name) {
            // The same process comes from the same owner, in the owner's order: it is always the later word.
            Some(ours) if ours.pid != record.pid => {
                if ours.pid.node == self.node {
                    let ours = ours.clone();
                    self.resolve(record, ours, now, effects);
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

    /// A name is registered here and there. The owners of both decide alike: the later stamp is kept, of equal ones
    /// the greater pid.
    fn resolve(&mut self, theirs: Record, ours: Entry, now: u64, effects: &mut Vec<Effect>) {
        if theirs.time == ours.time {
            sometimes!("conflict: tie");
            // Syn before afb74de: not later is not kept, said both sides of the other. (A new stamp mended most of it.)
            if self.flaw == Some(Flaw::TieKeepsBoth) {
                return;
            }
        }
        if (theirs.time, theirs.pid) > (ours.time, ours.pid) {
            self.keep_remote(theirs, ours.pid, effects);
        } else {
            self.keep_local(&theirs, ours, now, effects);
        }
    }

    fn keep_remote(&mut self, theirs: Record, loser: Pid, effects: &mut Vec<Effect>) {
        sometimes!("conflict: remote kept");
        probe!("conflict", theirs.name.as_str(), theirs.pid.to_string(), loser.to_string());
        tracing::debug!(node = self.node.0, name = theirs.name, kept = %theirs.pid, lost = %loser, "conflict");
        let name = theirs.name.clone();
        self.replace(loser, theirs);
        // It was watched on. If it has other names its death is still reported, and those go too.
        if self.kill(loser, effects) {
            probe!("killed", loser.to_string());
        }
        // Syn before 7716a98 (found by Graham Hay with TLA+): a third node may hold the loser from an older snapshot.
        if self.flaw != Some(Flaw::LoserNotBroadcast) {
            self.broadcast(None, PeerMessage::SyncUnregister { name, pid: loser }, effects);
        }
    }

    /// The other process is killed by its own node. The new stamp lets the kept one win wherever the other is known.
    fn keep_local(&mut self, theirs: &Record, ours: Entry, now: u64, effects: &mut Vec<Effect>) {
        sometimes!("conflict: local kept");
        probe!("conflict", theirs.name.as_str(), ours.pid.to_string(), theirs.pid.to_string());
        tracing::debug!(node = self.node.0, name = theirs.name, kept = %ours.pid, lost = %theirs.pid, "conflict");
        let record = Record { name: theirs.name.clone(), pid: ours.pid, meta: ours.meta, time: now };
        let entry = Entry { pid: record.pid, meta: record.meta.clone(), time: now };
        self.insert(&record.name, entry);
        self.broadcast(None, PeerMessage::SyncRegister(record), effects);
    }

    fn insert(&mut self, name: &str, entry: Entry) {
        let before = self.table.get(name);
        if before.is_none() {
            self.counted += 1;
        }
        if self.events.is_watched() {
            self.events.changed(name, before.cloned(), Some(entry.clone()));
        }
        self.table.insert(name, entry);
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
    fn send_snapshot(&self, to: NodeId, effects: &mut Vec<Effect>) {
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
        effects.push(Effect::Send { to: vec![to], message: PeerMessage::AckSync(records) });
    }

    fn broadcast(&self, except: Option<NodeId>, message: PeerMessage, effects: &mut Vec<Effect>) {
        let to: Vec<NodeId> = self.known.iter().copied().filter(|peer| Some(*peer) != except).collect();
        if !to.is_empty() {
            effects.push(Effect::Send { to, message });
        }
    }
}

impl Rules for Scope {
    fn known(&self) -> &BTreeSet<NodeId> {
        &self.known
    }

    fn entries(&self) -> BTreeMap<String, Entry> {
        self.table.by_name().clone()
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

    fn processes(&self) -> &Processes {
        &self.processes
    }

    fn spawn(&mut self) -> Pid {
        self.processes.spawn()
    }

    fn take_dead(&mut self) -> Vec<Pid> {
        self.processes.take_dead()
    }

    /// Where a name points, from this node's own table. A local process that has died is not shown.
    fn lookup(&self, name: &str) -> Option<&Entry> {
        let entry = self.table.get(name)?;
        let dead = entry.pid.node == self.node && !self.processes.is_alive(entry.pid);
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

    fn on_call(&mut self, requester: NodeId, call: Call, now: u64, effects: &mut Vec<Effect>) -> Answer {
        match call {
            Call::Register { name, pid, meta } => self.on_register(requester, name, pid, meta, now, effects),
            Call::Unregister { name, pid } => self.on_unregister(requester, name, pid, effects),
            Call::Kill { pid } => {
                self.kill(pid, effects);
                Answer::Killed
            }
            // Groups and mailboxes are the node's.
            Call::Join { .. } | Call::Leave { .. } | Call::Ask { .. } => Answer::Refused(Refusal::NotAlive),
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
    fn kill(&mut self, pid: Pid, effects: &mut Vec<Effect>) -> bool {
        let killed = self.processes.kill(pid);
        if killed && self.monitors.contains(&pid) {
            effects.push(Effect::Down(pid));
        }
        killed
    }

    fn on_process_down(&mut self, pid: Pid, effects: &mut Vec<Effect>) {
        // Taken off the watch meanwhile: in Erlang `demonitor` with `flush` removes the report too.
        if !self.monitors.remove(&pid) {
            return;
        }
        for name in self.table.names_of(pid) {
            self.remove(&name, pid);
            self.broadcast(None, PeerMessage::SyncUnregister { name, pid }, effects);
        }
    }

    // The subcluster.

    fn on_node_up(&mut self, peer: NodeId, effects: &mut Vec<Effect>) {
        // Seed 000, "It's a Syn", part 4: a visible node is a synchronised node.
        if self.flaw == Some(Flaw::NoSyncAfterHeal) && self.known.contains(&peer) {
            return;
        }
        effects.push(Effect::Send { to: vec![peer], message: PeerMessage::Discover });
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
    fn on_scope_crash(&mut self, peers: &[NodeId], effects: &mut Vec<Effect>) {
        self.known.clear();
        self.monitors.clear();
        for (name, entry) in self.table.by_name().clone() {
            let ours = entry.pid.node == self.node;
            if !ours || !self.processes.is_alive(entry.pid) {
                self.remove(&name, entry.pid);
            } else {
                self.monitors.insert(entry.pid);
            }
        }
        for message in [PeerMessage::ScopeDown, PeerMessage::Discover] {
            effects.push(Effect::Send { to: peers.to_vec(), message });
        }
    }

    fn on_scope_down(&mut self, peer: NodeId, _: &mut Vec<Effect>) {
        self.on_node_down(peer);
    }

    fn on_discover(&mut self, from: NodeId, effects: &mut Vec<Effect>) {
        self.send_snapshot(from, effects);
        self.known.insert(from);
    }

    fn on_ack_sync(&mut self, from: NodeId, records: Vec<Record>, now: u64, effects: &mut Vec<Effect>) {
        // Seed 000, "It's a Syn", part 5: a plain union resurrects what was unregistered meanwhile. And Syn before
        // 807efaf relied on the purge alone, after which a calling task may still write.
        if !matches!(self.flaw, Some(Flaw::PhantomOnMerge | Flaw::NoSnapshotReconcile)) {
            self.drop_absent(from, &records);
        }
        let entries = records.len() as u64;
        for record in records {
            self.apply(record, now, effects);
        }
        probe!("snapshot", from.to_string(), entries);
        if !self.known.contains(&from) {
            self.send_snapshot(from, effects);
            self.known.insert(from);
        }
    }

    fn on_sync_register(&mut self, record: Record, now: u64, effects: &mut Vec<Effect>) {
        if self.known.contains(&record.pid.node) {
            self.apply(record, now, effects);
        } else {
            // Its snapshot, which is still to come, has the entry.
            sometimes!("sync from unknown peer ignored");
        }
    }

    fn on_sync_unregister(&mut self, name: &str, pid: Pid) {
        self.remove(name, pid);
    }
}
