//! Sparse bytes, in pages that exist once something was written to them.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The unit of allocation, as in most file systems.
pub(super) const PAGE: usize = 4096;

/// The bytes of a file. A clone shares its pages until one of the two is written to.
///
/// Invariant: whatever a page holds beyond `len` is zero, except between a [`Content::put`] and the
/// [`Content::set_len`] that follows it.
#[derive(Clone, Default)]
pub(super) struct Content {
    len: u64,
    pages: BTreeMap<u64, Rc<[u8; PAGE]>>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// How many pages it takes.
    pub(super) fn pages(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Copies what is at `at`, up to the end. Returns how much that was; holes are zeros.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> usize {
        let len = self.len.saturating_sub(at).min(into.len() as u64) as usize;
        for (page, within, piece) in pieces(at, len) {
            match self.pages.get(&page) {
                Some(bytes) => into[piece.clone()].copy_from_slice(&bytes[within..within + piece.len()]),
                None => into[piece].fill(0),
            }
        }
        len
    }

    /// Writes, and grows where the write ends beyond the end.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        self.put(at, bytes);
        self.len = self.len.max(at + bytes.len() as u64);
    }

    /// Writes without a change of length.
    pub(super) fn put(&mut self, at: u64, bytes: &[u8]) {
        for (page, within, piece) in pieces(at, bytes.len()) {
            let target = self.pages.entry(page).or_insert_with(|| Rc::new([0; PAGE]));
            Rc::make_mut(target)[within..within + piece.len()].copy_from_slice(&bytes[piece]);
        }
    }

    /// Cuts off, or ends in a hole.
    pub(super) fn set_len(&mut self, len: u64) {
        self.len = len;
        self.clear_from(len);
    }

    /// Forgets the pages beyond an end.
    pub(super) fn clear_from(&mut self, end: u64) {
        let (page, within) = (end / PAGE as u64, (end % PAGE as u64) as usize);
        if self.pages.last_key_value().is_none_or(|(last, _)| *last < page) {
            return;
        }
        let beyond = if within == 0 { page } else { page + 1 };
        drop(self.pages.split_off(&beyond));
        if within > 0
            && let Some(cut) = self.pages.get_mut(&page)
        {
            Rc::make_mut(cut)[within..].fill(0);
        }
    }

    /// How many of `len` bytes at `at` can be written when `free` pages may be added.
    pub(super) fn room(&self, at: u64, len: usize, free: u64) -> usize {
        if free > (len / PAGE) as u64 + 1 {
            return len;
        }
        let mut free = free;
        for (page, _, piece) in pieces(at, len) {
            if !self.pages.contains_key(&page) {
                if free == 0 {
                    return piece.start;
                }
                free -= 1;
            }
        }
        len
    }
}

/// A range of bytes, page by page: the page, the place in it, the part of the range.
fn pieces(at: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    units(at, len, PAGE)
}

/// A range of bytes, unit by unit: the unit, the place in it, the part of the range.
pub(super) fn units(
    at: u64,
    len: usize,
    size: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let place = at + done as u64;
            let within = (place % size as u64) as usize;
            let piece = done..len.min(done + size - within);
            done = piece.end;
            (place / size as u64, within, piece)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_reads_as_zeros_when_the_end_moves_out_again() {
        let mut content = Content::default();
        content.write(4000, &[7; 5000]);
        content.set_len(4100);
        content.set_len(9000);
        let mut bytes = [1; 200];
        assert_eq!(content.read(4000, &mut bytes), 200);
        assert!(bytes[..100].iter().all(|byte| *byte == 7) && bytes[100..].iter().all(|byte| *byte == 0));
        assert_eq!(content.pages(), 2);
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut content = Content::default();
        content.write(0, b"old");
        let copy = content.clone();
        content.write(0, b"new");
        let mut bytes = [0; 3];
        copy.read(0, &mut bytes);
        assert_eq!(&bytes, b"old");
    }

    #[test]
    fn room_counts_only_pages_that_are_new() {
        let mut content = Content::default();
        content.write(PAGE as u64, b"x");
        assert_eq!(content.room(PAGE as u64, PAGE, 0), PAGE);
        assert_eq!(content.room(PAGE as u64, 2 * PAGE, 0), PAGE);
        assert_eq!(content.room(10, 2 * PAGE, 1), 2 * PAGE - 10);
    }
}
