//! Bytes: segments, blocks, records, snapshots. All numbers are little endian.

use super::Lsn;

const SEGMENT_MAGIC: [u8; 8] = *b"SBLOG\0\0\x01";
const SNAPSHOT_MAGIC: [u8; 8] = *b"SBSNAP\0\x01";
const BLOCK_MAGIC: [u8; 4] = [0xb1, 0x0c, 0x5e, 0xed];

/// Magic, salt, first record, CRC.
pub(super) const SEGMENT_HEADER_BYTES: usize = 8 + 8 + 8 + 4;
/// Magic, CRC, length, first record.
pub(super) const BLOCK_HEADER_BYTES: usize = 4 + 4 + 4 + 8;
/// Magic, last record, length, CRC.
const SNAPSHOT_HEADER_BYTES: usize = 8 + 8 + 8 + 4;
/// Before each record, its length.
pub(super) const RECORD_HEADER_BYTES: usize = 4;

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Random: tells the blocks of this segment from all others.
    pub salt: u64,
    /// Its first record.
    pub first: Lsn,
}

impl Segment {
    pub fn header(&self) -> Vec<u8> {
        let mut bytes = SEGMENT_MAGIC.to_vec();
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.first.0.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub fn read(bytes: &[u8]) -> Option<Segment> {
        let (head, crc) = bytes.get(..SEGMENT_HEADER_BYTES)?.split_at(SEGMENT_HEADER_BYTES - 4);
        let is_ours = head.starts_with(&SEGMENT_MAGIC) && u32_at(crc, 0) == crc32fast::hash(head);
        is_ours.then(|| Segment { salt: u64_at(head, 8), first: Lsn(u64_at(head, 16)) })
    }

    /// Fills in the header of a block whose records are behind [`BLOCK_HEADER_BYTES`] of room.
    pub fn seal(&self, block: &mut [u8], first: Lsn) {
        let length = (block.len() - BLOCK_HEADER_BYTES) as u32;
        block[..4].copy_from_slice(&BLOCK_MAGIC);
        block[8..12].copy_from_slice(&length.to_le_bytes());
        block[12..20].copy_from_slice(&first.0.to_le_bytes());
        let crc = self.crc(&block[8..]);
        block[4..8].copy_from_slice(&crc.to_le_bytes());
    }

    /// The block at this place, if one checks out.
    pub fn block<'a>(&self, bytes: &'a [u8], at: usize) -> Option<Block<'a>> {
        let header = bytes.get(at..at + BLOCK_HEADER_BYTES)?;
        if header[..4] != BLOCK_MAGIC {
            return None;
        }
        let end = at.checked_add(BLOCK_HEADER_BYTES)?.checked_add(u32_at(header, 8) as usize)?;
        let checked = bytes.get(at + 8..end)?;
        (self.crc(checked) == u32_at(header, 4)).then(|| Block {
            first: Lsn(u64_at(header, 12)),
            records: &bytes[at + BLOCK_HEADER_BYTES..end],
            end,
        })
    }

    /// Whether any block behind this place checks out.
    pub fn has_block_behind(&self, bytes: &[u8], at: usize) -> bool {
        (at + 1..bytes.len())
            .any(|at| bytes[at..].starts_with(&BLOCK_MAGIC) && self.block(bytes, at).is_some())
    }

    fn crc(&self, checked: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.salt.to_le_bytes());
        hasher.update(checked);
        hasher.finalize()
    }
}

/// What one commit wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Its first record.
    pub first: Lsn,
    records: &'a [u8],
    /// Where it ends in its segment.
    pub end: usize,
}

impl<'a> Block<'a> {
    /// Its records; `None` where a length leads out of the block.
    pub fn records(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut rest = self.records;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let record = rest
                .split_at_checked(RECORD_HEADER_BYTES)
                .and_then(|(length, behind)| behind.split_at_checked(u32_at(length, 0) as usize));
            rest = record.map_or(&[], |(_, behind)| behind);
            Some(record.map(|(record, _)| record))
        })
    }
}

/// A snapshot as a file.
pub(super) fn snapshot(upto: Lsn, state: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SNAPSHOT_HEADER_BYTES + state.len());
    bytes.extend_from_slice(&SNAPSHOT_MAGIC);
    bytes.extend_from_slice(&upto.0.to_le_bytes());
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes);
    crc.update(state);
    bytes.extend_from_slice(&crc.finalize().to_le_bytes());
    bytes.extend_from_slice(state);
    bytes
}

/// What is in a snapshot's file, if it checks out.
pub(super) fn read_snapshot(mut bytes: Vec<u8>) -> Option<(Lsn, Vec<u8>)> {
    let header = bytes.get(..SNAPSHOT_HEADER_BYTES)?;
    let (upto, length, told) = (Lsn(u64_at(header, 8)), u64_at(header, 16), u32_at(header, 24));
    let mut crc = crc32fast::Hasher::new();
    crc.update(&header[..SNAPSHOT_HEADER_BYTES - 4]);
    crc.update(&bytes[SNAPSHOT_HEADER_BYTES..]);
    let is_whole = header.starts_with(&SNAPSHOT_MAGIC)
        && length == (bytes.len() - SNAPSHOT_HEADER_BYTES) as u64
        && crc.finalize() == told;
    is_whole.then(|| (upto, bytes.split_off(SNAPSHOT_HEADER_BYTES)))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Segment = Segment { salt: 7, first: Lsn(3) };

    fn block(records: &[&[u8]], first: u64) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK_HEADER_BYTES];
        for record in records {
            bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
            bytes.extend_from_slice(record);
        }
        SEGMENT.seal(&mut bytes, Lsn(first));
        bytes
    }

    #[test]
    fn a_block_reads_as_it_was_sealed() {
        let bytes = block(&[b"one", b"", b"three"], 3);
        let read = SEGMENT.block(&bytes, 0).unwrap();
        assert_eq!((read.first, read.end), (Lsn(3), bytes.len()));
        let records: Vec<_> = read.records().map(Option::unwrap).collect();
        assert_eq!(records, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let bytes = block(&[b"one", b"two"], 3);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SEGMENT.block(&flipped, 0), None, "bit {bit}");
        }
        let header = SEGMENT.header();
        assert_eq!(Segment::read(&header), Some(SEGMENT));
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Segment::read(&flipped), None, "bit {bit}");
        }
        let whole = snapshot(Lsn(9), b"state");
        assert_eq!(read_snapshot(whole.clone()), Some((Lsn(9), b"state".to_vec())));
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_snapshot(flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_block_of_another_segment_is_not_ours() {
        let bytes = block(&[b"one"], 3);
        assert_eq!(Segment { salt: 8, ..SEGMENT }.block(&bytes, 0), None);
    }

    #[test]
    fn a_block_behind_garbage_is_found_and_a_torn_one_is_not() {
        let (first, second) = (block(&[b"one"], 3), block(&[b"two"], 4));
        let mut bytes = first.clone();
        bytes[10] ^= 1;
        assert!(!SEGMENT.has_block_behind(&bytes, 0));
        bytes.extend_from_slice(&second[..second.len() - 1]);
        assert!(!SEGMENT.has_block_behind(&bytes, 0));
        bytes.push(second[second.len() - 1]);
        assert!(SEGMENT.has_block_behind(&bytes, 0));
    }
}
