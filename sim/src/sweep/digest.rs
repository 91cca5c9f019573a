//! One hash over the digests of many runs, whatever their order: the sum of a hash a run.
//!
//! So shards of a sweep, merged, have the digest of the whole, and any two sweeps of the same runs by the same build have
//! the same, on one core or on eight machines.

use host::world::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::AddAssign;
use xxhash_rust::xxh3::xxh3_128;

/// The hash over some runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SweepDigest(u128);

impl SweepDigest {
    /// Of one run: of which scenario (its place in the plan), with which seed, and what it came to.
    pub(super) fn of_run(case: usize, seed: u64, digest: Digest) -> Self {
        SweepDigest(xxh3_128(format!("{case} {seed} {digest}").as_bytes()))
    }
}

impl AddAssign for SweepDigest {
    fn add_assign(&mut self, other: SweepDigest) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for SweepDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<SweepDigest> for String {
    fn from(digest: SweepDigest) -> String {
        digest.to_string()
    }
}

impl TryFrom<String> for SweepDigest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(SweepDigest)
    }
}
