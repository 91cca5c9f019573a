//! What the sentinel that leads decides: from what a cluster is, to what it is to be.

pub(super) mod keeper;
pub(super) mod memory;
mod synchronous;
#[cfg(test)]
mod tests;

use super::message::{ClusterData, Db, DbRole, DbStatus, DbUid, Init, Never, Phase, Synchronous};
use super::options::Flaw;
use crate::database::Replication;
use memory::{Convergence, Memory, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What there is to know besides the cluster's data.
pub(super) struct Round<'a> {
    pub memory: &'a Memory,
    /// The proxies that may route, and the generation that each knows of.
    pub proxies: &'a BTreeMap<u32, u64>,
    pub now: Now,
    /// A random number.
    pub draw: u64,
}

impl Round<'_> {
    /// One round of the sentinel: the cluster's data as they are to be from now on.
    pub fn decide(&self, before: &ClusterData) -> ClusterData {
        let mut after = before.clone();
        match (before.phase, before.master) {
            (Phase::Initializing, None) => self.choose_first(&mut after),
            (Phase::Initializing, Some(master)) => self.await_first(before, &mut after, master),
            (Phase::Normal, Some(master)) if before.dbs.contains_key(&master) => {
                self.govern(before, &mut after, master);
            }
            // Nobody takes a master's database away.
            (Phase::Normal, _) => {}
        }
        for (uid, db) in &mut after.dbs {
            if before.dbs.get(uid).is_some_and(|known| known.spec != db.spec) {
                db.generation += 1;
            }
        }
        after
    }

    /// Some keeper begins the first database.
    fn choose_first(&self, after: &mut ClusterData) {
        let Some(turn) = self.draw.checked_rem(after.keepers.len() as u64) else { return };
        if let Some(keeper) = after.keepers.keys().nth(turn as usize).copied() {
            let role = after.role_of_master();
            let init = if role == DbRole::Master { Init::New } else { Init::Resync };
            after.master = Some(after.add_db(keeper, init, role));
        }
    }

    /// It has, or it is another's turn.
    fn await_first(&self, before: &ClusterData, after: &mut ClusterData, master: DbUid) {
        let db = &before.dbs[&master];
        // A copy of another cluster's primary takes as long as it takes.
        let within = if db.spec.init == Init::New { before.options.init_timeout } else { Duration::ZERO };
        match self.memory.convergence(master, db, within, self.now) {
            Convergence::Converged if db.status.healthy => {
                set_init(after, master);
                after.phase = Phase::Normal;
            }
            Convergence::Failed => {
                after.dbs.clear();
                after.master = None;
            }
            Convergence::Converged | Convergence::Converging => {}
        }
    }

    fn govern(&self, before: &ClusterData, after: &mut ClusterData, master: DbUid) {
        self.forget_keepers(after);
        let current = &before.dbs[&master];
        let converges =
            self.memory.convergence(master, current, before.options.convergence_timeout, self.now);
        let fails = !current.status.healthy || converges == Convergence::Failed;
        let elected = if fails { self.elect(after, master) } else { None };
        match elected {
            Some(elected) => switch(after, master, elected),
            None => {
                self.direct_proxies(after, master);
                // The cluster is no longer a standby of another, or of another one.
                let role = after.role_of_master();
                if let Some(db) = after.dbs.get_mut(&master) {
                    db.spec.role = role;
                }
                if current.status.healthy && converges == Convergence::Converged {
                    self.arrange_standbys(after, master);
                }
            }
        }
        let followed = elected.unwrap_or(master);
        let followers =
            after.dbs.iter().filter(|(_, db)| db.spec.role == DbRole::Standby { follows: followed });
        let followers = followers.map(|(uid, _)| *uid).collect();
        if let Some(db) = after.dbs.get_mut(&master) {
            db.spec.followers = followers;
        }
    }

    fn forget_keepers(&self, after: &mut ClusterData) {
        let busy: BTreeSet<u32> = after.dbs.values().map(|db| db.spec.keeper).collect();
        let long_ms = after.options.dead_keeper_removal.as_millis() as u64;
        let now_ms = self.now.wall_ms;
        after
            .keepers
            .retain(|id, keeper| busy.contains(id) || now_ms.saturating_sub(keeper.healthy_at_ms) <= long_ms);
    }

    /// Who becomes the master, if anybody may. Of those that may, the least advanced: so the source has it.
    fn elect(&self, data: &ClusterData, master: DbUid) -> Option<DbUid> {
        let may = |(uid, _): &(&DbUid, &Db)| **uid != master && self.why_not(data, master, **uid).is_none();
        let elected = data.dbs.iter().filter(may);
        elected.min_by_key(|(_, db)| (db.status.last, db.spec.role.is_master())).map(|(uid, _)| *uid)
    }

    /// Why none of the others becomes the master, by the number of its keeper.
    pub fn passed_over(&self, data: &ClusterData) -> BTreeMap<u32, &'static str> {
        let Some(master) = data.master.filter(|uid| data.dbs.contains_key(uid)) else {
            return BTreeMap::new();
        };
        let others = data.dbs.iter().filter(|(uid, _)| **uid != master);
        others.filter_map(|(uid, db)| Some((db.spec.keeper, self.why_not(data, master, *uid)?))).collect()
    }

    /// Why a database may not become the master; none if it may. A former one may whose successor has failed.
    fn why_not(&self, data: &ClusterData, master: DbUid, uid: DbUid) -> Option<&'static str> {
        let (current, db) = (&data.dbs[&master], &data.dbs[&uid]);
        match validity(&current.status, db) {
            Validity::Unknown => return Some("nothing was heard of it yet"),
            Validity::Invalid => return Some("its log went another way"),
            Validity::Valid => {}
        }
        match self.how(data, uid) {
            How::Failed => return Some("it fails, or its keeper is silent"),
            How::Converging => return Some("it is not yet what it is to be"),
            How::Good => {}
        }
        if db.status.history.last() != current.status.history.last() {
            return Some("its timeline is not the master's last");
        }
        if !self.may_replace(data, master, db) {
            return Some("it lacks too much");
        }
        if db.spec.role.is_standby() && never(data, uid).master {
            return Some("its keeper never has the master");
        }
        match &current.spec.synchronous {
            Some(synchronous) if data.options.flaw != Some(Flaw::SyncStandbyNotChecked) => {
                let safe = synchronous.standbys.contains(&uid) && current.status.synchronous.contains(&uid);
                (!safe).then_some("writes need not have waited for it")
            }
            _ => None,
        }
    }

    /// Good standbys on the master's timeline, and not too far behind; the least advanced first.
    fn best_standbys(&self, data: &ClusterData, master: DbUid) -> Vec<DbUid> {
        let standbys = self.valid(data, master, DbRole::is_standby).into_iter();
        let best =
            standbys.filter(|(uid, how)| *how == How::Good && self.may_replace(data, master, &data.dbs[uid]));
        let mut best: Vec<DbUid> = best.map(|(uid, _)| uid).collect();
        best.sort_by_key(|uid| data.dbs[uid].status.last);
        best
    }

    fn may_replace(&self, data: &ClusterData, master: DbUid, db: &Db) -> bool {
        let master = &data.dbs[&master].status;
        let lag = master.last.0.saturating_sub(db.status.last.0);
        // What a synchronous standby last said of itself may be older than what was acknowledged since.
        let near = data.options.is_synchronous() || lag <= data.options.max_standby_lag;
        db.status.history.last() == master.history.last() && near
    }

    /// Databases of this role that continue what the master has, and how they are.
    fn valid(&self, data: &ClusterData, master: DbUid, role: fn(DbRole) -> bool) -> BTreeMap<DbUid, How> {
        let master = &data.dbs[&master].status;
        let valid =
            data.dbs.iter().filter(|(_, db)| role(db.spec.role) && validity(master, db) == Validity::Valid);
        valid.map(|(uid, _)| (*uid, self.how(data, *uid))).collect()
    }

    fn how(&self, data: &ClusterData, uid: DbUid) -> How {
        let db = &data.dbs[&uid];
        if !data.keepers.get(&db.spec.keeper).is_some_and(|keeper| keeper.healthy) {
            return How::Failed;
        }
        match self.memory.convergence_of(data, uid, self.now) {
            Convergence::Failed => How::Failed,
            Convergence::Converging => How::Converging,
            Convergence::Converged if db.status.healthy => How::Good,
            Convergence::Converged => How::Failed,
        }
    }

    /// Says where to route when no proxy routes elsewhere any more; and who may route.
    fn direct_proxies(&self, after: &mut ClusterData, master: DbUid) {
        let proxy = &mut after.proxy;
        if proxy.master.is_none() {
            let fenced = self.proxies.values().all(|generation| *generation == proxy.generation);
            if fenced || after.options.flaw == Some(Flaw::ProxyWithoutFence) {
                proxy.master = Some(master);
                proxy.generation += 1;
            }
        } else {
            let enabled: BTreeSet<u32> = self.proxies.keys().copied().collect();
            if proxy.enabled != enabled {
                proxy.enabled = enabled;
                proxy.generation += 1;
            }
        }
    }

    /// A master that works gets standbys, and loses those that can be none.
    fn arrange_standbys(&self, after: &mut ClusterData, master: DbUid) {
        let status = after.dbs[&master].status.clone();
        after.dbs.retain(|uid, db| {
            *uid == master
                || db.spec.role.is_standby()
                    && validity(&status, db) != Validity::Invalid
                    && !cannot_follow(&status, db)
        });
        let valid = self.valid(after, master, DbRole::is_standby);
        let good: BTreeSet<DbUid> =
            valid.iter().filter(|(_, how)| **how == How::Good).map(|(uid, _)| *uid).collect();
        good.iter().for_each(|uid| set_init(after, *uid));
        if after.options.is_synchronous() {
            let mut best = self.best_standbys(after, master);
            best.retain(|uid| !never(after, *uid).synchronous);
            synchronous::arrange(after, master, &good, &best);
        } else if let Some(db) = after.dbs.get_mut(&master) {
            db.spec.synchronous = None;
            db.status.synchronous.clear();
        }
        let wanted = after.options.max_standbys as usize;
        if good.len() >= wanted {
            remove_standbys(after, master, &good, wanted);
        } else {
            let usable = valid.values().filter(|how| **how != How::Failed).count();
            add_standbys(after, master, wanted.saturating_sub(usable));
        }
        for (uid, db) in &mut after.dbs {
            if *uid != master {
                db.spec.role = DbRole::Standby { follows: master };
                db.spec.followers.clear();
                db.spec.synchronous = None;
            }
        }
    }
}

/// How a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Good,
    Converging,
    Failed,
}

/// Whether a database's log belongs to the master's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Validity {
    Valid,
    Invalid,
    /// Nothing was heard of it yet.
    Unknown,
}

fn validity(master: &DbStatus, db: &Db) -> Validity {
    if db.status.generation == 0 {
        Validity::Unknown
    } else if db.status.branches_off(master) {
        Validity::Invalid
    } else {
        Validity::Valid
    }
}

/// What a database is never chosen for.
fn never(data: &ClusterData, uid: DbUid) -> Never {
    data.keepers.get(&data.dbs[&uid].spec.keeper).map(|keeper| keeper.never).unwrap_or_default()
}

/// Whether the master no longer has what this standby needs next.
fn cannot_follow(master: &DbStatus, db: &Db) -> bool {
    let initialised = db.spec.role.is_standby() && db.status.healthy && db.spec.init != Init::Resync;
    initialised && db.status.last != master.last && db.status.replication == Replication::TooFarBehind
}

fn set_init(data: &mut ClusterData, uid: DbUid) {
    if let Some(db) = data.dbs.get_mut(&uid) {
        db.spec.init = Init::None;
    }
}

/// The master is another one. Proxies route nowhere until all have said that they know; the former master stays what it
/// is until the new one works.
fn switch(after: &mut ClusterData, former: DbUid, elected: DbUid) {
    after.master = Some(elected);
    if after.proxy.master.take().is_some() {
        after.proxy.generation += 1;
    }
    let waited_for = after.dbs[&former].spec.synchronous.clone().unwrap_or_default().standbys;
    let options = &after.options;
    let synchronous = options.is_synchronous().then(|| {
        // The same standbys, with the former master in its place.
        let standbys = waited_for.iter().map(|uid| if *uid == elected { former } else { *uid });
        let standbys: BTreeSet<DbUid> = standbys.collect();
        Synchronous { blocked: standbys.is_empty() && options.min_synchronous_standbys > 0, standbys }
    });
    let role = after.role_of_master();
    if let Some(db) = after.dbs.get_mut(&elected) {
        db.spec.role = role;
        db.spec.synchronous = synchronous;
    }
}

/// There are enough good standbys: the others go, and those in excess. Writes may wait for one: it stays.
fn remove_standbys(after: &mut ClusterData, master: DbUid, good: &BTreeSet<DbUid>, wanted: usize) {
    let waited_for = after.dbs[&master].spec.synchronous.clone().unwrap_or_default().standbys;
    let mut excess = good.len() - wanted;
    after.dbs.retain(|uid, _| {
        if *uid == master || waited_for.contains(uid) {
            return true;
        }
        if good.contains(uid) && excess == 0 {
            return true;
        }
        excess -= usize::from(good.contains(uid));
        false
    });
}

/// Keepers without a database get one each.
fn add_standbys(after: &mut ClusterData, master: DbUid, missing: usize) {
    let busy: BTreeSet<u32> = after.dbs.values().map(|db| db.spec.keeper).collect();
    let free = after.keepers.iter().filter(|(id, keeper)| keeper.healthy && !busy.contains(id));
    let free: Vec<u32> = free.map(|(id, _)| *id).take(missing).collect();
    for keeper in free {
        after.add_db(keeper, Init::Resync, DbRole::Standby { follows: master });
    }
}

impl DbRole {
    /// Of the cluster's master, whether or not it takes writes.
    pub(super) fn is_master(self) -> bool {
        !self.is_standby()
    }

    fn is_standby(self) -> bool {
        matches!(self, DbRole::Standby { .. })
    }
}
