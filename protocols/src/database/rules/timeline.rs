//! Which timeline began where, and what two logs have in common.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of an entry: the first is 1. 0 is the place before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The place after it.
    pub fn next(self) -> Lsn {
        Lsn(self.0 + 1)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One reign of a primary, from its promotion on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timeline {
    /// One more than that of the timeline before.
    pub number: u32,
    /// A random number: two promotions never make the same timeline.
    pub tag: u32,
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.number, self.tag)
    }
}

/// Which timelines a log consists of, oldest first, and with which entry each begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History(Vec<(Timeline, Lsn)>);

impl History {
    /// The timeline of the last entry; none of an empty log.
    pub fn last(&self) -> Option<Timeline> {
        self.0.last().map(|(timeline, _)| *timeline)
    }

    /// The timelines, and with which entry each begins.
    pub fn timelines(&self) -> &[(Timeline, Lsn)] {
        &self.0
    }

    /// The timeline of an entry of this log.
    pub fn at(&self, lsn: Lsn) -> Option<Timeline> {
        self.0.iter().rev().find(|(_, begins)| *begins <= lsn).map(|(timeline, _)| *timeline)
    }

    /// An entry of this timeline comes next.
    pub fn push(&mut self, timeline: Timeline, lsn: Lsn) {
        if self.last() != Some(timeline) {
            self.0.push((timeline, lsn));
        }
    }

    /// Entries behind `lsn` are gone.
    pub fn cut(&mut self, lsn: Lsn) {
        self.0.retain(|(_, begins)| *begins <= lsn);
    }

    /// Whether the timelines have the same numbers, wherever they begin.
    pub fn has_numbers_of(&self, other: &History) -> bool {
        self.0
            .iter()
            .map(|(timeline, _)| timeline.number)
            .eq(other.0.iter().map(|(timeline, _)| timeline.number))
    }

    /// The last entry that is the same in two logs with these histories and last entries.
    pub fn common(&self, last: Lsn, other: &History, other_last: Lsn) -> Lsn {
        let shorter = last.min(other_last);
        let same = self.0.iter().zip(&other.0).take_while(|(ours, theirs)| ours == theirs).count();
        // Where either goes on with another timeline, what both have ends.
        let parts = [self.0.get(same), other.0.get(same)].into_iter().flatten();
        parts.map(|(_, begins)| Lsn(begins.0 - 1)).min().map_or(shorter, |end| end.min(shorter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(timelines: &[(u32, u32, u64)]) -> History {
        History(
            timelines
                .iter()
                .map(|(number, tag, lsn)| (Timeline { number: *number, tag: *tag }, Lsn(*lsn)))
                .collect(),
        )
    }

    #[test]
    fn logs_of_one_timeline_have_the_shorter_in_common() {
        let one = history(&[(1, 7, 1)]);
        assert_eq!(one.common(Lsn(9), &one, Lsn(4)), Lsn(4));
    }

    #[test]
    fn a_log_that_went_on_after_the_fork_has_diverged_there() {
        let (old, new) = (history(&[(1, 7, 1)]), history(&[(1, 7, 1), (2, 8, 5)]));
        assert_eq!(old.common(Lsn(9), &new, Lsn(6)), Lsn(4));
        assert_eq!(new.common(Lsn(6), &old, Lsn(9)), Lsn(4));
        assert_eq!(old.common(Lsn(3), &new, Lsn(6)), Lsn(3));
    }

    #[test]
    fn timelines_of_one_number_are_told_apart() {
        let (one, other) = (history(&[(1, 7, 1), (2, 8, 5)]), history(&[(1, 7, 1), (2, 9, 5)]));
        assert_eq!(one.common(Lsn(9), &other, Lsn(9)), Lsn(4));
    }

    #[test]
    fn timelines_of_one_number_have_one_wherever_they_begin() {
        let (one, other) = (history(&[(1, 7, 1), (2, 8, 5)]), history(&[(1, 7, 1), (2, 9, 6)]));
        assert!(one.has_numbers_of(&other) && !one.has_numbers_of(&history(&[(1, 7, 1)])));
    }

    #[test]
    fn an_entry_is_of_the_timeline_that_began_with_it_or_last_before_it() {
        let log = history(&[(1, 7, 1), (2, 8, 5)]);
        let number = |lsn| log.at(Lsn(lsn)).map(|timeline| timeline.number);
        assert_eq!([0, 1, 4, 5, 9].map(number), [None, Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn an_empty_log_has_nothing_in_common() {
        assert_eq!(History::default().common(Lsn(0), &history(&[(1, 7, 1)]), Lsn(9)), Lsn(0));
        let (one, other) = (history(&[(1, 7, 1)]), history(&[(1, 8, 1)]));
        assert_eq!(one.common(Lsn(9), &other, Lsn(9)), Lsn(0));
    }

    #[test]
    fn a_cut_log_forgets_the_timelines_behind_the_cut() {
        let mut log = history(&[(1, 7, 1), (2, 8, 5)]);
        log.cut(Lsn(5));
        assert_eq!(log.last(), Some(Timeline { number: 2, tag: 8 }));
        log.cut(Lsn(4));
        assert_eq!(log, history(&[(1, 7, 1)]));
    }
}
