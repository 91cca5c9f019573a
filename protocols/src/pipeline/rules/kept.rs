//! What a collector has: the fold of its log.

use crate::pipeline::message::{Arrival, LineId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every line that has arrived, and how often it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Kept {
    lines: BTreeMap<LineId, (Arrival, u32)>,
    /// A line that was kept twice, if any was.
    twice: Option<LineId>,
}

impl Kept {
    /// Whether a line is yet to be kept. The first arrival counts: what comes again is not looked at.
    pub fn lacks(&self, line: LineId) -> bool {
        !self.lines.contains_key(&line)
    }

    pub fn apply(&mut self, (line, arrival): (LineId, Arrival)) {
        let kept = self.lines.entry(line).or_insert((arrival, 0));
        kept.1 += 1;
        if kept.1 > 1 {
            self.twice.get_or_insert(line);
        }
    }

    pub fn twice(&self) -> Option<LineId> {
        self.twice
    }

    pub fn lines(&self) -> impl Iterator<Item = (LineId, &Arrival)> {
        self.lines.iter().map(|(id, (arrival, _))| (*id, arrival))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::message::{ObjectId, Unreadable};

    #[test]
    fn a_line_is_lacked_until_it_is_kept_and_twice_is_noticed() {
        let mut kept = Kept::default();
        let line = LineId { object: ObjectId(1), line: 3 };
        let arrival = Arrival::Report { why: Unreadable::Quote, raw: "\"".to_owned() };
        assert!(kept.lacks(line));
        kept.apply((line, arrival.clone()));
        assert!(!kept.lacks(line) && kept.lacks(LineId { line: 4, ..line }));
        assert_eq!(kept.twice(), None);
        kept.apply((line, arrival));
        assert_eq!((kept.twice(), kept.lines().count()), (Some(line), 1));
    }
}
