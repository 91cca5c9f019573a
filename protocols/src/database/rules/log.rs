//! The log: a base, the entries after it, and how they are written down.

use crate::database::message::{Base, Change, Entry, Sync};
use crate::database::rules::timeline::{History, Lsn};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What is written down, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::database) enum Record {
    /// The next entry.
    Entry(Entry),
    /// Entries behind this one are gone.
    Cut(Lsn),
    /// All that there was is gone, and this is there instead.
    Base(Base),
    /// From now on writes wait for these.
    Sync(Sync),
}

/// A base and the entries after it: the fold of all records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::database) struct Log {
    base: Base,
    entries: VecDeque<Entry>,
    history: History,
    sync: Sync,
}

impl Log {
    /// Takes one more record. A cut behind the base changes nothing: whoever asks for one looks before.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Entry(entry) => {
                self.history.push(entry.timeline, self.last().next());
                self.entries.push_back(entry);
            }
            Record::Cut(lsn) => {
                self.entries.truncate(lsn.0.saturating_sub(self.base.last.0) as usize);
                let last = self.last();
                self.history.cut(last);
            }
            Record::Base(base) => {
                self.history = base.history.clone();
                (self.base, self.entries) = (base, VecDeque::new());
            }
            Record::Sync(sync) => self.sync = sync,
        }
    }

    /// The last entry.
    pub fn last(&self) -> Lsn {
        Lsn(self.base.last.0 + self.entries.len() as u64)
    }

    /// The timelines of all entries, those in the base included.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Whom writes wait for.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// What the entries come after.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// An entry that is behind the base.
    pub fn get(&self, lsn: Lsn) -> Option<&Entry> {
        self.entries.get((lsn.0.checked_sub(self.base.last.0)?.checked_sub(1)?) as usize)
    }

    /// The entries behind `after`, up to `upto`, at most `max` of them. `after` is not before the base.
    pub fn slice(&self, after: Lsn, upto: Lsn, max: usize) -> Vec<Entry> {
        let skipped = after.0.saturating_sub(self.base.last.0) as usize;
        let count = (upto.0.saturating_sub(after.0) as usize).min(max);
        self.entries.iter().skip(skipped).take(count).cloned().collect()
    }

    /// Folds the entries up to `upto` into the base.
    pub fn fold(&mut self, upto: Lsn) {
        while self.base.last < upto
            && let Some(entry) = self.entries.pop_front()
        {
            self.base.last = self.base.last.next();
            self.base.history.push(entry.timeline, self.base.last);
            put(&mut self.base.contents, entry.change);
        }
    }
}

/// Applies a change to contents.
pub(in crate::database) fn put(contents: &mut BTreeMap<String, String>, change: Change) {
    if let Change::Put { key, value, .. } = change {
        contents.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::rules::timeline::Timeline;

    fn entry(number: u32, id: u64) -> Record {
        let change = match id {
            0 => Change::Begin,
            id => Change::Put { id, key: "k".to_owned(), value: id.to_string() },
        };
        Record::Entry(Entry { timeline: Timeline { number, tag: number }, change })
    }

    fn log(records: Vec<Record>) -> Log {
        let mut log = Log::default();
        records.into_iter().for_each(|record| log.apply(record));
        log
    }

    #[test]
    fn a_cut_log_goes_on_from_the_cut() {
        let log = log(vec![entry(1, 0), entry(1, 1), entry(1, 2), Record::Cut(Lsn(2)), entry(2, 0)]);
        assert_eq!(log.last(), Lsn(3));
        assert_eq!(log.history().timelines().len(), 2);
        assert_eq!(log.get(Lsn(2)).map(|entry| entry.change.id()), Some(1));
    }

    #[test]
    fn what_is_folded_is_still_in_the_history_and_the_contents() {
        let mut log = log(vec![entry(1, 0), entry(1, 1), entry(2, 0), entry(2, 2)]);
        let before = (log.last(), log.history().clone());
        log.fold(Lsn(3));
        assert_eq!((log.last(), log.history().clone()), before);
        assert_eq!(log.base().contents["k"], "1");
        assert_eq!((log.get(Lsn(3)), log.get(Lsn(4)).is_some()), (None, true));
        log.apply(Record::Cut(Lsn(3)));
        assert_eq!(log.last(), Lsn(3));
        assert_eq!(log.base().history, *log.history());
    }

    #[test]
    fn a_slice_ends_where_it_is_to_end_and_has_no_more_than_may_be() {
        let mut log = log(vec![entry(1, 0), entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]);
        log.fold(Lsn(1));
        let ids = |after, upto, max| {
            let slice = log.slice(Lsn(after), Lsn(upto), max);
            slice.iter().map(|entry| entry.change.id()).collect::<Vec<_>>()
        };
        assert_eq!(ids(1, 5, 9), [1, 2, 3, 4]);
        assert_eq!(ids(2, 5, 2), [2, 3]);
        assert_eq!(ids(2, 3, 9), [2]);
        assert_eq!(ids(3, 9, 9), [3, 4], "there are no more");
        assert_eq!(ids(3, 3, 9), [0; 0]);
    }

    #[test]
    fn a_copy_replaces_everything() {
        let source = log(vec![entry(1, 0), entry(1, 1)]);
        let mut base = source.clone();
        base.fold(Lsn(2));
        let mut copy = log(vec![entry(7, 0), entry(7, 9), entry(7, 8)]);
        copy.apply(Record::Base(base.base().clone()));
        assert_eq!((copy.last(), copy.history()), (source.last(), source.history()));
        assert_eq!(copy.slice(Lsn(2), Lsn(9), 10), []);
    }
}
