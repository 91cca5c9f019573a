//! One fault in the place of two: machines that are taken away one by one are also gone when a single cut takes them all.

use super::partition::Partition;
use super::{Fault, Moment, Name, Target, groups};
use crate::scenario::cast::Cast;
use crate::scenario::units::Time;
use std::collections::BTreeSet;
use std::time::Duration;

impl Fault {
    /// Where both take a machine away at some time, a cut between these machines and all others, from the begin of the
    /// first to the end of the last.
    pub(crate) fn joined(&self, other: &Fault, cast: Cast) -> Option<Fault> {
        let (one, two) = (self.away()?, other.away()?);
        let gone: BTreeSet<Name> = [one.machine, two.machine].into();
        let (gone, left): (Vec<Name>, Vec<Name>) =
            cast.nodes().chain(cast.clients()).partition(|name| gone.contains(name));
        let at = one.at.min(two.at);
        let moment = Moment::At { at: Time::from(at), every: None, times: None };
        // What ends with the workload has no end of its own.
        let ends = one.ends.zip(two.ends).map(|(one, two)| one.max(two));
        let lasts = ends.map(|end| Time::from(end - at));
        let partition = Partition { partition: groups::of_names(vec![gone, left]) };
        Some(Fault { moment, action: partition.into(), lasts, permanent: false })
    }

    /// The machine that it takes away, and when.
    fn away(&self) -> Option<Away> {
        let (_, Target::Node(machine)) = self.action.target()? else { return None };
        let Moment::At { at, every: None, .. } = self.moment else { return None };
        let is_span = self.action.duration_key().is_some() && self.action.process().is_none();
        let (at, lasts) = (at.get(), self.lasts.map(Time::get));
        is_span.then_some(Away { machine: *machine, at, ends: lasts.map(|lasts| at + lasts) })
    }
}

/// A machine that is not there for some time, or until the workload ends.
struct Away {
    machine: Name,
    at: Duration,
    ends: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(one: &str, other: &str) -> Option<String> {
        let fault = |text: &str| -> Fault { toml::from_str(text).unwrap() };
        fault(one).joined(&fault(other), Cast { nodes: 4, clients: 1 }).map(|fault| fault.to_string())
    }

    #[test]
    fn two_machines_that_are_gone_are_gone_by_one_cut() {
        let crash = "at = \"2s\"\ncrash = \"n1\"\nrestart_after = \"3s\"";
        let pause = "at = \"1s\"\npause = \"n3\"\nresume_after = \"2s\"";
        let cut = "1s: partition n1 n3 | n2 n4 c1, for 4s";
        assert_eq!(joined(crash, pause).as_deref(), Some(cut));
        assert_eq!(joined(pause, crash).as_deref(), Some(cut));
        let until_the_end = joined(crash, "at = \"1s\"\nisolate = { node = \"n3\" }");
        assert_eq!(until_the_end.as_deref(), Some("1s: partition n1 n3 | n2 n4 c1, until the heal phase"));
    }

    #[test]
    fn what_takes_no_machine_away_or_not_by_the_clock_is_not_joined() {
        let crash = "at = \"2s\"\ncrash = \"n1\"\nrestart_after = \"3s\"";
        let others = [
            "at = \"1s\"\npartition = [[\"n2\"], [\"n3\"]]",
            "at = \"1s\"\nclock = { node = \"n2\", by = \"1s\" }",
            "at = \"1s\"\ncrash = \"n2\"\nprocess = \"agent\"",
            "at = \"1s\"\ncrash = { whose = \"role\", is = \"primary\" }",
            "when = { probe = \"role\" }\ncrash = \"n2\"",
        ];
        assert!(others.iter().all(|other| joined(crash, other).is_none()));
    }
}
