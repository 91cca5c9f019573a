//! Configurations that were visited: a set of 128-bit hashes that knows its size.
//!
//! A hash stands for a whole configuration, whatever the number of operations: sixteen bytes, where a bit set of 5,000
//! operations alone has 625. Two configurations with one hash would make the search skip the second. With *n*
//! configurations the odds are n² / 2¹²⁹: for the 50 million that fit into a gibibyte, one in 2⁷⁷.

use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::xxh3_128;

/// Slots of a new table.
const SLOTS: usize = 64;
/// A set that has outgrown so many slots is shared out among tables.
const SLOTS_ALONE: usize = 1 << 12;
/// How many tables: each grows by itself, so that old and new slots of one stand beside each other, not those of all.
const TABLES: usize = 64;

/// A set of hashes: one flat table, or many, by the first bits of a hash.
#[derive(Debug)]
pub(super) struct Memo {
    tables: Vec<Table>,
    bytes: usize,
    len: usize,
}

#[derive(Debug)]
struct Table {
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
        let table = Table::of(SLOTS);
        Memo { bytes: table.bytes(), tables: vec![table], len: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a hash, as long as the tables need no more than that many bytes while one of them grows.
    pub(super) fn insert(&mut self, hash: u128, bytes_allowed: usize) -> Insert {
        let hash = hash.max(1);
        let at = self.table(hash);
        if self.tables[at].contains(hash) {
            return Insert::Known;
        }
        if self.tables[at].is_full() {
            let more = 2 * self.tables[at].bytes();
            if self.bytes + more > bytes_allowed {
                return Insert::Full;
            }
            self.bytes += more / 2;
            self.tables[at].grow();
            if self.tables.len() == 1 && self.tables[0].slots.len() > SLOTS_ALONE {
                self.share_out();
            }
        }
        let at = self.table(hash);
        self.tables[at].add(hash);
        self.len += 1;
        Insert::New
    }

    fn table(&self, hash: u128) -> usize {
        (hash >> 64) as usize % self.tables.len()
    }

    fn share_out(&mut self) {
        let all = std::mem::take(&mut self.tables);
        self.tables = (0..TABLES).map(|_| Table::of(self.bytes / size_of::<u128>() / TABLES)).collect();
        for hash in all.into_iter().flat_map(|table| table.slots).filter(|hash| *hash != 0) {
            let at = self.table(hash);
            self.tables[at].add(hash);
        }
    }
}

impl Table {
    fn of(slots: usize) -> Self {
        Table { slots: vec![0; slots], len: 0 }
    }

    fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u128>()
    }

    fn is_full(&self) -> bool {
        (self.len + 1) * 4 > self.slots.len() * 3
    }

    fn contains(&self, hash: u128) -> bool {
        self.slots[self.slot(hash)] == hash
    }

    fn add(&mut self, hash: u128) {
        let slot = self.slot(hash);
        self.slots[slot] = hash;
        self.len += 1;
    }

    fn grow(&mut self) {
        let old = std::mem::replace(self, Table::of(self.slots.len() * 2));
        old.slots.into_iter().filter(|hash| *hash != 0).for_each(|hash| self.add(hash));
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
    fn a_hash_is_new_once_in_one_table_and_in_many() {
        let mut memo = Memo::new();
        for operation in 0..100_000 {
            assert_eq!(memo.insert(token(operation), usize::MAX), Insert::New);
            assert_eq!(memo.insert(token(operation), usize::MAX), Insert::Known);
        }
        assert!((0..100_000).all(|operation| memo.insert(token(operation), 0) == Insert::Known));
        assert_eq!(memo.len(), 100_000);
        let slots: usize = memo.tables.iter().map(|table| table.slots.len()).sum();
        assert_eq!((memo.tables.len(), memo.bytes()), (TABLES, slots * 16));
    }

    #[test]
    fn a_set_stops_at_its_limit_and_not_long_before() {
        let full = |limit| {
            let mut memo = Memo::new();
            let all = 0..u32::MAX;
            let full =
                all.into_iter().position(|operation| memo.insert(token(operation), limit) == Insert::Full);
            (full, memo.bytes())
        };
        assert_eq!(full(4096), (Some(96), 2048), "64 slots grow to 128 within 4,096 bytes, but not to 256");
        for limit in [1_000_000, 1_300_000, 1_700_000, 2_100_000] {
            let bytes = full(limit).1;
            assert!(limit * 10 < bytes * 13 && bytes <= limit, "{bytes} of {limit}");
        }
    }
}
