//! **repaired**: in the end no standby is stopped that its manager could not start.
//!
//! A log that went another way than the primary's, and has heard of that, is not started again by PostgreSQL. A manager
//! that starts it as it is does so for good.

use super::fact::name;
use host::world::MachineId;
use protocols::database::{Role, View};
use sim::check::{Broken, Views};
use std::collections::BTreeSet;

/// `refused`: the machines whose standbys did not start at some time.
pub(super) fn check(refused: &BTreeSet<MachineId>, views: &Views<View>) -> Result<(), Broken> {
    let stopped = |host: &&MachineId| views.get(host.number()).is_some_and(|view| view.role == Role::Stopped);
    match refused.iter().find(stopped) {
        None => Ok(()),
        Some(host) => {
            let why = format!("the standby of {} does not start, and nobody repairs it", name(*host));
            Err(Broken::new(why).node(host.number()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example;

    fn judged(refused: &[u32], role: Role) -> Result<(), String> {
        let views = Views::new(vec![Some(example::view(1, Role::Primary)), Some(example::view(2, role))]);
        let refused = refused.iter().copied().map(MachineId::numbered).collect();
        check(&refused, &views).map_err(|broken| broken.to_string())
    }

    #[test]
    fn a_standby_that_did_not_start_and_is_stopped_is_found() {
        let why = judged(&[2], Role::Stopped).unwrap_err();
        assert_eq!(why, "the standby of n2 does not start, and nobody repairs it");
    }

    #[test]
    fn one_that_came_back_is_not_nor_is_one_that_was_stopped() {
        assert_eq!(judged(&[2], Role::Standby), Ok(()));
        assert_eq!(judged(&[], Role::Stopped), Ok(()));
    }
}
