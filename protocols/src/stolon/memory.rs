//! What the sentinel that leads remembers from round to round: when it last saw something new of everyone. It begins with
//! nothing each time it comes to lead.

use super::cluster::{ClusterData, Db, DbUid, FIRST_GENERATION, Init, Keeper, KeeperInfo, ProxyInfo};
use std::collections::BTreeMap;
use std::time::Duration;

/// Two clocks: time since this sentinel began, and the wall clock in ms since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Now {
    pub elapsed: Duration,
    pub wall_ms: u64,
}

/// What was seen, and since when something has been wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
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
pub(super) enum Convergence {
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
            });
        }
        let fail_interval = data.options.fail_interval;
        for (id, keeper) in &mut data.keepers {
            let in_error = match fresh.get(id) {
                Some(said) => {
                    keeper.boot = said.boot;
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

    /// The proxies that may route, and the generation that each knows of. One whose record stays as it is for long enough
    /// routes nowhere.
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
