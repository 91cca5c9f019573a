//! How fast a machine's oscillator runs. All its clocks go by it.

/// A billion parts.
const WHOLE: i128 = 1_000_000_000;

/// What a machine's clocks gain, in parts per billion.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::world) struct Rate {
    ppb: i64,
}

impl Rate {
    pub(super) fn new(ppb: i64) -> Self {
        Rate { ppb }
    }

    /// What the machine makes of so much simulated time, in ns.
    pub(in crate::world) fn local(self, simulated_ns: u64) -> u64 {
        if self.ppb == 0 {
            return simulated_ns;
        }
        clamped((i128::from(simulated_ns) * (WHOLE + i128::from(self.ppb))).div_euclid(WHOLE))
    }

    /// The first instant of simulated time at which the machine believes that so much has passed, in ns.
    pub(in crate::world) fn simulated(self, local_ns: u64) -> u64 {
        if self.ppb == 0 {
            return local_ns;
        }
        let speed = WHOLE + i128::from(self.ppb);
        clamped((i128::from(local_ns) * WHOLE + speed - 1).div_euclid(speed))
    }
}

fn clamped(ns: i128) -> u64 {
    u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_at_the_first_instant_at_which_the_machine_believes_so() {
        for ppb in [0, 1, -1, 200_000, -200_000, 100_000_000, -100_000_000] {
            let rate = Rate::new(ppb);
            for local in [0, 1, 999, 1_000_000, 60_000_000_007] {
                let simulated = rate.simulated(local);
                assert!(rate.local(simulated) >= local, "{ppb} ppb, {local} ns: too early");
                assert!(
                    simulated == 0 || rate.local(simulated - 1) < local,
                    "{ppb} ppb, {local} ns: too late"
                );
            }
        }
    }

    #[test]
    fn a_machine_that_gains_is_ahead_and_one_that_loses_behind() {
        assert_eq!(Rate::new(100_000).local(10_000_000_000), 10_001_000_000);
        assert_eq!(Rate::new(-100_000).local(10_000_000_000), 9_999_000_000);
    }
}
