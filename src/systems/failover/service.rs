//! **service**: no longer without a write than the scenario allows (`options.service_within`).
//!
//! Counted from the start of the run to its first write, from each write to the next, and from the last one until the
//! clients stop, as far as anything was heard by then.

use super::fact::Fact;
use super::heard::Heard;
use host::world::Probe;
use sim::time::told_ns;

/// When the last write was done.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// What the scenario allows.
    within_ns: Option<u64>,
    /// When a primary last did a write.
    last_ns: u64,
    /// The time, as far as anything was heard.
    now_ns: u64,
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
        let judged = self.heard(probe.at_ns);
        match heard.fact() {
            Some((_, Fact::Committed { .. })) => self.last_ns = probe.at_ns,
            Some((_, Fact::ServiceWithin { ns })) => self.within_ns = Some(*ns),
            _ => {}
        }
        judged
    }

    /// Something was heard.
    fn heard(&mut self, at_ns: u64) -> Result<(), String> {
        self.now_ns = at_ns;
        self.check()
    }

    fn check(&self) -> Result<(), String> {
        let without = self.now_ns - self.last_ns;
        match self.within_ns {
            Some(within) if !self.is_over && without > within => {
                let (bound, last) = (within as f64 / 1e9, told_ns(self.last_ns) as f64 / 1e9);
                Err(format!("no write for more than {bound} s, since {last:.3} s"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn service(writes: &[u64]) -> Service {
        let mut service = Service { within_ns: Some(10 * S), ..Service::default() };
        for at in writes {
            assert_eq!(service.heard(*at), Ok(()));
            service.last_ns = *at;
        }
        service
    }

    #[test]
    fn a_pause_up_to_the_bound_is_allowed() {
        assert_eq!(service(&[8 * S, 18 * S, 20 * S]).heard(30 * S), Ok(()));
    }

    #[test]
    fn a_longer_pause_is_not() {
        let why = service(&[8 * S, 18 * S]).heard(28 * S + 1).unwrap_err();
        assert_eq!(why, "no write for more than 10 s, since 17.000 s");
        assert!(service(&[]).heard(11 * S).is_err(), "the first write is late");
    }

    #[test]
    fn nobody_writes_after_the_clients_have_stopped() {
        let mut service = service(&[8 * S]);
        assert_eq!(service.judge(&Heard::default(), None), Ok(()));
        assert_eq!(service.heard(40 * S), Ok(()));
        let mut unbounded = Service::default();
        assert_eq!(unbounded.heard(1000 * S), Ok(()));
    }
}
