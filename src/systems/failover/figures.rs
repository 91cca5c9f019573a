//! What a recorded run cost: time without writes, acknowledged writes lost, time with two primaries, stale reads,
//! healthy primaries displaced, clients left behind.

use super::heard::Heard;
use super::operations::{Operation, What, operations};
use super::primaries::Primaries;
use host::probe::Value;
use host::world::{Happening, Phase, Probe, TraceEvent};
use sim::run::Recording;
use sim::time::told_ns;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So long after it begins to count clients must be able to write: they have, between these instants.
const RESTORED: (Duration, Duration) = (Duration::from_secs(80), Duration::from_secs(90));

/// What a run cost, in simulated time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// How many writes clients were told are done.
    pub writes: usize,
    /// The longest time without one, until the clients stopped; none without a single write.
    pub without_writes: Option<Duration>,
    /// Whether clients wrote, 80 to 90 s after it began to count.
    pub restored: bool,
    /// How many acknowledged writes the log of the primary lacks in the end; none if there is not one primary.
    pub lost: Option<usize>,
    /// How long more than one database took itself for the primary, and did not stand still, until the clients stopped.
    pub two_primaries: Duration,
    /// How many reads lack a write that was acknowledged before they began, and was not lost.
    pub stale_reads: usize,
    /// How often another database became the primary although the one before was well.
    pub displaced: usize,
    /// How many clients had a write done, after another database had become the primary, by the one before.
    pub left_behind: usize,
}

impl Figures {
    /// Of a recorded run, from its first write on.
    pub fn of(recording: &Recording) -> Figures {
        Figures::counted(recording, None)
    }

    /// Of a recorded run from an instant on, in ns since the workload began. What is lost is lost whenever it was
    /// written.
    pub fn since(recording: &Recording, from_ns: u64) -> Figures {
        Figures::counted(recording, Some(from_ns))
    }

    fn counted(recording: &Recording, since_ns: Option<u64>) -> Figures {
        let from_ns = since_ns.unwrap_or_default();
        let told = |event: &TraceEvent| u64::try_from(told_ns(event.at_ns)).unwrap_or_default();
        let end_ns = recording.trace.iter().find(|event| is_heal_phase(event)).map_or(0, told);
        // A run that ended before its clients stopped is counted as far as it went.
        let ended_ns = recording.trace.last().map_or(0, told);
        let until_ns = if end_ns == 0 { ended_ns } else { end_ns };
        let mut heard = Heard::default();
        let mut primaries = Primaries::between(from_ns, until_ns);
        for event in &recording.trace {
            let at_ns = told(event);
            match &event.happening {
                Happening::Probe { host, name, values } => {
                    let probe = Probe { at_ns: event.at_ns, host: *host, name, values: values.clone() };
                    heard.hear(Some(&probe));
                    match (*name, host, &values[..]) {
                        ("role", Some(host), [role, ..]) => {
                            primaries.changed(at_ns, *host, &role.to_string());
                        }
                        ("committed", Some(host), [Value::Uint(id), ..]) => primaries.wrote(*host, *id),
                        _ => {}
                    }
                }
                Happening::Fault(fault) => primaries.befell(at_ns, fault),
                _ => {}
            }
        }
        let missing = primaries.only().map(|primary| heard.acknowledged.missing_ids(&heard.logs, primary));
        let operations = operations(&recording.history);
        let writes: Vec<u64> = writes(&operations);
        let is_restored = |at: &u64| {
            let after = Duration::from_nanos(at.saturating_sub(from_ns));
            *at > from_ns && RESTORED.0 <= after && after < RESTORED.1
        };
        let clients = recording.plan.workload.clients;
        Figures {
            writes: writes.len(),
            without_writes: longest_gap(&writes, since_ns, end_ns),
            restored: writes.iter().any(is_restored),
            stale_reads: stale_reads(&operations, from_ns, &missing.clone().unwrap_or_default()),
            lost: missing.map(|missing| missing.len()),
            two_primaries: Duration::from_nanos(primaries.shared_ns()),
            displaced: primaries.displaced(),
            left_behind: left_behind(&operations, &primaries, clients),
        }
    }
}

fn is_heal_phase(event: &TraceEvent) -> bool {
    event.happening == Happening::Phase(Phase::Heal)
}

/// When clients were told that a write is done, in order.
fn writes(operations: &[Operation]) -> Vec<u64> {
    let is_write = |operation: &&Operation| matches!(operation.what, What::Write { .. });
    let mut writes: Vec<u64> =
        operations.iter().filter(is_write).filter_map(|operation| operation.done_ns).collect();
    writes.sort_unstable();
    writes
}

/// From the last write before an instant on, or from that instant; without one, from the first write on.
fn longest_gap(writes: &[u64], since_ns: Option<u64>, end_ns: u64) -> Option<Duration> {
    let first = writes.first()?;
    let begins = since_ns
        .map_or(*first, |since| writes.iter().rev().find(|write| **write <= since).copied().unwrap_or(since));
    let ends = writes.iter().copied().filter(|write| *write > begins).chain([end_ns]);
    let begin = [begins].into_iter().chain(writes.iter().copied().filter(|write| *write > begins));
    begin.zip(ends).map(|(write, next)| next.saturating_sub(write)).max().map(Duration::from_nanos)
}

/// Reads that saw what had been overwritten when they began, by a write that was acknowledged by then, and not lost.
fn stale_reads(operations: &[Operation], from_ns: u64, lost: &BTreeSet<u64>) -> usize {
    // When each value was there at the latest; what had no answer may come at any time.
    let mut there: BTreeMap<u64, u64> = BTreeMap::from([(0, 0)]);
    let mut kept: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
    for operation in operations {
        let (What::Write { key, id }, Some(done_ns)) = (operation.what, operation.done_ns) else { continue };
        there.insert(id, done_ns);
        if !lost.contains(&id) {
            kept.entry(key).or_default().push((operation.began_ns, done_ns));
        }
    }
    let is_stale = |operation: &&Operation| {
        let What::Read { key, saw } = operation.what else { return false };
        let (Some(saw_ns), true) = (there.get(&saw), operation.began_ns >= from_ns) else { return false };
        let mut writes = kept.get(&key).into_iter().flatten();
        writes.any(|(began_ns, done_ns)| began_ns > saw_ns && *done_ns < operation.began_ns)
    };
    operations.iter().filter(is_stale).count()
}

/// Clients that had a write done by a primary, begun after another had come.
fn left_behind(operations: &[Operation], primaries: &Primaries, clients: u32) -> usize {
    let left = |operation: &&Operation| {
        let What::Write { id, .. } = operation.what else { return false };
        primaries.succeeded_before(id).is_some_and(|since_ns| operation.began_ns > since_ns)
    };
    let left = operations.iter().filter(left).map(|operation| operation.process % clients.max(1));
    left.collect::<BTreeSet<u32>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_may_be_the_last() {
        let gap = |writes: &[u64]| longest_gap(writes, None, 100).map(|gap| gap.as_nanos());
        assert_eq!((gap(&[10, 20, 60, 70]), gap(&[10, 20]), gap(&[])), (Some(40), Some(80), None));
    }

    #[test]
    fn what_was_before_the_fault_does_not_count_and_a_gap_that_it_falls_into_does() {
        let gap = |since| longest_gap(&[10, 50, 60, 75, 95], Some(since), 100).map(|gap| gap.as_nanos());
        assert_eq!((gap(55), gap(65), gap(80)), (Some(20), Some(20), Some(20)));
        assert_eq!(gap(20), Some(40));
        assert_eq!(gap(96), Some(5));
        assert_eq!(longest_gap(&[60], Some(20), 70).map(|gap| gap.as_nanos()), Some(40), "none before");
    }

    fn write(id: u64, began_ns: u64, done_ns: Option<u64>) -> Operation {
        Operation { process: 0, began_ns, done_ns, what: What::Write { key: 1, id } }
    }

    fn read(saw: u64, began_ns: u64) -> Operation {
        let what = What::Read { key: 1, saw };
        Operation { process: 1, began_ns, done_ns: Some(began_ns + 1), what }
    }

    fn stale(saw: u64, began_ns: u64, lost: &[u64]) -> usize {
        let operations =
            [write(7, 10, Some(20)), write(8, 30, Some(40)), write(9, 50, None), read(saw, began_ns)];
        stale_reads(&operations, 15, &lost.iter().copied().collect())
    }

    #[test]
    fn a_read_that_lacks_an_acknowledged_write_is_stale() {
        assert_eq!([stale(7, 45, &[]), stale(0, 45, &[]), stale(0, 25, &[])], [1, 1, 1]);
    }

    #[test]
    fn a_read_of_the_last_write_or_beside_it_is_not_and_what_was_lost_is_not_read() {
        assert_eq!([stale(8, 45, &[]), stale(9, 60, &[]), stale(7, 35, &[]), stale(0, 15, &[])], [0; 4]);
        assert_eq!([stale(7, 45, &[8]), stale(0, 45, &[8])], [0, 1], "8 was lost, 7 was not");
    }
}
