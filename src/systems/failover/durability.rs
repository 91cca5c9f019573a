//! **durability**: what a client was told is done is in the end in the primary's log.

use super::fact::name;
use super::logs::Logs;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeSet;

/// The writes that were acknowledged, in this order.
#[derive(Debug, Default)]
pub(super) struct Acknowledged(Vec<Write>);

#[derive(Debug)]
struct Write {
    id: u64,
    lsn: u64,
    timeline: String,
    by: MachineId,
}

impl Acknowledged {
    /// A primary has told a client that a write is done.
    pub(super) fn committed(&mut self, by: MachineId, id: u64, lsn: u64, timeline: String) {
        self.0.push(Write { id, lsn, timeline, by });
    }

    /// The writes that a machine's log does not have, by their numbers.
    pub(super) fn missing_ids(&self, logs: &Logs, primary: MachineId) -> BTreeSet<u64> {
        self.missing(logs, primary).map(|write| write.id).collect()
    }

    /// Whether a machine's log has them all.
    pub(super) fn check(&self, logs: &Logs, primary: MachineId) -> Result<(), Broken> {
        let mut missing = self.missing(logs, primary);
        let Some(Write { id, lsn, timeline, by }) = missing.next() else { return Ok(()) };
        let (all, node, taker) = (1 + missing.count(), name(primary), name(*by));
        let why = format!(
            "{node} lacks {all} acknowledged writes; the first, {id}, was entry {lsn} of timeline {timeline} at {taker}"
        );
        Err(Broken::new(why).node(primary.number()).node(by.number()).item(id))
    }

    fn missing(&self, logs: &Logs, primary: MachineId) -> impl Iterator<Item = &Write> {
        let there: BTreeSet<u64> = logs.writes(primary).collect();
        self.0.iter().filter(move |write| !there.contains(&write.id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact::Fact;
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);

    /// n4 wrote 7 and 8, n5 took over after 7.
    fn logs() -> Logs {
        let append = |lsn, timeline: &str, id| Fact::Appended { lsn, timeline: timeline.to_owned(), id };
        let facts = [
            (N4, append(1, "1-a", 7)),
            (N5, append(1, "1-a", 7)),
            (N4, append(2, "1-a", 8)),
            (N5, append(2, "2-b", 0)),
            (N5, append(3, "2-b", 9)),
        ];
        let mut logs = Logs::default();
        facts.iter().try_for_each(|(host, fact)| logs.hear(*host, fact)).unwrap();
        logs
    }

    #[test]
    fn a_write_that_nobody_was_told_of_may_be_lost() {
        let mut acknowledged = Acknowledged::default();
        acknowledged.committed(N4, 7, 1, "1-a".to_owned());
        acknowledged.committed(N5, 9, 3, "2-b".to_owned());
        assert_eq!(acknowledged.check(&logs(), N5), Ok(()));
    }

    #[test]
    fn an_acknowledged_write_may_not() {
        let mut acknowledged = Acknowledged::default();
        acknowledged.committed(N4, 7, 1, "1-a".to_owned());
        acknowledged.committed(N4, 8, 2, "1-a".to_owned());
        assert_eq!(
            acknowledged.check(&logs(), N5).unwrap_err().to_string(),
            "n5 lacks 1 acknowledged writes; the first, 8, was entry 2 of timeline 1-a at n4"
        );
        let missing = |primary| acknowledged.missing_ids(&logs(), primary);
        assert_eq!((missing(N5), missing(N4)), ([8].into(), [].into()));
    }
}
