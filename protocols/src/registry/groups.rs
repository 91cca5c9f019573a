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
    message::{Answer, PeerMessage, Refusal},
    process::{NodeId, Pid},
    state::Effect,
};
use std::collections::{BTreeMap, BTreeSet};

/// All groups, as one node knows them.
#[derive(Debug)]
pub(super) struct Groups {
    node: NodeId,
    groups: BTreeMap<String, BTreeMap<Pid, String>>,
    /// In which groups our own processes are.
    ours: BTreeMap<Pid, BTreeSet<String>>,
    linked: BTreeSet<NodeId>,
    pub events: Events,
}

impl Groups {
    pub fn new(node: NodeId) -> Self {
        Groups {
            node,
            groups: BTreeMap::new(),
            ours: BTreeMap::new(),
            linked: BTreeSet::new(),
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

    pub fn join(&mut self, group: String, pid: Pid, meta: String, effects: &mut Vec<Effect>) -> Answer {
        if self.groups.get(&group).and_then(|members| members.get(&pid)) == Some(&meta) {
            return Answer::Unchanged;
        }
        self.ours.entry(pid).or_default().insert(group.clone());
        self.put(&group, pid, &meta);
        self.tell(PeerMessage::SyncJoin { group, pid, meta }, effects);
        Answer::Joined
    }

    pub fn leave(&mut self, group: String, pid: Pid, effects: &mut Vec<Effect>) -> Answer {
        let Some(groups) = self.ours.get_mut(&pid).filter(|groups| groups.contains(&group)) else {
            return Answer::Refused(Refusal::NotInGroup);
        };
        groups.remove(&group);
        if groups.is_empty() {
            self.ours.remove(&pid);
        }
        self.take(&group, pid);
        self.tell(PeerMessage::SyncLeave { group, pid }, effects);
        Answer::Left
    }

    pub fn on_process_down(&mut self, pid: Pid, effects: &mut Vec<Effect>) {
        for group in self.ours.remove(&pid).unwrap_or_default() {
            self.take(&group, pid);
            self.tell(PeerMessage::SyncLeave { group, pid }, effects);
        }
    }

    // Peers.

    pub fn on_node_up(&mut self, peer: NodeId, effects: &mut Vec<Effect>) {
        self.linked.insert(peer);
        let own = |(group, members): (&String, &BTreeMap<Pid, String>)| {
            let ours = members.iter().filter(|(pid, _)| pid.node == self.node);
            ours.map(|(pid, meta)| (group.clone(), *pid, meta.clone())).collect::<Vec<_>>()
        };
        let members: Vec<_> = self.groups.iter().flat_map(own).collect();
        if !members.is_empty() {
            effects.push(Effect::Send { to: vec![peer], message: PeerMessage::GroupSnapshot(members) });
        }
    }

    pub fn on_node_down(&mut self, peer: NodeId) {
        self.linked.remove(&peer);
        let lost: Vec<(String, Pid)> = self
            .groups
            .iter()
            .flat_map(|(group, members)| members.keys().map(move |pid| (group.clone(), *pid)))
            .filter(|(_, pid)| pid.node == peer)
            .collect();
        for (group, pid) in lost {
            self.take(&group, pid);
        }
    }

    pub fn on_snapshot(&mut self, members: Vec<(String, Pid, String)>) {
        for (group, pid, meta) in members {
            self.put(&group, pid, &meta);
        }
    }

    pub fn on_join(&mut self, group: &str, pid: Pid, meta: &str) {
        self.put(group, pid, meta);
    }

    pub fn on_leave(&mut self, group: &str, pid: Pid) {
        self.take(group, pid);
    }

    fn put(&mut self, group: &str, pid: Pid, meta: &str) {
        let members = self.groups.entry(group.to_owned()).or_default();
        members.insert(pid, meta.to_owned());
        self.events.push(Event::Joined { group: group.to_owned(), pid, meta: meta.to_owned() });
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

    fn tell(&self, message: PeerMessage, effects: &mut Vec<Effect>) {
        if !self.linked.is_empty() {
            effects.push(Effect::Send { to: self.linked.iter().copied().collect(), message });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(node: u16, serial: u64) -> Pid {
        Pid { node: NodeId(node), incarnation: 1, serial }
    }

    #[test]
    fn a_process_is_in_any_number_of_groups_and_leaves_all_when_it_dies() {
        let mut groups = Groups::new(NodeId(1));
        let effects = &mut Vec::new();
        groups.join("a".into(), pid(1, 1), String::new(), effects);
        groups.join("b".into(), pid(1, 1), String::new(), effects);
        groups.join("b".into(), pid(1, 2), String::new(), effects);
        groups.on_process_down(pid(1, 1), effects);
        assert_eq!(groups.names(), ["b"]);
        assert_eq!(groups.members("b"), [(pid(1, 2), String::new())]);
    }

    #[test]
    fn who_is_not_in_a_group_cannot_leave_it() {
        let mut groups = Groups::new(NodeId(1));
        let answer = groups.leave("a".into(), pid(1, 1), &mut Vec::new());
        assert_eq!(answer, Answer::Refused(Refusal::NotInGroup));
    }

    #[test]
    fn a_lost_peers_members_are_dropped_and_ours_are_not_and_come_first_on_a_new_connection() {
        let mut groups = Groups::new(NodeId(1));
        let effects = &mut Vec::new();
        groups.join("a".into(), pid(1, 1), "m".into(), effects);
        groups.on_join("a", pid(2, 1), "");
        groups.on_node_down(NodeId(2));
        assert_eq!(groups.members("a"), [(pid(1, 1), "m".to_owned())]);
        groups.on_node_up(NodeId(2), effects);
        let message = PeerMessage::GroupSnapshot(vec![("a".into(), pid(1, 1), "m".into())]);
        assert_eq!(*effects, [Effect::Send { to: vec![NodeId(2)], message }]);
    }
}
