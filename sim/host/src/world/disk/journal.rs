//! The changes of directories that have not reached the medium, in order, over the whole disk.

use super::settings::DirectoryOrder;
use super::tree::{Ino, Tree};
use crate::world::Draw;
use std::collections::BTreeSet;
use std::ffi::OsString;

/// How many changes may be pending before the kernel commits the older half by itself.
const RECORDS_MAX: usize = 4096;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) dir: Ino,
    pub(super) name: OsString,
}

/// One change. It reaches the medium whole or not at all.
pub(super) enum Record {
    Link { place: Place, inode: Ino },
    Unlink { place: Place, inode: Ino },
    Rename { from: Place, to: Place, inode: Ino, replaced: Option<Ino> },
}

impl Record {
    fn places(&self) -> impl Iterator<Item = &Place> {
        let (one, other) = match self {
            Record::Link { place, .. } | Record::Unlink { place, .. } => (place, None),
            Record::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(one).chain(other)
    }

    /// The inodes whose names change.
    fn inodes(&self) -> impl Iterator<Item = Ino> {
        let (one, other) = match *self {
            Record::Link { inode, .. } | Record::Unlink { inode, .. } => (inode, None),
            Record::Rename { inode, replaced, .. } => (inode, replaced),
        };
        std::iter::once(one).chain(other)
    }

    fn mentions(&self) -> impl Iterator<Item = Ino> {
        self.inodes().chain(self.places().map(|place| place.dir))
    }

    fn concerns(&self, dir: Ino) -> bool {
        self.places().any(|place| place.dir == dir)
    }

    fn commit(&self, tree: &mut Tree) {
        match self {
            Record::Link { place, inode } => tree.link_on_medium(place, *inode),
            Record::Unlink { place, inode } => tree.unlink_on_medium(place, *inode),
            Record::Rename { from, to, inode, .. } => {
                tree.unlink_on_medium(from, *inode);
                tree.link_on_medium(to, *inode);
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Journal {
    /// Each with its number, in order.
    records: Vec<(u64, Record)>,
    next: u64,
}

impl Journal {
    pub(super) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn push(&mut self, tree: &mut Tree, record: Record) {
        record.mentions().for_each(|inode| tree.keep(inode));
        self.records.push((self.next, record));
        self.next += 1;
        if self.records.len() > RECORDS_MAX {
            self.commit_first(tree, RECORDS_MAX / 2);
        }
    }

    /// Commits what a directory needs to be on the medium as it was when `until` was the next number.
    pub(super) fn sync(&mut self, tree: &mut Tree, dir: Ino, until: u64, order: DirectoryOrder) {
        let before = self.records.partition_point(|(number, _)| *number < until);
        match order {
            DirectoryOrder::Ordered => {
                let last = self.records[..before].iter().rposition(|(_, record)| record.concerns(dir));
                self.commit_first(tree, last.map_or(0, |last| last + 1));
            }
            DirectoryOrder::Weak => {
                let needed = self.needed_for(tree, dir, before);
                let committed = self.records.extract_if(.., |(number, _)| needed.contains(number));
                committed.for_each(|(_, record)| commit(tree, &record));
            }
        }
    }

    /// A sync fails: what is committed is a prefix, and the rest stays pending.
    pub(super) fn fail_sync(&mut self, tree: &mut Tree, draw: &mut Draw) {
        let count = draw.below(self.len() + 1);
        self.commit_first(tree, count as usize);
    }

    /// The memory is lost, and all of it had arrived.
    pub(super) fn arrive(&mut self, tree: &mut Tree) {
        std::mem::take(&mut self.records).iter().for_each(|(_, record)| record.commit(tree));
    }

    /// The memory is lost. `tree` counts who mentions what anew.
    pub(super) fn power_loss(&mut self, tree: &mut Tree, order: DirectoryOrder, draw: &mut Draw) {
        let records = std::mem::take(&mut self.records);
        match order {
            DirectoryOrder::Ordered => {
                let survive = draw.below(records.len() as u64 + 1) as usize;
                records[..survive].iter().for_each(|(_, record)| record.commit(tree));
            }
            DirectoryOrder::Weak => {
                let (mut places, mut inodes) = (BTreeSet::new(), BTreeSet::new());
                for (_, record) in &records {
                    let depends = record.places().any(|place| places.contains(place))
                        || history(tree, record).any(|inode| inodes.contains(&inode));
                    if depends || draw.chance(0.5) {
                        places.extend(record.places());
                        inodes.extend(history(tree, record));
                    } else {
                        record.commit(tree);
                    }
                }
            }
        }
    }

    /// The numbers of what concerns a directory, and of what that builds on, among the first `before` records.
    fn needed_for(&self, tree: &Tree, dir: Ino, before: usize) -> BTreeSet<u64> {
        let mut needed = BTreeSet::new();
        let (mut dirs, mut places, mut inodes) = (BTreeSet::from([dir]), BTreeSet::new(), BTreeSet::new());
        for (number, record) in self.records[..before].iter().rev() {
            if record.places().any(|place| dirs.contains(&place.dir) || places.contains(place))
                || history(tree, record).any(|inode| inodes.contains(&inode))
            {
                needed.insert(*number);
                places.extend(record.places());
                inodes.extend(history(tree, record));
                if let Record::Unlink { inode, .. } | Record::Rename { replaced: Some(inode), .. } = record {
                    // A directory that goes was empty.
                    dirs.insert(*inode);
                }
            }
        }
        needed
    }

    fn commit_first(&mut self, tree: &mut Tree, count: usize) {
        self.records.drain(..count).for_each(|(_, record)| commit(tree, &record));
    }
}

/// The inodes whose history a record belongs to: changes with one in common reach the medium in order. A directory
/// that moves takes part in that of the directories between which it does, or it might end up inside itself.
fn history<'a>(tree: &'a Tree, record: &'a Record) -> impl Iterator<Item = Ino> {
    let moves = matches!(record, Record::Rename { inode, .. } if tree.is_directory(*inode));
    record.inodes().chain(record.places().filter(move |_| moves).map(|place| place.dir))
}

fn commit(tree: &mut Tree, record: &Record) {
    record.commit(tree);
    record.mentions().for_each(|inode| tree.unkeep(inode));
}
