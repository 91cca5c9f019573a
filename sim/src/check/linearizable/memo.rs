//! Configurations that were visited: a set of 128-bit hashes that knows its size.
//!
//! A hash stands for a whole configuration, whatever the number of operations: sixteen bytes, where a bit set of 5,000
//! operations alone has 625. Two configurations with one hash would make the search skip the second. With *n*
//! configurations the odds are n² / 2¹²⁹: for the 50 million that fit into a gibibyte, one in 2⁷⁷.

use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::xxh3_128;

/// Slots of a new set.
const SLOTS: usize = 64;

/// A set of hashes, in one flat table.
#[derive(Debug)]
pub(super) struct Memo {
    /// A power of two of slots; 0 is empty.
    slots: Vec<u128>,
    len: usize,
}

/// What an insertion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    New,
    Known,
    /// The table would have to grow beyond the bytes allowed.
    Full,
}

impl Memo {
    pub(super) fn new() -> Self {
        Memo { slots: vec![0; SLOTS], len: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u128>()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a hash; while it grows, old and new table together may take up that many bytes.
    pub(super) fn insert(&mut self, hash: u128, bytes_allowed: usize) -> Insert {
        let hash = hash.max(1);
        let slot = self.slot(hash);
        if self.slots[slot] == hash {
            return Insert::Known;
        }
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            if self.bytes() * 3 > bytes_allowed {
                return Insert::Full;
            }
            let twice = vec![0; self.slots.len() * 2];
            for old in std::mem::replace(&mut self.slots, twice) {
                if old != 0 {
                    let slot = self.slot(old);
                    self.slots[slot] = old;
                }
            }
            let slot = self.slot(hash);
            self.slots[slot] = hash;
        } else {
            self.slots[slot] = hash;
        }
        self.len += 1;
        Insert::New
    }

    /// Where the hash is, or would be: linear probing.
    fn slot(&self, hash: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while self.slots[slot] != 0 && self.slots[slot] != hash {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// The hash of an operation's being placed: sets of operations have the exclusive or of their members'.
pub(super) fn token(operation: u32) -> u128 {
    // Two rounds of SplitMix64, on different halves of the counter's range.
    let mix = |seed: u64| {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let (low, high) = (mix(u64::from(operation) + 1), mix(u64::from(operation) + (1 << 40)));
    (u128::from(high) << 64) | u128::from(low)
}

/// Hashes states to 128 bits: their bytes are gathered, then hashed at once.
#[derive(Debug, Default)]
pub(super) struct StateHasher(Vec<u8>);

impl StateHasher {
    pub(super) fn of(&mut self, state: &impl Hash) -> u128 {
        self.0.clear();
        state.hash(self);
        xxh3_128(&self.0)
    }
}

impl Hasher for StateHasher {
    fn finish(&self) -> u64 {
        xxh3_128(&self.0) as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_new_once_and_the_set_stops_at_its_limit() {
        let mut memo = Memo::new();
        for operation in 0..1000 {
            assert_eq!(memo.insert(token(operation), usize::MAX), Insert::New);
            assert_eq!(memo.insert(token(operation), usize::MAX), Insert::Known);
        }
        assert_eq!((memo.len(), memo.bytes()), (1000, 2048 * 16));
        let mut memo = Memo::new();
        let full = (0..1000).position(|operation| memo.insert(token(operation), 4096) == Insert::Full);
        assert_eq!(full, Some(96), "64 slots grow to 128 within 4,096 bytes, but not to 256");
    }
}
