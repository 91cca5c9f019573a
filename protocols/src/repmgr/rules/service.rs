//! How the system starts a database, from what its data folder says; and what is done where there is none.

use crate::database::{Lsn, Repair, Role, Start, Status};
use crate::repmgr::options::{Flaw, Options};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a data folder says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::repmgr) enum Folder {
    /// A primary's.
    Primary,
    /// A standby's that is being promoted: it is a primary on a timeline of its own, or will be.
    Promoting,
    /// A standby's, which follows the database that listens there.
    Standby(SocketAddr),
}

/// Another node's database, as it was seen.
#[derive(Debug, Clone)]
pub(in crate::repmgr) struct Other {
    pub database: SocketAddr,
    /// None if it did not answer.
    pub status: Option<Status>,
}

/// What the system does with a database that is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::repmgr) enum Begin {
    /// Starts it so.
    Start(Start),
    /// Starts it so, and promotes it.
    StartAndPromote(Start),
    /// The folder becomes this first.
    Become(Folder, Start),
    /// Nothing yet.
    Wait,
}

/// What is done with a database that is stopped. `is_first`: it is the one with which the cluster begins.
pub(in crate::repmgr) fn begin(
    folder: Option<Folder>,
    is_first: bool,
    others: &[Other],
    options: &Options,
) -> Begin {
    let primary = others.iter().find_map(|other| {
        let is_primary = other.status.as_ref().is_some_and(|status| status.role == Role::Primary);
        is_primary.then_some(other.database)
    });
    let standby = |upstream, repair| Start::Standby { upstream, repair };
    match (folder, primary) {
        // `repmgr standby clone`.
        (None, Some(primary)) => {
            Begin::Become(Folder::Standby(primary), standby(Some(primary), Repair::Clone))
        }
        // `initdb`, where all say that they have nothing: an empty folder may be what is left of a full one.
        (None, None) if is_first && others.iter().all(is_empty) => {
            Begin::Become(Folder::Primary, Start::Primary)
        }
        (None, None) => Begin::Wait,
        // `repmgr node rejoin`. The flaw: nobody looks.
        (Some(Folder::Primary), Some(primary))
            if options.rejoin && options.flaw != Some(Flaw::OldPrimaryReturns) =>
        {
            Begin::Become(Folder::Standby(primary), standby(Some(primary), Repair::RewindOrClone))
        }
        (Some(Folder::Primary), _) => Begin::Start(Start::Primary),
        (Some(Folder::Promoting), _) => Begin::StartAndPromote(standby(None, Repair::No)),
        (Some(Folder::Standby(upstream)), _) => Begin::Start(standby(Some(upstream), Repair::No)),
    }
}

fn is_empty(other: &Other) -> bool {
    other.status.as_ref().is_some_and(|status| status.role == Role::Stopped && status.durable == Lsn(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Replication, Sync};

    fn at(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 5432))
    }

    fn other(role: Option<Role>, durable: u64) -> Other {
        let status = role.map(|role| Status {
            id: 2,
            role,
            history: History::default(),
            durable: Lsn(durable),
            visible: Lsn(durable),
            upstream: None,
            replication: Replication::Idle,
            standbys: Vec::new(),
            sync: Sync::default(),
        });
        Other { database: at(2), status }
    }

    fn begins(folder: Option<Folder>, others: &[Other]) -> Begin {
        begin(folder, true, others, &Options::default())
    }

    #[test]
    fn a_cluster_begins_where_nobody_has_anything() {
        let first = Begin::Become(Folder::Primary, Start::Primary);
        assert_eq!(begins(None, &[other(Some(Role::Stopped), 0)]), first);
        assert_eq!(begins(None, &[]), first);
        assert_eq!(begins(None, &[other(None, 0)]), Begin::Wait, "it may have something");
        assert_eq!(begins(None, &[other(Some(Role::Standby), 7)]), Begin::Wait);
        let not_first = begin(None, false, &[other(Some(Role::Stopped), 0)], &Options::default());
        assert_eq!(not_first, Begin::Wait);
    }

    #[test]
    fn whoever_has_nothing_is_copied_from_the_primary() {
        let start = Start::Standby { upstream: Some(at(2)), repair: Repair::Clone };
        let begun = begins(None, &[other(Some(Role::Primary), 7)]);
        assert_eq!(begun, Begin::Become(Folder::Standby(at(2)), start));
    }

    #[test]
    fn what_was_the_primary_is_one_again_unless_it_is_to_rejoin_and_finds_another() {
        let there = [other(Some(Role::Primary), 9)];
        assert_eq!(begins(Some(Folder::Primary), &there), Begin::Start(Start::Primary));
        let rejoin = Options { rejoin: true, ..Options::default() };
        let start = Start::Standby { upstream: Some(at(2)), repair: Repair::RewindOrClone };
        let begun = begin(Some(Folder::Primary), true, &there, &rejoin);
        assert_eq!(begun, Begin::Become(Folder::Standby(at(2)), start));
        let alone = [other(Some(Role::Standby), 9)];
        let begun = begin(Some(Folder::Primary), true, &alone, &rejoin);
        assert_eq!(begun, Begin::Start(Start::Primary));
        let flawed = Options { flaw: Some(Flaw::OldPrimaryReturns), ..rejoin };
        let begun = begin(Some(Folder::Primary), true, &there, &flawed);
        assert_eq!(begun, Begin::Start(Start::Primary));
    }

    #[test]
    fn a_standby_follows_whom_its_folder_names_and_a_promotion_is_finished() {
        let start = Start::Standby { upstream: Some(at(3)), repair: Repair::No };
        let there = [other(Some(Role::Primary), 9)];
        assert_eq!(begins(Some(Folder::Standby(at(3))), &there), Begin::Start(start));
        let start = Start::Standby { upstream: None, repair: Repair::No };
        assert_eq!(begins(Some(Folder::Promoting), &there), Begin::StartAndPromote(start));
    }
}
