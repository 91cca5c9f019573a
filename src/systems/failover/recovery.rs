//! When the whole promises to recover: a majority of the store's replicas and a majority of the databases are up and
//! have kept their disks.
//!
//! The store needs its majority. Of the databases one would do, if it were any: but where a primary and the only
//! standby that writes waited for are both gone, no manager may promote what is left.

use sim::check::Harm;

/// Which machines are what, as far as they have shown it.
#[derive(Debug, Default)]
pub(super) struct Machines {
    pub(super) stores: std::collections::BTreeSet<usize>,
    pub(super) databases: std::collections::BTreeSet<usize>,
}

impl Machines {
    /// Why the whole need not recover.
    pub(super) fn recover(&self, harm: &[Harm]) -> Result<(), String> {
        for (what, machines) in [("store replicas", &self.stores), ("databases", &self.databases)] {
            let is_lost = |host: &&usize| {
                harm.get(**host).is_some_and(|harm| harm.down || harm.wiped || harm.corrupted)
            };
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

    fn lost(hosts: &[usize]) -> Result<(), String> {
        let machines = Machines { stores: [0, 1, 2].into(), databases: [3, 4, 5].into() };
        let harm = |host| Harm { wiped: hosts.contains(&host), ..Harm::default() };
        machines.recover(&(0..7).map(harm).collect::<Vec<_>>())
    }

    #[test]
    fn one_of_each_may_be_lost() {
        assert_eq!(lost(&[1, 4, 6]), Ok(()));
    }

    #[test]
    fn two_of_a_kind_may_not() {
        assert_eq!(lost(&[0, 1]).unwrap_err(), "2 of 3 store replicas are down or have lost their disks");
        assert_eq!(lost(&[3, 5]).unwrap_err(), "2 of 3 databases are down or have lost their disks");
    }
}
