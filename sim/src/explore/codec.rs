//! States as bytes, in postcard's format, and their fingerprints.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// The length of a state is a number of 16 bits.
const STATE_BYTES_MAX: usize = u16::MAX as usize;

/// Memory to encode states in.
#[derive(Debug)]
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new() -> Self {
        Encoder(vec![0; 256])
    }

    /// The state as bytes.
    pub(super) fn encode<T: Serialize>(&mut self, state: &T) -> &[u8] {
        let end = self.encode_behind(0, state);
        self.bytes(0..end)
    }

    /// Encodes a state behind so many bytes; returns where it ends.
    ///
    /// # Panics
    ///
    /// Panics if it is larger than a state may be, or its own `Serialize` fails.
    pub(super) fn encode_behind<T: Serialize>(&mut self, start: usize, state: &T) -> usize {
        loop {
            let room = Room { bytes: &mut self.0[start..], len: 0 };
            match postcard::serialize_with_flavor(state, room) {
                Ok(len) if len > STATE_BYTES_MAX => panic!("a state takes more than {STATE_BYTES_MAX} bytes"),
                Ok(len) if start + len > self.0.len() => self.0.resize((start + len) * 2, 0),
                Ok(len) => return start + len,
                Err(error) => panic!("a state cannot be encoded: {error}"),
            }
        }
    }

    /// What was encoded there.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.0[range]
    }
}

/// Takes byte after byte: most of what a state is written in has one or two, and a call that copies so few costs more.
/// Where there is no room left it goes on to count.
struct Room<'b> {
    bytes: &'b mut [u8],
    len: usize,
}

impl Flavor for Room<'_> {
    type Output = usize;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len += 1;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.len)
    }
}

/// A state from its bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    match postcard::from_bytes(bytes) {
        Ok(state) => state,
        Err(error) => panic!("a state does not decode as it was encoded: {error}"),
    }
}

/// A state's fingerprint; never 0.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    xxh3_64(bytes).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_needs_more_room_gets_it_behind_another() {
        let mut encoder = Encoder::new();
        let (small, large) = (7u8, vec![7u8; 1_000]);
        let start = encoder.encode_behind(0, &small);
        let end = encoder.encode_behind(start, &large);
        assert_eq!(decode::<u8>(encoder.bytes(0..start)), small);
        assert_eq!(decode::<Vec<u8>>(encoder.bytes(start..end)), large);
    }

    #[test]
    #[should_panic(expected = "more than 65535 bytes")]
    fn a_state_that_is_too_large_is_refused() {
        Encoder::new().encode(&vec![0u8; 1 << 16]);
    }
}
