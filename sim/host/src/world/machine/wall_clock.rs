//! What a machine believes the time is.

/// 2026-01-01T00:00:00Z, when every run begins.
const EPOCH_NS: i128 = 1_767_225_600_000_000_000;

/// One machine's wall clock: it may be off, jump, and stand still. What the machine's oscillator gains or loses is in the
/// ns that it is told.
pub(super) struct WallClock {
    offset_ns: i64,
    /// How often it was frozen, and what it shows while it is.
    frozen: u32,
    shows_ns: u64,
}

impl WallClock {
    pub(super) fn new(offset_ns: i64) -> Self {
        WallClock { offset_ns, frozen: 0, shows_ns: 0 }
    }

    /// What it shows, in ns since the Unix epoch.
    pub(super) fn shows_ns(&self, local_ns: u64) -> u64 {
        if self.frozen > 0 {
            return self.shows_ns;
        }
        (EPOCH_NS + i128::from(local_ns) + i128::from(self.offset_ns)).max(0) as u64
    }

    pub(super) fn jump(&mut self, by_ns: i64) {
        self.offset_ns += by_ns;
        self.shows_ns = self.shows_ns.saturating_add_signed(by_ns);
    }

    pub(super) fn freeze(&mut self, local_ns: u64) {
        self.shows_ns = self.shows_ns(local_ns);
        self.frozen += 1;
    }

    pub(super) fn thaw(&mut self) {
        self.frozen = self.frozen.saturating_sub(1);
    }
}

/// What a clock without fault shows, in ns since the Unix epoch.
pub(super) fn true_ns(now_ns: u64) -> u64 {
    (EPOCH_NS + i128::from(now_ns)) as u64
}
