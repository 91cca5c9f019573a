//! Process groups: any number of processes under a name, on any nodes.
//!
//! A process joins and leaves through the node that runs it, which is the authority for its memberships. Every node
//! keeps all of them: a snapshot of what the owner has is among the first words on a new connection, each change
//! follows it in order, to everyone, and a lost peer's memberships are dropped. Nobody contends for anything, so there
//! are no conflicts, no stamps and no clocks.
//!
//! Syn's groups (`syn_pg.erl`) share the skeleton of its registry, the calling task's write included. Ours do not: a
//! requester hears of the change on the same channel as of the answer, before it.

use super::{
    events::{Event, Events},
    local::Local,
    message::{Answer, PeerMessage, Refusal},
    process::{NodeId, Pid},
};
use std::collections::{BTreeMap, BTreeSet};

/// All groups, as one node knows them.
#[derive(Debug)]
pub(super) struct Groups {
    node: NodeId,
    groups: BTreeMap<String, BTreeMap<Pid, String>>,
    /// In which groups our own processes are.
    ours: BTreeMap<Pid, BTreeSet<String>>,
    /// Connected peers: they get every change.
    linked: BTreeSet<NodeId>,
    /// Those of them whose snapshot is here: their changes are accepted.
    known: BTreeSet<NodeId>,
    pub events: Events,
}

impl Groups {
    pub fn new(node: NodeId) -> Self {
        Groups {
            node,
            groups: BTreeMap::new(),
            ours: BTreeMap::new(),
            linked: BTreeSet::new(),
            known: BTreeSet::new(),
            events: Events::default(),
        }
    }

    pub fn members(&self, group: &str) -> Vec<(Pid, String)> {
        let members = self.groups.get(group).into_iter().flatten();
        members.map(|(pid, meta)| (*pid, meta.clone())).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    pub fn all(&self) -> &BTreeMap<String, BTreeMap<Pid, String>> {
        &self.groups
    }

    // Calls: this node runs the process.

    pub fn join(&mut self, group: String, pid: Pid, meta: String, local: &mut Local) -> Answer {
        if self.groups.get(&group).and_then(|members| members.get(&pid)) == Some(&meta) {
            return Answer::Unchanged;
        }
        self.ours.entry(pid).or_default().insert(group.clone());
        self.put(&group, pid, &meta);
        self.tell(PeerMessage::SyncJoin { group, pid, meta }, local);
        Answer::Joined
    }

    pub fn leave(&mut self, group: String, pid: Pid, local: &mut Local) -> Answer {
        let Some(groups) = self.ours.get_mut(&pid).filter(|groups| groups.contains(&group)) else {
            return Answer::Refused(Refusal::NotInGroup);
        };
        groups.remove(&group);
        if groups.is_empty() {
            self.ours.remove(&pid);
        }
        self.take(&group, pid);
        self.tell(PeerMessage::SyncLeave { group, pid }, local);
        Answer::Left
    }

    pub fn on_process_down(&mut self, pid: Pid, local: &mut Local) {
        for group in self.ours.remove(&pid).unwrap_or_default() {
            self.take(&group, pid);
            self.tell(PeerMessage::SyncLeave { group, pid }, local);
        }
    }

    // Peers.

    pub fn on_node_up(&mut self, peer: NodeId, local: &mut Local) {
        self.linked.insert(peer);
        let own = |(group, members): (&String, &BTreeMap<Pid, String>)| {
            let ours = members.iter().filter(|(pid, _)| pid.node == self.node);
            ours.map(|(pid, meta)| (group.clone(), *pid, meta.clone())).collect::<Vec<_>>()
        };
        let members: Vec<_> = self.groups.iter().flat_map(own).collect();
        local.send(vec![peer], PeerMessage::GroupSnapshot(members));
    }

    pub fn on_node_down(&mut self, peer: NodeId) {
        self.linked.remove(&peer);
        self.known.remove(&peer);
        self.retain_of(peer, &BTreeSet::new());
    }

    /// All that a peer's processes are in: what is absent from it is no longer so.
    pub fn on_snapshot(&mut self, from: NodeId, members: Vec<(String, Pid, String)>) {
        self.known.insert(from);
        self.retain_of(from, &members.iter().map(|(group, pid, _)| (group.as_str(), *pid)).collect());
        for (group, pid, meta) in members {
            self.put(&group, pid, &meta);
        }
    }

    pub fn on_join(&mut self, group: &str, pid: Pid, meta: &str) {
        // Of a peer that is not known the snapshot, which is still to come, has the membership.
        if self.known.contains(&pid.node) {
            self.put(group, pid, meta);
        }
    }

    pub fn on_leave(&mut self, group: &str, pid: Pid) {
        self.take(group, pid);
    }

    /// Drops what a peer's processes are in, but for this.
    fn retain_of(&mut self, peer: NodeId, present: &BTreeSet<(&str, Pid)>) {
        let lost: Vec<(String, Pid)> = self
            .groups
            .iter()
            .flat_map(|(group, members)| members.keys().map(move |pid| (group.clone(), *pid)))
            .filter(|(group, pid)| pid.node == peer && !present.contains(&(group.as_str(), *pid)))
            .collect();
        for (group, pid) in lost {
            self.take(&group, pid);
        }
    }

    fn put(&mut self, group: &str, pid: Pid, meta: &str) {
        let members = self.groups.entry(group.to_owned()).or_default();
        let before = members.insert(pid, meta.to_owned());
        if self.events.is_watched() && before.as_deref() != Some(meta) {
            let (group, meta) = (group.to_owned(), meta.to_owned());
            self.events.push(match before {
                None => Event::Joined { group, pid, meta },
                Some(before) => Event::Rejoined { group, pid, meta, before },
            });
        }
    }

    fn take(&mut self, group: &str, pid: Pid) {
        let Some(members) = self.groups.get_mut(group) else { return };
        if members.remove(&pid).is_some() {
            self.events.push(Event::Left { group: group.to_owned(), pid });
        }
        if members.is_empty() {
            self.groups.remove(group);
        }
    }

    fn tell(&self, message: PeerMessage, local: &mut Local) {
        local.send(self.linked.iter().copied().collect(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::Outgoing;
    use super::*;

    fn pid(node: u16, serial: u64) -> Pid {
        Pid { node: NodeId(node), incarnation: 1, serial }
    }

    #[test]
    fn a_process_is_in_any_number_of_groups_and_leaves_all_when_it_dies() {
        let mut groups = Groups::new(NodeId(1));
        let local = &mut Local::new(NodeId(1), 1);
        groups.join("a".into(), pid(1, 1), String::new(), local);
        groups.join("b".into(), pid(1, 1), String::new(), local);
        groups.join("b".into(), pid(1, 2), String::new(), local);
        groups.on_process_down(pid(1, 1), local);
        assert_eq!(groups.names(), ["b"]);
        assert_eq!(groups.members("b"), [(pid(1, 2), String::new())]);
    }

    #[test]
    fn who_is_not_in_a_group_cannot_leave_it() {
        let mut groups = Groups::new(NodeId(1));
        let answer = groups.leave("a".into(), pid(1, 1), &mut Local::new(NodeId(1), 1));
        assert_eq!(answer, Answer::Refused(Refusal::NotInGroup));
    }

    #[test]
    fn a_lost_peers_members_are_dropped_and_ours_are_not_and_come_first_on_a_new_connection() {
        let mut groups = Groups::new(NodeId(1));
        let local = &mut Local::new(NodeId(1), 1);
        groups.join("a".into(), pid(1, 1), "m".into(), local);
        groups.on_snapshot(NodeId(2), vec![("a".into(), pid(2, 1), String::new())]);
        groups.on_node_down(NodeId(2));
        assert_eq!(groups.members("a"), [(pid(1, 1), "m".to_owned())]);
        groups.on_node_up(NodeId(2), local);
        let message = PeerMessage::GroupSnapshot(vec![("a".into(), pid(1, 1), "m".into())]);
        assert_eq!(local.outgoing.last(), Some(&Outgoing { to: vec![NodeId(2)], message }));
    }

    #[test]
    fn a_snapshot_drops_memberships_that_its_owner_no_longer_has() {
        let mut groups = Groups::new(NodeId(1));
        let (stays, goes) =
            (("a".to_owned(), pid(2, 1), String::new()), ("a".to_owned(), pid(2, 2), String::new()));
        groups.on_snapshot(NodeId(2), vec![stays.clone(), goes]);
        groups.on_snapshot(NodeId(3), vec![("a".to_owned(), pid(3, 1), String::new())]);
        groups.on_snapshot(NodeId(2), vec![stays]);
        assert_eq!(groups.members("a"), [(pid(2, 1), String::new()), (pid(3, 1), String::new())]);
    }

    #[test]
    fn a_membership_of_an_unknown_peer_is_ignored_and_one_of_a_known_peer_is_not() {
        let mut groups = Groups::new(NodeId(1));
        groups.on_join("a", pid(2, 1), "");
        assert_eq!(groups.members("a"), []);
        groups.on_snapshot(NodeId(2), Vec::new());
        groups.on_join("a", pid(2, 1), "");
        assert_eq!(groups.members("a"), [(pid(2, 1), String::new())]);
    }
}
