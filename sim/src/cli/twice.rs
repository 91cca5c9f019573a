//! `run --twice`: is the run a function of its seed?
//!
//! Three runs are compared, event by event: two in this process, one after the other, and one in a fresh process. The
//! second run in the same process meets what the first left behind (a static, a cache); the fresh process meets
//! nothing, but other addresses and another clock.

use super::out::{self, Colour};
use super::{Exit, fresh};
use crate::catalog::Case;
use crate::run::{Recording, once};
use host::world::Digest;
use serde::Serialize;

/// Where two runs part.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    /// Which two runs.
    between: &'static str,
    /// The number of the event, from 1.
    event: usize,
    /// The event in the one.
    here: String,
    /// And in the other.
    there: String,
}

/// A run's digest and its trace as lines.
pub(super) struct Traced {
    pub(super) digest: Digest,
    pub(super) lines: Vec<String>,
}

pub(super) fn execute(case: &Case, seed: u64, json: bool) -> miette::Result<Exit> {
    let first = trace(case, seed)?;
    let again = trace(case, seed)?;
    let elsewhere = fresh::trace_in_a_fresh_process(case, seed).map_err(|why| miette::miette!("{why}"))?;
    let difference = difference("two runs in this process", &first, &again)
        .or_else(|| difference("a run here and one in a fresh process", &first, &elsewhere));
    if json {
        out::line(&serde_json::json!({
            "scenario": case.name, "seed": seed, "digest": first.digest.to_string(), "events": first.lines.len(),
            "difference": difference,
        }))?;
    } else {
        print(case, seed, &first, difference.as_ref())?;
    }
    Ok(if difference.is_some() { Exit::Nondeterminism } else { Exit::AsExpected })
}

fn trace(case: &Case, seed: u64) -> miette::Result<Traced> {
    let (report, recording) = once(case.system, &case.scenario, seed, true);
    let recording = recording.ok_or_else(|| miette::miette!("the run kept no recording"))?;
    Ok(Traced { digest: report.digest, lines: lines(&recording)? })
}

/// The trace as lines of `trace.jsonl`.
fn lines(recording: &Recording) -> miette::Result<Vec<String>> {
    let line = |event: &host::world::TraceEvent| serde_json::to_string(&event.line(&recording.machines));
    let lines: Result<Vec<String>, serde_json::Error> = recording.trace.iter().map(line).collect();
    lines.map_err(|error| miette::miette!("the trace cannot be written down: {error}"))
}

fn difference(between: &'static str, here: &Traced, there: &Traced) -> Option<Difference> {
    if here.digest == there.digest && here.lines == there.lines {
        return None;
    }
    let nothing = || "the run has ended".to_owned();
    let longest = here.lines.len().max(there.lines.len());
    let parts = |index: &usize| here.lines.get(*index) != there.lines.get(*index);
    let difference = match (0..longest).find(parts) {
        Some(index) => Difference {
            between,
            event: index + 1,
            here: here.lines.get(index).cloned().unwrap_or_else(nothing),
            there: there.lines.get(index).cloned().unwrap_or_else(nothing),
        },
        // The trace says how many bytes were delivered, the digest knows which.
        None => Difference {
            between,
            event: longest,
            here: format!("digest {}: the same events, with other bytes in some delivery", here.digest),
            there: format!("digest {}", there.digest),
        },
    };
    Some(difference)
}

fn print(case: &Case, seed: u64, first: &Traced, difference: Option<&Difference>) -> miette::Result<()> {
    let name = format!("{} seed {seed}", case.name);
    let Some(difference) = difference else {
        let same = out::paint("deterministic", Colour::Good);
        return out::say(&format!(
            "{name}  {same}: three runs, {} events, digest {}",
            first.lines.len(),
            first.digest
        ));
    };
    let Difference { between, event, here, there } = difference;
    out::say(&format!(
        "{name}  {}: {between} part at event {event}",
        out::paint("nondeterminism", Colour::Bad)
    ))?;
    out::say(&format!("  one    {here}\n  other  {there}"))?;
    out::say(
        "  look for a clock, a thread, a static or a hash map that is not the run's own (see CONTRIBUTING)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(digest: &str, lines: &[&str]) -> Traced {
        Traced {
            digest: digest.parse().unwrap(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn equal_runs_do_not_differ() {
        assert_eq!(difference("", &traced("1", &["a", "b"]), &traced("1", &["a", "b"])), None);
    }

    #[test]
    fn the_first_differing_event_is_named_with_both_versions() {
        let found = difference("", &traced("1", &["a", "b", "c"]), &traced("2", &["a", "x", "c"])).unwrap();
        assert_eq!((found.event, found.here.as_str(), found.there.as_str()), (2, "b", "x"));
    }

    #[test]
    fn a_run_that_ends_early_differs_at_its_end() {
        let found = difference("", &traced("1", &["a"]), &traced("2", &["a", "b"])).unwrap();
        assert_eq!((found.event, found.here.as_str(), found.there.as_str()), (2, "the run has ended", "b"));
    }

    #[test]
    fn other_bytes_in_the_same_events_are_a_difference() {
        assert!(difference("", &traced("1", &["a"]), &traced("2", &["a"])).is_some());
    }
}
