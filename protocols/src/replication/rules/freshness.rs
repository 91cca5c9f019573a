//! How fresh a replica is: by what its source had when it was last asked, never by clocks of two machines.

use crate::database::Lsn;
use std::collections::VecDeque;
use std::time::Duration;

/// So many answers of the source are remembered.
const SAMPLES_MAX: usize = 64;

/// What the source showed, and when it was asked, counted from when the reader began.
#[derive(Debug, Default)]
pub(in crate::replication) struct Freshness(VecDeque<(Duration, Lsn)>);

impl Freshness {
    /// The source, asked then, showed so much: all that it had acknowledged until it was asked is in that.
    pub fn heard(&mut self, asked: Duration, visible: Lsn) {
        if self.0.len() == SAMPLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((asked, visible));
    }

    /// Whether what shows so much now lacks nothing that was acknowledged longer ago than this.
    pub fn reaches(&self, now: Duration, within: Duration, visible: Lsn) -> bool {
        self.0.iter().any(|(asked, lsn)| now.saturating_sub(*asked) <= within && *lsn <= visible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_as_fresh_as_the_last_sample_that_it_has_reached() {
        let ms = Duration::from_millis;
        let mut freshness = Freshness::default();
        assert!(!freshness.reaches(ms(0), ms(1000), Lsn(9)), "nothing was heard");
        freshness.heard(ms(0), Lsn(5));
        freshness.heard(ms(100), Lsn(8));
        let reaches = |now: u64, within, lsn| freshness.reaches(ms(now), ms(within), Lsn(lsn));
        assert!(reaches(120, 120, 5) && !reaches(120, 119, 5));
        assert!(reaches(120, 20, 8) && !reaches(121, 20, 8));
        assert!(!reaches(500, 300, 8), "what was heard long ago says nothing of now");
    }

    #[test]
    fn so_many_samples_are_remembered_and_the_oldest_is_forgotten_first() {
        let ms = Duration::from_millis;
        let mut freshness = Freshness::default();
        freshness.heard(ms(0), Lsn(1));
        let mut reaches_the_first = |millis| {
            freshness.heard(ms(millis), Lsn(9));
            freshness.reaches(ms(millis), ms(1000), Lsn(1))
        };
        assert!((1..SAMPLES_MAX as u64).all(&mut reaches_the_first));
        assert!(!reaches_the_first(SAMPLES_MAX as u64));
        assert!(freshness.reaches(ms(64), ms(1000), Lsn(9)));
    }
}
