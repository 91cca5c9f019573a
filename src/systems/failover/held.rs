//! **held**: in the end no PgBouncer is paused.
//!
//! A client whose query it holds waits for two minutes, and is sent away. Whoever paused it may have died, or given up.

use super::fact::name;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeSet;

/// `paused`: the poolers that are, or were when they went down.
pub(super) fn check(paused: &BTreeSet<MachineId>) -> Result<(), Broken> {
    match paused.first() {
        None => Ok(()),
        Some(pooler) => Err(Broken::new(format!("{} is paused", name(*pooler))).node(pooler.number())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooler_that_nobody_resumed_is_found() {
        assert_eq!(check(&BTreeSet::new()), Ok(()));
        let why = check(&BTreeSet::from([MachineId::numbered(5)])).unwrap_err().to_string();
        assert_eq!(why, "n5 is paused");
    }
}
