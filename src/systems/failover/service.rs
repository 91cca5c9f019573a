//! **service**: no longer without a write than the scenario allows (`options.service_within`).
//!
//! A time without service begins with the first write that a client asks for and does not get: not while nobody asks, nor
//! before the first write of the run, when there is no service yet that could be missed. Where another has been asked for
//! before a write is done, and is still waited for, the next begins at once. It ends with the next write of a client's
//! that is done, or when the clients stop, as far as anything was heard by then. Writes are puts: a compare-and-swap may be
//! answered, and nothing written.

use super::fact::Fact;
use super::heard::Heard;
use host::world::Probe;
use sim::time::told_ns;
use std::collections::{BTreeMap, BTreeSet};

/// Since when clients wait for a write.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// What the scenario allows.
    within_ns: Option<u64>,
    /// When the first write was asked for since one was done, if any was.
    since_ns: Option<u64>,
    /// The write that each client has asked for last, until it is done.
    asked: BTreeMap<u64, u64>,
    /// All that were asked for and are not done, for a client asks for another once it has given one up.
    open: BTreeSet<u64>,
    /// A client's write was done.
    has_served: bool,
    /// The clients have stopped.
    is_over: bool,
}

impl Service {
    /// Whether what was just heard may be so late. Without a probe, the clients have stopped.
    pub(super) fn judge(&mut self, heard: &Heard, probe: Option<&Probe>) -> Result<(), String> {
        let Some(probe) = probe else {
            self.is_over = true;
            return Ok(());
        };
        let judged = self.check(probe.at_ns);
        match heard.fact() {
            Some((_, Fact::Asked { client, id, within_ns })) => {
                self.within_ns = Some(*within_ns);
                self.asked(*client, *id, probe.at_ns);
            }
            Some((_, Fact::Committed { id, .. })) => self.done(*id, probe.at_ns),
            _ => {}
        }
        judged
    }

    fn asked(&mut self, client: u64, id: u64, at_ns: u64) {
        if self.has_served {
            self.since_ns.get_or_insert(at_ns);
        }
        self.asked.insert(client, id);
        self.open.insert(id);
    }

    fn done(&mut self, id: u64, at_ns: u64) {
        // Managers write, too.
        if !self.open.remove(&id) {
            return;
        }
        self.has_served = true;
        self.asked.retain(|_, asked| *asked != id);
        self.since_ns = (!self.asked.is_empty()).then_some(at_ns);
    }

    fn check(&self, now_ns: u64) -> Result<(), String> {
        match self.within_ns.zip(self.since_ns) {
            Some((within, since)) if !self.is_over && now_ns - since > within => {
                let (bound, since) = (within as f64 / 1e9, told_ns(since) as f64 / 1e9);
                Err(format!("no write for more than {bound} s, and one was asked for since {since:.3} s"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;
    const C1: u64 = 1;
    const C2: u64 = 2;

    fn service() -> Service {
        Service { within_ns: Some(10 * S), has_served: true, ..Service::default() }
    }

    #[test]
    fn before_the_first_write_of_the_run_there_is_nothing_to_miss_and_from_then_on_there_is() {
        let mut service = Service { has_served: false, ..service() };
        service.asked(C1, 1, S);
        service.asked(C2, 2, 2 * S);
        service.done(99, 3 * S);
        assert_eq!(service.check(20 * S), Ok(()), "that was a manager's");
        service.done(1, 13 * S);
        assert_eq!(service.check(23 * S), Ok(()));
        assert!(service.check(23 * S + 1).unwrap_err().ends_with("since 12.000 s"));
    }

    #[test]
    fn it_begins_with_what_is_asked_for_and_not_with_the_run_nor_while_nobody_asks() {
        let mut service = service();
        assert_eq!(service.check(100 * S), Ok(()), "nobody has asked yet");
        service.asked(C1, 1, 100 * S);
        assert_eq!(service.check(110 * S), Ok(()));
        service.done(1, 110 * S);
        assert_eq!(service.check(500 * S), Ok(()), "nobody asks any more");
    }

    #[test]
    fn who_waits_longer_than_allowed_is_not_served_however_often_it_asks_again() {
        let mut service = service();
        service.asked(C1, 1, 18 * S);
        service.asked(C1, 2, 26 * S);
        assert_eq!(service.check(28 * S), Ok(()));
        let why = service.check(28 * S + 1).unwrap_err();
        assert_eq!(why, "no write for more than 10 s, and one was asked for since 17.000 s");
    }

    #[test]
    fn what_another_waits_for_when_a_write_is_done_counts_from_then() {
        let mut service = service();
        service.asked(C1, 1, 10 * S);
        service.asked(C2, 2, 11 * S);
        service.done(1, 12 * S);
        assert_eq!(service.check(22 * S), Ok(()));
        assert!(service.check(22 * S + 1).unwrap_err().ends_with("since 11.000 s"));
        service.done(2, 23 * S);
        assert_eq!(service.check(40 * S), Ok(()));
    }

    #[test]
    fn nobody_waits_after_the_clients_have_stopped() {
        let mut service = service();
        service.asked(C1, 1, 8 * S);
        assert_eq!(service.judge(&Heard::default(), None), Ok(()));
        assert_eq!(service.check(40 * S), Ok(()));
        let mut unbounded = Service::default();
        unbounded.asked(C1, 1, 8 * S);
        assert_eq!(unbounded.check(1000 * S), Ok(()));
    }
}
