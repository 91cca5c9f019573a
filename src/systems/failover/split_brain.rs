//! **split-brain**: the writes of two primaries do not overlap in time.
//!
//! All clients write through routers. A primary that has told a client that a write is done does so no more once another
//! primary has.

use super::fact::name;
use host::world::HostId;
use std::collections::BTreeSet;

/// The reigns of primaries, each by its machine and its timeline.
#[derive(Debug, Default)]
pub(super) struct Reigns {
    latest: Option<(HostId, String)>,
    past: BTreeSet<(HostId, String)>,
}

impl Reigns {
    /// A primary has done a write on its timeline.
    pub(super) fn committed(&mut self, host: HostId, timeline: String) -> Result<(), String> {
        let reign = (host, timeline);
        if self.latest.as_ref() == Some(&reign) {
            return Ok(());
        }
        if self.past.contains(&reign)
            && let Some((other, since)) = &self.latest
        {
            let ((host, timeline), other) = (reign, name(*other));
            let node = name(host);
            return Err(format!(
                "{node} has done a write on timeline {timeline}, after {other} had on {since}"
            ));
        }
        self.past.extend(self.latest.replace(reign));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(writes: &[(HostId, &str)]) -> Result<(), String> {
        let mut reigns = Reigns::default();
        writes.iter().try_for_each(|(host, timeline)| reigns.committed(*host, (*timeline).to_owned()))
    }

    #[test]
    fn primaries_may_follow_each_other_and_come_back_on_a_new_timeline() {
        assert_eq!(judge(&[(3, "1-a"), (3, "1-a"), (4, "2-b"), (3, "3-c"), (3, "3-c")]), Ok(()));
    }

    #[test]
    fn a_primary_that_writes_on_after_another_has_is_one_too_many() {
        assert_eq!(
            judge(&[(3, "1-a"), (4, "2-b"), (3, "1-a")]).unwrap_err(),
            "n4 has done a write on timeline 1-a, after n5 had on 2-b"
        );
        assert!(judge(&[(3, "1-a"), (4, "2-b"), (5, "2-c"), (4, "2-b")]).is_err());
    }
}
