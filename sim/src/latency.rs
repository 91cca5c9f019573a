//! How long operations took, in simulated time: calm, and while a fault was active.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest latency told apart, in µs (an hour).
const LONGEST_US: u64 = 3_600_000_000;

/// Latencies of completed operations, in µs of simulated time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latencies {
    calm: Times,
    faulty: Times,
}

/// A distribution of times, with three digits of precision. Written down, it is a list of values, each with how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Times(Histogram<u64>);

/// The figures of a distribution, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half are faster.
    pub p50: u64,
    /// One in a hundred is slower.
    pub p99: u64,
    /// One in a thousand is slower.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

/// One operation's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The operation's variant, as a history names it.
    pub kind: &'static str,
    /// From invocation to completion, in µs.
    pub us: u64,
    /// No fault was active from beginning to end.
    pub calm: bool,
}

impl Latencies {
    /// No operation yet.
    pub fn new() -> Self {
        Latencies::default()
    }

    /// Takes operations in.
    pub fn record(&mut self, samples: &[Sample]) {
        for sample in samples {
            let times = if sample.calm { &mut self.calm } else { &mut self.faulty };
            times.record(sample.us);
        }
    }

    /// Takes in those of others.
    pub(crate) fn add(&mut self, others: &Latencies) {
        self.calm.add(&others.calm);
        self.faulty.add(&others.faulty);
    }

    /// Of operations during which no fault was active.
    pub fn calm(&self) -> Percentiles {
        self.calm.percentiles()
    }

    /// Of operations during which a fault was active.
    pub fn faulty(&self) -> Percentiles {
        self.faulty.percentiles()
    }

    /// Of all operations.
    pub fn all(&self) -> Percentiles {
        let mut all = self.calm.clone();
        all.add(&self.faulty);
        all.percentiles()
    }
}

impl Default for Times {
    fn default() -> Self {
        Times(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are valid"))
    }
}

impl Times {
    /// Takes one in.
    pub fn record(&mut self, time: u64) {
        self.0.saturating_record(time);
    }

    /// Takes in those of others.
    pub(crate) fn add(&mut self, others: &Times) {
        self.0.add(&others.0).expect("all have the same bounds");
    }

    /// Its figures; none if it is empty.
    pub fn figures(&self) -> Option<Percentiles> {
        (!self.0.is_empty()).then(|| self.percentiles())
    }

    fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        }
    }
}

impl From<Times> for Vec<(u64, u64)> {
    fn from(times: Times) -> Self {
        times.0.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect()
    }
}

impl From<Vec<(u64, u64)>> for Times {
    fn from(values: Vec<(u64, u64)>) -> Self {
        let mut times = Times::default();
        for (value, count) in values {
            times.0.saturating_record_n(value, count);
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_that_was_written_down_has_the_same_figures() {
        let mut times = Times::default();
        for time in [0, 1, 17, 999, 2_047, 2_049, 123_456, 4_000_000_000, 17] {
            times.record(time);
        }
        let text = serde_json::to_string(&times).unwrap();
        let back: Times = serde_json::from_str(&text).unwrap();
        assert_eq!(back.figures(), times.figures());
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn a_distribution_of_nothing_has_no_figures() {
        assert_eq!(Times::default().figures(), None);
    }
}
