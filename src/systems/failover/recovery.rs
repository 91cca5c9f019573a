//! When the whole promises to recover: a majority of the store's replicas and a majority of the databases are up and
//! have kept their disks.
//!
//! The store needs its majority. Of the databases one would do, if it were any: but where a primary and the only
//! standby that writes waited for are both gone, no manager may promote what is left.

use host::world::MachineId;
use sim::check::Harm;
use std::collections::BTreeSet;

/// Which machines are what, as far as they have shown it.
#[derive(Debug, Default)]
pub(super) struct Machines {
    pub(super) stores: BTreeSet<MachineId>,
    pub(super) databases: BTreeSet<MachineId>,
}

impl Machines {
    /// Why the whole need not recover.
    pub(super) fn recover(&self, harm: &[Harm]) -> Result<(), String> {
        for (what, machines) in [("store replicas", &self.stores), ("databases", &self.databases)] {
            let is_lost =
                |host: &&MachineId| harm.get(host.index()).is_some_and(|harm| harm.loss().is_some());
            let (all, lost) = (machines.len(), machines.iter().filter(is_lost).count());
            if 2 * lost >= all && all > 0 {
                return Err(format!("{lost} of {all} {what} are down or have lost their disks"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the stores n1 to n3 and the databases n4 to n6, those with these numbers have lost their disks.
    fn lost(numbers: &[u32]) -> Result<(), String> {
        let numbered = |numbers: [u32; 3]| numbers.map(MachineId::numbered).into();
        let machines = Machines { stores: numbered([1, 2, 3]), databases: numbered([4, 5, 6]) };
        let harm = |number| Harm { wiped: numbers.contains(&number), ..Harm::default() };
        machines.recover(&(1..=7).map(harm).collect::<Vec<_>>())
    }

    #[test]
    fn one_of_each_may_be_lost() {
        assert_eq!(lost(&[2, 5, 7]), Ok(()));
    }

    #[test]
    fn two_of_a_kind_may_not() {
        assert_eq!(lost(&[1, 2]).unwrap_err(), "2 of 3 store replicas are down or have lost their disks");
        assert_eq!(lost(&[4, 6]).unwrap_err(), "2 of 3 databases are down or have lost their disks");
    }
}
