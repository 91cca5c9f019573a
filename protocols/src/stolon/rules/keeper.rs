//! What a keeper does next with its database: a function of what it is to be, what it is, and what the keeper knows.

use crate::database::{Repair, Replication, Role, Start, Status, Sync};
use crate::stolon::local::Local;
use crate::stolon::message::{ClusterData, Db, DbRole, DbUid, Init};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// One step. After each but the first the keeper looks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stolon) enum Step {
    /// Nothing can be done now, or nothing is to be done; this is why.
    Wait(&'static str),
    /// The database is what it is to be.
    Reached(Local),
    /// From now on the data are these.
    Save(Local),
    Stop,
    Start(Start),
    /// A master that was stopped begins again, with the timeline that it had, if its data are there.
    Restart(Sync),
    Promote,
    Follow(SocketAddr, Repair),
    SetSync(Sync),
    /// The copy is there: from now on it follows, and repairs nothing; the data are these.
    Copied(SocketAddr, Local),
}

/// The next step of keeper `id` in its life `boot`.
pub(in crate::stolon) fn next(
    data: &ClusterData,
    id: u32,
    boot: u64,
    local: &Local,
    status: &Status,
) -> Step {
    let idle = |why| if status.role == Role::Stopped { Step::Wait(why) } else { Step::Stop };
    let Some(keeper) = data.keepers.get(&id) else {
        return Step::Wait("the sentinel does not know this keeper");
    };
    let Some((uid, db)) = data.db_of(id) else { return idle("no database is assigned") };
    // What was decided before this keeper's life may be about an older one.
    if keeper.boot != boot {
        return idle("the sentinel does not know that this keeper began anew");
    }
    if local.db != Some(uid) {
        return match (db.spec.init, status.role) {
            (Init::None, _) => idle("the data are gone, or another database's"),
            (_, Role::Stopped) => {
                Step::Save(Local { db: Some(uid), generation: 0, initialising: true, master: false })
            }
            _ => Step::Stop,
        };
    }
    if status.role == Role::Starting {
        return Step::Wait("the database starts, or stops");
    }
    let upstream = match db.spec.role {
        DbRole::Master if local.initialising => return begin(local, status.role),
        DbRole::Master => return master(data, db, local, status),
        _ if status.role == Role::Primary => return Step::Wait("a master cannot become a standby"),
        DbRole::Standby { follows } => data.dbs.get(&follows).and_then(|followed| followed.status.address),
        DbRole::Relay { primary } => Some(primary),
    };
    let Some(upstream) = upstream else { return Step::Wait("it is not known where the master listens") };
    if local.initialising { copy(data, local, status, upstream) } else { follow(db, local, status, upstream) }
}

/// The first database.
fn begin(local: &Local, role: Role) -> Step {
    match role {
        Role::Stopped => Step::Start(Start::Primary),
        Role::Primary => Step::Save(Local { initialising: false, master: true, ..local.clone() }),
        Role::Standby | Role::Starting => Step::Stop,
    }
}

fn master(data: &ClusterData, db: &Db, local: &Local, status: &Status) -> Step {
    let sync = waited_for(data, db);
    match status.role {
        Role::Stopped if local.master => Step::Restart(sync),
        Role::Stopped => Step::Start(Start::Standby { upstream: None, repair: Repair::No }),
        _ if status.history.last().is_none() => Step::Wait("an empty database is no master"),
        _ if status.sync != sync => Step::SetSync(sync),
        Role::Primary => Step::Reached(Local { generation: db.generation, master: true, ..local.clone() }),
        Role::Standby | Role::Starting => Step::Promote,
    }
}

/// A standby that is like the one that it follows.
fn follow(db: &Db, local: &Local, status: &Status, upstream: SocketAddr) -> Step {
    match status.role {
        Role::Stopped => Step::Start(Start::Standby { upstream: Some(upstream), repair: Repair::No }),
        _ if status.upstream != Some(upstream) => Step::Follow(upstream, Repair::No),
        _ => Step::Reached(Local { generation: db.generation, master: false, ..local.clone() }),
    }
}

/// A standby that is to become like the one that it follows.
fn copy(data: &ClusterData, local: &Local, status: &Status, upstream: SocketAddr) -> Step {
    let repair = if data.options.rewind { Repair::RewindOrClone } else { Repair::Clone };
    match status.role {
        Role::Stopped => Step::Start(Start::Standby { upstream: Some(upstream), repair }),
        _ if status.upstream != Some(upstream) => Step::Follow(upstream, repair),
        _ if status.replication == Replication::Streaming => {
            Step::Copied(upstream, Local { initialising: false, ..local.clone() })
        }
        _ => Step::Wait("the copy is not there yet"),
    }
}

/// Whom the writes of a master wait for, by the numbers of their databases: those of their keepers.
fn waited_for(data: &ClusterData, db: &Db) -> Sync {
    let Some(synchronous) = &db.spec.synchronous else { return Sync::default() };
    let number = |uid: &DbUid| data.dbs.get(uid).map(|standby| standby.spec.keeper);
    let of: BTreeSet<u32> = synchronous.standbys.iter().filter_map(number).collect();
    let required = synchronous.standbys.len() as u32 + u32::from(synchronous.blocked);
    Sync { required, of }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Lsn, Timeline};
    use crate::stolon::message::{Keeper, Never, Synchronous};
    use crate::stolon::options::Options;

    const BOOT: u64 = 77;

    fn address(id: u32) -> SocketAddr {
        ([10, 0, 0, id as u8], 7000).into()
    }

    /// Keeper 1 has the master, keeper 2 a standby.
    fn cluster() -> ClusterData {
        let mut data = ClusterData::new(Options::default());
        for id in [1, 2] {
            let keeper = Keeper {
                boot: BOOT,
                healthy: true,
                healthy_at_ms: 0,
                force_fail: false,
                never: Never::default(),
            };
            data.keepers.insert(id, keeper);
        }
        let master = data.add_db(1, Init::None, DbRole::Master);
        data.add_db(2, Init::None, DbRole::Standby { follows: master });
        for db in data.dbs.values_mut() {
            db.status.address = Some(address(db.spec.keeper));
        }
        data
    }

    fn status(id: u32, role: Role) -> Status {
        let mut history = History::default();
        history.push(Timeline { number: 1, tag: 5 }, Lsn(1));
        Status {
            id,
            role,
            history,
            durable: Lsn(9),
            visible: Lsn(9),
            upstream: None,
            replication: Replication::Idle,
            standbys: vec![],
            sync: Sync::default(),
        }
    }

    fn local(uid: u64) -> Local {
        Local { db: Some(DbUid(uid)), generation: 1, initialising: false, master: false }
    }

    fn step(data: &ClusterData, id: u32, local: &Local, status: &Status) -> Step {
        next(data, id, BOOT, local, status)
    }

    #[test]
    fn a_keeper_without_a_database_stops_what_runs() {
        let mut data = cluster();
        data.dbs.remove(&DbUid(1));
        assert_eq!(step(&data, 1, &local(1), &status(1, Role::Primary)), Step::Stop);
        let stopped = status(1, Role::Stopped);
        assert_eq!(step(&data, 1, &local(1), &stopped), Step::Wait("no database is assigned"));
    }

    #[test]
    fn a_keeper_that_began_anew_waits_until_the_sentinel_knows() {
        let mut data = cluster();
        let was = Local { master: true, ..local(1) };
        assert_eq!(step(&data, 1, &was, &status(1, Role::Stopped)), Step::Restart(Sync::default()));
        data.keepers.get_mut(&1).unwrap().boot = 78;
        assert_eq!(step(&data, 1, &was, &status(1, Role::Primary)), Step::Stop);
        let waits = step(&data, 1, &was, &status(1, Role::Stopped));
        assert_eq!(waits, Step::Wait("the sentinel does not know that this keeper began anew"));
    }

    #[test]
    fn a_keeper_whose_data_are_gone_does_not_become_master() {
        let stopped = status(1, Role::Stopped);
        let waits = step(&cluster(), 1, &Local::default(), &stopped);
        assert_eq!(waits, Step::Wait("the data are gone, or another database's"));
    }

    #[test]
    fn an_empty_database_does_not_become_master() {
        let empty = Status { history: History::default(), ..status(1, Role::Standby) };
        let waits = step(&cluster(), 1, &local(1), &empty);
        assert_eq!(waits, Step::Wait("an empty database is no master"));
        assert_eq!(step(&cluster(), 1, &local(1), &status(1, Role::Standby)), Step::Promote);
    }

    #[test]
    fn a_master_knows_whom_to_wait_for_before_it_is_promoted() {
        let mut data = cluster();
        let standbys = BTreeSet::from([DbUid(2)]);
        data.dbs.get_mut(&DbUid(1)).unwrap().spec.synchronous =
            Some(Synchronous { standbys, blocked: false });
        let sync = Sync { required: 1, of: BTreeSet::from([2]) };
        let mut standby = status(1, Role::Standby);
        assert_eq!(step(&data, 1, &local(1), &standby), Step::SetSync(sync.clone()));
        standby.sync = sync;
        assert_eq!(step(&data, 1, &local(1), &standby), Step::Promote);
    }

    #[test]
    fn a_blocked_master_waits_for_more_standbys_than_there_are() {
        let mut data = cluster();
        let blocked = Synchronous { standbys: BTreeSet::new(), blocked: true };
        data.dbs.get_mut(&DbUid(1)).unwrap().spec.synchronous = Some(blocked);
        let sync = Sync { required: 1, of: BTreeSet::new() };
        assert_eq!(step(&data, 1, &local(1), &status(1, Role::Primary)), Step::SetSync(sync));
    }

    #[test]
    fn a_standby_follows_without_repairing_anything() {
        let data = cluster();
        let upstream = Some(address(1));
        let start = Start::Standby { upstream, repair: Repair::No };
        assert_eq!(step(&data, 2, &local(2), &status(2, Role::Stopped)), Step::Start(start));
        let elsewhere = Status { upstream: Some(address(3)), ..status(2, Role::Standby) };
        assert_eq!(step(&data, 2, &local(2), &elsewhere), Step::Follow(address(1), Repair::No));
        let there = Status { upstream, ..status(2, Role::Standby) };
        assert_eq!(step(&data, 2, &local(2), &there), Step::Reached(local(2)));
    }

    #[test]
    fn a_standby_follows_a_master_that_listens_elsewhere() {
        let mut data = cluster();
        data.dbs.get_mut(&DbUid(1)).unwrap().status.address = Some(address(9));
        let there = Status { upstream: Some(address(1)), ..status(2, Role::Standby) };
        assert_eq!(step(&data, 2, &local(2), &there), Step::Follow(address(9), Repair::No));
    }

    #[test]
    fn the_master_of_a_standby_cluster_copies_and_follows_whom_it_is_told_until_it_is_promoted() {
        let mut data = cluster();
        let master = data.dbs.get_mut(&DbUid(1)).unwrap();
        (master.spec.role, master.spec.init) = (DbRole::Relay { primary: address(9) }, Init::Resync);
        let copying = Local { initialising: true, generation: 0, ..local(1) };
        let start = |repair| Step::Start(Start::Standby { upstream: Some(address(9)), repair });
        assert_eq!(step(&data, 1, &copying, &status(1, Role::Stopped)), start(Repair::Clone));
        assert_eq!(step(&data, 1, &local(1), &status(1, Role::Stopped)), start(Repair::No));
        let follows = Status { upstream: Some(address(9)), ..status(1, Role::Standby) };
        assert_eq!(step(&data, 1, &local(1), &follows), Step::Reached(local(1)));
        let waits = Step::Wait("a master cannot become a standby");
        assert_eq!(step(&data, 1, &local(1), &status(1, Role::Primary)), waits);
        data.dbs.get_mut(&DbUid(1)).unwrap().spec.role = DbRole::Master;
        assert_eq!(step(&data, 1, &local(1), &follows), Step::Promote);
    }

    #[test]
    fn a_new_standby_is_stopped_and_copied_before_it_follows() {
        let mut data = cluster();
        data.dbs.get_mut(&DbUid(2)).unwrap().spec.init = Init::Resync;
        let was = local(9);
        assert_eq!(step(&data, 2, &was, &status(2, Role::Primary)), Step::Stop);
        let Step::Save(copying) = step(&data, 2, &was, &status(2, Role::Stopped)) else { panic!("it saves") };
        assert!(copying.initialising && copying.generation == 0);
        let start = Start::Standby { upstream: Some(address(1)), repair: Repair::Clone };
        assert_eq!(step(&data, 2, &copying, &status(2, Role::Stopped)), Step::Start(start));
        let cloning = Status {
            upstream: Some(address(1)),
            replication: Replication::Cloning,
            ..status(2, Role::Standby)
        };
        assert_eq!(step(&data, 2, &copying, &cloning), Step::Wait("the copy is not there yet"));
        let streaming = Status { replication: Replication::Streaming, ..cloning };
        let copied = Local { initialising: false, ..copying.clone() };
        assert_eq!(step(&data, 2, &copying, &streaming), Step::Copied(address(1), copied));
    }

    #[test]
    fn a_database_may_be_rewound_where_that_is_allowed() {
        let mut data = cluster();
        data.options.rewind = true;
        data.dbs.get_mut(&DbUid(2)).unwrap().spec.init = Init::Resync;
        let copying = Local { initialising: true, generation: 0, ..local(2) };
        let start = Start::Standby { upstream: Some(address(1)), repair: Repair::RewindOrClone };
        assert_eq!(step(&data, 2, &copying, &status(2, Role::Stopped)), Step::Start(start));
    }
}
