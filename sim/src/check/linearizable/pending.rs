//! Operations not yet placed, in order of their invocations: a doubly linked list over indices, from which one can be
//! taken, and put back in reverse order, in constant time.

/// No operation.
const NONE: u32 = u32::MAX;

/// Linked lists over the same operations, each in at most one of them.
#[derive(Debug)]
pub(super) struct Lists {
    /// The neighbours of each operation, then those of each list's head.
    next: Vec<u32>,
    previous: Vec<u32>,
    operations: usize,
}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Answered, and may change the state.
    Answered = 0,
    /// Answered, and never changes the state.
    Observing = 1,
    /// Outcome unknown.
    Unknown = 2,
}

impl Lists {
    /// Lists of these operations, each in the given one.
    pub(super) fn new(lists: impl ExactSizeIterator<Item = List>) -> Self {
        let operations = lists.len();
        let mut all =
            Lists { next: vec![NONE; operations + 3], previous: vec![NONE; operations + 3], operations };
        let mut last = [operations, operations + 1, operations + 2];
        for (operation, list) in lists.enumerate() {
            let last = &mut last[list as usize];
            all.next[*last] = operation as u32;
            all.previous[operation] = *last as u32;
            *last = operation;
        }
        all
    }

    /// The operations of a list from its head on.
    pub(super) fn iter(&self, list: List) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.first(list), |operation| self.after(*operation))
    }

    pub(super) fn first(&self, list: List) -> Option<u32> {
        Some(self.next[self.operations + list as usize]).filter(|next| *next != NONE)
    }

    pub(super) fn after(&self, operation: u32) -> Option<u32> {
        Some(self.next[operation as usize]).filter(|next| *next != NONE)
    }

    pub(super) fn take(&mut self, operation: u32) {
        let (previous, next) = (self.previous[operation as usize], self.next[operation as usize]);
        self.next[previous as usize] = next;
        if next != NONE {
            self.previous[next as usize] = previous;
        }
    }

    /// Undoes the last `take` not undone yet.
    pub(super) fn put_back(&mut self, operation: u32) {
        let (previous, next) = (self.previous[operation as usize], self.next[operation as usize]);
        self.next[previous as usize] = operation;
        if next != NONE {
            self.previous[next as usize] = operation;
        }
    }
}
