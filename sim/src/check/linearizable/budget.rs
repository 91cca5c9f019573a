//! How long a search may take, and how much it may remember.

use std::fmt;
use std::time::{Duration, Instant};

/// Configurations between two looks at the clock.
const LOOK_EVERY: u32 = 256;

/// The limits of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How long it may take; none for as long as it takes.
    pub time: Option<Duration>,
    /// How many bytes visited configurations and the path to the current one may take up.
    pub memory_bytes: usize,
}

impl Default for Budget {
    /// A minute and a gibibyte.
    fn default() -> Self {
        Budget { time: Some(Duration::from_secs(60)), memory_bytes: 1 << 30 }
    }
}

/// What a search ran out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOf {
    /// It took as long as it may.
    Time {
        /// The limit.
        limit: Duration,
        /// How many configurations it saw.
        configurations: usize,
    },
    /// It remembers as much as it may.
    Memory {
        /// The limit, in bytes.
        limit: usize,
        /// How many configurations it saw.
        configurations: usize,
    },
}

impl fmt::Display for OutOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutOf::Time { limit, configurations } => {
                let limit = humantime::format_duration(*limit);
                write!(f, "the time limit of {limit} ended the search after {configurations} configurations")
            }
            OutOf::Memory { limit, configurations } => {
                let mib = *limit as f64 / f64::from(1 << 20);
                write!(
                    f,
                    "the memory limit of {mib} MiB ended the search after {configurations} configurations"
                )
            }
        }
    }
}

/// A budget being spent, by one search after another.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Budget,
    start: Instant,
    until_look: u32,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Meter { budget, start: Instant::now(), until_look: LOOK_EVERY }
    }

    /// To be called for every configuration. Tells when time is up.
    pub(super) fn tick(&mut self, configurations: usize) -> Option<OutOf> {
        self.until_look -= 1;
        if self.until_look > 0 {
            return None;
        }
        self.until_look = LOOK_EVERY;
        let limit = self.budget.time?;
        (self.start.elapsed() >= limit).then_some(OutOf::Time { limit, configurations })
    }

    /// How many bytes visited configurations may take up beside a path of that size.
    pub(super) fn bytes_left(&self, path_bytes: usize) -> usize {
        self.budget.memory_bytes.saturating_sub(path_bytes)
    }

    pub(super) fn out_of_memory(&self, configurations: usize) -> OutOf {
        OutOf::Memory { limit: self.budget.memory_bytes, configurations }
    }
}
