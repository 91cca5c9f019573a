//! What a recorded run cost: time without writes, acknowledged writes lost, time with two primaries.

use super::heard::Heard;
use host::world::{FaultEvent, FaultStep, Happening, MachineId, Phase, Probe, TraceEvent};
use sim::history::Line;
use sim::run::Recording;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a run cost, in simulated time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// How many writes clients were told are done.
    pub writes: usize,
    /// The longest time without one, from the first until the clients stopped; none without a single write.
    pub without_writes: Option<Duration>,
    /// How many acknowledged writes the log of the primary lacks in the end; none if there is not one primary.
    pub lost: Option<usize>,
    /// How long more than one database took itself for the primary, and did not stand still.
    pub two_primaries: Duration,
}

impl Figures {
    /// Of a recorded run.
    pub fn of(recording: &Recording) -> Figures {
        let end_ns = recording.trace.iter().find(|event| is_heal_phase(event)).map_or(0, |event| event.at_ns);
        let writes: Vec<u64> = writes(&recording.history);
        let mut heard = Heard::default();
        let mut reign = Reign::default();
        for TraceEvent { at_ns, happening } in &recording.trace {
            match happening {
                Happening::Probe { host, name, values } => {
                    let probe = Probe { at_ns: *at_ns, host: *host, name, values: values.clone() };
                    heard.hear(Some(&probe));
                    if let ("role", Some(host), Some(role)) = (*name, host, values.first()) {
                        reign.changed(*at_ns, *host, role.to_string() == "primary");
                    }
                }
                Happening::Fault(fault) => match befell(fault) {
                    Some((host, Befell::Crash)) => reign.changed(*at_ns, host, false),
                    Some((host, Befell::Pause)) => reign.stands_still(*at_ns, host, true),
                    Some((host, Befell::Resume)) => reign.stands_still(*at_ns, host, false),
                    None => {}
                },
                _ => {}
            }
        }
        let mut primaries = reign.primaries.iter();
        let lost = match (primaries.next(), primaries.next()) {
            (Some(primary), None) => Some(heard.acknowledged.lost(&heard.logs, *primary)),
            _ => None,
        };
        Figures {
            writes: writes.len(),
            without_writes: longest_gap(&writes, end_ns),
            lost,
            two_primaries: Duration::from_nanos(reign.shared_ns),
        }
    }
}

/// Who takes itself for the primary.
#[derive(Debug, Default)]
struct Reign {
    primaries: BTreeSet<MachineId>,
    still: BTreeSet<MachineId>,
    since_ns: u64,
    shared_ns: u64,
}

impl Reign {
    fn changed(&mut self, at_ns: u64, host: MachineId, is_primary: bool) {
        self.count(at_ns);
        if is_primary {
            self.primaries.insert(host);
        } else {
            self.primaries.remove(&host);
        }
    }

    fn stands_still(&mut self, at_ns: u64, host: MachineId, does: bool) {
        self.count(at_ns);
        if does {
            self.still.insert(host);
        } else {
            self.still.remove(&host);
        }
    }

    fn count(&mut self, at_ns: u64) {
        if self.primaries.difference(&self.still).count() > 1 {
            self.shared_ns += at_ns - self.since_ns;
        }
        self.since_ns = at_ns;
    }
}

fn is_heal_phase(event: &TraceEvent) -> bool {
    event.happening == Happening::Phase(Phase::Heal)
}

/// When clients were told that a write is done, in order.
fn writes(history: &[Line]) -> Vec<u64> {
    let is_write = |line: &&Line| match (line.kind, line.f.as_str()) {
        ("ok", "put") => true,
        ("ok", "cas") => line.value["swapped"][1] == true,
        _ => false,
    };
    history.iter().filter(is_write).map(|line| line.time).collect()
}

fn longest_gap(writes: &[u64], end_ns: u64) -> Option<Duration> {
    let nexts = writes.iter().skip(1).copied().chain([end_ns]);
    let gaps = writes.iter().zip(nexts).map(|(write, next)| next.saturating_sub(*write));
    gaps.max().map(Duration::from_nanos)
}

/// What a fault did to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Befell {
    Crash,
    Pause,
    Resume,
}

/// The machine to whose database a fault did something. A crashed one says itself what it is when it is back.
fn befell(fault: &FaultEvent) -> Option<(MachineId, Befell)> {
    if fault.process.as_ref().is_some_and(|process| process != "database") {
        return None;
    }
    let befell = match (fault.kind, &fault.step) {
        ("crash", FaultStep::Strikes) => Befell::Crash,
        ("pause", FaultStep::Strikes) => Befell::Pause,
        ("pause", FaultStep::Ends) => Befell::Resume,
        _ => return None,
    };
    Some((*fault.machines.first()?, befell))
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);
    const N6: MachineId = MachineId::numbered(6);

    #[test]
    fn the_longest_gap_may_be_the_last() {
        let gap = |writes: &[u64]| longest_gap(writes, 100).map(|gap| gap.as_nanos());
        assert_eq!((gap(&[10, 20, 60, 70]), gap(&[10, 20]), gap(&[])), (Some(40), Some(80), None));
    }

    #[test]
    fn only_shared_time_is_counted() {
        let mut reign = Reign::default();
        for (at, host, is_primary) in
            [(10, N4, true), (20, N5, true), (25, N4, true), (30, N4, false), (50, N6, true), (60, N5, false)]
        {
            reign.changed(at, host, is_primary);
        }
        assert_eq!((reign.shared_ns, reign.primaries), (20, [N6].into()));
    }

    #[test]
    fn a_primary_that_stands_still_shares_nothing() {
        let mut reign = Reign::default();
        reign.changed(10, N4, true);
        reign.stands_still(20, N4, true);
        reign.changed(30, N5, true);
        reign.stands_still(50, N4, false);
        reign.changed(53, N4, false);
        assert_eq!(reign.shared_ns, 3);
    }

    #[test]
    fn what_befalls_an_agent_befalls_not_its_database() {
        let befell = |kind, process: Option<&str>, step| {
            befell(&FaultEvent {
                index: 0,
                kind,
                step,
                machines: vec![N4],
                process: process.map(str::to_owned),
                text: String::new(),
            })
        };
        let skipped = || FaultStep::Skipped { why: "the machine is down already".to_owned() };
        assert_eq!(befell("crash", None, FaultStep::Strikes), Some((N4, Befell::Crash)));
        assert_eq!(befell("crash", None, FaultStep::Ends), None);
        assert_eq!(befell("crash", Some("agent"), FaultStep::Strikes), None);
        assert_eq!(befell("crash", Some("database"), FaultStep::Strikes), Some((N4, Befell::Crash)));
        assert_eq!(befell("pause", None, FaultStep::Strikes), Some((N4, Befell::Pause)));
        assert_eq!(befell("pause", None, FaultStep::Ends), Some((N4, Befell::Resume)));
        assert_eq!(befell("pause", None, skipped()), None);
        assert_eq!(befell("isolate", None, FaultStep::Strikes), None);
    }
}
