//! The operations on a file that have not reached the medium, in the order in which they were issued.

use std::collections::VecDeque;

/// What an operation weighs besides its bytes, so that a file cannot have any number of empty ones.
const OVERHEAD: usize = 32;

/// An operation on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    Write { at: u64, bytes: &'a [u8] },
    SetLen(u64),
}

#[derive(Clone, Copy)]
enum Entry {
    Write { at: u64, len: usize },
    SetLen(u64),
}

impl Entry {
    fn bytes(self) -> usize {
        match self {
            Entry::Write { len, .. } => len,
            Entry::SetLen(_) => 0,
        }
    }
}

#[derive(Default)]
pub(super) struct Pending {
    /// The number of the first entry; numbers only grow.
    first: u64,
    entries: VecDeque<Entry>,
    /// The bytes of all writes, end to end, so that a write costs no allocation of its own.
    bytes: Vec<u8>,
}

impl Pending {
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        self.entries.push_back(Entry::Write { at, len: bytes.len() });
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.entries.push_back(Entry::SetLen(len));
    }

    /// The number that the next operation gets.
    pub(super) fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// In bytes, more or less.
    pub(super) fn weight(&self) -> usize {
        self.bytes.len() + self.entries.len() * OVERHEAD
    }

    /// The number before which half of the weight lies.
    pub(super) fn older_half(&self) -> u64 {
        let (mut number, mut weight) = (self.first, 0);
        for entry in &self.entries {
            if weight * 2 >= self.weight() {
                break;
            }
            weight += entry.bytes() + OVERHEAD;
            number += 1;
        }
        number
    }

    /// The operations numbered below `until`.
    pub(super) fn before(&self, until: u64) -> impl Iterator<Item = Change<'_>> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().take(self.count(until)).map(move |entry| match *entry {
            Entry::SetLen(len) => Change::SetLen(len),
            Entry::Write { at, len } => {
                let (bytes, later) = rest.split_at(len);
                rest = later;
                Change::Write { at, bytes }
            }
        })
    }

    /// Forgets the operations numbered below `until`.
    pub(super) fn forget(&mut self, until: u64) {
        let count = self.count(until);
        self.first += count as u64;
        if count == self.entries.len() {
            self.entries.clear();
            self.bytes.clear();
        } else {
            let bytes: usize = self.entries.drain(..count).map(Entry::bytes).sum();
            self.bytes.drain(..bytes);
        }
    }

    /// How many operations are numbered below `until`.
    pub(super) fn count(&self, until: u64) -> usize {
        (until.saturating_sub(self.first) as usize).min(self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_keep_their_bytes_when_older_ones_are_forgotten() {
        let mut pending = Pending::default();
        pending.write(0, b"one");
        pending.set_len(2);
        let mark = pending.next();
        pending.write(9, b"three");
        pending.forget(mark);
        let left: Vec<_> = pending.before(u64::MAX).collect();
        assert_eq!(left, [Change::Write { at: 9, bytes: b"three" }]);
        pending.forget(mark);
        assert_eq!((pending.len(), pending.next()), (1, 3));
    }
}
