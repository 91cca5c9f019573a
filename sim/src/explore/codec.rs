//! States as bytes, in postcard's format, and their fingerprints.

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// The length of a state is a number of 16 bits.
const STATE_BYTES_MAX: usize = u16::MAX as usize;

/// Memory to encode states in, one after the other.
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new() -> Self {
        Encoder(vec![0; 256])
    }

    /// The state as bytes.
    ///
    /// # Panics
    ///
    /// Panics if it is larger than a state may be, or its own `Serialize` fails.
    pub(super) fn encode<T: Serialize>(&mut self, state: &T) -> &[u8] {
        let length = loop {
            let room = self.0.len();
            match postcard::to_slice(state, &mut self.0).map(|bytes| bytes.len()) {
                Ok(length) => break length,
                Err(postcard::Error::SerializeBufferFull) => {
                    assert!(room < STATE_BYTES_MAX, "a state takes more than {STATE_BYTES_MAX} bytes");
                    self.0.resize((room * 2).min(STATE_BYTES_MAX), 0);
                }
                Err(error) => panic!("a state cannot be encoded: {error}"),
            }
        };
        &self.0[..length]
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
