//! **refinement**: what a node copies of another's claims, it copies as specified, [`Copies`].
//!
//! Nobody tells what is claimed and copied: it is read off the tables of all nodes, each time that one of them publishes
//! something. What an owner's own table has is claimed, what another's has of that owner is a copy. Connections are told
//! (`node-up`, `snapshot`, `purge`); that they are gone is read off the views. What was claimed and withdrawn between two
//! looks is known from who copied it, and then taken for both. A copy that is gone is taken for overruled where another
//! owner has ever claimed the name: that one may have come and gone between two looks.
//!
//! Where several probes were published before anything was looked at, the tables are as of the last: what was claimed is
//! read off them with the first, connections begin and end with each, and copies are judged with the last. Otherwise a
//! copy would seem to end that goes with a connection whose end is told next.
//!
//! A node also counts the names that it has, no more and no less. Clusters with several scopes are not judged: probes
//! do not say of which scope they are. Nor are those that follow the converged rules: what overrules a copy there may have
//! come and gone between two looks, on slow links and on nodes that stand still.

use crate::specs::copies::{Copies, State, Step};
use host::world::Probe;
use protocols::registry::{Entry, NodeId, Protocol, View};
use sim::check::{Seen, Views};
use sim::spec::Refinement;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Nodes have numbers up to this; others are not judged.
const NODES_MAX: u32 = 32;
const LOOKED: &str = "a step follows a look";

/// The specification, and what is known of what it is about.
pub(super) struct Refines {
    /// Of as many nodes as there are, which the first look tells.
    copies: Option<Refinement<Copies>>,
    is_over: bool,
    /// So many nodes were seen.
    nodes: u32,
    /// The names of each owner, by their numbers in the specification.
    names: Vec<BTreeMap<String, u32>>,
    /// What was claimed, by name and the number of the claim.
    claims: Vec<Vec<Entry>>,
    /// Each node's table as it was seen last.
    tables: Vec<Option<Arc<BTreeMap<String, Entry>>>>,
    /// Nodes whose tables or connections have changed since copies were judged; empty before a look.
    moved: Vec<bool>,
    /// Snapshots that have come since then, by node and owner.
    snapshots: BTreeSet<(u32, u32)>,
}

impl Refines {
    pub(super) fn new() -> Self {
        Refines {
            copies: None,
            is_over: false,
            nodes: 0,
            names: vec![BTreeMap::new(); NODES_MAX as usize],
            claims: Vec::new(),
            tables: vec![None; NODES_MAX as usize],
            moved: Vec::new(),
            snapshots: BTreeSet::new(),
        }
    }

    /// What all nodes now have, held against the specification.
    pub(super) fn judge(&mut self, seen: &Seen<'_, View>) -> Result<(), String> {
        let is_judged = |view: &View| view.scopes.len() == 1 && view.protocol == Protocol::Syn;
        if self.is_over || nodes(seen.views).any(|(_, view)| !is_judged(view)) {
            return Ok(());
        }
        let all = seen.views.nodes().min(NODES_MAX);
        self.copies.get_or_insert_with(|| Refinement::new(Copies::of_a_run(all)));
        let judged = self.follow(seen);
        self.is_over = judged.is_err();
        judged
    }

    fn follow(&mut self, seen: &Seen<'_, View>) -> Result<(), String> {
        let mut moved = std::mem::take(&mut self.moved);
        if moved.is_empty() {
            moved = self.look(seen.views);
            self.ends(seen.views, &mut moved)?;
            self.unseen(&mut moved)?;
            self.claims(&moved)?;
        }
        let told = seen.probe.and_then(|probe| Some((probe, probe.host?.number() - 1)));
        if let Some((probe, node)) = told.filter(|(_, node)| *node < NODES_MAX) {
            self.begins(probe, node, &mut moved)?;
        }
        if !seen.is_latest {
            self.moved = moved;
            return Ok(());
        }
        for copier in (0..self.nodes).filter(|copier| moved[*copier as usize]) {
            self.copies(copier)?;
        }
        for (node, owner) in std::mem::take(&mut self.snapshots) {
            // Its connection may have ended in the same breath.
            if self.state().is_up(node, owner) {
                self.step(Step::Snapshot { node, owner })?;
            }
        }
        self.count(seen.views)
    }

    fn state(&self) -> &State {
        self.copies.as_ref().expect(LOOKED).state()
    }

    fn spec(&mut self) -> &mut Refinement<Copies> {
        self.copies.as_mut().expect(LOOKED)
    }

    /// Takes a step; who is refused is told the names that it is about.
    fn step(&mut self, step: Step) -> Result<(), String> {
        self.spec().step(step).map_err(|refused| {
            let about: Vec<u32> = match step {
                Step::Snapshot { node, owner } => self.state().stale(node, owner).collect(),
                _ => step.name().into_iter().collect(),
            };
            let named = |name: &u32| {
                let owners = self.names.iter().zip(1..);
                let mut found = owners.flat_map(|(names, owner)| names.iter().map(move |of| (of, owner)));
                let (called, owner) = found
                    .find_map(|((called, number), owner)| (number == name).then_some((called, owner)))?;
                Some(format!("; x{} is {called} at n{owner}", name + 1))
            };
            refused + &about.iter().filter_map(named).collect::<String>()
        })
    }

    /// The number of a name at an owner.
    fn name(&mut self, owner: u32, called: &str) -> Result<u32, String> {
        if let Some(name) = self.names[owner as usize].get(called) {
            return Ok(*name);
        }
        let name = self.state().names();
        self.step(Step::Name { owner })?;
        self.names[owner as usize].insert(called.to_owned(), name);
        self.claims.push(Vec::new());
        Ok(name)
    }

    fn claim(&mut self, name: u32, entry: &Entry) -> Result<(), String> {
        self.withdraw(name)?;
        self.claims[name as usize].push(entry.clone());
        self.step(Step::Claim { name })
    }

    fn withdraw(&mut self, name: u32) -> Result<(), String> {
        if self.state().is_claimed(name) { self.step(Step::Withdraw { name }) } else { Ok(()) }
    }

    /// Remembers all tables, and says which have changed.
    fn look(&mut self, views: &Views<View>) -> Vec<bool> {
        self.nodes = nodes(views).map(|(node, _)| node).max().unwrap_or(0).max(self.nodes);
        let tables = self.tables.iter_mut().zip(1..);
        tables
            .map(|(last, node)| {
                let now = views.get(node).map(|view| &view.scopes[0].entries);
                let is_shared = last.as_ref().zip(now).is_some_and(|(last, now)| Arc::ptr_eq(last, now));
                let is_same = is_shared || last.as_ref() == now;
                *last = now.cloned();
                !is_same
            })
            .collect()
    }

    /// Connections that are gone.
    fn ends(&mut self, views: &Views<View>, moved: &mut [bool]) -> Result<(), String> {
        let all = self.nodes;
        let pairs = (0..all).flat_map(|node| (0..all).map(move |other| (node, other)));
        let there: Vec<(u32, u32)> =
            pairs.filter(|(node, other)| self.state().is_up(*node, *other)).collect();
        for (node, other) in there {
            if !views.get(node + 1).is_some_and(|view| view.up.contains(&id(other))) {
                self.lose(node, other, moved)?;
            }
        }
        Ok(())
    }

    fn lose(&mut self, node: u32, owner: u32, moved: &mut [bool]) -> Result<(), String> {
        self.snapshots.remove(&(node, owner));
        if self.state().is_up(node, owner) {
            moved[node as usize] = true;
            self.step(Step::Lose { node, owner })?;
        }
        Ok(())
    }

    /// What some node has and nobody saw its owner claim: it was claimed, and withdrawn.
    fn unseen(&mut self, moved: &mut [bool]) -> Result<(), String> {
        for node in 0..self.nodes {
            let Some(table) = self.tables[node as usize].as_ref().filter(|_| moved[node as usize]) else {
                continue;
            };
            let is_of_another = |owner: NodeId| owner != id(node) && u32::from(owner.0) <= NODES_MAX;
            let of_others = table.iter().filter(|(_, entry)| is_of_another(entry.pid.node));
            let mut unseen = Vec::new();
            for (called, entry) in of_others {
                let owner = u32::from(entry.pid.node.0) - 1;
                let is_claimed =
                    self.tables[owner as usize].as_ref().and_then(|table| table.get(called)) == Some(entry);
                let name = self.names[owner as usize].get(called);
                if !is_claimed && !name.is_some_and(|name| self.is_known(*name, node, entry)) {
                    unseen.push((owner, called.clone(), entry.clone()));
                }
            }
            for (owner, called, entry) in unseen {
                moved[owner as usize] = true;
                let name = self.name(owner, &called)?;
                self.claim(name, &entry)?;
                self.withdraw(name)?;
            }
        }
        Ok(())
    }

    /// Whether a claim that a node shows is one that was seen, and not one that it has had. The same may be claimed again
    /// for the same process between two looks; a node that shows an older process again goes back. What nobody saw claimed
    /// is numbered as copies of it were seen, which need not be the order in which its owner stamped it.
    fn is_known(&self, name: u32, node: u32, entry: &Entry) -> bool {
        let claims = &self.claims[name as usize];
        let (latest, is_there) = self.state().copy(node, name);
        let (before, after) = claims.split_at(latest as usize - usize::from(is_there));
        let differs = |had: &Entry| had.pid != entry.pid && had.time > entry.time;
        let goes_back = || before.contains(entry) && claims.get(latest as usize - 1).is_some_and(differs);
        after.contains(entry) || goes_back()
    }

    /// What owners claim, and claim no more.
    fn claims(&mut self, moved: &[bool]) -> Result<(), String> {
        for owner in (0..self.nodes).filter(|owner| moved[*owner as usize]) {
            let table = self.tables[owner as usize].clone().unwrap_or_default();
            let own = |entry: &Entry| entry.pid.node == id(owner);
            let names = self.names[owner as usize].iter();
            let gone =
                names.filter(|(called, _)| !table.get(*called).is_some_and(own)).map(|(_, name)| *name);
            for name in gone.collect::<Vec<u32>>() {
                self.withdraw(name)?;
            }
            for (called, entry) in table.iter().filter(|(_, entry)| own(entry)) {
                let name = self.name(owner, called)?;
                if !self.state().is_claimed(name) || self.claims[name as usize].last() != Some(entry) {
                    self.claim(name, entry)?;
                }
            }
        }
        Ok(())
    }

    /// Connections that begin, and copies that begin anew.
    fn begins(&mut self, probe: &Probe, node: u32, moved: &mut [bool]) -> Result<(), String> {
        match (probe.name, about_peer(probe)) {
            (_, Some(("node-up", peer))) => {
                self.lose(node, peer, moved)?;
                moved[node as usize] = true;
                self.step(Step::Offer { owner: node, node: peer })?;
                self.step(Step::Find { node, owner: peer })
            }
            // The next may have begun in the same breath.
            (_, Some(("node-down", peer))) => self.lose(node, peer, moved),
            (_, Some(("purge", peer))) => self.forget(node, peer, moved),
            (_, Some(("snapshot", peer))) => {
                self.snapshots.insert((node, peer));
                Ok(())
            }
            ("scope crashed", _) => {
                let peers: Vec<u32> =
                    (0..self.nodes).filter(|peer| self.state().is_up(node, *peer)).collect();
                peers.into_iter().try_for_each(|peer| self.forget(node, peer, moved))
            }
            _ => Ok(()),
        }
    }

    /// All copies of an owner's claims go, the connection does not.
    fn forget(&mut self, node: u32, owner: u32, moved: &mut [bool]) -> Result<(), String> {
        if self.state().is_up(node, owner) {
            moved[node as usize] = true;
            self.step(Step::Forget { node, owner })?;
        }
        Ok(())
    }

    /// Whether another owner has ever claimed a name.
    fn is_contended(&self, called: &str, owner: u32) -> bool {
        let mut others = self.names.iter().zip(0..).filter(|(_, other)| *other != owner);
        others.any(|(names, _)| names.contains_key(called))
    }

    /// What a node has of the claims of those that it is connected to.
    fn copies(&mut self, node: u32) -> Result<(), String> {
        let Some(table) = &self.tables[node as usize] else { return Ok(()) };
        let mut steps = Vec::new();
        let owners = (0..self.nodes).filter(|owner| self.state().is_up(node, *owner));
        for (called, name) in owners.flat_map(|owner| &self.names[owner as usize]) {
            let name = *name;
            let (latest, is_there) = self.state().copy(node, name);
            let latest = latest as usize;
            let (claims, owner) = (&self.claims[name as usize], id(self.state().owner(name)));
            let step = match table.get(called) {
                None if is_there && self.is_contended(called, self.state().owner(name)) => {
                    Some(Step::Overrule { node, name })
                }
                None => is_there.then_some(Step::Drop { node, name }),
                Some(entry) if entry.pid.node != owner => is_there.then_some(Step::Overrule { node, name }),
                Some(entry) if is_there && claims[latest - 1] == *entry => None,
                Some(entry) => {
                    // The same may have been claimed twice: then it is the one that can have been copied.
                    let gone = self.state().gone(node, name) as usize;
                    let behind = |place: usize| {
                        let found = claims.iter().skip(place).position(|claim| claim == entry);
                        found.map(|claim| claim + place)
                    };
                    let claim = behind(latest.max(gone)).or_else(|| behind(latest));
                    let claim = claim.or_else(|| claims.iter().rposition(|claim| claim == entry));
                    claim.map(|claim| Step::Copy { node, name, claim: claim as u32 + 1 })
                }
            };
            steps.extend(step);
        }
        steps.into_iter().try_for_each(|step| self.step(step))
    }

    fn count(&mut self, views: &Views<View>) -> Result<(), String> {
        for (node, view) in nodes(views) {
            let (counted, has) = (view.scopes[0].count, view.scopes[0].entries.len());
            if counted != has as i64 {
                let shown = format!("n{node} counts {counted} names; the specification has {has} there");
                return self.spec().contradicts(shown);
            }
        }
        Ok(())
    }
}

fn nodes(views: &Views<View>) -> impl Iterator<Item = (u32, &View)> {
    views.up().filter(|(node, _)| *node <= NODES_MAX)
}

fn id(node: u32) -> NodeId {
    NodeId(node as u16 + 1)
}

/// What a probe says of a peer, which it names first.
fn about_peer(probe: &Probe) -> Option<(&'static str, u32)> {
    let peer = probe.values.first()?.to_string().strip_prefix('n')?.parse::<u32>().ok()?;
    (1..=NODES_MAX).contains(&peer).then_some((probe.name, peer - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::probe::Value;
    use host::world::MachineId;
    use protocols::registry::{DEFAULT_SCOPE, Pid, ScopeView};

    fn entry(node: u16, serial: u64, time: u64) -> Entry {
        Entry { pid: Pid { node: NodeId(node), incarnation: 1, serial }, meta: String::new(), time }
    }

    fn view(node: u16, up: bool, entries: &[(&str, Entry)]) -> Option<View> {
        let entries: BTreeMap<String, Entry> =
            entries.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
        let peers: BTreeSet<NodeId> = if up { BTreeSet::from([NodeId(3 - node)]) } else { BTreeSet::new() };
        let scope = ScopeView {
            name: DEFAULT_SCOPE.to_owned(),
            known: peers.clone(),
            count: entries.len() as i64,
            entries: Arc::new(entries),
            groups: BTreeMap::new(),
        };
        Some(View {
            node: NodeId(node),
            up: peers,
            scopes: vec![scope],
            alive: BTreeSet::new(),
            given_up: BTreeSet::new(),
            malformed_frames: 0,
            protocol: Protocol::Syn,
            losers_end: true,
        })
    }

    /// A look at n1, which owns, and n2, which copies: who says what, whether they are connected, and their tables.
    #[derive(Clone)]
    struct Look(u32, &'static str, bool, Vec<(&'static str, Entry)>, Vec<(&'static str, Entry)>);

    fn judged(looks: Vec<Look>) -> Result<(), String> {
        let mut refines = Refines::new();
        looks.into_iter().try_for_each(|look| judge(&mut refines, look, true))
    }

    fn judge(refines: &mut Refines, look: Look, is_latest: bool) -> Result<(), String> {
        let Look(node, name, up, owns, copies) = look;
        let views = Views::new(vec![view(1, up, &owns), view(2, up, &copies)]);
        let peer = Value::from(format!("n{}", 3 - node).as_str());
        let host = Some(MachineId::numbered(node));
        let probe = Probe { at_ns: 0, host, name, values: vec![peer] };
        let mut seen = Seen::new(Some(&probe), &views);
        seen.is_latest = is_latest;
        refines.judge(&seen)
    }

    /// Both find each other, and n2 has the snapshot with the one claim there is.
    fn met() -> Vec<Look> {
        let claim = || vec![("a", entry(1, 1, 10))];
        vec![
            Look(1, "node-up", true, claim(), vec![]),
            Look(2, "node-up", true, claim(), vec![]),
            Look(2, "snapshot", true, claim(), claim()),
        ]
    }

    #[test]
    fn copies_that_follow_their_owner_are_allowed() {
        let newer = || vec![("a", entry(1, 2, 20))];
        let after = vec![
            Look(1, "x", true, newer(), vec![("a", entry(1, 1, 10))]),
            Look(1, "x", true, vec![], newer()),
            Look(1, "x", true, vec![], vec![]),
        ];
        assert_eq!(judged([met(), after].concat()), Ok(()));
    }

    #[test]
    fn what_was_withdrawn_before_a_connection_is_not_copied_by_it() {
        let stale = || vec![("a", entry(1, 1, 10))];
        let again = |copies: Vec<(&'static str, Entry)>| {
            vec![
                Look(2, "node-down", false, stale(), stale()),
                Look(1, "node-down", false, vec![], stale()),
                Look(1, "node-up", true, vec![], stale()),
                Look(2, "node-up", true, vec![], stale()),
                Look(2, "snapshot", true, vec![], copies),
            ]
        };
        assert_eq!(judged([met(), again(vec![])].concat()), Ok(()));
        let phantom = judged([met(), again(stale())].concat()).unwrap_err();
        assert!(phantom.contains("Snapshot(n2, n1)") && phantom.ends_with("; x1 is a at n1"), "{phantom}");
    }

    #[test]
    fn a_copy_of_what_is_claimed_does_not_end_while_both_are_connected() {
        let claim = || vec![("a", entry(1, 1, 10))];
        let dropped = judged([met(), vec![Look(2, "x", true, claim(), vec![])]].concat()).unwrap_err();
        assert!(dropped.contains("Drop(n2, x1)"), "{dropped}");
        let overruled = vec![Look(2, "x", true, claim(), vec![("a", entry(2, 1, 20))])];
        assert_eq!(judged([met(), overruled].concat()), Ok(()));
    }

    #[test]
    fn a_copy_ends_with_a_connection_whose_end_is_told_behind_anothers_probe() {
        let claim = || vec![("a", entry(1, 1, 10))];
        let look = |node, name| Look(node, name, true, claim(), vec![]);
        let breath = || vec![look(1, "x"), look(2, "node-down"), look(2, "purge"), look(2, "node-up")];
        let mut refines = Refines::new();
        let known = met().into_iter().try_for_each(|look| judge(&mut refines, look, true));
        let told = (0..).zip(breath()).try_for_each(|(place, look)| judge(&mut refines, look, place == 3));
        assert_eq!((known, told), (Ok(()), Ok(())));
        let one_by_one = judged([met(), breath()].concat()).unwrap_err();
        assert!(one_by_one.contains("Drop(n2, x1)"), "{one_by_one}");
    }

    #[test]
    fn a_copy_does_not_go_back_to_another_process() {
        let (older, newer) = (|| vec![("a", entry(1, 1, 10))], || vec![("a", entry(1, 2, 20))]);
        let looks = vec![Look(1, "x", true, newer(), newer()), Look(1, "x", true, newer(), older())];
        assert!(judged([met(), looks].concat()).unwrap_err().contains("Copy(n2, x1, 1)"));
    }

    #[test]
    fn claims_that_nobody_saw_may_be_learnt_in_another_order_than_they_were_made() {
        let (older, newer) = (|| vec![("a", entry(1, 1, 10))], || vec![("a", entry(1, 2, 20))]);
        let mut refines = Refines::new();
        let mut look = |host: u32, name, peer: &str, n2: &[(&str, Entry)], n3: &[(&str, Entry)]| {
            let mut views = [view(1, false, &[]), view(2, false, n2), view(3, false, n3)];
            for (node, of) in (1..).zip(views.iter_mut().flatten()) {
                of.up = (1..=3).filter(|peer| *peer != node).map(NodeId).collect();
            }
            let host = Some(MachineId::numbered(host));
            let probe = Probe { at_ns: 0, host, name, values: vec![Value::from(peer)] };
            refines.judge(&Seen::new(Some(&probe), &Views::new(views.to_vec())))
        };
        for (host, peer) in [(1, "n2"), (2, "n1"), (1, "n3"), (3, "n1")] {
            assert_eq!(look(host, "node-up", peer, &[], &[]), Ok(()));
        }
        assert_eq!(look(2, "snapshot", "n1", &newer(), &older()), Ok(()));
        assert_eq!(look(2, "x", "n1", &newer(), &older()), Ok(()));
        assert_eq!(look(2, "x", "n1", &newer(), &newer()), Ok(()));
        let back = look(2, "x", "n1", &newer(), &older()).unwrap_err();
        assert!(back.contains("Copy(n3, x1,"), "{back}");
    }
}
