//! A fault with less to it: what its kind knows, and what is alike for all.

use super::{Fault, Moment};
use crate::scenario::cast::Cast;
use crate::scenario::units::Time;
use std::time::Duration;

/// Nothing is made shorter than this.
const SHORTEST: Duration = Duration::from_millis(20);

impl Fault {
    /// What may be tried in its place, each a step smaller: fewer machines or milder, once, not for ever, half as long.
    /// `end` is when the workload ends.
    pub(crate) fn smaller(&self, cast: Cast, end: Time) -> Vec<Fault> {
        let mut smaller: Vec<Fault> =
            self.action.smaller(cast).into_iter().map(|action| Fault { action, ..self.clone() }).collect();
        if self.permanent {
            smaller.push(Fault { permanent: false, ..self.clone() });
        }
        match self.moment.clone() {
            Moment::Probe { node, probe, is, from, after, times } if times > 1 => {
                let moment = Moment::Probe { node, probe, is, from, after, times: 1 };
                smaller.push(Fault { moment, ..self.clone() });
            }
            Moment::At { at, every: Some(_), .. } => {
                smaller.push(Fault { moment: Moment::At { at, every: None, times: None }, ..self.clone() });
            }
            _ => {}
        }
        smaller.extend(self.shorter(end));
        smaller
    }

    /// Half as long: it ends earlier, or begins later.
    fn shorter(&self, end: Time) -> Vec<Fault> {
        if self.action.duration_key().is_none() || self.permanent {
            return Vec::new();
        }
        let at = match self.moment {
            Moment::At { at, every: None, .. } => Some(at),
            _ => None,
        };
        let lasts = match (self.lasts, at) {
            (Some(lasts), _) => lasts.get(),
            (None, Some(at)) => end.saturating_sub(at.get()),
            (None, None) => return Vec::new(),
        };
        let half = readable(lasts / 2);
        if half < SHORTEST {
            return Vec::new();
        }
        let ends_earlier = Fault { lasts: Some(Time::from(half)), ..self.clone() };
        let begins_later = at.map(|at| {
            let at = Time::from(readable(at.get() + (lasts - half)));
            let moment = Moment::At { at, every: None, times: None };
            Fault { moment, lasts: self.lasts.map(|_| Time::from(half)), ..self.clone() }
        });
        [ends_earlier].into_iter().chain(begins_later).collect()
    }
}

/// In whole milliseconds, and of few digits.
fn readable(time: Duration) -> Duration {
    let millis = time.as_millis() as u64;
    let step = match millis {
        0..100 => 1,
        100..1_000 => 10,
        _ => 100,
    };
    Duration::from_millis(millis / step * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fault may be made into, in words.
    fn smaller(fault: &str) -> Vec<String> {
        let fault: Fault = toml::from_str(fault).unwrap();
        let smaller = fault.smaller(Cast { nodes: 3, clients: 2 }, Time::from_secs(10));
        smaller.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_partition_loses_groups_machines_and_time() {
        assert_eq!(
            smaller("at = \"1s\"\npartition = [[\"n1\"], [\"n2\", \"n3\"]]\nheal_after = \"4s\""),
            [
                "1s: partition n1 | n3, for 4s",
                "1s: partition n1 | n2, for 4s",
                "1s: partition n1 | n2 n3, for 2s",
                "3s: partition n1 | n2 n3, for 2s",
            ]
        );
        assert_eq!(
            smaller("at = \"9s\"\npartition = [[\"n1\"], [\"n2\"], [\"n3\"]]")[..3],
            [
                "9s: partition n2 | n3, until the heal phase",
                "9s: partition n1 | n3, until the heal phase",
                "9s: partition n1 | n2, until the heal phase",
            ]
        );
    }

    #[test]
    fn each_kind_knows_what_is_less_than_itself() {
        let first = |fault: &str| smaller(fault).into_iter().next().unwrap_or_default();
        assert_eq!(
            first("at = \"1s\"\ncrash = \"n1\"\nhow = \"power\""),
            "1s: crash n1, until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\nring = [\"n1\", \"n2\", \"n3\", \"c1\", \"c2\"]"),
            "1s: partition n1 | n3 c1, until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\nisolate = { node = \"n1\" }"),
            "1s: isolate n1 from all nodes, until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\nisolate = { node = \"n1\", from = \"nodes\" }"),
            "1s: isolate n1 from n3, until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\none_way = { from = [\"n1\"], to = [\"n2\", \"n3\"] }"),
            "1s: one-way cut n1 → n3, until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\nclock = { node = \"n1\", by = \"-3s\" }"),
            "1s: clock of n1 jumps -1s 500ms"
        );
        assert_eq!(
            first("at = \"1s\"\ndisk = { node = \"n1\", fault = \"sync-error\", probability = 0.1 }"),
            "1s: disk of n1 fails syncs (1), until the heal phase"
        );
        assert_eq!(
            first("at = \"1s\"\nslow = { node = \"n1\", factor = 10 }"),
            "1s: n1 is 5 times as slow, until the heal phase"
        );
    }

    #[test]
    fn what_cannot_be_less_is_left_as_it_is() {
        assert!(smaller("at = \"1s\"\ncrash = \"n1\"\nrestart_after = \"30ms\"").is_empty());
        assert!(smaller("at = \"1s\"\nclock = { node = \"n1\", by = \"+1ms\" }").is_empty());
    }

    #[test]
    fn a_fault_that_waits_for_a_probe_strikes_once_and_is_not_moved() {
        assert_eq!(
            smaller("when = { probe = \"conflict\" }\ntimes = 3\npause = \"n1\"\nresume_after = \"2s\""),
            [
                "0s after any node publishes \"conflict\": pause n1, for 2s",
                "0s after any node publishes \"conflict\", 3 times: pause n1, for 1s",
            ]
        );
    }
}
