//! What a setting or a fault of the world may not be.

use std::fmt;

/// A setting or a fault is out of its range.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfRange {
    /// Of what: `disk`, `link`.
    pub of: &'static str,
    /// Which.
    pub field: &'static str,
    /// What it was.
    pub value: f64,
    /// What it may be.
    pub bound: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {} is not {}", self.of, self.field, self.value, self.bound)
    }
}

impl std::error::Error for OutOfRange {}

/// The limits of settings and faults of one kind of thing.
pub(super) struct Limits {
    pub(super) of: &'static str,
}

impl Limits {
    pub(super) fn probability(&self, field: &'static str, value: f64) -> Result<(), OutOfRange> {
        self.demand((0.0..=1.0).contains(&value), field, value, "a probability, from 0 to 1")
    }

    pub(super) fn at_least_one(&self, field: &'static str, value: u64) -> Result<(), OutOfRange> {
        self.demand(value >= 1, field, value as f64, "at least 1")
    }

    pub(super) fn demand(
        &self,
        met: bool,
        field: &'static str,
        value: f64,
        bound: &'static str,
    ) -> Result<(), OutOfRange> {
        if met { Ok(()) } else { Err(OutOfRange { of: self.of, field, value, bound }) }
    }
}
