//! Fingerprints that were seen, in shards by their first bits.

/// So many shards, whatever the number of cores: what a search finds must not depend on that.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 5;

/// The shard of a fingerprint.
pub(super) fn shard_of(fingerprint: u64) -> usize {
    (fingerprint >> (64 - SHARD_BITS)) as usize
}

/// A set of fingerprints that begin alike: open addressing, line after line. A fingerprint's place grows with it, so that
/// a table of any length will do and a larger one is filled from front to back.
#[derive(Debug)]
pub(super) struct Seen {
    lines: Vec<Line>,
    len: usize,
}

/// What comes out of memory at once: slots that fill from the front, 0 a free one. In halves, which a core compares four
/// at a time.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line {
    high: [u32; LINE],
    low: [u32; LINE],
}

const LINE: usize = 8;

impl Seen {
    pub(super) fn new() -> Self {
        Seen { lines: vec![Line::FREE; 8], len: 0 }
    }

    /// Adds a fingerprint; whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u64) -> bool {
        if (self.len + 1) * 4 > self.lines.len() * LINE * 3 {
            self.grow();
        }
        let is_new = put(&mut self.lines, fingerprint);
        self.len += usize::from(is_new);
        is_new
    }

    /// Whether a fingerprint was added.
    #[inline]
    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        let (mut at, lines) = (place(&self.lines, fingerprint), &self.lines[..]);
        loop {
            let is_here = lines[at].has(fingerprint);
            // Almost always: the answer itself is no branch, which would be guessed wrong too often.
            if is_here | lines[at].has_room() {
                return is_here;
            }
            at = if at + 1 == lines.len() { 0 } else { at + 1 };
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    fn grow(&mut self) {
        let mut larger = vec![Line::FREE; self.lines.len() / 2 * 3];
        for line in &self.lines {
            for slot in (0..LINE).map(|slot| line.get(slot)).filter(|slot| *slot != 0) {
                put(&mut larger, slot);
            }
        }
        self.lines = larger;
    }
}

impl Line {
    const FREE: Line = Line { high: [0; LINE], low: [0; LINE] };

    fn get(&self, slot: usize) -> u64 {
        u64::from(self.high[slot]) << 32 | u64::from(self.low[slot])
    }

    /// Whether a fingerprint is in it. All slots are compared, so that nothing need be guessed.
    fn has(&self, fingerprint: u64) -> bool {
        let (high, low) = ((fingerprint >> 32) as u32, fingerprint as u32);
        let same = |slot| u32::from(self.high[slot] == high) & u32::from(self.low[slot] == low);
        (0..LINE).fold(0, |has, slot| has | same(slot)) != 0
    }

    fn has_room(&self) -> bool {
        self.high[LINE - 1] | self.low[LINE - 1] == 0
    }

    /// Puts a fingerprint into the first free slot.
    fn put(&mut self, fingerprint: u64) {
        let taken = (0..LINE).filter(|slot| self.high[*slot] | self.low[*slot] != 0).count();
        (self.high[taken], self.low[taken]) = ((fingerprint >> 32) as u32, fingerprint as u32);
    }
}

/// The line in which a fingerprint is looked for first.
fn place(lines: &[Line], fingerprint: u64) -> usize {
    // The bits that all of a shard share tell nothing.
    ((u128::from(fingerprint << SHARD_BITS) * lines.len() as u128) >> 64) as usize
}

fn put(lines: &mut [Line], fingerprint: u64) -> bool {
    let mut at = place(lines, fingerprint);
    loop {
        let line = &mut lines[at];
        if line.has(fingerprint) {
            return false;
        }
        if line.has_room() {
            line.put(fingerprint);
            return true;
        }
        at = if at + 1 == lines.len() { 0 } else { at + 1 };
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
