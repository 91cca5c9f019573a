//! What the sentinel that leads remembers from round to round: when it last saw something new of everyone. It begins
//! with nothing each time it comes to lead.

use crate::stolon::message::{ClusterData, Db, DbUid, FIRST_GENERATION, Init, Keeper, KeeperInfo, ProxyInfo};
use std::collections::BTreeMap;
use std::time::Duration;

/// Two clocks: time since this sentinel began, and the wall clock in ms since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::stolon) struct Now {
    pub elapsed: Duration,
    pub wall_ms: u64,
}

/// What was seen, and since when something has been wrong.
#[derive(Debug, Clone, Default)]
pub(in crate::stolon) struct Memory {
    /// Whether this is not the first round.
    begun: bool,
    keepers: BTreeMap<u32, Seen>,
    proxies: BTreeMap<u32, (u64, Duration)>,
    keepers_in_error: BTreeMap<u32, Duration>,
    dbs_in_error: BTreeMap<DbUid, Duration>,
    /// Databases that have not reached their generation: which one, and since when.
    converging: BTreeMap<DbUid, (u64, Duration)>,
}

/// A keeper's latest record.
#[derive(Debug, Clone)]
struct Seen {
    info: u64,
    /// When it was first seen; none if it was there when this sentinel came to lead.
    at: Option<Duration>,
}

/// How far a database is on its way to what it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stolon) enum Convergence {
    Converged,
    Converging,
    Failed,
}

impl Memory {
    /// Enters what keepers say into the cluster's data. What they have said before counts for nothing.
    pub fn observe(&mut self, data: &mut ClusterData, keepers: &BTreeMap<u32, KeeperInfo>, now: Now) {
        if !self.begun {
            self.begun = true;
            self.remember(data, now);
            let seen = keepers.iter().map(|(id, said)| (*id, Seen { info: said.info, at: None }));
            self.keepers = seen.collect();
            return;
        }
        let fresh: BTreeMap<u32, &KeeperInfo> = keepers
            .iter()
            .filter(|(id, said)| self.is_fresh(**id, said, data, now))
            .map(|(id, k)| (*id, k))
            .collect();
        for (id, said) in &fresh {
            data.keepers.entry(*id).or_insert(Keeper {
                boot: said.boot,
                healthy: true,
                healthy_at_ms: now.wall_ms,
                force_fail: false,
                never: said.never,
            });
        }
        let fail_interval = data.options.fail_interval;
        for (id, keeper) in &mut data.keepers {
            let in_error = match fresh.get(id) {
                Some(said) => {
                    (keeper.boot, keeper.never) = (said.boot, said.never);
                    self.keepers_in_error.remove(id);
                    Duration::ZERO
                }
                None => now.elapsed - *self.keepers_in_error.entry(*id).or_insert(now.elapsed),
            };
            keeper.healthy = in_error <= fail_interval && !keeper.force_fail;
            keeper.force_fail = false;
            if keeper.healthy {
                keeper.healthy_at_ms = now.wall_ms;
            }
        }
        self.observe_dbs(data, &fresh, now);
    }

    fn is_fresh(&mut self, id: u32, said: &KeeperInfo, data: &ClusterData, now: Now) -> bool {
        match self.keepers.get(&id) {
            Some(seen) if seen.info == said.info => {
                seen.at.is_some_and(|at| now.elapsed - at <= data.options.sleep_interval)
            }
            _ => {
                self.keepers.insert(id, Seen { info: said.info, at: Some(now.elapsed) });
                true
            }
        }
    }

    fn observe_dbs(&mut self, data: &mut ClusterData, fresh: &BTreeMap<u32, &KeeperInfo>, now: Now) {
        let by_keeper: BTreeMap<u32, DbUid> =
            data.dbs.iter().map(|(uid, db)| (db.spec.keeper, *uid)).collect();
        for (uid, db) in &mut data.dbs {
            let said = fresh.get(&db.spec.keeper).and_then(|said| said.state.as_ref());
            let state = said.filter(|state| state.uid == *uid);
            if let Some(state) = state {
                db.status.address = Some(state.address);
                db.status.generation = state.generation;
                if state.healthy {
                    db.status.history = state.history.clone();
                    db.status.last = state.last;
                    db.status.replication = state.replication;
                    // Under another specification others may have been waited for.
                    let as_specified = state.generation == db.generation;
                    let in_sync = state.in_sync.iter().filter(|_| as_specified);
                    db.status.in_sync = in_sync.filter_map(|keeper| by_keeper.get(keeper).copied()).collect();
                }
            }
            let in_error = if state.is_some_and(|state| state.healthy) {
                self.dbs_in_error.remove(uid);
                Duration::ZERO
            } else {
                now.elapsed - *self.dbs_in_error.entry(*uid).or_insert(now.elapsed)
            };
            let keeper = data.keepers.get(&db.spec.keeper).is_some_and(|keeper| keeper.healthy);
            db.status.healthy = keeper && in_error <= data.options.fail_interval;
        }
    }

    /// The proxies that may route, and the generation that each knows of. One whose record stays as it is for long
    /// enough routes nowhere.
    pub fn active(&mut self, proxies: &BTreeMap<u32, ProxyInfo>, now: Now) -> BTreeMap<u32, u64> {
        self.proxies.retain(|id, _| proxies.contains_key(id));
        let mut active = BTreeMap::new();
        for (id, said) in proxies {
            let (info, since) = self.proxies.entry(*id).or_insert((said.info, now.elapsed));
            if *info != said.info {
                (*info, *since) = (said.info, now.elapsed);
            }
            if now.elapsed - *since <= 2 * said.timeout {
                active.insert(*id, said.generation);
            }
        }
        active
    }

    /// Notes which databases have not reached their generation.
    pub fn remember(&mut self, data: &ClusterData, now: Now) {
        let mut converging = BTreeMap::new();
        for (uid, db) in &data.dbs {
            if db.status.generation != db.generation {
                let known = self.converging.get(uid).filter(|(generation, _)| *generation == db.generation);
                converging.insert(*uid, known.copied().unwrap_or((db.generation, now.elapsed)));
            }
        }
        self.converging = converging;
        self.dbs_in_error.retain(|uid, _| data.dbs.contains_key(uid));
        self.keepers_in_error.retain(|id, _| data.keepers.contains_key(id));
    }

    /// How far a database is. It has `within` for that; 0: as long as it takes.
    pub fn convergence(&self, uid: DbUid, db: &Db, within: Duration, now: Now) -> Convergence {
        if db.status.generation == db.generation {
            return Convergence::Converged;
        }
        let since = self.converging.get(&uid).map_or(now.elapsed, |(_, since)| *since);
        if !within.is_zero() && now.elapsed - since > within {
            Convergence::Failed
        } else {
            Convergence::Converging
        }
    }

    /// As [`Memory::convergence`], with as much time as its specification gives it.
    pub fn convergence_of(&self, data: &ClusterData, uid: DbUid, now: Now) -> Convergence {
        let db = &data.dbs[&uid];
        let initialising = db.generation == FIRST_GENERATION && db.spec.init == Init::Resync;
        let options = &data.options;
        let within = if initialising { options.sync_timeout } else { options.convergence_timeout };
        self.convergence(uid, db, within, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Lsn, Replication};
    use crate::stolon::message::{DbRole, DbState, Never};
    use crate::stolon::options::Options;
    use std::collections::BTreeSet;

    fn at(seconds: u64) -> Now {
        Now { elapsed: Duration::from_secs(seconds), wall_ms: seconds * 1000 }
    }

    /// One keeper with its database says something.
    fn says(info: u64, healthy: bool) -> BTreeMap<u32, KeeperInfo> {
        let state = DbState {
            uid: DbUid(1),
            generation: 1,
            healthy,
            address: ([10, 0, 0, 1], 7000).into(),
            history: History::default(),
            last: Lsn(info),
            replication: Replication::Idle,
            in_sync: BTreeSet::from([1]),
        };
        BTreeMap::from([(1, KeeperInfo { info, boot: 3, state: Some(state), never: Never::default() })])
    }

    fn cluster() -> ClusterData {
        let mut data = ClusterData::new(Options::default());
        data.add_db(1, Init::None, DbRole::Master);
        data
    }

    /// The cluster after a first round, and one in which the keeper said something new.
    fn met() -> (Memory, ClusterData) {
        let (mut memory, mut data) = (Memory::default(), cluster());
        memory.observe(&mut data, &says(1, true), at(0));
        assert_eq!(data, cluster(), "what was there before counts for nothing");
        memory.observe(&mut data, &says(2, true), at(5));
        (memory, data)
    }

    #[test]
    fn a_keeper_that_says_something_is_known_and_healthy() {
        let (_, data) = met();
        assert_eq!((data.keepers[&1].healthy, data.keepers[&1].boot), (true, 3));
        let status = &data.dbs[&DbUid(1)].status;
        assert_eq!((status.healthy, status.generation, status.last), (true, 1, Lsn(2)));
    }

    #[test]
    fn a_keeper_that_says_nothing_new_for_too_long_has_failed() {
        let (mut memory, mut data) = met();
        // Its last words count for one more pause.
        memory.observe(&mut data, &says(2, true), at(10));
        memory.observe(&mut data, &says(2, true), at(11));
        memory.observe(&mut data, &says(2, true), at(31));
        assert!(data.keepers[&1].healthy && data.dbs[&DbUid(1)].status.healthy);
        memory.observe(&mut data, &says(2, true), at(32));
        assert!(!data.keepers[&1].healthy && !data.dbs[&DbUid(1)].status.healthy);
        memory.observe(&mut data, &says(3, true), at(33));
        assert!(data.keepers[&1].healthy && data.dbs[&DbUid(1)].status.healthy);
    }

    #[test]
    fn what_is_in_error_is_remembered_from_round_to_round() {
        // Its keeper says nothing new, or that the database does not run.
        for says_nothing in [true, false] {
            let (mut memory, mut data) = met();
            let mut is_healthy = |seconds| {
                let said = if says_nothing { says(2, true) } else { says(seconds, false) };
                memory.observe(&mut data, &said, at(seconds));
                memory.remember(&data, at(seconds));
                (data.keepers[&1].healthy, data.dbs[&DbUid(1)].status.healthy)
            };
            assert_eq!([11, 20, 31].map(&mut is_healthy), [(true, true); 3]);
            assert_eq!(is_healthy(32), (!says_nothing, false));
        }
    }

    #[test]
    fn a_copy_takes_as_long_as_it_takes_until_it_is_to_be_something_else() {
        let (mut memory, mut data) = (Memory::default(), ClusterData::new(Options::default()));
        let uid = data.add_db(1, Init::Resync, DbRole::Master);
        let mut after = |data: &ClusterData, seconds| {
            memory.remember(data, at(0));
            memory.convergence_of(data, uid, at(seconds))
        };
        assert_eq!(after(&data, 100_000), Convergence::Converging);
        data.dbs.get_mut(&uid).unwrap().generation = 2;
        assert_eq!(after(&data, 30), Convergence::Converging);
        assert_eq!(after(&data, 31), Convergence::Failed);
    }

    #[test]
    fn of_a_keeper_it_is_known_when_it_was_healthy_last() {
        let (mut memory, mut data) = met();
        assert_eq!(data.keepers[&1].healthy_at_ms, 5000);
        memory.observe(&mut data, &says(3, true), at(10));
        assert_eq!(data.keepers[&1].healthy_at_ms, 10_000);
        // It falls silent.
        memory.observe(&mut data, &says(3, true), at(16));
        memory.observe(&mut data, &says(3, true), at(36));
        memory.observe(&mut data, &says(3, true), at(37));
        assert_eq!((data.keepers[&1].healthy, data.keepers[&1].healthy_at_ms), (false, 36_000));
        memory.observe(&mut data, &says(4, true), at(60));
        assert_eq!((data.keepers[&1].healthy, data.keepers[&1].healthy_at_ms), (true, 60_000));
    }

    #[test]
    fn a_database_in_error_for_too_long_has_failed_though_its_keeper_speaks() {
        let (mut memory, mut data) = met();
        memory.observe(&mut data, &says(3, false), at(10));
        memory.observe(&mut data, &says(4, false), at(31));
        assert!(data.keepers[&1].healthy && !data.dbs[&DbUid(1)].status.healthy);
        assert_eq!(data.dbs[&DbUid(1)].status.last, Lsn(2), "what it says in error does not count");
    }

    #[test]
    fn a_keeper_that_speaks_of_another_database_is_in_error() {
        let (mut memory, mut data) = met();
        data.dbs.clear();
        let uid = data.add_db(1, Init::Resync, DbRole::Master);
        memory.observe(&mut data, &says(3, true), at(10));
        memory.observe(&mut data, &says(4, true), at(31));
        assert!(!data.dbs[&uid].status.healthy);
    }

    #[test]
    fn an_operators_word_makes_a_keeper_fail_once() {
        let (mut memory, mut data) = met();
        data.keepers.get_mut(&1).unwrap().force_fail = true;
        memory.observe(&mut data, &says(3, true), at(10));
        assert!(!data.keepers[&1].healthy && !data.dbs[&DbUid(1)].status.healthy);
        memory.observe(&mut data, &says(4, true), at(15));
        assert!(data.keepers[&1].healthy && data.dbs[&DbUid(1)].status.healthy);
    }

    #[test]
    fn a_database_that_listens_elsewhere_is_known_there() {
        let (mut memory, mut data) = met();
        let mut elsewhere = says(3, true);
        let said = elsewhere.get_mut(&1).unwrap();
        (said.boot, said.state.as_mut().unwrap().address) = (4, ([10, 0, 0, 9], 7009).into());
        memory.observe(&mut data, &elsewhere, at(10));
        assert_eq!(data.keepers[&1].boot, 4);
        assert_eq!(data.dbs[&DbUid(1)].status.address, Some(([10, 0, 0, 9], 7009).into()));
        assert_eq!(data.dbs[&DbUid(1)].generation, 1, "it is to be what it was");
    }

    #[test]
    fn what_a_keeper_is_never_chosen_for_is_what_it_said_last() {
        let (mut memory, mut data) = met();
        let mut never = says(3, true);
        never.get_mut(&1).unwrap().never = Never { master: true, synchronous: false };
        memory.observe(&mut data, &never, at(10));
        assert!(data.keepers[&1].never.master);
        memory.observe(&mut data, &says(4, true), at(15));
        assert!(!data.keepers[&1].never.master);
    }

    #[test]
    fn who_is_in_sync_counts_only_under_the_present_generation() {
        let (mut memory, mut data) = met();
        assert_eq!(data.dbs[&DbUid(1)].status.in_sync, BTreeSet::from([DbUid(1)]));
        data.dbs.get_mut(&DbUid(1)).unwrap().generation = 2;
        memory.observe(&mut data, &says(3, true), at(10));
        assert!(data.dbs[&DbUid(1)].status.in_sync.is_empty());
    }

    #[test]
    fn a_proxy_is_waited_for_as_long_as_it_may_route() {
        let proxy = |info| {
            let timeout = Duration::from_secs(15);
            BTreeMap::from([(7, ProxyInfo { info, generation: 4, timeout })])
        };
        let mut memory = Memory::default();
        let known = BTreeMap::from([(7, 4)]);
        assert_eq!(memory.active(&proxy(1), at(0)), known);
        assert_eq!(memory.active(&proxy(1), at(30)), known);
        assert!(memory.active(&proxy(1), at(31)).is_empty());
        assert_eq!(memory.active(&proxy(2), at(32)), known);
        assert!(memory.active(&BTreeMap::new(), at(33)).is_empty());
    }
}
