//! A tracked check: what its results in a row come to.

use crate::vrrp::options::Check;

/// How a check stands.
#[derive(Debug, Clone)]
pub(in crate::vrrp) struct Tracked {
    check: Check,
    passes: bool,
    /// Results that speak against that, in a row.
    against: u32,
    /// There was a result.
    known: bool,
}

impl Tracked {
    /// One without a result counts as passed, and the first result decides.
    pub fn new(check: Check) -> Tracked {
        Tracked { check, passes: true, against: 0, known: false }
    }

    /// Takes a result in. Whether that changes how it stands.
    pub fn take(&mut self, good: bool) -> bool {
        let first = !std::mem::replace(&mut self.known, true);
        if good == self.passes {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let needed = if self.passes { self.check.fall } else { self.check.rise };
        if !first && self.against < needed {
            return false;
        }
        (self.passes, self.against) = (good, 0);
        true
    }

    /// Whether who tracks it is in `FAULT`.
    pub fn is_fault(&self) -> bool {
        self.check.weight == 0 && !self.passes
    }

    /// What the priority differs by.
    pub fn weighs(&self) -> i16 {
        match self.check.weight {
            weight if weight > 0 && self.passes => weight,
            weight if weight < 0 && !self.passes => weight,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it stands after each result; `+` is a good one.
    fn after(results: &str) -> String {
        let mut tracked = Tracked::new(Check { fall: 3, rise: 2, ..Check::default() });
        let stands = results.chars().map(|result| {
            tracked.take(result == '+');
            if tracked.is_fault() { '.' } else { 'p' }
        });
        stands.collect()
    }

    #[test]
    fn the_first_result_decides_and_then_it_takes_several_in_a_row() {
        assert_eq!(after("-"), ".");
        assert_eq!(after("+--+---"), "pppppp.");
        assert_eq!(after("-+-++"), "....p");
    }

    #[test]
    fn a_weight_moves_the_priority_and_is_no_fault() {
        let of = |weight, good| {
            let mut tracked = Tracked::new(Check { weight, ..Check::default() });
            tracked.take(good);
            (tracked.weighs(), tracked.is_fault())
        };
        assert_eq!([of(-20, true), of(-20, false)], [(0, false), (-20, false)]);
        assert_eq!([of(20, true), of(20, false)], [(20, false), (0, false)]);
        assert_eq!([of(0, true), of(0, false)], [(0, false), (0, true)]);
    }
}
