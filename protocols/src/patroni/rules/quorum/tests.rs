//! Patroni's cases of its quorum, and every sequence of steps in a small world.

use super::*;
use crate::database::{History, Replication, Role, Standby};
use crate::patroni::options::Synchronous;
use std::collections::HashSet;

const ME: u32 = 4;
/// What the database had when it was last told; who has confirmed less may lack something.
const SINCE: Lsn = Lsn(90);

fn set(ids: &[u32]) -> BTreeSet<u32> {
    ids.iter().copied().collect()
}

fn any(required: u32, of: &[u32]) -> Sync {
    Sync { required, of: set(of) }
}

fn key(standbys: &[u32], quorum: u32) -> SyncState {
    SyncState { leader: ME, standbys: set(standbys), quorum }
}

fn options(mode: Synchronous, count: u32) -> Options {
    Options { synchronous_mode: mode, synchronous_node_count: count, ..Options::default() }
}

fn status(sync: &Sync, standbys: impl IntoIterator<Item = (u32, Lsn)>) -> Status {
    Status {
        id: ME,
        role: Role::Primary,
        history: History::default(),
        durable: Lsn(100),
        visible: Lsn(100),
        upstream: None,
        replication: Replication::Idle,
        standbys: standbys.into_iter().map(|(id, confirmed)| Standby { id, confirmed }).collect(),
        sync: sync.clone(),
    }
}

/// All steps until there is none, where the active standbys confirm everything at once.
fn steps(count: u32, key: &SyncState, sync: &Sync, active: &[u32]) -> Vec<String> {
    let (mut key, mut sync, mut steps) = (key.clone(), sync.clone(), Vec::new());
    let options = options(Synchronous::Quorum, count);
    loop {
        let status = status(&sync, active.iter().map(|id| (*id, Lsn(100))));
        let numbers = |ids: &BTreeSet<u32>| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        match next_step(ME, &options, Some(&key), &status, &set(active), Some(SINCE)) {
            None => return steps,
            Some(Step::Key(changed)) => {
                key = changed.unwrap();
                steps.push(format!("{} of voters {}", key.quorum, numbers(&key.standbys)));
            }
            Some(Step::Database(told)) => {
                sync = told;
                steps.push(format!("any {} of {}", sync.required, numbers(&sync.of)));
            }
        }
    }
}

#[test]
fn the_first_standbys_are_waited_for_before_they_vote() {
    assert_eq!(steps(1, &key(&[], 0), &any(0, &[]), &[5]), ["any 1 of 5", "0 of voters 5"]);
    assert_eq!(steps(1, &key(&[], 0), &any(0, &[]), &[5, 6]), ["any 1 of 5,6", "1 of voters 5,6"]);
}

#[test]
fn a_standby_that_joins_others_votes_before_it_is_waited_for() {
    let joined = steps(1, &key(&[5, 6], 1), &any(1, &[5, 6]), &[5, 6, 7]);
    assert_eq!(joined, ["2 of voters 5,6,7", "any 1 of 5,6,7"]);
}

#[test]
fn a_standby_that_leaves_others_is_not_waited_for_before_it_votes_no_more() {
    let left = steps(1, &key(&[5, 6], 1), &any(1, &[5, 6]), &[5]);
    assert_eq!(left, ["any 1 of 5", "0 of voters 5"]);
    let needed = steps(2, &key(&[5, 6], 0), &any(2, &[5, 6]), &[5]);
    assert_eq!(needed, ["0 of voters 5", "any 1 of 5"]);
}

#[test]
fn when_all_have_left_nobody_votes_before_nobody_is_waited_for() {
    let gone = steps(1, &key(&[5, 6], 1), &any(1, &[5, 6]), &[]);
    assert_eq!(gone, ["0 of voters ", "any 0 of "]);
}

#[test]
fn a_standby_takes_the_place_of_another_by_way_of_both() {
    let replaced = steps(1, &key(&[5], 0), &any(1, &[5]), &[6]);
    assert_eq!(replaced, ["1 of voters 5,6", "any 1 of 6", "0 of voters 6"]);
}

#[test]
fn more_are_waited_for_before_fewer_are_asked_and_the_other_way_round() {
    let more = steps(2, &key(&[5, 6], 1), &any(1, &[5, 6]), &[5, 6]);
    assert_eq!(more, ["any 2 of 5,6", "0 of voters 5,6"]);
    let fewer = steps(1, &key(&[5, 6], 0), &any(2, &[5, 6]), &[5, 6]);
    assert_eq!(fewer, ["1 of voters 5,6", "any 1 of 5,6"]);
}

#[test]
fn as_long_as_fewer_than_required_have_confirmed_more_are_asked() {
    let two = options(Synchronous::Quorum, 2);
    let step = |confirmed: [u64; 2]| {
        let status = status(&any(2, &[5, 6]), [(5, Lsn(confirmed[0])), (6, Lsn(confirmed[1]))]);
        next_step(ME, &two, Some(&key(&[], 0)), &status, &set(&[5, 6]), Some(SINCE))
    };
    assert_eq!(step([80, 89]), None);
    assert_eq!(step([90, 89]), Some(Step::Key(Some(key(&[5, 6], 1)))));
    assert_eq!(step([90, 90]), Some(Step::Key(Some(key(&[5, 6], 0)))));
}

#[test]
fn in_strict_mode_writes_wait_for_the_last_voters_or_for_nobody_at_all() {
    let strict = options(Synchronous::QuorumStrict, 1);
    let step = |key: &SyncState, sync: &Sync| {
        next_step(ME, &strict, Some(key), &status(sync, []), &BTreeSet::new(), Some(SINCE))
    };
    assert_eq!(step(&key(&[5, 6], 1), &any(1, &[5, 6])), None);
    assert_eq!(step(&key(&[], 0), &any(0, &[])), Some(Step::Database(any(1, &[]))));
    let (alone, waits_for) = take_over(ME, &strict, None);
    assert_eq!((alone, waits_for), (key(&[], 0), any(1, &[])));
}

#[test]
fn a_new_leader_waits_for_as_many_as_make_its_predecessors_key_right() {
    let quorum = options(Synchronous::Quorum, 1);
    let of_5 = |standbys: &[u32], quorum| SyncState { leader: 5, standbys: set(standbys), quorum };
    assert_eq!(take_over(ME, &quorum, Some(&of_5(&[4, 6], 1))), (key(&[5, 6], 1), any(1, &[5, 6])));
    // It was no voter, and was voted for.
    assert_eq!(take_over(ME, &quorum, Some(&of_5(&[6, 7], 1))), (key(&[5, 6, 7], 1), any(2, &[5, 6, 7])));
    // It was the leader itself.
    assert_eq!(take_over(ME, &quorum, Some(&key(&[5, 6], 1))), (key(&[5, 6], 1), any(1, &[5, 6])));
    assert_eq!(take_over(ME, &quorum, None), (key(&[], 0), any(0, &[])));
}

/// A small world: who has which acknowledged write, whatever has been acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    key: SyncState,
    sync: Sync,
    /// Who has which of the writes before the database was last told: the worst of them.
    written: BTreeSet<BTreeSet<u32>>,
    /// Who has all of those.
    confirmed: BTreeSet<u32>,
    active: BTreeSet<u32>,
    wanted: u32,
}

/// What may happen to it.
#[derive(Debug, Clone)]
enum Happens {
    Active(BTreeSet<u32>),
    Wanted(u32),
    /// The agent takes a step.
    Step,
    /// A standby confirms all that the database had when it was last told.
    Confirms(u32),
    /// The agent dies, and another one does not know since when the database waits.
    Forgets,
    /// Who has enough votes is promoted.
    Elected(u32),
}

impl World {
    fn new(nodes: u32) -> World {
        World {
            key: SyncState { leader: nodes, ..SyncState::default() },
            sync: Sync::default(),
            written: BTreeSet::from([BTreeSet::from([nodes])]),
            confirmed: BTreeSet::new(),
            active: BTreeSet::new(),
            wanted: 1,
        }
    }

    /// Who has a write that is acknowledged now, in every way that it can come to be.
    fn acknowledged(&self) -> Vec<BTreeSet<u32>> {
        let of: Vec<u32> = self.sync.of.iter().copied().collect();
        (0_u32..1 << of.len())
            .filter(|chosen| chosen.count_ones() == self.sync.required)
            .map(|chosen| {
                let chosen = (0..of.len()).filter(|index| (chosen >> index) & 1 == 1).map(|index| of[index]);
                chosen.chain([self.key.leader]).collect()
            })
            .collect()
    }

    /// All that was acknowledged until now was before.
    fn turn_over(&mut self) {
        self.written.extend(self.acknowledged());
        self.confirmed.clear();
        // Of two, who has both has the one that fewer have.
        let all = self.written.clone();
        self.written.retain(|holders| !all.iter().any(|fewer| fewer != holders && fewer.is_subset(holders)));
    }

    fn happens(&mut self, what: &Happens) -> bool {
        match what {
            Happens::Active(active) => self.active.clone_from(active),
            Happens::Wanted(wanted) => self.wanted = *wanted,
            Happens::Step => return self.step(),
            Happens::Confirms(id) => {
                self.confirmed.insert(*id);
                self.written = self.written.iter().map(|holders| holders | &BTreeSet::from([*id])).collect();
            }
            Happens::Forgets => self.turn_over(),
            Happens::Elected(id) => {
                self.turn_over();
                self.written = self.written.iter().map(|holders| holders | &BTreeSet::from([*id])).collect();
                let options = options(Synchronous::Quorum, self.wanted);
                (self.key, self.sync) = take_over(*id, &options, Some(&self.key));
                self.active.clear();
            }
        }
        true
    }

    fn step(&mut self) -> bool {
        let standbys = self.active.iter().map(|id| {
            let has_all = self.confirmed.contains(id);
            (*id, if has_all { SINCE } else { Lsn(SINCE.0 - 1) })
        });
        let status = status(&self.sync, standbys);
        let options = options(Synchronous::Quorum, self.wanted);
        let leader = self.key.leader;
        match next_step(leader, &options, Some(&self.key), &status, &self.active, Some(SINCE)) {
            None => return false,
            Some(Step::Key(changed)) => self.key = changed.unwrap(),
            Some(Step::Database(sync)) => {
                self.turn_over();
                self.sync = sync;
            }
        }
        true
    }

    /// Of `quorum + 1` voters, or of the leader and them, one has a write: each write.
    fn is_right(&self) -> bool {
        let SyncState { standbys, quorum, leader } = &self.key;
        let holders = self.written.iter().cloned().chain(self.acknowledged());
        let can_be_elected = standbys.is_empty() || (*quorum as usize) < standbys.len();
        can_be_elected
            && holders.into_iter().all(|holders| {
                holders.contains(leader) && standbys.difference(&holders).count() <= *quorum as usize
            })
    }

    /// What may happen next, among nodes 1 to `nodes`.
    fn what_may_happen(&self, nodes: u32) -> Vec<Happens> {
        let others: Vec<u32> = (1..=nodes).filter(|id| *id != self.key.leader).collect();
        let subsets = (0_u32..1 << others.len()).map(|chosen| {
            let chosen = others.iter().enumerate().filter(|(index, _)| (chosen >> index) & 1 == 1);
            Happens::Active(chosen.map(|(_, id)| *id).collect())
        });
        let confirms = self.active.difference(&self.confirmed).map(|id| Happens::Confirms(*id));
        let elected = (1..=nodes).map(Happens::Elected);
        let others = [Happens::Step, Happens::Forgets, Happens::Wanted(3 - self.wanted)];
        subsets.chain(confirms).chain(elected).chain(others).collect()
    }
}

#[test]
fn no_sequence_of_steps_among_three_breaks_the_overlap() {
    let mut seen = HashSet::from([World::new(3)]);
    let mut open = vec![World::new(3)];
    while let Some(world) = open.pop() {
        assert!(world.is_right(), "{world:?}");
        for what in world.what_may_happen(3) {
            let mut next = world.clone();
            next.happens(&what);
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    assert!(seen.len() > 1000, "{} worlds", seen.len());
}

#[test]
fn no_long_walk_among_five_breaks_the_overlap_and_each_can_end_at_the_optimum() {
    let mut draw = 1_u64;
    let mut pick = |below: usize| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (draw >> 33) as usize % below
    };
    for _ in 0..200 {
        let mut world = World::new(5);
        for _ in 0..200 {
            let may = world.what_may_happen(5);
            // Half of what happens is a step: otherwise little would come of it.
            let what = if pick(2) == 0 { Happens::Step } else { may[pick(may.len())].clone() };
            world.happens(&what);
            assert!(world.is_right(), "{what:?} led to {world:?}");
        }
        for step in 0.. {
            assert!(step < 12, "it goes on and on: {world:?}");
            for id in world.active.clone() {
                world.happens(&Happens::Confirms(id));
            }
            if !world.step() {
                break;
            }
            assert!(world.is_right(), "{world:?}");
        }
        let World { key, sync, active, wanted, .. } = &world;
        let required = (*wanted).min(active.len() as u32);
        assert_eq!((&key.standbys, key.quorum), (active, active.len() as u32 - required));
        assert_eq!((&sync.of, sync.required), (active, required));
    }
}

#[test]
fn if_the_key_followed_the_promotion_the_leader_in_it_would_lack_a_write_meanwhile() {
    let mut world = World::new(3);
    (world.key, world.sync) = (SyncState { standbys: set(&[1, 2]), quorum: 1, leader: 3 }, any(1, &[1, 2]));
    let before = world.key.clone();
    world.happens(&Happens::Elected(1));
    assert!(world.is_right());
    assert!(world.acknowledged().contains(&set(&[1, 2])), "without the leader before, who needs no votes");
    world.key = before;
    assert!(!world.is_right());
}

#[test]
fn a_key_that_is_too_low_by_one_is_found_out() {
    let mut world = World::new(3);
    (world.key.standbys, world.sync) = (set(&[1, 2]), any(1, &[1, 2]));
    world.key.quorum = 1;
    world.written = BTreeSet::from([set(&[1, 3])]);
    assert!(world.is_right());
    world.key.quorum = 0;
    assert!(!world.is_right());
}
