//! A value for each of so many nodes.

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::array;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// An array whose length may be a parameter of the specification, which serde's own arrays cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Each<T, const N: usize>(pub [T; N]);

impl<T: Default, const N: usize> Default for Each<T, N> {
    fn default() -> Self {
        Each(array::from_fn(|_| T::default()))
    }
}

impl<T, const N: usize> Deref for Each<T, N> {
    type Target = [T; N];

    fn deref(&self) -> &[T; N] {
        &self.0
    }
}

impl<T, const N: usize> DerefMut for Each<T, N> {
    fn deref_mut(&mut self) -> &mut [T; N] {
        &mut self.0
    }
}

impl<T: Serialize, const N: usize> Serialize for Each<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(N)?;
        for value in &self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl<'de, T: Default + Deserialize<'de>, const N: usize> Deserialize<'de> for Each<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(N, Values(PhantomData))
    }
}

struct Values<T, const N: usize>(PhantomData<T>);

impl<'de, T: Default + Deserialize<'de>, const N: usize> Visitor<'de> for Values<T, N> {
    type Value = Each<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Each<T, N>, A::Error> {
        let mut each = Each::default();
        for (at, place) in each.0.iter_mut().enumerate() {
            *place = values.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_too_few_are_refused() {
        let each = Each([1u8, 2, 3]);
        let text = serde_json::to_string(&each).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str(&text).unwrap()), ("[1,2,3]", each));
        assert!(serde_json::from_str::<Each<u8, 3>>("[1,2]").is_err());
    }
}
