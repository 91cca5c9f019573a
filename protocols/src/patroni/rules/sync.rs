//! Which standbys writes wait for, and which may take over: two lists that change one step at a time.
//!
//! Whoever is in the `sync` key may become the leader. So it must have every acknowledged write: the database waits for
//! it *before* it is named there, and no longer than it is named there; and it is named only when it has what was
//! acknowledged before the database waited. Where writes wait for any so many of all standbys, `quorum.rs` has the
//! steps.

use crate::database::{Lsn, Standby, Status, Sync};
use crate::patroni::message::SyncState;
use crate::patroni::options::{Options, Synchronous};
use crate::patroni::rules::cascade;
use crate::patroni::rules::quorum;
use crate::patroni::tags::Tags;
use std::collections::{BTreeMap, BTreeSet};

/// The next step; a leader takes them until there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::patroni) enum Step {
    /// Write the key; none: delete it.
    Key(Option<SyncState>),
    /// Tell the database.
    Database(Sync),
}

/// The next step of a leader, if there is one. `members`: who has a member key, and their tags. `since`: what the
/// database had when it was last told; none if that is not known.
pub(in crate::patroni) fn next_step(
    me: u32,
    options: &Options,
    key: Option<&SyncState>,
    status: &Status,
    members: &BTreeMap<u32, Tags>,
    since: Option<Lsn>,
) -> Option<Step> {
    let tell = |sync: Sync| (status.sync != sync).then_some(Step::Database(sync));
    if options.synchronous_mode == Synchronous::Off {
        return key.map(|_| Step::Key(None)).or_else(|| tell(Sync::default()));
    }
    if options.synchronous_mode.is_quorum() {
        let (mut active, others): (Vec<_>, Vec<_>) = streaming(options, status, members)
            .iter()
            .map(|standby| standby.id)
            .partition(|id| members[id].may_lead());
        // Who may not lead may be the only one that is ahead: it is waited for if there are too few others.
        let room = (options.synchronous_node_count as usize).saturating_sub(active.len());
        active.extend(others.into_iter().take(room));
        let active = active.into_iter().collect();
        return quorum::next_step(me, options, key, status, &active, since);
    }
    let name = |standbys: BTreeSet<u32>| Step::Key(Some(SyncState { leader: me, standbys, quorum: 0 }));
    // Of those that a quorum was counted from any one may lack something.
    let key = key.filter(|key| key.leader == me && key.quorum == 0);
    let Some(key) = key else { return Some(name(BTreeSet::new())) };
    let picked = pick(options, key, status, members);
    if picked.is_empty() && options.synchronous_mode == Synchronous::Strict {
        return tell(before_any(options, &key.standbys));
    }
    let waits_for = |id: &u32| status.sync.of.contains(id);
    let has_all = |id: u32| {
        let confirmed = status.standbys.iter().find(|standby| standby.id == id)?.confirmed;
        Some(confirmed >= since?)
    };
    let confirmed: BTreeSet<u32> =
        picked.iter().copied().filter(|id| waits_for(id) && has_all(*id) == Some(true)).collect();
    let kept: BTreeSet<u32> = key.standbys.intersection(&picked).copied().filter(waits_for).collect();
    if kept != key.standbys {
        return Some(name(kept));
    }
    let waiting = Sync { required: picked.len() as u32, of: picked };
    let added: BTreeSet<u32> = key.standbys.union(&confirmed).copied().collect();
    tell(waiting).or_else(|| (added != key.standbys).then(|| name(added)))
}

/// Whom the database waits for before it becomes a primary: nobody, or those that are named already, or in strict mode
/// somebody who is not there.
pub(in crate::patroni) fn before_any(options: &Options, named: &BTreeSet<u32>) -> Sync {
    let least = u32::from(options.synchronous_mode.is_strict());
    Sync { required: (named.len() as u32).max(least), of: named.clone() }
}

/// The standbys to wait for: first those that may lead; of them those that are named stay, then those that are waited
/// for, then those that have most.
fn pick(options: &Options, key: &SyncState, status: &Status, members: &BTreeMap<u32, Tags>) -> BTreeSet<u32> {
    let mut active = streaming(options, status, members);
    active.sort_by_key(|standby| {
        let (named, waited) = (key.standbys.contains(&standby.id), status.sync.of.contains(&standby.id));
        let may_lead = members[&standby.id].may_lead();
        (!may_lead, !named, !waited, std::cmp::Reverse(standby.confirmed), standby.id)
    });
    active.iter().take(options.synchronous_node_count as usize).map(|standby| standby.id).collect()
}

/// The standbys that may be waited for: they stream, have an agent that lets them, are not on their way to another
/// standby, and do not lack too much.
fn streaming<'a>(options: &Options, status: &'a Status, members: &BTreeMap<u32, Tags>) -> Vec<&'a Standby> {
    let replicatefrom = |id: u32| members.get(&id).and_then(|tags| tags.replicatefrom);
    let streams = |id: u32| status.standbys.iter().any(|standby| standby.id == id);
    let may_wait = |standby: &&Standby| {
        members.get(&standby.id).is_some_and(|tags| !tags.nosync)
            && !cascade::is_to_cascade(standby.id, replicatefrom, streams, members.len())
    };
    let mut active: Vec<_> = status.standbys.iter().filter(may_wait).collect();
    let most = active.iter().map(|standby| standby.confirmed.0).max().unwrap_or_default();
    if let Some(lag_max) = options.maximum_lag_on_syncnode {
        let best = if active.len() > 1 { most } else { status.durable.0 };
        active.retain(|standby| best.saturating_sub(standby.confirmed.0) <= lag_max);
    }
    active
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Replication, Role, Standby};

    const ME: u32 = 4;

    fn status(standbys: &[(u32, u64)], sync: &[u32]) -> Status {
        let standbys = standbys.iter().map(|(id, lsn)| Standby { id: *id, confirmed: Lsn(*lsn) });
        Status {
            id: ME,
            role: Role::Primary,
            history: History::default(),
            durable: Lsn(100),
            visible: Lsn(100),
            upstream: None,
            replication: Replication::Idle,
            standbys: standbys.collect(),
            sync: Sync { required: sync.len() as u32, of: sync.iter().copied().collect() },
        }
    }

    fn key(standbys: &[u32]) -> SyncState {
        SyncState { leader: ME, standbys: standbys.iter().copied().collect(), quorum: 0 }
    }

    fn options(mode: Synchronous) -> Options {
        Options { synchronous_mode: mode, ..Options::default() }
    }

    fn step(options: &Options, key: Option<&SyncState>, status: &Status) -> Option<Step> {
        let members = [4, 5, 6].map(|id| (id, Tags::default())).into();
        next_step(ME, options, key, status, &members, Some(Lsn(90)))
    }

    fn names(standbys: &[u32]) -> Option<Step> {
        Some(Step::Key(Some(key(standbys))))
    }

    fn waits_for(standbys: &[u32]) -> Option<Step> {
        Some(Step::Database(Sync { required: standbys.len() as u32, of: standbys.iter().copied().collect() }))
    }

    #[test]
    fn the_database_waits_before_a_standby_is_named() {
        let on = options(Synchronous::On);
        assert_eq!(step(&on, None, &status(&[(5, 100)], &[])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(5, 100)], &[])), waits_for(&[5]));
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(5, 100)], &[5])), names(&[5]));
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 100)], &[5])), None);
    }

    #[test]
    fn a_standby_that_lacks_what_was_acknowledged_before_is_not_named_yet() {
        let on = options(Synchronous::On);
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(5, 89)], &[5])), None);
        let known = status(&[(5, 100)], &[5]);
        assert_eq!(
            next_step(ME, &on, Some(&key(&[])), &known, &[4, 5].map(|id| (id, Tags::default())).into(), None),
            None
        );
    }

    #[test]
    fn a_standby_that_the_database_does_not_wait_for_is_no_longer_named() {
        let on = options(Synchronous::On);
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 100)], &[])), names(&[]));
    }

    #[test]
    fn a_standby_that_has_gone_is_no_longer_named_before_it_is_no_longer_waited_for() {
        let on = options(Synchronous::On);
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(6, 100)], &[5])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(6, 100)], &[5])), waits_for(&[6]));
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[], &[5])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[])), &status(&[], &[5])), waits_for(&[]));
    }

    #[test]
    fn in_strict_mode_writes_wait_for_the_standby_that_has_gone_or_for_nobody_at_all() {
        let strict = options(Synchronous::Strict);
        assert_eq!(step(&strict, Some(&key(&[5])), &status(&[], &[5])), None);
        let nobody = Sync { required: 1, of: BTreeSet::new() };
        assert_eq!(step(&strict, Some(&key(&[])), &status(&[], &[])), Some(Step::Database(nobody.clone())));
        assert_eq!(before_any(&strict, &BTreeSet::new()), nobody);
        assert_eq!(step(&strict, Some(&key(&[5])), &status(&[(6, 100)], &[5])), names(&[]));
    }

    #[test]
    fn a_stuck_synchronous_standby_makes_room_for_one_that_moves() {
        let on = Options { maximum_lag_on_syncnode: Some(10), ..options(Synchronous::On) };
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 80), (6, 100)], &[5])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(5, 80), (6, 100)], &[5])), waits_for(&[6]));
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 90), (6, 100)], &[5])), None);
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 80)], &[5])), names(&[]));
    }

    #[test]
    fn of_several_standbys_each_is_measured_by_the_one_with_most_and_one_alone_by_the_primary() {
        let on = Options { maximum_lag_on_syncnode: Some(10), ..options(Synchronous::On) };
        // The primary has 100.
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 80), (6, 85)], &[5])), None);
        assert_eq!(step(&on, Some(&key(&[5])), &status(&[(5, 80), (6, 91)], &[5])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[6])), &status(&[(6, 85)], &[6])), names(&[]));
        assert_eq!(step(&on, Some(&key(&[6])), &status(&[(6, 90)], &[6])), None);
    }

    #[test]
    fn where_a_quorum_is_counted_writes_wait_for_any_of_those_that_stream_and_elsewhere_for_one() {
        let any_of = |required, of: &[u32]| Sync { required, of: of.iter().copied().collect() };
        let (quorum, on) = (options(Synchronous::Quorum), options(Synchronous::On));
        let both = status(&[(5, 100), (6, 100)], &[]);
        let tells = |of: &[u32]| Some(Step::Database(any_of(1, of)));
        assert_eq!(step(&quorum, Some(&key(&[])), &both), tells(&[5, 6]));
        assert_eq!(step(&on, Some(&key(&[])), &both), tells(&[5]));
        // And the key says of how many.
        let counted = SyncState { quorum: 1, ..key(&[5, 6]) };
        let waiting = Status { sync: any_of(1, &[5, 6]), ..both };
        assert_eq!(step(&quorum, Some(&counted), &waiting), None);
        assert_eq!(step(&on, Some(&counted), &waiting), names(&[]));
    }

    #[test]
    fn of_several_standbys_those_with_most_are_picked_and_those_without_an_agent_are_not() {
        let on = options(Synchronous::On);
        assert_eq!(step(&on, Some(&key(&[])), &status(&[(5, 95), (6, 99), (7, 100)], &[])), waits_for(&[6]));
        let two = Options { synchronous_node_count: 2, ..on };
        assert_eq!(step(&two, Some(&key(&[])), &status(&[(5, 95), (6, 99)], &[])), waits_for(&[5, 6]));
    }

    #[test]
    fn who_may_not_lead_comes_last_and_who_is_not_to_be_waited_for_not_at_all() {
        let may_not_lead = Tags { nofailover: Some(true), ..Tags::default() };
        let no_sync = Tags { nosync: true, ..Tags::default() };
        let (cascades, elsewhere): (Tags, Tags) =
            ([6, 7].map(|id| Tags { replicatefrom: Some(id), ..Tags::default() })).into();
        let waited_for = |count, tags: [&Tags; 2], mode| {
            let options = Options { synchronous_node_count: count, ..options(mode) };
            let members = [(5, tags[0].clone()), (6, tags[1].clone())].into();
            let status = status(&[(5, 100), (6, 95)], &[]);
            match next_step(ME, &options, Some(&key(&[])), &status, &members, Some(Lsn(90))) {
                Some(Step::Database(sync)) => Vec::from_iter(sync.of),
                _ => Vec::new(),
            }
        };
        let any = Tags::default();
        for mode in [Synchronous::On, Synchronous::Quorum] {
            assert_eq!(waited_for(1, [&may_not_lead, &any], mode), [6]);
            assert_eq!(waited_for(2, [&may_not_lead, &any], mode), [5, 6]);
            assert_eq!(waited_for(2, [&no_sync, &any], mode), [6]);
            assert_eq!(waited_for(2, [&cascades, &any], mode), [6]);
            assert_eq!(waited_for(2, [&elsewhere, &any], mode), [5, 6]);
            assert_eq!(waited_for(1, [&no_sync, &may_not_lead], mode), [6]);
        }
    }

    #[test]
    fn without_synchronous_mode_the_key_goes_first() {
        let off = options(Synchronous::Off);
        assert_eq!(step(&off, Some(&key(&[5])), &status(&[(5, 100)], &[5])), Some(Step::Key(None)));
        assert_eq!(step(&off, None, &status(&[(5, 100)], &[5])), waits_for(&[]));
        assert_eq!(step(&off, None, &status(&[(5, 100)], &[])), None);
    }

    #[test]
    fn a_key_of_another_leader_is_begun_anew() {
        let old = SyncState { leader: 5, standbys: BTreeSet::from([4, 6]), quorum: 0 };
        let on = options(Synchronous::On);
        assert_eq!(step(&on, Some(&old), &status(&[(6, 100)], &[])), names(&[]));
        let counted = SyncState { quorum: 1, ..key(&[5, 6]) };
        assert_eq!(step(&on, Some(&counted), &status(&[(5, 100)], &[5])), names(&[]));
    }
}
