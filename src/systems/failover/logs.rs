//! **timeline**: all logs are paths in one tree.
//!
//! An entry is the same wherever it is: in every log that has it, the same entries come before. A standby that streams
//! has nothing that its upstream does not have: one that was not rewound is found out at its first entry at the latest.
//!
//! The tree is kept as what timelines branch off from. A log is then known by its last entry.

use super::fact::{Fact, name};
use host::world::MachineId;
use std::collections::BTreeMap;

/// The logs of all databases, as far as they have said what is in them.
#[derive(Debug, Default)]
pub(super) struct Logs {
    timelines: BTreeMap<String, Branch>,
    logs: BTreeMap<MachineId, Log>,
}

/// One timeline.
#[derive(Debug)]
struct Branch {
    /// The timeline of the entry before its first; empty if there is none.
    parent: String,
    begins: u64,
    /// The write of each entry, by LSN; 0 for one that begins a timeline.
    writes: BTreeMap<u64, u64>,
}

#[derive(Debug, Default)]
struct Log {
    last: Place,
    /// Where it ended before it was last cut or replaced.
    before: Place,
}

/// An entry; LSN 0 for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    lsn: u64,
    timeline: String,
}

impl Place {
    fn new(lsn: u64, timeline: &str) -> Place {
        Place { lsn, timeline: if lsn == 0 { String::new() } else { timeline.to_owned() } }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.lsn {
            0 => f.write_str("nothing"),
            lsn => write!(f, "entry {lsn} of timeline {}", self.timeline),
        }
    }
}

impl Logs {
    /// Takes a fact in, whether or not it may be.
    pub(super) fn hear(&mut self, host: MachineId, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Appended { lsn, timeline, id } => self.appended(host, *lsn, timeline, *id),
            Fact::Cut { lsn } => {
                let last = self.last(host);
                let place = self.at(&last, *lsn);
                self.replace(host, place);
                if *lsn <= last.lsn { Ok(()) } else { Err(format!("{} cut {last} at {lsn}", name(host))) }
            }
            Fact::Cloned { lsn, timeline, from } => {
                let place = Place::new(*lsn, timeline);
                let had = self.had(*from, &place);
                self.replace(host, place.clone());
                let (copier, source) = (name(host), name(*from));
                if had {
                    Ok(())
                } else {
                    Err(format!("{copier} copied {place} of {source}, which had none such"))
                }
            }
            Fact::Recovered { lsn, timeline } => {
                let place = Place::new(*lsn, timeline);
                let is_known = self.is_known(&place);
                let last = self.last(host);
                self.replace(host, place.clone());
                self.forget_lost(&last);
                if is_known {
                    Ok(())
                } else {
                    Err(format!("{} recovered {place}, which nobody wrote", name(host)))
                }
            }
            Fact::Streams { from, after } => {
                let last = self.last(host);
                let (standby, upstream) = (name(host), name(*from));
                if last.lsn != *after {
                    return Err(format!("{standby} streams from {upstream} after {after}, and has {last}"));
                }
                if self.had(*from, &last) {
                    return Ok(());
                }
                let there = self.last(*from);
                Err(format!("{standby} streams from {upstream} after {last}; {upstream} has {there}"))
            }
            _ => Ok(()),
        }
    }

    /// The timeline of an entry of a machine's log.
    pub(super) fn timeline(&self, host: MachineId, lsn: u64) -> String {
        self.at(&self.last(host), lsn).timeline
    }

    /// The writes in a machine's log.
    pub(super) fn writes(&self, host: MachineId) -> impl Iterator<Item = u64> + '_ {
        let mut place = self.last(host);
        std::iter::from_fn(move || {
            let branch = self.timelines.get(&place.timeline).filter(|_| place.lsn > 0)?;
            let id = branch.writes.get(&place.lsn).copied().unwrap_or_default();
            place = self.at(&place, place.lsn - 1);
            Some(id)
        })
    }

    fn appended(&mut self, host: MachineId, lsn: u64, timeline: &str, id: u64) -> Result<(), String> {
        let before = self.last(host);
        let place = Place::new(lsn, timeline);
        self.logs.entry(host).or_default().last = place.clone();
        let branch = self.timelines.entry(timeline.to_owned()).or_insert_with(|| Branch {
            parent: before.timeline.clone(),
            begins: lsn,
            writes: BTreeMap::new(),
        });
        let first = *branch.writes.entry(lsn).or_insert(id);
        let goes_on = before.timeline == timeline && before.lsn + 1 == lsn;
        let begins = branch.begins == lsn && branch.parent == before.timeline && before.lsn + 1 == lsn;
        let node = name(host);
        if !goes_on && !begins {
            return Err(format!("{node} has {place} after {before}, and others do not"));
        }
        if first != id {
            return Err(format!("{place} is write {id} at {node}, and write {first} elsewhere"));
        }
        Ok(())
    }

    /// The LSN of the last entry of a machine's log; 0 for none.
    pub(super) fn end(&self, host: MachineId) -> u64 {
        self.logs.get(&host).map_or(0, |log| log.last.lsn)
    }

    fn last(&self, host: MachineId) -> Place {
        self.logs.get(&host).map(|log| log.last.clone()).unwrap_or_default()
    }

    /// A log ends elsewhere from now on.
    fn replace(&mut self, host: MachineId, last: Place) {
        let log = self.logs.entry(host).or_default();
        if log.last != last {
            log.before = std::mem::replace(&mut log.last, last);
        }
    }

    /// The entry with this LSN in the log that ends with `last`; `last` itself if it ends before.
    fn at(&self, last: &Place, lsn: u64) -> Place {
        let mut place = Place { lsn: lsn.min(last.lsn), timeline: last.timeline.clone() };
        while let Some(branch) =
            self.timelines.get(&place.timeline).filter(|branch| branch.begins > place.lsn)
        {
            place.timeline.clone_from(&branch.parent);
        }
        place
    }

    fn is_known(&self, place: &Place) -> bool {
        let written = |branch: &Branch| branch.writes.contains_key(&place.lsn);
        place.lsn == 0 || self.timelines.get(&place.timeline).is_some_and(written)
    }

    /// Whether a machine's log has this entry, or had it until it was last cut: the word may have been under way.
    fn had(&self, host: MachineId, place: &Place) -> bool {
        let Some(log) = self.logs.get(&host) else { return place.lsn == 0 };
        [&log.last, &log.before].into_iter().any(|last| self.at(last, place.lsn) == *place || place.lsn == 0)
    }

    /// Entries that were not on the disk yet when their machine crashed, and not sent to anybody, have never been:
    /// their places are free again.
    fn forget_lost(&mut self, last: &Place) {
        let mut place = last.clone();
        while place.lsn > 0 && !self.logs.values().any(|log| self.at(&log.last, place.lsn) == place) {
            if let Some(branch) = self.timelines.get_mut(&place.timeline) {
                branch.writes.remove(&place.lsn);
            }
            place = self.at(&place, place.lsn - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);
    const N6: MachineId = MachineId::numbered(6);

    fn append(host: MachineId, lsn: u64, timeline: &str, id: u64) -> (MachineId, Fact) {
        (host, Fact::Appended { lsn, timeline: timeline.to_owned(), id })
    }

    fn recovered(host: MachineId, lsn: u64, timeline: &str) -> (MachineId, Fact) {
        (host, Fact::Recovered { lsn, timeline: timeline.to_owned() })
    }

    fn judge(facts: &[(MachineId, Fact)]) -> Result<Logs, String> {
        let mut logs = Logs::default();
        facts.iter().try_for_each(|(host, fact)| logs.hear(*host, fact)).map(|()| logs)
    }

    /// n4 wrote three entries, n5 has two of them and was promoted.
    fn forked() -> Vec<(MachineId, Fact)> {
        vec![
            append(N4, 1, "1-a", 0),
            append(N4, 2, "1-a", 7),
            append(N5, 1, "1-a", 0),
            append(N5, 2, "1-a", 7),
            append(N4, 3, "1-a", 8),
            append(N5, 3, "2-b", 0),
        ]
    }

    #[test]
    fn a_rewound_log_goes_on_with_the_new_timeline() {
        let mut facts = forked();
        facts.extend([
            (N4, Fact::Cut { lsn: 2 }),
            (N4, Fact::Streams { from: N5, after: 2 }),
            append(N4, 3, "2-b", 0),
        ]);
        let logs = judge(&facts).unwrap();
        assert_eq!(logs.writes(N4).collect::<Vec<_>>(), [0, 7, 0]);
        assert_eq!((logs.timeline(N4, 2), logs.timeline(N4, 3)), ("1-a".to_owned(), "2-b".to_owned()));
    }

    #[test]
    fn a_log_that_was_not_rewound_must_not_stream() {
        let streams = [forked(), vec![(N4, Fact::Streams { from: N5, after: 3 })]].concat();
        assert_eq!(
            judge(&streams).unwrap_err(),
            "n4 streams from n5 after entry 3 of timeline 1-a; n5 has entry 3 of timeline 2-b"
        );
        let goes_on = [forked(), vec![append(N5, 4, "2-b", 9), append(N4, 4, "2-b", 9)]].concat();
        assert_eq!(
            judge(&goes_on).unwrap_err(),
            "n4 has entry 4 of timeline 2-b after entry 3 of timeline 1-a, and others do not"
        );
    }

    #[test]
    fn an_upstream_that_was_rewound_meanwhile_had_what_its_standby_has() {
        let facts =
            [forked(), vec![(N4, Fact::Cut { lsn: 2 }), (N6, Fact::Streams { from: N4, after: 0 })]].concat();
        assert!(judge(&facts).is_ok());
        let mut copied = forked();
        copied.push((N6, Fact::Cloned { lsn: 3, timeline: "1-a".to_owned(), from: N4 }));
        copied.extend([(N4, Fact::Cut { lsn: 2 }), (N6, Fact::Streams { from: N4, after: 3 })]);
        assert!(judge(&copied).is_ok());
        copied.extend([(N4, Fact::Cut { lsn: 1 }), (N6, Fact::Streams { from: N4, after: 3 })]);
        assert!(judge(&copied).is_err(), "that was long ago");
    }

    #[test]
    fn an_entry_is_the_same_in_every_log() {
        let same = [append(N4, 1, "1-a", 0), append(N4, 2, "1-a", 7), append(N5, 1, "1-a", 0)];
        assert!(judge(&[&same[..], &[append(N5, 2, "1-a", 7)]].concat()).is_ok());
        assert_eq!(
            judge(&[&same[..], &[append(N5, 2, "1-a", 8)]].concat()).unwrap_err(),
            "entry 2 of timeline 1-a is write 8 at n5, and write 7 elsewhere"
        );
        assert!(judge(&[&same[..], &[append(N5, 3, "1-a", 9)]].concat()).is_err(), "with a gap");
    }

    #[test]
    fn a_copy_is_of_what_its_source_has() {
        let cloned = |lsn| Fact::Cloned { lsn, timeline: "1-a".to_owned(), from: N4 };
        let logs = judge(&[forked(), vec![(N6, cloned(3))]].concat()).unwrap();
        assert_eq!(logs.writes(N6).collect::<Vec<_>>(), [8, 7, 0]);
        assert!(judge(&[forked(), vec![(N6, cloned(4))]].concat()).is_err());
    }

    #[test]
    fn what_a_crash_took_from_the_only_log_that_had_it_may_be_written_anew() {
        let alone = [forked(), vec![recovered(N4, 2, "1-a"), append(N4, 3, "1-a", 9)]].concat();
        assert!(judge(&alone).is_ok());
        // Its near twin had sent it.
        let mut sent = forked();
        sent.extend([append(N6, 1, "1-a", 0), append(N6, 2, "1-a", 7), append(N6, 3, "1-a", 8)]);
        sent.extend([recovered(N4, 2, "1-a"), append(N4, 3, "1-a", 9)]);
        assert!(judge(&sent).is_err());
    }

    #[test]
    fn a_log_is_recovered_as_somebody_wrote_it() {
        let uncut = [forked(), vec![(N4, Fact::Cut { lsn: 2 }), recovered(N4, 3, "1-a")]].concat();
        assert!(judge(&uncut).is_ok(), "the cut was not on the disk yet");
        assert!(judge(&[forked(), vec![recovered(N4, 0, "")]].concat()).is_ok());
        assert!(judge(&[forked(), vec![recovered(N4, 4, "1-a")]].concat()).is_err());
    }
}
