//! **split-brain**: the writes of two primaries do not overlap in time.
//!
//! All clients write through routers. Once a primary has done a write, no other takes one and does it. One that was
//! taken before may be done after: a machine that stood still says late what it and its standby had written long ago.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::{BTreeMap, BTreeSet};

/// The reigns of primaries, each by its machine and its timeline.
#[derive(Debug, Default)]
pub(super) struct Reigns {
    latest: Option<(MachineId, String)>,
    past: BTreeSet<(MachineId, String)>,
    /// How many reigns had ended when each write was taken, as long as it is not done.
    taken: BTreeMap<u64, usize>,
}

impl Reigns {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((_, Fact::Appended { id, .. })) => self.appended(*id),
            Some((host, Fact::Committed { id, lsn })) => {
                return self.committed(host, heard.logs.timeline(host, *lsn), *id);
            }
            _ => {}
        }
        Ok(())
    }

    /// A write is in a log: in that of the primary that took it first of all.
    fn appended(&mut self, id: u64) {
        self.taken.entry(id).or_insert(self.past.len());
    }

    /// A primary has done a write on its timeline.
    fn committed(&mut self, host: MachineId, timeline: String, id: u64) -> Result<(), Broken> {
        let reign = (host, timeline);
        let taken_before = self.taken.remove(&id).is_some_and(|reigns| reigns < self.past.len());
        if self.latest.as_ref() == Some(&reign) || (taken_before && self.past.contains(&reign)) {
            return Ok(());
        }
        if self.past.contains(&reign)
            && let Some((other, since)) = &self.latest
        {
            let ((host, timeline), other) = (reign, *other);
            let (node, before) = (name(host), name(other));
            let why =
                format!("{node} has done a write on timeline {timeline}, after {before} had on {since}");
            return Err(Broken::new(why).node(host.number()).node(other.number()).item(id));
        }
        self.past.extend(self.latest.replace(reign));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);
    const N6: MachineId = MachineId::numbered(6);

    fn judge(writes: &[(MachineId, &str)]) -> Result<(), Broken> {
        let mut reigns = Reigns::default();
        (1..).zip(writes).try_for_each(|(id, (host, timeline))| {
            reigns.appended(id);
            reigns.committed(*host, (*timeline).to_owned(), id)
        })
    }

    #[test]
    fn a_write_that_was_taken_before_another_primary_wrote_may_be_done_after() {
        let mut reigns = Reigns::default();
        (1..=3).for_each(|id| reigns.appended(id));
        assert_eq!(reigns.committed(N4, "1-a".to_owned(), 1), Ok(()));
        assert_eq!(reigns.committed(N5, "2-b".to_owned(), 2), Ok(()));
        assert_eq!(reigns.committed(N4, "1-a".to_owned(), 3), Ok(()));
        // Its near twin was taken since.
        reigns.appended(4);
        assert!(reigns.committed(N4, "1-a".to_owned(), 4).is_err());
    }

    #[test]
    fn primaries_may_follow_each_other_and_come_back_on_a_new_timeline() {
        assert_eq!(judge(&[(N4, "1-a"), (N4, "1-a"), (N5, "2-b"), (N4, "3-c"), (N4, "3-c")]), Ok(()));
    }

    #[test]
    fn a_primary_that_writes_on_after_another_has_is_one_too_many() {
        assert_eq!(
            judge(&[(N4, "1-a"), (N5, "2-b"), (N4, "1-a")]).unwrap_err().to_string(),
            "n4 has done a write on timeline 1-a, after n5 had on 2-b"
        );
        assert!(judge(&[(N4, "1-a"), (N5, "2-b"), (N6, "2-c"), (N5, "2-b")]).is_err());
    }
}
