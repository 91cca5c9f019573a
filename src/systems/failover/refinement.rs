//! **refinement**: who writes does so by the lock as it is specified, [`Lock`].
//!
//! An agent that says it has acquired the lock takes the specification's `Acquire`, for which the time of whoever had it
//! before must have passed; a write that a database has done is a `Write`, and so is one that a database would take beside
//! the holder's. That a lock was lost or released is no step:
//! until another has it, the database behind it may be on its way to stop. Where no agent ever had a lock, as with
//! stolon, there is nothing to hold a run against; and a primary that nobody here manages needs none.

use super::fact::Fact;
use super::heard::Heard;
use crate::specs::lock::{Lock, Step};
use host::world::MachineId;
use protocols::database::View;
use sim::check::Views;
use sim::spec::Refinement;
use std::collections::BTreeSet;

/// Machines have numbers below this; the time of all of them is kept.
const MACHINES_MAX: u32 = 128;

/// Where the specification is.
pub(super) struct Refines {
    lock: Refinement<Lock>,
    is_managed: bool,
    elsewhere: BTreeSet<MachineId>,
}

impl Refines {
    pub(super) fn new() -> Self {
        let lock = Refinement::new(Lock::of_a_run(MACHINES_MAX));
        Refines { lock, is_managed: false, elsewhere: BTreeSet::new() }
    }

    /// What was just heard, and what databases would do, held against the specification. Without views there is more to hear
    /// that was said before they were read.
    pub(super) fn judge(&mut self, heard: &Heard, views: Option<&Views<View>>) -> Result<(), String> {
        self.hear(heard)?;
        let Some(views) = views else { return Ok(()) };
        let writable = |node: u32| views.get(node + 1).is_some_and(|view| view.writable);
        let Some(holder) = self.lock.state().holder().filter(|holder| writable(*holder)) else {
            return Ok(());
        };
        let beside = |node: &u32| *node != holder && *node < MACHINES_MAX && self.lock.state().had(*node);
        let mut others = views.up().filter(|(_, view)| view.writable).map(|(node, _)| node - 1);
        match others.find(|node| beside(node) && !self.elsewhere.contains(&MachineId::numbered(node + 1))) {
            Some(other) => {
                let would = |refused| format!("n{} would write; {refused}", other + 1);
                self.lock.step(Step::Write(other)).map_err(would)
            }
            None => Ok(()),
        }
    }

    fn hear(&mut self, heard: &Heard) -> Result<(), String> {
        let Some((host, fact)) = heard.fact() else { return Ok(()) };
        let node = host.number() - 1;
        match fact {
            _ if node >= MACHINES_MAX => Ok(()),
            Fact::Lock { acquired: true } => {
                self.is_managed = true;
                self.lock.step(Step::Acquire(node))
            }
            Fact::Committed { .. } if self.is_managed && !self.elsewhere.contains(&host) => {
                self.lock.step(Step::Write(node))
            }
            Fact::Elsewhere => {
                self.elsewhere.insert(host);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example;
    use host::probe::Value;
    use host::world::Probe;
    use protocols::database::Role;

    fn judged(said: &[(u32, &'static str)]) -> Result<(), String> {
        judged_with(&Views::new(Vec::new()), said, 0)
    }

    /// What was said, and what databases show from one of the sayings on.
    fn judged_with(views: &Views<View>, said: &[(u32, &'static str)], since: usize) -> Result<(), String> {
        let (mut refines, mut heard) = (Refines::new(), Heard::default());
        said.iter().enumerate().try_for_each(|(place, (node, what))| {
            let (name, values) = match *what {
                "writes" => ("committed", vec![Value::from(1_u64), Value::from(1_u64)]),
                "elsewhere" => (super::super::fact::ELSEWHERE, Vec::new()),
                lock => ("lock", vec![Value::from(lock)]),
            };
            let host = Some(MachineId::numbered(*node));
            heard.hear(Some(&Probe { at_ns: 0, host, name, values }));
            refines.judge(&heard, (place >= since).then_some(views))
        })
    }

    #[test]
    fn the_holder_writes_and_after_it_the_next_one() {
        let handed_over =
            [(4, "acquired"), (4, "writes"), (4, "lost"), (4, "writes"), (5, "acquired"), (5, "writes")];
        assert_eq!(judged(&handed_over), Ok(()));
        assert_eq!(
            judged(&[(4, "acquired"), (4, "acquired"), (4, "writes")]),
            Ok(()),
            "its agent was restarted"
        );
    }

    #[test]
    fn who_writes_beside_the_next_holder_is_refused_with_both_sides() {
        let beside = judged(&[(4, "acquired"), (5, "acquired"), (4, "writes")]).unwrap_err();
        assert!(beside.starts_with("step 3: Write(n4); the specification allows Renew(n5)"), "{beside}");
        assert!(beside.ends_with(", and has holder = n5"), "{beside}");
    }

    #[test]
    fn who_would_write_is_judged_when_all_that_was_said_before_is_heard() {
        let writable = |id| Some(View { writable: true, ..example::view(id, Role::Primary) });
        let both_write = Views::new(vec![writable(1), writable(2)]);
        let would = "n1 would write; step 3: Write(n1)";
        let moved_away = [(1, "acquired"), (2, "acquired"), (1, "elsewhere")];
        assert_eq!(judged_with(&both_write, &moved_away, 2), Ok(()));
        assert!(judged_with(&both_write, &moved_away, 1).unwrap_err().starts_with(would));
        let stayed = judged_with(&both_write, &[(1, "acquired"), (2, "acquired"), (2, "lost")], 2);
        assert!(stayed.unwrap_err().starts_with(would));
    }

    #[test]
    fn who_is_managed_by_nobody_here_needs_no_lock() {
        assert_eq!(judged(&[(7, "elsewhere"), (4, "acquired"), (7, "writes")]), Ok(()));
        assert_eq!(judged(&[(4, "writes")]), Ok(()), "nobody ever had a lock");
    }
}
