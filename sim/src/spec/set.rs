//! A set of small numbers, in one word.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of numbers below 64. Its order is that of the numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(u64);

impl Set {
    /// So many different members it can have: 0 to 63.
    pub const MEMBERS_MAX: u8 = 64;

    /// The set without members.
    pub const EMPTY: Set = Set(0);

    /// Adds a member.
    ///
    /// # Panics
    ///
    /// Panics if it is not below 64.
    pub fn insert(&mut self, member: u8) {
        self.0 |= Set::only(member).0;
    }

    /// Takes a member out, if it is one.
    pub fn remove(&mut self, member: u8) {
        self.0 &= !Set::only(member).0;
    }

    /// Whether this is a member.
    #[must_use]
    pub fn contains(self, member: u8) -> bool {
        self.0 & Set::only(member).0 != 0
    }

    /// The set with this member alone.
    #[must_use]
    pub fn only(member: u8) -> Set {
        assert!(member < Set::MEMBERS_MAX, "a set has members below {}, not {member}", Set::MEMBERS_MAX);
        Set(1 << member)
    }

    /// The numbers below this one.
    #[must_use]
    pub fn below(bound: u8) -> Set {
        if bound >= Set::MEMBERS_MAX { Set(u64::MAX) } else { Set((1 << bound) - 1) }
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn minus(self, other: Set) -> Set {
        Set(self.0 & !other.0)
    }

    /// The smallest member: what TLC takes for `CHOOSE r \in set: TRUE`.
    #[must_use]
    pub fn first(self) -> Option<u8> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as u8)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(self) -> u8 {
        self.0.count_ones() as u8
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..Set::MEMBERS_MAX).filter(move |member| self.contains(*member))
    }
}

impl FromIterator<u8> for Set {
    fn from_iter<I: IntoIterator<Item = u8>>(members: I) -> Self {
        members.into_iter().fold(Set::EMPTY, |set, member| set.union(Set::only(member)))
    }
}

/// A list for people, a word in a state's encoding.
impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_seq(self.iter());
        }
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Set);
        }
        let members = Vec::<u8>::deserialize(deserializer)?;
        match members.iter().find(|member| **member >= Set::MEMBERS_MAX) {
            Some(member) => Err(D::Error::custom(format!("{member} is not below {}", Set::MEMBERS_MAX))),
            None => Ok(members.into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_and_go_in_order() {
        let mut set: Set = [5, 0, 63].into_iter().collect();
        assert_eq!((set.first(), set.len(), set.contains(5), set.contains(4)), (Some(0), 3, true, false));
        set.remove(0);
        set.remove(7);
        assert_eq!(set.iter().collect::<Vec<_>>(), [5, 63]);
        assert_eq!(set.minus(Set::only(5)), Set::only(63));
        assert_eq!((Set::below(3).len(), Set::below(64).len(), Set::EMPTY.first()), (3, 64, None));
    }

    #[test]
    #[should_panic(expected = "members below 64, not 64")]
    fn a_member_that_is_too_large_is_refused() {
        let _ = Set::only(64);
    }

    #[test]
    fn people_read_a_list_and_a_list_is_read() {
        let set: Set = [2, 1].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), "[1,2]");
        assert_eq!(serde_json::from_str::<Set>("[2,1]").unwrap(), set);
        assert!(serde_json::from_str::<Set>("[64]").is_err());
    }
}
