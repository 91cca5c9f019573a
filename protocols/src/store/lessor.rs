//! When leases end. Only the leader counts; nothing of it is replicated but the end itself.
//!
//! * A leader that is new gives every lease its whole time again: it does not know what was renewed.
//! * To renew, a leader first sets the lease's end anew and *then* makes sure that it still leads. If it does, whoever
//!   leads after it was elected after that, and gives the whole time from its election on. So no renewal that was
//!   confirmed is cut short: counted from when the client asked, a lease never ends early.
//! * Once a leader has proposed the end of a lease, it renews it no more.
//!
//! Time is the monotonic time of the leader's machine, so that jumps of wall clocks do nothing.

use super::message::LeaseId;
use host::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Lessor {
    /// The term in which this replica leads, if it does.
    term: Option<u64>,
    ends: BTreeMap<LeaseId, Instant>,
    ending: BTreeSet<LeaseId>,
}

impl Lessor {
    /// Brings it up to date with whether this replica leads, in which term, and with the leases that there are, each
    /// with its time to live in ms.
    pub fn refresh(
        &mut self,
        term: Option<u64>,
        leases: impl Iterator<Item = (LeaseId, u64)> + Clone,
        now: Instant,
    ) {
        if self.term != term {
            *self = Lessor { term, ..Lessor::default() };
        }
        if term.is_none() {
            return;
        }
        let mut count = 0;
        for (lease, ttl_ms) in leases.clone() {
            self.ends.entry(lease).or_insert_with(|| now + Duration::from_millis(ttl_ms));
            count += 1;
        }
        // Mostly nothing has changed.
        if self.ends.len() > count {
            let there: BTreeSet<LeaseId> = leases.map(|(lease, _)| lease).collect();
            self.ends.retain(|lease, _| there.contains(lease));
        }
        self.ending.retain(|lease| self.ends.contains_key(lease));
    }

    /// The leases that have ended, each once in a term: the caller proposes their end.
    pub fn take_ended(&mut self, now: Instant) -> Vec<LeaseId> {
        let ended = self.ends.iter().filter(|(_, end)| **end <= now).map(|(lease, _)| *lease);
        let ended: Vec<LeaseId> = ended.filter(|lease| !self.ending.contains(lease)).collect();
        self.ending.extend(&ended);
        ended
    }

    /// Proposing the end of a lease failed: it is proposed again.
    pub fn not_ended(&mut self, lease: LeaseId) {
        self.ending.remove(&lease);
    }

    /// Sets a lease's end anew; false if it is about to end. To be confirmed by making sure that the replica leads.
    pub fn renew(&mut self, lease: LeaseId, ttl_ms: u64, now: Instant) -> bool {
        if self.ending.contains(&lease) {
            return false;
        }
        self.ends.insert(lease, now + Duration::from_millis(ttl_ms));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: LeaseId = LeaseId(1);

    fn ticked(lessor: &mut Lessor, term: Option<u64>, now: Instant) -> Vec<LeaseId> {
        lessor.refresh(term, [(LEASE, 2000)].into_iter(), now);
        lessor.take_ended(now)
    }

    #[test]
    fn a_lease_ends_after_its_time_and_once() {
        let (mut lessor, start) = (Lessor::default(), Instant::now());
        assert_eq!(ticked(&mut lessor, Some(1), start), []);
        assert_eq!(ticked(&mut lessor, Some(1), start + Duration::from_millis(1999)), []);
        assert_eq!(ticked(&mut lessor, Some(1), start + Duration::from_millis(2000)), [LEASE]);
        assert_eq!(ticked(&mut lessor, Some(1), start + Duration::from_millis(2100)), []);
        assert!(!lessor.renew(LEASE, 2000, start), "its end is proposed");
    }

    #[test]
    fn a_renewed_lease_has_its_whole_time_again() {
        let (mut lessor, start) = (Lessor::default(), Instant::now());
        ticked(&mut lessor, Some(1), start);
        assert!(lessor.renew(LEASE, 2000, start + Duration::from_millis(1500)));
        assert_eq!(ticked(&mut lessor, Some(1), start + Duration::from_millis(3499)), []);
        assert_eq!(ticked(&mut lessor, Some(1), start + Duration::from_millis(3500)), [LEASE]);
    }

    #[test]
    fn a_lease_that_is_gone_is_forgotten_and_the_others_are_not() {
        let (mut lessor, start) = (Lessor::default(), Instant::now());
        let other = LeaseId(2);
        lessor.refresh(Some(1), [(LEASE, 2000), (other, 2000)].into_iter(), start);
        lessor.refresh(Some(1), [(other, 2000)].into_iter(), start + Duration::from_secs(1));
        let again = start + Duration::from_millis(1500);
        lessor.refresh(Some(1), [(LEASE, 2000), (other, 2000)].into_iter(), again);
        assert_eq!(lessor.take_ended(start + Duration::from_secs(2)), [other]);
        assert_eq!(lessor.take_ended(again + Duration::from_secs(2)), [LEASE]);
    }

    #[test]
    fn who_leads_anew_begins_anew_and_who_does_not_lead_ends_nothing() {
        let (mut lessor, start) = (Lessor::default(), Instant::now());
        ticked(&mut lessor, Some(1), start);
        let late = start + Duration::from_secs(10);
        assert_eq!(ticked(&mut lessor, None, late), []);
        assert_eq!(ticked(&mut lessor, Some(3), late), []);
        assert_eq!(ticked(&mut lessor, Some(3), late + Duration::from_secs(2)), [LEASE]);
    }
}
