//! Who takes itself for the primary in a recorded run, and what befell them.

use host::world::{FaultEvent, FaultStep, MachineId};
use std::collections::{BTreeMap, BTreeSet};

/// Who takes itself for the primary. All times are in ns since the workload began.
#[derive(Debug, Default)]
pub(super) struct Primaries {
    /// What was before does not count.
    from_ns: u64,
    /// The clients stop.
    until_ns: u64,
    primaries: BTreeSet<MachineId>,
    /// Who was the primary, and no standby since.
    led: BTreeSet<MachineId>,
    still: BTreeSet<MachineId>,
    now_ns: u64,
    shared_ns: u64,
    /// Who became the primary last, and when.
    latest: Option<(MachineId, u64)>,
    /// Whom each fault befalls that is active.
    harmed: BTreeMap<usize, Vec<MachineId>>,
    /// Whose database has crashed, and has not been the primary since.
    fell: BTreeSet<MachineId>,
    displaced: usize,
    /// The writes of those who were no longer the latest, and since when they were not.
    late: BTreeMap<u64, u64>,
}

impl Primaries {
    /// Nobody yet; what happens before the first of two instants does not count, and no time does after the second.
    pub(super) fn between(from_ns: u64, until_ns: u64) -> Self {
        Primaries { from_ns, until_ns, ..Primaries::default() }
    }

    /// The only one there is.
    pub(super) fn only(&self) -> Option<MachineId> {
        if self.primaries.len() == 1 { self.primaries.first().copied() } else { None }
    }

    /// For how long more than one took itself for the primary, and did not stand still. Who shares it when nothing
    /// happens any more shares it to the end.
    pub(super) fn shared_ns(&self) -> u64 {
        self.shared_ns + self.shares_ns(self.until_ns)
    }

    /// How often another became the primary although the one before was well.
    pub(super) fn displaced(&self) -> usize {
        self.displaced
    }

    /// Since when its machine was no longer the latest primary, if a write was done by such a one.
    pub(super) fn succeeded_before(&self, write: u64) -> Option<u64> {
        self.late.get(&write).copied()
    }

    /// A database says what it is. One that was the primary, and is started again as one beside another, succeeds nobody.
    pub(super) fn changed(&mut self, at_ns: u64, host: MachineId, role: &str) {
        self.count(at_ns);
        if role == "standby" {
            self.led.remove(&host);
        }
        if role != "primary" {
            self.ceases(at_ns, host);
            return;
        }
        let comes_back = !self.led.insert(host) && !self.primaries.is_empty();
        self.primaries.insert(host);
        self.fell.remove(&host);
        match self.latest {
            Some((before, _)) if before == host || comes_back => return,
            Some((before, _)) if at_ns >= self.from_ns && self.is_well(before) => self.displaced += 1,
            _ => {}
        }
        self.latest = Some((host, at_ns));
    }

    /// A database has told a client that a write is done.
    pub(super) fn wrote(&mut self, host: MachineId, write: u64) {
        match self.latest {
            Some((latest, since_ns)) if latest != host && self.now_ns >= self.from_ns => {
                self.late.entry(write).or_insert(since_ns);
            }
            _ => {}
        }
    }

    /// A fault begins, or ends.
    pub(super) fn befell(&mut self, at_ns: u64, fault: &FaultEvent) {
        if fault.process.as_ref().is_some_and(|process| process != "database") {
            return;
        }
        self.count(at_ns);
        let first = fault.machines.first().copied();
        match (&fault.step, fault.kind, first) {
            (FaultStep::Strikes, kind, first) => {
                self.harmed.insert(fault.index, fault.machines.clone());
                match (kind, first) {
                    ("crash", Some(host)) => {
                        self.fell.insert(host);
                        self.ceases(at_ns, host);
                    }
                    ("pause", Some(host)) => drop(self.still.insert(host)),
                    _ => {}
                }
            }
            (FaultStep::Ends, kind, first) => {
                self.harmed.remove(&fault.index);
                if let ("pause", Some(host)) = (kind, first) {
                    self.still.remove(&host);
                }
            }
            (FaultStep::Skipped { .. }, ..) => {}
        }
    }

    /// A database is the primary no longer. If another still is, that one has won.
    fn ceases(&mut self, at_ns: u64, host: MachineId) {
        self.primaries.remove(&host);
        if let (Some((latest, _)), Some(other)) = (self.latest, self.primaries.first())
            && latest == host
        {
            self.latest = Some((*other, at_ns));
        }
    }

    fn is_well(&self, host: MachineId) -> bool {
        !self.fell.contains(&host) && !self.harmed.values().flatten().any(|harmed| *harmed == host)
    }

    /// Time passes.
    fn count(&mut self, at_ns: u64) {
        self.shared_ns += self.shares_ns(at_ns);
        self.now_ns = at_ns;
    }

    /// For how long it was shared since something happened last, of what counts.
    fn shares_ns(&self, at_ns: u64) -> u64 {
        let is_shared = self.primaries.difference(&self.still).count() > 1;
        let counted = at_ns.min(self.until_ns).saturating_sub(self.now_ns.max(self.from_ns));
        if is_shared { counted } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clients stop.
    const END: u64 = 100;
    const PRIMARY: &str = "primary";
    const STANDBY: &str = "standby";
    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);
    const N6: MachineId = MachineId::numbered(6);

    fn fault(kind: &'static str, process: Option<&str>, step: FaultStep) -> FaultEvent {
        let process = process.map(str::to_owned);
        FaultEvent { index: 0, kind, step, machines: vec![N4], process, text: String::new() }
    }

    /// n4 becomes the primary at 10, something befalls it at 20, and n5 becomes the primary at 30.
    fn succeeded(befalls: &[(u64, FaultEvent)]) -> Primaries {
        let mut primaries = Primaries::between(0, END);
        primaries.changed(10, N4, PRIMARY);
        befalls.iter().for_each(|(at_ns, fault)| primaries.befell(*at_ns, fault));
        primaries.changed(30, N5, PRIMARY);
        primaries
    }

    #[test]
    fn only_shared_time_is_counted() {
        let mut primaries = Primaries::between(0, END);
        for (at, host, role) in [
            (10, N4, PRIMARY),
            (20, N5, PRIMARY),
            (25, N4, PRIMARY),
            (30, N4, STANDBY),
            (50, N6, PRIMARY),
            (60, N5, STANDBY),
        ] {
            primaries.changed(at, host, role);
        }
        assert_eq!((primaries.shared_ns(), primaries.only()), (20, Some(N6)));
    }

    #[test]
    fn what_was_before_the_fault_is_not_counted() {
        let mut primaries = Primaries::between(25, END);
        primaries.changed(10, N4, PRIMARY);
        primaries.changed(20, N5, PRIMARY);
        primaries.changed(30, N5, STANDBY);
        assert_eq!((primaries.shared_ns(), primaries.displaced()), (5, 0));
    }

    #[test]
    fn two_that_nothing_befalls_any_more_share_until_the_clients_stop_and_no_longer() {
        let two = |last: &[(u64, MachineId, &str)]| {
            let mut primaries = succeeded(&[]);
            last.iter().for_each(|(at, host, role)| primaries.changed(*at, *host, role));
            primaries.shared_ns()
        };
        assert_eq!(two(&[]), 70, "from 30 to the end, although nothing is heard any more");
        assert_eq!(two(&[(60, N4, PRIMARY), (99, N6, STANDBY)]), 70);
        assert_eq!(two(&[(99, N4, STANDBY)]), 69, "its near twin: one has let go by then");
        assert_eq!(two(&[(120, N4, STANDBY)]), 70, "what is after it does not count");
    }

    #[test]
    fn a_primary_that_stands_still_shares_nothing() {
        let mut primaries = Primaries::between(0, END);
        primaries.changed(10, N4, PRIMARY);
        primaries.befell(20, &fault("pause", None, FaultStep::Strikes));
        primaries.changed(30, N5, PRIMARY);
        primaries.befell(50, &fault("pause", None, FaultStep::Ends));
        primaries.changed(53, N4, STANDBY);
        assert_eq!(primaries.shared_ns(), 3);
    }

    #[test]
    fn a_primary_that_was_well_was_displaced_and_one_that_was_struck_was_not() {
        let strikes = |kind, process| vec![(20, fault(kind, process, FaultStep::Strikes))];
        let ended = |kind| [strikes(kind, None), vec![(25, fault(kind, None, FaultStep::Ends))]].concat();
        for befalls in [vec![], strikes("crash", Some("agent")), ended("pause"), ended("isolate")] {
            assert_eq!(succeeded(&befalls).displaced(), 1, "{befalls:?}");
        }
        for befalls in [strikes("crash", None), strikes("crash", Some("database")), strikes("isolate", None)]
        {
            assert_eq!(succeeded(&befalls).displaced(), 0, "{befalls:?}");
        }
        assert_eq!(succeeded(&ended("crash")).displaced(), 0, "it has restarted, and is not the primary yet");
    }

    #[test]
    fn a_primary_that_is_started_again_beside_another_has_not_succeeded_it() {
        let crash = [(20, fault("crash", None, FaultStep::Strikes))];
        let mut primaries = succeeded(&crash);
        primaries.changed(35, N4, "starting");
        primaries.changed(40, N4, PRIMARY);
        primaries.wrote(N5, 7);
        primaries.wrote(N4, 8);
        assert_eq!([7, 8].map(|write| primaries.succeeded_before(write)), [None, Some(30)]);
        assert_eq!((primaries.displaced(), primaries.shared_ns()), (0, 60));
        let mut primaries = succeeded(&crash);
        primaries.changed(35, N4, STANDBY);
        primaries.changed(40, N4, PRIMARY);
        primaries.wrote(N5, 7);
        assert_eq!(
            primaries.succeeded_before(7),
            Some(40),
            "its near twin: it was a standby, and is promoted"
        );
    }

    #[test]
    fn a_write_of_one_that_was_succeeded_is_late_and_not_of_one_that_has_won() {
        let mut primaries = succeeded(&[]);
        primaries.wrote(N4, 7);
        primaries.wrote(N5, 8);
        assert_eq!([7, 8].map(|write| primaries.succeeded_before(write)), [Some(30), None]);
        primaries.changed(40, N5, STANDBY);
        primaries.wrote(N4, 9);
        assert_eq!(primaries.succeeded_before(9), None);
    }
}
