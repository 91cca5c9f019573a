//! Registers that a process read in a later version, then in an earlier one.
//!
//! Values do not tell their order. But who read a version and wrote another made the next one after it, and no value
//! is before any. So versions form trees, and one is known to be earlier than those below it; of others nothing is known.

use super::anomaly::{Anomaly, Found};
use super::read_write::Inferred;
use super::transaction::Transactions;
use crate::history::{Process, Recorded};
use std::collections::{HashMap, HashSet};

/// A version of a key: its writer; none for there being no value.
type Version = Option<usize>;

/// The versions of one key.
#[derive(Debug, Default)]
struct Versions {
    /// The version that the writer of each had read.
    before: HashMap<usize, Version>,
    /// How many are known to be before each.
    depths: HashMap<usize, usize>,
}

impl Versions {
    fn before(&self, version: usize) -> Version {
        self.before.get(&version).copied().flatten()
    }

    fn depth(&mut self, version: Version) -> usize {
        let Some(version) = version else { return 0 };
        let (mut way, mut seen) = (vec![version], HashSet::from([version]));
        let mut depth = loop {
            let here = way[way.len() - 1];
            if let Some(depth) = self.depths.get(&here) {
                way.pop();
                break *depth;
            }
            match self.before(here) {
                // Versions that were read in a circle are told as one.
                Some(before) if seen.insert(before) => way.push(before),
                _ => break 0,
            }
        };
        while let Some(next) = way.pop() {
            depth += 1;
            self.depths.insert(next, depth);
        }
        depth
    }

    /// Whether one is known to be earlier than another.
    fn is_before(&mut self, one: Version, two: Version) -> bool {
        let (above, mut below) = (self.depth(one), self.depth(two));
        let mut version = two;
        while let Some(here) = version.filter(|_| below > above) {
            version = self.before(here);
            below -= 1;
        }
        two != one && version == one
    }
}

/// The first process's read that went back.
pub(super) fn went_back(
    inferred: &Inferred,
    transactions: &Transactions,
    history: &[Recorded],
) -> Option<Found> {
    let mut versions: HashMap<u32, Versions> = HashMap::new();
    let mut reads: Vec<(usize, u32, Version)> = Vec::new();
    for ((key, writer), readers) in inferred.readers() {
        for reader in readers {
            reads.push((*reader, *key, *writer));
            if inferred.is_writer(*key, *reader) {
                versions.entry(*key).or_default().before.entry(*reader).or_insert(*writer);
            }
        }
    }
    reads.sort_unstable();
    let mut last: HashMap<(&Process, u32), (usize, Version)> = HashMap::new();
    reads.into_iter().find_map(|(reader, key, version)| {
        let before = last.insert((&history[reader].process, key), (reader, version))?;
        let says =
            format!("{} was in a later version when the process read it before", transactions.keys.text(key));
        let is_back = versions.entry(key).or_default().is_before(version, before.1);
        is_back.then(|| Found::plain(Anomaly::NonMonotonicReads, [before.0, reader], says))
    })
}
