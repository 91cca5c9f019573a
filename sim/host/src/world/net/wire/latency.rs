//! The one-way latency of a link, as a distribution that costs one table look-up a packet.

use super::normal::{NORMAL, QUANTILES};
use crate::world::out_of_range::{Limits, OutOfRange};
use std::sync::Arc;
use std::time::Duration;

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

/// A distribution of latencies.
#[derive(Debug, Clone)]
pub enum Latency {
    /// Always the same, in ns.
    Constant(u64),
    /// Uniform.
    Uniform {
        /// The least, in ns.
        from: u64,
        /// The most, in ns.
        to: u64,
    },
    /// Any other shape, by equally likely quantiles in ns.
    Quantiles(Arc<[u64]>),
}

impl Latency {
    /// Always the same.
    pub fn constant(latency: Duration) -> Self {
        Latency::Constant(latency.as_nanos() as u64)
    }

    /// Uniform between two bounds, both included.
    pub fn uniform(from: Duration, to: Duration) -> Self {
        Latency::Uniform { from: from.as_nanos() as u64, to: to.as_nanos() as u64 }
    }

    /// Log-normal: half of all packets are faster than `median`, one in a hundred is slower than `p99`.
    pub fn log_normal(median: Duration, p99: Duration) -> Self {
        let mu = libm::log(median.as_nanos() as f64);
        let sigma = (libm::log(p99.as_nanos() as f64) - mu) / Z99;
        Latency::Quantiles(NORMAL.iter().map(|z| libm::exp(mu + sigma * z) as u64).collect())
    }

    /// Pareto: half of all packets are faster than `median`, one in a hundred is slower than `p99`, and beyond that the
    /// tail is heavy. With 2 ms and 20 ms, nothing is faster than 1.3 ms, and one in a thousand slower than 78 ms.
    pub fn pareto(median: Duration, p99: Duration) -> Self {
        let median = median.as_nanos() as f64;
        // A quantile p is least / (1 - p)^tail.
        let tail = libm::log(p99.as_nanos() as f64 / median) / libm::log(50.0);
        let least = median / libm::exp2(tail);
        let quantile = |i: usize| {
            let beyond = 1.0 - (i as f64 + 0.5) / QUANTILES as f64;
            (least * libm::pow(beyond, -tail)) as u64
        };
        Latency::Quantiles((0..QUANTILES).map(quantile).collect())
    }

    /// Whether there can be such a latency.
    pub(in crate::world) fn check(&self, limits: &Limits, field: &'static str) -> Result<(), OutOfRange> {
        match self {
            Latency::Uniform { from, to } => {
                limits.demand(from <= to, field, *from as f64, "at most its upper end")
            }
            Latency::Constant(_) | Latency::Quantiles(_) => Ok(()),
        }
    }

    /// The latency, in ns, that 32 uniform bits stand for.
    pub(crate) fn sample(&self, bits: u32) -> u64 {
        match self {
            Latency::Constant(latency) => *latency,
            Latency::Uniform { from, to } => {
                from + ((u128::from(to - from + 1) * u128::from(bits)) >> 32) as u64
            }
            Latency::Quantiles(table) => table[(bits as usize * table.len()) >> 32],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_samples(latency: &Latency) -> Vec<u64> {
        (0..100_000u64).map(|i| latency.sample((i * (u64::from(u32::MAX)) / 100_000) as u32)).collect()
    }

    #[test]
    fn a_log_normal_latency_has_the_median_and_the_p99_asked_for() {
        let latency = Latency::log_normal(Duration::from_millis(2), Duration::from_millis(20));
        let samples = sorted_samples(&latency);
        assert!((1_980_000..2_020_000).contains(&samples[50_000]), "median {} ns", samples[50_000]);
        assert!((19_000_000..21_000_000).contains(&samples[99_000]), "p99 {} ns", samples[99_000]);
    }

    #[test]
    fn a_pareto_latency_has_the_median_and_the_p99_asked_for_and_a_heavier_tail() {
        let (median, p99) = (Duration::from_millis(2), Duration::from_millis(20));
        let samples = sorted_samples(&Latency::pareto(median, p99));
        assert!((1_980_000..2_020_000).contains(&samples[50_000]), "median {} ns", samples[50_000]);
        assert!((19_000_000..21_000_000).contains(&samples[99_000]), "p99 {} ns", samples[99_000]);
        assert!((1_300_000..1_350_000).contains(&samples[0]), "least {} ns", samples[0]);
        let log_normal = sorted_samples(&Latency::log_normal(median, p99))[99_900];
        assert!(
            samples[99_900] > log_normal * 3 / 2,
            "p99.9 {} ns, log-normal {log_normal} ns",
            samples[99_900]
        );
    }

    #[test]
    fn a_uniform_latency_reaches_both_bounds() {
        let latency = Latency::uniform(Duration::from_nanos(5), Duration::from_nanos(7));
        assert_eq!((latency.sample(0), latency.sample(u32::MAX)), (5, 7));
    }
}
