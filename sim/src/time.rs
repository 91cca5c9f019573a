//! The one time that is told: plans, traces, histories, violations and tests count from the begin of the workload.
//!
//! A run begins [`BOOT`] earlier, so that nodes find each other; what happens meanwhile has times below zero. Inside of a
//! run (probes, the world) time counts from the run's own begin.

use std::time::Duration;

/// How long nodes have to find each other before clients and faults begin.
pub const BOOT: Duration = Duration::from_secs(1);

/// An instant of a run, in ns since the run began, as it is told: in ns since the workload began.
pub fn told_ns(at_ns: u64) -> i64 {
    at_ns as i64 - BOOT.as_nanos() as i64
}

/// The same in ms.
pub fn told_ms(at_ns: u64) -> i64 {
    told_ns(at_ns).div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_while_nodes_boot_is_before_the_workload() {
        assert_eq!((told_ms(0), told_ms(999_999_999), told_ms(1_000_000_000)), (-1000, -1, 0));
    }
}
