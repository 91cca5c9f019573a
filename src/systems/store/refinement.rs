//! **refinement**: leases are granted, renewed and ended as specified, [`Leases`].
//!
//! Nobody tells what becomes of a lease: it is read off the view of a replica whenever that one publishes that it has
//! applied something, leads, or has renewed a lease. What is there is what the replica that has applied most shows: a
//! lease that is new was granted since the last look, one that is gone has ended, a key that goes with another lease was
//! put with it. A replica also shows what it told holders, which is a renewal; that it leads is told. Time is told by
//! each look, in ticks of 10 ms.
//!
//! A grant shows when something else is applied, and is taken for the one before: the specification gives it less time
//! then than it has. All times are taken for a hundredth less, as clients do, for clocks that do not run alike.
//!
//! **What is given up.** A lease that came and went between two looks was none. Nobody here gives a lease up: one that
//! ends has expired. That a key is put again with the same lease, and that a put is refused, is no step; and where a
//! majority has lost its disks, what was applied anew is not looked at before it is more than there was.

use super::DRIFT;
use crate::specs::lease::{Leases, Step};
use host::probe::Value;
use protocols::store::{LeaseId, ROLE, View};
use sim::check::Seen;
use sim::spec::Refinement;
use std::collections::{BTreeMap, BTreeSet};

/// A tick of the specification, in ms.
const TICK_MS: u64 = 10;

/// The specification, and what is known of what it is about.
pub(super) struct Refines {
    spec: Refinement<Leases>,
    /// Ticks since the run began.
    now: u64,
    /// The term and number of the latest leader, as a member: a term of openraft's may have several, each greater than
    /// the last.
    elected: (u64, u64),
    /// The most entries that a replica has applied, and what it then had.
    applied: u64,
    there: BTreeSet<LeaseId>,
    leased: BTreeMap<String, LeaseId>,
    /// Leases and keys by their numbers in the specification.
    leases: BTreeMap<LeaseId, u32>,
    keys: BTreeMap<String, u32>,
    /// How often each replica had renewed each lease when it was looked at last.
    renewed: BTreeMap<(u32, LeaseId), u64>,
}

impl Refines {
    pub(super) fn new() -> Self {
        Refines {
            spec: Refinement::new(Leases::of_a_run()),
            now: 0,
            elected: (0, 0),
            applied: 0,
            there: BTreeSet::new(),
            leased: BTreeMap::new(),
            leases: BTreeMap::new(),
            keys: BTreeMap::new(),
            renewed: BTreeMap::new(),
        }
    }

    /// What a replica says and shows, held against the specification.
    pub(super) fn judge(&mut self, seen: &Seen<'_, View>) -> Result<(), String> {
        let Some((probe, host)) = seen.probe.and_then(|probe| Some((probe, probe.host?))) else {
            return Ok(());
        };
        let elected = match (probe.name, &probe.values[..]) {
            (ROLE, [Value::Text(role), Value::Uint(term)]) if role == "leader" => Some(*term),
            ("applied" | "lease renewed", _) => None,
            _ => return Ok(()),
        };
        let Some(view) = seen.views.get(host.number()) else { return Ok(()) };
        let judged = self.follow(host.number() - 1, probe.at_ns / 1_000_000, elected, view);
        judged.map_err(|refused| format!("n{}, {refused}", host.number()))
    }

    fn follow(&mut self, replica: u32, at_ms: u64, elected: Option<u64>, view: &View) -> Result<(), String> {
        let is_latest = view.applied > self.applied;
        if is_latest {
            self.grants(view)?;
        }
        let ticks = at_ms / TICK_MS - self.now;
        self.now += ticks;
        if ticks > 0 && self.spec.state().counts() {
            self.spec.step(Step::Pass { ticks: ticks as u32 })?;
        }
        let elected = elected.map(|term| (term, view.member));
        if let Some(elected) = elected.filter(|elected| *elected > self.elected) {
            self.elected = elected;
            self.spec.step(Step::Elect { replica })?;
        }
        self.renewals(replica, view)?;
        if is_latest {
            self.applied = view.applied;
            self.ends(view)?;
            self.puts(view)?;
        }
        Ok(())
    }

    fn grants(&mut self, view: &View) -> Result<(), String> {
        for (id, lease) in &view.leases {
            if !self.leases.contains_key(id) {
                self.leases.insert(*id, self.spec.state().leases());
                self.there.insert(*id);
                self.spec.step(Step::Grant { ttl: ticks(lease.ttl_ms, lease.ttl_ms) })?;
            }
        }
        Ok(())
    }

    fn renewals(&mut self, replica: u32, view: &View) -> Result<(), String> {
        for (id, lease) in &view.leases {
            let before = self.renewed.insert((replica, *id), lease.renewed);
            let lives = ticks(lease.lives_ms, lease.ttl_ms);
            if lives > 0 && before != Some(lease.renewed) && self.leases.contains_key(id) {
                self.step(*id, |lease| Step::Renew { replica, lease, lives })?;
            }
        }
        Ok(())
    }

    fn ends(&mut self, view: &View) -> Result<(), String> {
        let is_gone = |id: &LeaseId| !view.leases.contains_key(id);
        for id in self.there.extract_if(.., is_gone).collect::<Vec<_>>() {
            self.step(id, |lease| Step::End { lease })?;
        }
        Ok(())
    }

    /// With which lease each key goes now; those of leases that have ended went with them.
    fn puts(&mut self, view: &View) -> Result<(), String> {
        let before = std::mem::replace(&mut self.leased, view.leased.clone());
        let free =
            before.iter().filter(|(key, id)| self.there.contains(id) && !view.leased.contains_key(*key));
        for (key, _) in free {
            let key = number(&mut self.keys, key);
            self.spec.step(Step::Free { key })?;
        }
        for (key, id) in view.leased.iter().filter(|(key, id)| before.get(*key) != Some(*id)) {
            let key = number(&mut self.keys, key);
            self.step(*id, |lease| Step::Put { key, lease })?;
        }
        Ok(())
    }

    /// Takes a step; who is refused is told the keys of the lease that it is about.
    fn step(&mut self, id: LeaseId, step: impl FnOnce(u32) -> Step) -> Result<(), String> {
        // One that nobody granted is none of the specification's.
        let lease = self.leases.get(&id).copied().unwrap_or(u32::MAX);
        self.spec.step(step(lease)).map_err(|refused| {
            let with_it = self.leased.iter().filter(|(_, of)| **of == id).map(|(key, _)| key.as_str());
            match with_it.collect::<Vec<_>>()[..] {
                [] => refused,
                ref keys => format!("{refused}; with l{} goes {}", lease.wrapping_add(1), keys.join(", ")),
            }
        })
    }
}

/// The number of a key.
fn number(keys: &mut BTreeMap<String, u32>, key: &str) -> u32 {
    let next = keys.len() as u32;
    *keys.entry(key.to_owned()).or_insert(next)
}

/// So much of a time to live, as clocks are trusted.
fn ticks(ms: u64, ttl_ms: u64) -> u32 {
    (ms.saturating_sub(ttl_ms / u64::from(DRIFT)) / TICK_MS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::world::{MachineId, Probe};
    use protocols::store::Lease;
    use sim::check::Views;

    const ID: LeaseId = LeaseId(70);

    /// What a replica shows of one lease of 2 s, of which it has said so often that it lives on for so long.
    fn shows(applied: u64, lease: Option<(u64, u64)>) -> View {
        let lease = lease.map(|(renewed, lives_ms)| (ID, Lease { ttl_ms: 2000, renewed, lives_ms }));
        View {
            id: 1,
            member: 1,
            voters: BTreeSet::new(),
            voters_since: 0,
            leader: None,
            leads: None,
            applied,
            revision: applied,
            digest: 0,
            leased: lease.iter().map(|(id, _)| ("lease/1/1".to_owned(), *id)).collect(),
            leases: lease.into_iter().collect(),
            malformed_frames: 0,
        }
    }

    /// n1 leads, and has granted the lease at 1 s. Then, at these ms, of these replicas.
    fn judged(more: &[(u64, u32, &'static str, View)]) -> Result<(), String> {
        let begin = [(900, 1, ROLE, shows(1, None)), (1000, 1, "applied", shows(3, Some((0, 0))))];
        let mut refines = Refines::new();
        begin.iter().chain(more).try_for_each(|(at_ms, node, name, view)| {
            let values = match *name {
                ROLE => vec![Value::from("leader"), Value::from(1_u64)],
                _ => Vec::new(),
            };
            let host = Some(MachineId::numbered(*node));
            let probe = Probe { at_ns: at_ms * 1_000_000, host, name, values };
            let mut views = vec![None; 3];
            let (id, member) = (u64::from(*node), u64::from(*node));
            views[*node as usize - 1] = Some(View { id, member, ..view.clone() });
            refines.judge(&Seen::new(Some(&probe), &Views::new(views)))
        })
    }

    #[test]
    fn a_lease_that_is_renewed_lives_on_and_ends_when_its_time_is_over() {
        let renewed = (2500, 1, "lease renewed", shows(3, Some((1, 1990))));
        let ended = |at_ms| (at_ms, 1, "applied", shows(4, None));
        assert_eq!(judged(&[renewed.clone(), ended(4490)]), Ok(()));
        assert_eq!(judged(&[ended(3000)]), Ok(()), "not renewed");
        let early = judged(&[renewed, ended(4400)]).unwrap_err();
        assert!(
            early.starts_with("n1, step 8: End(l1); the specification allows Renew(n1, l1, 1), "),
            "{early}"
        );
        let has =
            "has leader = n1, l1 = [state |-> \"granted\", left |-> 7, own |-> 7]; with l1 goes lease/1/1";
        assert!(early.ends_with(has), "{early}");
    }

    #[test]
    fn a_new_leader_gives_a_lease_its_whole_time_and_another_tells_no_holder_more_than_it_gives() {
        let elected = (2000, 2, ROLE, shows(3, Some((0, 0))));
        let told = |lives_ms| (3500, 1, "lease renewed", shows(3, Some((1, lives_ms))));
        let ended = |at_ms| (at_ms, 2, "applied", shows(5, None));
        assert_eq!(judged(&[elected.clone(), told(490), ended(4000)]), Ok(()), "asked before the election");
        assert!(judged(&[elected.clone(), ended(3900)]).unwrap_err().contains("End(l1)"));
        let late = judged(&[elected, told(1990)]).unwrap_err();
        assert!(
            late.starts_with("n1, step 8: Renew(n1, l1, 197); the specification allows Renew(n1, l1, 1)")
        );
        assert!(
            late.contains("has leader = n2, l1 = [state |-> \"granted\", left |-> 48, own |-> 0]"),
            "{late}"
        );
    }

    #[test]
    fn a_key_is_put_with_a_lease_that_is_there_and_not_with_one_that_is_gone() {
        let ended = (3100, 1, "applied", shows(4, None));
        let late = View { leased: [("x".to_owned(), ID)].into(), ..shows(5, None) };
        let late = judged(&[ended, (3200, 1, "applied", late)]).unwrap_err();
        assert!(late.starts_with("n1, step 7: Put(k2, l1); the specification allows nothing"), "{late}");
    }
}
