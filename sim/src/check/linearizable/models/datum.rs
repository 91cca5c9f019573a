//! Any JSON value, in sixteen bytes.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

/// A value, by its 128-bit hash: two different values of one history have the same one with odds of n² / 2¹²⁹.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Datum(u128);

impl Datum {
    /// Nothing: `null`.
    pub const NULL: Datum = Datum(0);

    pub(super) fn halves(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> 64) as u64]
    }
}

impl From<&Value> for Datum {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Datum::NULL,
            Value::String(text) => Datum(xxh3_128(text.as_bytes()).rotate_left(1).max(1)),
            other => Datum(xxh3_128(other.to_string().as_bytes()).max(1)),
        }
    }
}
