//! `run --twice`: is the run a function of its seed? And what `run` says, besides.
//!
//! Three runs are compared, event by event: two in this process, one after the other, and one in a fresh process. The
//! second run in the same process meets what the first left behind (a static, a cache); the fresh process meets
//! nothing, but other addresses and another clock. A run that was given up has left no events to compare.

use super::out::{self, Colour};
use super::{Exit, fresh};
use crate::catalog::Case;
use crate::erased::once;
use crate::run::{self, Attention, Recording, Report};
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
    /// What the code was at when it made the event, in another run here.
    backtrace: Vec<String>,
}

/// A run's digest and its trace as lines.
pub(super) struct Traced {
    pub(super) digest: Digest,
    pub(super) lines: Vec<String>,
}

/// What `run --twice --json` prints: what `run --json` does, and more.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    report: run::Json<'a>,
    /// Whether there was anything to compare.
    compared: bool,
    difference: &'a Option<Difference>,
}

pub(super) fn execute(case: &Case, seed: u64, json: bool) -> miette::Result<Exit> {
    let (report, recording) = once(case.system, &case.scenario, seed, Attention::ALONE_AND_RECORDED);
    let compared = recording.is_some();
    let difference = match recording {
        Some(recording) => compare(case, seed, &Traced::of(&report, &recording)?)?,
        None => None,
    };
    if json {
        out::line(&Json { report: report.json(&case.name), compared, difference: &difference })?;
    } else {
        super::run::print(case, &report)?;
        match &difference {
            Some(difference) => print(difference)?,
            None if compared => {
                out::say(&format!("  {}: three runs are one", out::paint("deterministic", Colour::Good)))?;
            }
            None => out::say("  not compared: the run was given up, and its events are lost with it")?,
        }
    }
    Ok(match difference {
        Some(_) => Exit::Nondeterminism,
        None => super::run::exit_of(case, &report),
    })
}

/// Says where the runs of a seed part, and what to look for.
pub(super) fn advise(case: &Case, seed: u64) -> miette::Result<()> {
    let (report, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
    let Some(recording) = recording else { return Ok(()) };
    match compare(case, seed, &Traced::of(&report, &recording)?)? {
        Some(difference) => print(&difference),
        None => out::say("  three more runs of it were one: what differs depends on what ran before"),
    }
}

const HERE: &str = "two runs in this process";

/// What the second run did not get to.
fn unrepeated(between: &'static str, first: &Traced, why: String) -> Difference {
    Difference { between, event: first.lines.len(), here: ended(), there: why, backtrace: Vec::new() }
}

fn ended() -> String {
    "the run has ended".to_owned()
}

/// Compares a run with another here and one in a fresh process.
fn compare(case: &Case, seed: u64, first: &Traced) -> miette::Result<Option<Difference>> {
    let (report, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
    let Some(recording) = recording else {
        let why = "it was given up: a node kept its thread".to_owned();
        return Ok(Some(unrepeated(HERE, first, why)));
    };
    let again = Traced::of(&report, &recording)?;
    let mut found = difference(HERE, first, &again);
    if found.is_none() {
        const ELSEWHERE: &str = "a run here and one in a fresh process";
        found = match fresh::trace_in_a_fresh_process(case, seed) {
            Ok(elsewhere) => difference(ELSEWHERE, first, &elsewhere),
            Err(why) => Some(unrepeated(ELSEWHERE, first, why)),
        };
    }
    if let Some(difference) = &mut found {
        let attention = Attention::RECORDED.with_backtrace_at(difference.event);
        let (_, recording) = once(case.system, &case.scenario, seed, attention);
        let backtrace = recording.and_then(|recording| recording.backtrace);
        difference.backtrace = backtrace.map_or_else(Vec::new, |backtrace| frames(&backtrace));
    }
    Ok(found)
}

/// The frames of a backtrace that are neither the executor's nor the testbed's.
fn frames(backtrace: &str) -> Vec<String> {
    const SHOWN: usize = 6;
    let ours = ["std::", "core::", "alloc::", "madsim", "async_task", "tokio::", "sim::", "host::", "__"];
    let mut frames = Vec::new();
    let mut lines = backtrace.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let place = lines.next_if(|next| next.starts_with("at ")).unwrap_or_default();
        let name = line.split_once(": ").map_or(line, |(_, name)| name);
        if !ours.iter().any(|ours| name.trim_start_matches('<').starts_with(ours)) && !place.is_empty() {
            frames.push(format!("{name} {place}"));
        }
    }
    frames.truncate(SHOWN);
    frames
}

impl Traced {
    fn of(report: &Report, recording: &Recording) -> miette::Result<Traced> {
        let lines: Result<Vec<String>, serde_json::Error> =
            recording.all_lines().map(|line| serde_json::to_string(&line)).collect();
        let lines = lines.map_err(|error| miette::miette!("the trace cannot be written down: {error}"))?;
        Ok(Traced { digest: report.digest, lines })
    }
}

fn difference(between: &'static str, here: &Traced, there: &Traced) -> Option<Difference> {
    if here.digest == there.digest && here.lines == there.lines {
        return None;
    }
    let longest = here.lines.len().max(there.lines.len());
    let parts = |index: &usize| here.lines.get(*index) != there.lines.get(*index);
    let difference = match (0..longest).find(parts) {
        Some(index) => Difference {
            between,
            event: index + 1,
            here: here.lines.get(index).cloned().unwrap_or_else(ended),
            there: there.lines.get(index).cloned().unwrap_or_else(ended),
            backtrace: Vec::new(),
        },
        // The trace says how many bytes were delivered, the digest knows which.
        None => Difference {
            between,
            event: longest,
            here: format!("digest {}: the same events, with other bytes in some delivery", here.digest),
            there: format!("digest {}", there.digest),
            backtrace: Vec::new(),
        },
    };
    Some(difference)
}

fn print(difference: &Difference) -> miette::Result<()> {
    let Difference { between, event, here, there, backtrace } = difference;
    out::say(&format!("  {}: {between} part at event {event}", out::paint("nondeterminism", Colour::Bad)))?;
    out::say(&format!("  one    {here}\n  other  {there}"))?;
    for frame in backtrace {
        out::say(&format!("    in {frame}"))?;
    }
    out::say(
        "  look for what is drawn before that and not from the seed: first a dependency's own generator (`thread_rng`, \
         `fastrand`, `getrandom`), then a clock, a thread, a static, or a hash map that is not the run's own (see \
         CONTRIBUTING)",
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
    fn the_frames_of_a_backtrace_that_are_shown_are_the_nodes() {
        let backtrace = "   0: host::world::trace\n             at ./sim/host/src/world/trace.rs:7:1\n   1: \
                         counter::node::{{closure}}\n             at ./examples/counter.rs:80:9\n   2: \
                         <core::future::Ready as Future>::poll\n             at /rustc/core.rs:1:1\n";
        assert_eq!(frames(backtrace), ["counter::node::{{closure}} at ./examples/counter.rs:80:9"]);
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
