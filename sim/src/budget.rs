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
    /// How many bytes the history, its graph, visited configurations and the path to the current one may take up.
    pub memory_bytes: usize,
    /// When the time began to run; none for when the search begins.
    pub since: Option<Instant>,
    /// How many of the bytes the history takes up.
    pub held_bytes: usize,
    /// How many steps a search may take: a step asks the model one question. No machine decides how far that is.
    pub steps: u64,
}

impl Budget {
    /// Limits of a search alone.
    pub const fn of(time: Option<Duration>, memory_bytes: usize) -> Self {
        Budget { time, memory_bytes, since: None, held_bytes: 0, steps: u64::MAX }
    }

    /// As long as it takes, and as much as there is.
    pub const fn unlimited() -> Self {
        Budget::of(None, usize::MAX)
    }
}

impl Default for Budget {
    /// A minute and a gibibyte.
    fn default() -> Self {
        Budget::of(Some(Duration::from_secs(60)), 1 << 30)
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
    /// It asked the model as many questions as it may.
    Steps {
        /// The limit.
        limit: u64,
        /// How many configurations it saw.
        configurations: usize,
    },
    /// The time was over while the history was read.
    TimeToRead {
        /// The limit.
        limit: Duration,
        /// The line reached.
        line: usize,
    },
    /// The history itself is larger than the memory.
    MemoryToRead {
        /// The limit, in bytes.
        limit: usize,
        /// The line reached.
        line: usize,
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
            OutOf::Steps { limit, configurations } => write!(
                f,
                "the limit of {limit} steps ended the search after {configurations} configurations: too much is \
                 under way at once on one key; more keys (workload.keys), fewer clients, a lower rate make it easier"
            ),
            OutOf::TimeToRead { limit, line } => {
                let limit = humantime::format_duration(*limit);
                write!(f, "the time limit of {limit} ended the reading at line {line}")
            }
            OutOf::MemoryToRead { limit, line } => {
                let mib = *limit as f64 / f64::from(1 << 20);
                write!(f, "the memory limit of {mib} MiB ended the reading at line {line}")
            }
        }
    }
}

/// A budget being spent, by one search after another.
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    start: Instant,
    until_look: u32,
    steps: u64,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Meter { budget, start: budget.since.unwrap_or_else(Instant::now), until_look: LOOK_EVERY, steps: 0 }
    }

    /// To be called for every event that is read. Tells when time is up, or the history too large.
    pub(crate) fn reading(&mut self, line: usize, bytes: usize) -> Option<OutOf> {
        let limit = self.budget.memory_bytes;
        if bytes > limit {
            return Some(OutOf::MemoryToRead { limit, line });
        }
        match self.tick(line, 0)? {
            OutOf::Time { limit, .. } => Some(OutOf::TimeToRead { limit, line }),
            other => Some(other),
        }
    }

    /// To be called for every configuration, with the steps taken since the last one. Tells when time or steps are over.
    pub(super) fn tick(&mut self, configurations: usize, steps: u64) -> Option<OutOf> {
        self.steps += steps;
        if self.steps > self.budget.steps {
            return Some(OutOf::Steps { limit: self.budget.steps, configurations });
        }
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
        self.budget.memory_bytes.saturating_sub(self.budget.held_bytes).saturating_sub(path_bytes)
    }

    pub(super) fn out_of_memory(&self, configurations: usize) -> OutOf {
        OutOf::Memory { limit: self.budget.memory_bytes, configurations }
    }
}
