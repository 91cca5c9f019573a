//! Fingerprints that were seen, in shards by their first bits.

/// So many shards, whatever the number of cores: what a search finds must not depend on that.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 5;

/// The shard of a fingerprint.
pub(super) fn shard_of(fingerprint: u64) -> usize {
    (fingerprint >> (64 - SHARD_BITS)) as usize
}

/// A set of fingerprints that begin alike: open addressing with linear probing, 0 for a free slot. A fingerprint's
/// place grows with it, so that a table of any length will do and a larger one is filled from front to back.
#[derive(Debug)]
pub(super) struct Seen {
    slots: Vec<u64>,
    len: usize,
}

impl Seen {
    pub(super) fn new() -> Self {
        Seen { slots: vec![0; 64], len: 0 }
    }

    /// Adds a fingerprint; whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u64) -> bool {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let is_new = put(&mut self.slots, fingerprint);
        self.len += usize::from(is_new);
        is_new
    }

    /// Whether a fingerprint was added.
    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        let mut at = place(&self.slots, fingerprint);
        loop {
            match self.slots[at] {
                0 => return false,
                slot if slot == fingerprint => return true,
                _ => at = if at + 1 == self.slots.len() { 0 } else { at + 1 },
            }
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>()
    }

    fn grow(&mut self) {
        let mut larger = vec![0; self.slots.len() / 2 * 3];
        for fingerprint in self.slots.iter().filter(|slot| **slot != 0) {
            put(&mut larger, *fingerprint);
        }
        self.slots = larger;
    }
}

/// Where a fingerprint is looked for first.
fn place(slots: &[u64], fingerprint: u64) -> usize {
    // The bits that all of a shard share tell nothing.
    ((u128::from(fingerprint << SHARD_BITS) * slots.len() as u128) >> 64) as usize
}

fn put(slots: &mut [u64], fingerprint: u64) -> bool {
    let mut at = place(slots, fingerprint);
    loop {
        match slots[at] {
            0 => {
                slots[at] = fingerprint;
                return true;
            }
            slot if slot == fingerprint => return false,
            _ => at = if at + 1 == slots.len() { 0 } else { at + 1 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_known_and_the_rest_is_new() {
        let mut seen = Seen::new();
        // Ends of the range, where probing wraps, and many between.
        let prints: Vec<u64> =
            (1..20_000u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).chain([1, u64::MAX]).collect();
        assert!(prints.iter().all(|print| !seen.contains(*print) && seen.insert(*print)));
        assert!(prints.iter().all(|print| seen.contains(*print) && !seen.insert(*print)));
        assert!(seen.insert(2));
    }
}
