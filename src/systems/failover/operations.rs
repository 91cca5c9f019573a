//! What clients did in a recorded run.

use sim::history::Line;
use std::collections::BTreeMap;

/// One operation that happened, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) process: u32,
    /// In ns since the workload began.
    pub(super) began_ns: u64,
    /// When the client was told that it is done; none if it was told nothing.
    pub(super) done_ns: Option<u64>,
    pub(super) what: What,
}

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Each is the only one of its number, which is its value, too.
    Write { key: u32, id: u64 },
    /// What was there; 0 for nothing.
    Read { key: u32, saw: u64 },
}

/// All of them, in the order in which they ended; those without an answer come last.
pub(super) fn operations(history: &[Line]) -> Vec<Operation> {
    let mut open: BTreeMap<u32, &Line> = BTreeMap::new();
    let mut all = Vec::new();
    for line in history {
        if line.kind == "invoke" {
            open.insert(line.process, line);
        } else if let Some(begun) = open.remove(&line.process) {
            match line.kind {
                "ok" => all.extend(of(begun, Some(line))),
                "info" => drop(open.insert(line.process, begun)),
                _ => {}
            }
        }
    }
    // A write without an answer may have been done, a read without one has seen nothing.
    all.extend(open.into_values().filter_map(|begun| of(begun, None)));
    all
}

/// The operation that began so, and was answered so; none for what changes and shows nothing.
fn of(begun: &Line, answer: Option<&Line>) -> Option<Operation> {
    let number = |value: &serde_json::Value| value.as_u64();
    let what = match (begun.f.as_str(), answer) {
        ("get", Some(answer)) => What::Read { key: key(&begun.value)?, saw: answer.value["value"].as_u64()? },
        ("cas", Some(answer)) if answer.value["swapped"][1] != true => return None,
        ("put" | "cas", _) => What::Write { key: key(&begun.value[0])?, id: number(&begun.value[1])? },
        _ => return None,
    };
    let (process, began_ns) = (begun.process, begun.time);
    Some(Operation { process, began_ns, done_ns: answer.map(|answer| answer.time), what })
}

fn key(value: &serde_json::Value) -> Option<u32> {
    value.as_u64().and_then(|key| u32::try_from(key).ok())
}

#[cfg(test)]
mod tests {
    use super::super::{Op, Ret};
    use super::*;
    use sim::Outcome;
    use sim::history::History;

    #[test]
    fn what_was_answered_has_its_end_and_what_was_refused_is_none() {
        let mut history: History<Op, Ret> = History::default();
        let mut call = |process: u32, at: u64, op: Op, outcome: Outcome<Ret>| {
            let index = history.invoke(at, process, op);
            history.complete(at + 1, index, outcome);
        };
        call(0, 10, Op::Put(1, 7), Outcome::Ok(Ret::Done));
        call(0, 20, Op::Get(1), Outcome::Ok(Ret::Value(7)));
        call(1, 30, Op::Cas(1, 8), Outcome::Ok(Ret::Swapped(7, true)));
        call(1, 40, Op::Cas(2, 9), Outcome::Ok(Ret::Swapped(7, false)));
        call(1, 50, Op::Put(2, 10), Outcome::Fail("no".to_owned()));
        call(1, 60, Op::Put(2, 11), Outcome::Unknown("who knows".to_owned()));
        call(2, 70, Op::Switchover, Outcome::Ok(Ret::Asked));
        let write = |process, began_ns, done_ns, key, id| {
            let what = What::Write { key, id };
            Operation { process, began_ns, done_ns, what }
        };
        let read = What::Read { key: 1, saw: 7 };
        assert_eq!(
            operations(&history.lines()),
            [
                write(0, 10, Some(11), 1, 7),
                Operation { process: 0, began_ns: 20, done_ns: Some(21), what: read },
                write(1, 30, Some(31), 1, 8),
                write(1, 60, None, 2, 11),
            ]
        );
    }
}
