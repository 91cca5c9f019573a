//! How many calls a zone answers: a bucket of tokens that fills at a steady rate. A call takes one.

use std::time::Duration;

/// What a zone still answers.
#[derive(Debug)]
pub(in crate::provisioner) struct Calls {
    /// A token is there again after this long.
    each: Duration,
    /// How far the bucket is from full, as the time that it takes to fill.
    owed: Duration,
    /// It is never further than this.
    most: Duration,
    at: Duration,
}

impl Calls {
    /// A full bucket.
    pub fn new(per_minute: u32, burst: u32) -> Calls {
        let each = Duration::from_secs(60) / per_minute;
        Calls { each, owed: Duration::ZERO, most: each * burst, at: Duration::ZERO }
    }

    /// Takes a token; false if there is none. Time is that since the zone began.
    pub fn take(&mut self, now: Duration) -> bool {
        self.owed = self.owed.saturating_sub(now.saturating_sub(self.at));
        self.at = now;
        let with_this = self.owed + self.each;
        let is_there = with_this <= self.most;
        if is_there {
            self.owed = with_this;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_answered_and_then_as_many_as_the_rate_says() {
        let mut calls = Calls::new(60, 3);
        let at = Duration::from_secs;
        assert_eq!([0; 4].map(|_| calls.take(at(0))), [true, true, true, false]);
        assert!(calls.take(at(1)));
        assert!(!calls.take(at(1)));
        assert_eq!([0; 4].map(|_| calls.take(at(60))), [true, true, true, false]);
    }
}
