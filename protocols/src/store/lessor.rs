//! When leases end. Only the leader counts; nothing of it is replicated but the end itself.
//!
//! * A leader that is new gives every lease its whole time again, and an election time-out more: it does not know what
//!   was renewed (etcd's `Lessor.Promote`; 3.5.16, seen: a lease of 5 s ended 6.2 s after the election).
//! * To renew, a leader first sets the lease's end anew and *then* makes sure that it still leads. If it does, whoever
//!   leads after it was elected after that, and gives the whole time from its election on. So no renewal that was
//!   confirmed is cut short: counted from when the client asked, a lease never ends early.
//! * Once a leader has proposed the end of a lease, it renews it no more.
//!
//! Time is the monotonic time of the leader's machine, so that jumps of wall clocks do nothing.

use super::message::LeaseId;
use super::options::Flaw;
use super::view;
use host::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Lessor {
    /// The term in which this replica leads, if it does.
    term: Option<u64>,
    /// So much longer lives what there is when this replica begins to lead.
    extension: Duration,
    ends: BTreeMap<LeaseId, Instant>,
    ending: BTreeSet<LeaseId>,
    /// How often holders were told that a lease is renewed, and until when it lives by the last time.
    told: BTreeMap<LeaseId, (u64, Instant)>,
    flaw: Option<Flaw>,
}

impl Lessor {
    pub fn new(extension: Duration, flaw: Option<Flaw>) -> Self {
        Lessor { extension, flaw, ..Lessor::default() }
    }

    /// Brings it up to date with whether this replica leads, in which term, and with the leases that there are, each
    /// with its time to live in ms.
    pub fn refresh(
        &mut self,
        term: Option<u64>,
        leases: impl Iterator<Item = (LeaseId, u64)> + Clone,
        now: Instant,
    ) {
        if term.is_none() && self.flaw == Some(Flaw::DeposedEndsLeases) {
            return;
        }
        let mut extension = Duration::ZERO;
        if self.term != term {
            extension = self.extension;
            *self = Lessor { term, ..Lessor::new(self.extension, self.flaw) };
        }
        if term.is_none() {
            return;
        }
        let mut count = 0;
        for (lease, ttl_ms) in leases.clone() {
            self.ends.entry(lease).or_insert_with(|| now + Duration::from_millis(ttl_ms) + extension);
            count += 1;
        }
        // Mostly nothing has changed.
        if self.ends.len() > count {
            let there: BTreeSet<LeaseId> = leases.map(|(lease, _)| lease).collect();
            self.ends.retain(|lease, _| there.contains(lease));
        }
        self.ending.retain(|lease| self.ends.contains_key(lease));
        self.told.retain(|lease, _| self.ends.contains_key(lease));
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

    /// Its holder is told that a lease lives for its whole time since it asked.
    pub fn tell(&mut self, lease: LeaseId, ttl_ms: u64, asked: Instant) {
        let end = asked + Duration::from_millis(ttl_ms);
        let told = self.told.entry(lease).or_insert((0, end));
        *told = (told.0 + 1, end.max(told.1));
    }

    /// What it knows of a lease with this time to live.
    pub fn view(&self, lease: LeaseId, ttl_ms: u64, now: Instant) -> view::Lease {
        let (renewed, until) = self.told.get(&lease).copied().unwrap_or((0, now));
        let lives_ms = until.saturating_duration_since(now).as_millis() as u64;
        view::Lease { ttl_ms, renewed, lives_ms }
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
    fn what_holders_were_told_is_known_until_another_leads() {
        let (mut lessor, start) = (Lessor::default(), Instant::now());
        ticked(&mut lessor, Some(1), start);
        let seen = |lessor: &Lessor, after_ms: u64| {
            let view = lessor.view(LEASE, 2000, start + Duration::from_millis(after_ms));
            (view.renewed, view.lives_ms)
        };
        assert_eq!(seen(&lessor, 0), (0, 0));
        lessor.tell(LEASE, 2000, start);
        assert_eq!((seen(&lessor, 500), seen(&lessor, 9000)), ((1, 1500), (1, 0)));
        ticked(&mut lessor, None, start);
        assert_eq!(seen(&lessor, 500), (0, 0));
    }

    #[test]
    fn who_is_deposed_ends_nothing_unless_it_is_flawed() {
        let ended = |flaw| {
            let (mut lessor, start) = (Lessor::new(Duration::ZERO, flaw), Instant::now());
            ticked(&mut lessor, Some(1), start);
            ticked(&mut lessor, None, start + Duration::from_secs(3))
        };
        assert_eq!((ended(None), ended(Some(Flaw::DeposedEndsLeases))), (vec![], vec![LEASE]));
    }

    /// etcd 3.5.16, seen.
    #[test]
    fn who_begins_to_lead_gives_an_election_time_out_more_and_nothing_to_what_is_granted_later() {
        let (mut lessor, start) = (Lessor::new(Duration::from_secs(1), None), Instant::now());
        let later = LeaseId(2);
        let after = |ms| start + Duration::from_millis(ms);
        lessor.refresh(Some(1), [(LEASE, 5000)].into_iter(), start);
        lessor.refresh(Some(1), [(LEASE, 5000), (later, 5000)].into_iter(), after(500));
        assert_eq!(lessor.take_ended(after(5499)), []);
        assert_eq!(lessor.take_ended(after(5500)), [later]);
        assert_eq!(lessor.take_ended(after(5999)), []);
        assert_eq!(lessor.take_ended(after(6000)), [LEASE]);
        lessor.refresh(None, [].into_iter(), after(6000));
        lessor.refresh(Some(3), [(LEASE, 5000)].into_iter(), after(7000));
        assert_eq!(lessor.take_ended(after(12_999)), [], "in each term anew");
        assert_eq!(lessor.take_ended(after(13_000)), [LEASE]);
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
