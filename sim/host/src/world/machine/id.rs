//! Which machine.

use std::fmt;

/// A machine: its place in [`Config::machines`](super::Config).
///
/// People count machines from 1, and so do names, numbers in protocols and views: n1 is the machine
/// [numbered](MachineId::numbered) 1. Places count from 0. This type knows both, so that nobody else subtracts one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(u32);

impl MachineId {
    /// The machine at a place, from 0.
    ///
    /// # Panics
    ///
    /// Beyond 2³², where no world has a machine.
    pub const fn new(index: usize) -> Self {
        assert!(index <= u32::MAX as usize, "a world has fewer machines");
        MachineId(index as u32)
    }

    /// The machine with a number, from 1.
    ///
    /// # Panics
    ///
    /// For 0: there is no such machine.
    pub const fn numbered(number: u32) -> Self {
        assert!(number > 0, "machines are numbered from 1");
        MachineId(number - 1)
    }

    /// The first so many machines, in order.
    pub fn first(count: usize) -> impl DoubleEndedIterator<Item = MachineId> + Clone {
        (0..count).map(MachineId::new)
    }

    /// Its place, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.0 + 1
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "machine {}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_machine_has_number_one_and_place_zero() {
        let first: Vec<MachineId> = MachineId::first(2).collect();
        assert_eq!(first, [MachineId::numbered(1), MachineId::numbered(2)]);
        assert_eq!((first[0].index(), first[0].number()), (0, 1));
    }

    #[test]
    #[should_panic(expected = "numbered from 1")]
    fn there_is_no_machine_with_number_zero() {
        MachineId::numbered(0);
    }
}
