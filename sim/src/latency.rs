//! How long operations took, in simulated time: calm, and while a fault was active.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency told apart, in µs (an hour).
const LONGEST_US: u64 = 3_600_000_000;

/// Latencies of completed operations, in µs of simulated time.
#[derive(Debug, Clone)]
pub struct Latencies {
    calm: Histogram<u64>,
    faulty: Histogram<u64>,
}

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
    /// From invocation to completion, in µs.
    pub us: u64,
    /// No fault was active from beginning to end.
    pub calm: bool,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// No operation yet.
    pub fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are valid");
        Latencies { calm: histogram(), faulty: histogram() }
    }

    /// Takes operations in.
    pub fn record(&mut self, samples: &[Sample]) {
        for sample in samples {
            let histogram = if sample.calm { &mut self.calm } else { &mut self.faulty };
            histogram.saturating_record(sample.us);
        }
    }

    /// Of operations during which no fault was active.
    pub fn calm(&self) -> Percentiles {
        Percentiles::of(&self.calm)
    }

    /// Of operations during which a fault was active.
    pub fn faulty(&self) -> Percentiles {
        Percentiles::of(&self.faulty)
    }

    /// Of all operations.
    pub fn all(&self) -> Percentiles {
        let mut all = self.calm.clone();
        all.add(&self.faulty).expect("both have the same bounds");
        Percentiles::of(&all)
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        Percentiles {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}
