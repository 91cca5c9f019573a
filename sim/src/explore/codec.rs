//! States as bytes, in postcard's format, and their fingerprints.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::slice;
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
            let room = self.0.len() - start;
            match postcard::serialize_with_flavor(state, Room(self.0[start..].iter_mut())) {
                Ok(left) if room - left <= STATE_BYTES_MAX => return self.0.len() - left,
                Err(postcard::Error::SerializeBufferFull) if room <= STATE_BYTES_MAX => {
                    self.0.resize(self.0.len() * 2, 0);
                }
                Ok(_) | Err(postcard::Error::SerializeBufferFull) => {
                    panic!("a state takes more than {STATE_BYTES_MAX} bytes")
                }
                Err(error) => panic!("a state cannot be encoded: {error}"),
            }
        }
    }

    /// What was encoded there.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.0[range]
    }
}

/// Where the next byte goes. One after the other: most of what a state is written in has one or two, and a call that
/// copies so few costs more. Ends as how many more there is room for.
struct Room<'b>(slice::IterMut<'b, u8>);

impl Flavor for Room<'_> {
    type Output = usize;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        *self.0.next().ok_or(postcard::Error::SerializeBufferFull)? = byte;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.0.len())
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
