//! How much a run may do.

/// What a run may have at most. The default is what a testbed can hold; none of it depends on the machine that simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many messages may be under way at once.
    pub messages: usize,
    /// How many of their bytes.
    pub bytes: usize,
    /// How many events may be observed, at any time.
    pub events: u64,
    /// How many more for each second of simulated time.
    pub events_per_second: u64,
}

impl Default for Limits {
    /// A million messages, 256 MiB, a million events, and 100,000 more a second.
    fn default() -> Self {
        Limits { messages: 1_000_000, bytes: 256 << 20, events: 1_000_000, events_per_second: 100_000 }
    }
}
