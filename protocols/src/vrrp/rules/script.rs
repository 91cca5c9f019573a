//! What notify scripts do next to the database of their machine, and what the system does to one that has stopped.

use super::State;
use crate::database::{Repair, Replication, Role, Start, Status};
use crate::vrrp::options::OnBackup;
use std::net::SocketAddr;

/// What a database was told to be last, which its data folder says after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vrrp) enum Was {
    Primary,
    Standby,
}

/// What is done to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::vrrp) enum Step {
    /// Nothing: all is done.
    Done,
    /// Nothing yet.
    Wait,
    Start(Start),
    Promote,
    Follow(SocketAddr, Repair),
    Stop,
}

/// What a script does next; it is asked again until all is done.
pub(in crate::vrrp) fn next(
    script: State,
    on_backup: OnBackup,
    primary: SocketAddr,
    database: &Status,
) -> Step {
    match (script, database.role) {
        (_, Role::Starting) => Step::Wait,
        (State::Master, Role::Primary) => Step::Done,
        // On a timeline of its own, whatever it was: no other log has that.
        (State::Master, Role::Standby) => Step::Promote,
        (State::Master, Role::Stopped) => Step::Start(Start::Standby { upstream: None, repair: Repair::No }),
        (State::Fault, Role::Stopped) => Step::Done,
        (State::Fault, _) => Step::Stop,
        (_, Role::Stopped) => as_it_was(Was::Standby, primary),
        (_, _) if on_backup == OnBackup::Nothing => Step::Done,
        (_, Role::Primary) => Step::Stop,
        (_, Role::Standby) if database.upstream == Some(primary) => Step::Done,
        (_, Role::Standby) => Step::Follow(primary, Repair::RewindOrClone),
    }
}

/// How the system starts a database that has stopped.
pub(in crate::vrrp) fn as_it_was(was: Was, primary: SocketAddr) -> Step {
    Step::Start(match was {
        Was::Primary => Start::Primary,
        Was::Standby => Start::Standby { upstream: Some(primary), repair: Repair::RewindOrClone },
    })
}

/// Whether it is a standby to which nothing comes.
pub(in crate::vrrp) fn is_idle(database: &Status) -> bool {
    let goes_on = matches!(database.replication, Replication::Streaming | Replication::Cloning);
    database.role == Role::Standby && !goes_on
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Lsn, Sync};

    fn primary() -> SocketAddr {
        SocketAddr::from(([10, 0, 255, 254], 7000))
    }

    fn status(role: Role, upstream: Option<SocketAddr>) -> Status {
        Status {
            id: 1,
            role,
            history: History::default(),
            durable: Lsn(0),
            visible: Lsn(0),
            upstream,
            replication: Replication::Idle,
            standbys: Vec::new(),
            sync: Sync::default(),
        }
    }

    fn steps(script: State, on_backup: OnBackup) -> [Step; 4] {
        let roles = [
            (Role::Stopped, None),
            (Role::Primary, None),
            (Role::Standby, None),
            (Role::Standby, Some(primary())),
        ];
        roles.map(|(role, upstream)| next(script, on_backup, primary(), &status(role, upstream)))
    }

    fn standby(upstream: Option<SocketAddr>, repair: Repair) -> Step {
        Step::Start(Start::Standby { upstream, repair })
    }

    #[test]
    fn a_master_promotes_whatever_there_is() {
        let steps = steps(State::Master, OnBackup::Follow);
        assert_eq!(steps, [standby(None, Repair::No), Step::Done, Step::Promote, Step::Promote]);
    }

    #[test]
    fn a_backup_follows_whoever_has_the_address() {
        let steps = steps(State::Backup, OnBackup::Follow);
        let starts = standby(Some(primary()), Repair::RewindOrClone);
        assert_eq!(steps, [starts, Step::Stop, Step::Follow(primary(), Repair::RewindOrClone), Step::Done]);
    }

    #[test]
    fn a_script_that_does_nothing_leaves_a_primary_a_primary() {
        let steps = steps(State::Backup, OnBackup::Nothing);
        let starts = standby(Some(primary()), Repair::RewindOrClone);
        assert_eq!(steps, [starts, Step::Done, Step::Done, Step::Done]);
    }

    #[test]
    fn a_standby_that_neither_streams_nor_is_copied_is_idle() {
        let idle = |role, replication| is_idle(&Status { replication, ..status(role, None) });
        assert!(idle(Role::Standby, Replication::Unreachable));
        assert!(!idle(Role::Standby, Replication::Streaming) && !idle(Role::Standby, Replication::Cloning));
        assert!(!idle(Role::Primary, Replication::Idle));
    }

    #[test]
    fn in_fault_nothing_runs() {
        let steps = steps(State::Fault, OnBackup::Nothing);
        assert_eq!(steps, [Step::Done, Step::Stop, Step::Stop, Step::Stop]);
    }
}
