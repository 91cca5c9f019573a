//! Values on a disk, each with the version of its format before it.

use serde::{Deserialize, Serialize};

/// A value, and before it the version of its format.
///
/// # Panics
///
/// When the value has a type without a length, which is a bug of ours.
pub(crate) fn encode(version: u8, value: &impl Serialize) -> Vec<u8> {
    // Most values are short: the buffer grows once.
    let mut start = Vec::with_capacity(64);
    start.push(version);
    postcard::to_extend(value, start).expect("what is kept has only types with a length")
}

/// The value; none if it is of another version, or is none at all.
pub(crate) fn decode<T: for<'de> Deserialize<'de>>(version: u8, bytes: &[u8]) -> Option<T> {
    let (first, value) = bytes.split_first()?;
    let (value, rest) = (*first == version).then(|| postcard::take_from_bytes(value).ok())??;
    rest.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_version_or_with_something_behind_it_is_none() {
        let mut bytes = encode(1, &(7u32, "a"));
        assert_eq!(decode(1, &bytes), Some((7u32, "a".to_owned())));
        assert_eq!(decode::<(u32, String)>(2, &bytes), None);
        bytes.push(0);
        assert_eq!(decode::<(u32, String)>(1, &bytes), None);
        assert_eq!(decode::<(u32, String)>(1, &[]), None);
    }
}
