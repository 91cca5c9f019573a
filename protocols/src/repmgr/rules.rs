//! What follows from what: elections, who may be followed, what scripts do. Plain functions, without a wait.

pub(super) mod election;
pub(super) mod script;
pub(super) mod service;

use crate::database::{Role, Status};

/// Whether a database answers as one that runs.
pub(super) fn is_up(status: &Status) -> bool {
    matches!(status.role, Role::Primary | Role::Standby)
}

/// Whether a standby may follow another database as it is: its log is the beginning of the other's.
pub(super) fn can_follow(own: &Status, target: &Status) -> bool {
    own.history.common(own.durable, &target.history, target.durable) == own.durable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Lsn, Replication, Sync, Timeline};

    fn status(role: Role, durable: u64, timelines: &[(u64, u64)]) -> Status {
        let mut history = History::default();
        for (number, begins) in timelines {
            history.push(Timeline { number: *number as _, tag: 0 }, Lsn(*begins));
        }
        Status {
            id: 1,
            role,
            history,
            durable: Lsn(durable),
            visible: Lsn(durable),
            upstream: None,
            replication: Replication::Idle,
            standbys: Vec::new(),
            sync: Sync::default(),
        }
    }

    #[test]
    fn who_has_nothing_that_the_other_lacks_may_follow() {
        let standby = status(Role::Standby, 7, &[(1, 1)]);
        assert!(can_follow(&standby, &status(Role::Primary, 9, &[(1, 1), (2, 8)])));
        assert!(!can_follow(&standby, &status(Role::Primary, 9, &[(1, 1), (2, 7)])), "it forked before");
        assert!(!can_follow(&standby, &status(Role::Primary, 6, &[(1, 1)])), "it lacks one");
    }

    #[test]
    fn what_recovers_or_is_stopped_is_not_up() {
        let up = [Role::Primary, Role::Standby, Role::Starting, Role::Stopped];
        assert_eq!(up.map(|role| is_up(&status(role, 0, &[]))), [true, true, false, false]);
    }
}
