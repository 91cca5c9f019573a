//! `diff`: two runs, to the first difference that matters.
//!
//! Each is a folder that `replay` wrote, its `trace.jsonl`, or a seed of a scenario, `registry/netsplit@7`, which is run.
//! Exits as `diff` does: 0 where nothing differs, 1 where something does.

use super::{Exit, Overrides, one, out};
use crate::catalog::Catalog;
use crate::cause::{Difference, Evidence, Graph, Slice, Trace, difference};
use crate::erased::once;
use crate::run::{Attention, Recording};
use crate::story::Story;
use crate::text::{cut, plain, seconds};
use clap::Args;
use host::world::TraceLine;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// How many rows of a slice fit half a screen.
const SLICE_ROWS: usize = 10;
/// What else happened on the machine right before.
const ROWS_BEFORE: usize = 4;

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A folder that `replay` wrote, a trace.jsonl, or SCENARIO@SEED.
    one: String,
    /// The other.
    other: String,
    #[command(flatten)]
    overrides: Overrides,
}

/// One of the two, as it was asked for.
enum Side {
    Read(Trace<'static>),
    Run(Box<Recording>),
}

/// What `diff --json` prints.
#[derive(Serialize)]
struct Json<'a> {
    between: [&'a str; 2],
    /// None if there is none.
    difference: Option<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    machine: Option<&'a str>,
    event: &'a str,
    order_only: bool,
    /// What stands there in each.
    here: [Option<&'a TraceLine<'a>>; 2],
    /// What each depends on.
    slices: [Vec<&'a TraceLine<'a>>; 2],
}

impl Diff {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let sides = [self.side(catalog, &self.one)?, self.side(catalog, &self.other)?];
        let [one, other] = sides.each_ref().map(Side::trace);
        let found = difference(&one, &other);
        let between = [self.one.as_str(), self.other.as_str()];
        let slices = found.as_ref().map(|found| {
            let text = [found.one.map(|at| &one.lines[at]), found.other.map(|at| &other.lines[at])];
            [slice(&one, found.one, text, found), slice(&other, found.other, text, found)]
        });
        if json {
            let found = found.as_ref().zip(slices.as_ref()).map(|(found, [here, there])| Found {
                machine: found.machine.as_deref(),
                event: &found.event,
                order_only: found.order_only,
                here: [found.one.map(|at| &one.lines[at]), found.other.map(|at| &other.lines[at])],
                slices: [lines(&one, here), lines(&other, there)],
            });
            out::line(&Json { between, difference: found })?;
        } else {
            print(between, [&one, &other], found.as_ref().zip(slices.as_ref()))?;
        }
        Ok(if found.is_some() { Exit::Violation } else { Exit::AsExpected })
    }

    fn side(&self, catalog: &Catalog, name: &str) -> miette::Result<Side> {
        let path = Path::new(name);
        if path.exists() && path.extension().is_none_or(|extension| extension != "toml") {
            return Ok(Side::Read(Trace::read(path)?));
        }
        let Some((scenario, seed)) = name.rsplit_once('@') else {
            return Err(miette::miette!(
                help = "it is a folder that `replay` wrote, its trace.jsonl, or a seed of a scenario: registry/netsplit@7",
                "{}: there is no such recording",
                plain(name)
            ));
        };
        let seed = seed.parse().map_err(|_| {
            miette::miette!(
                help = "a seed is a number from 0: registry/netsplit@7",
                "{}: `{}` is no seed",
                plain(name),
                plain(seed)
            )
        })?;
        let case = one(catalog, scenario, &self.overrides)?;
        let (_, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
        recording.map(|recording| Side::Run(Box::new(recording))).ok_or_else(|| {
            miette::miette!("{}: the run was given up, and there is nothing to compare", plain(name))
        })
    }
}

impl Side {
    fn trace(&self) -> Trace<'_> {
        match self {
            Side::Read(trace) => trace.clone(),
            Side::Run(recording) => Trace::of(recording),
        }
    }
}

/// What one side of a difference depends on, and what happened right before it.
fn slice(
    trace: &Trace<'_>,
    at: Option<usize>,
    sides: [Option<&TraceLine<'_>>; 2],
    found: &Difference,
) -> Vec<usize> {
    let graph = Graph::of(trace);
    // Where there is nothing, it is until then that nothing came.
    let until =
        at.map(|at| trace.lines[at].time).or_else(|| sides.iter().flatten().map(|line| line.time).max());
    let said = sides.iter().flatten().map(|line| {
        let names = [&line.from, &line.to].map(|name| name.as_deref().unwrap_or_default().to_owned());
        format!("{} {} {}", names[0], names[1], line.text.as_deref().unwrap_or_default())
    });
    let sentence = said.collect::<Vec<_>>().join(" ");
    let evidence = Evidence { at_ns: until.unwrap_or_default(), sentence: &sentence, subjects: &[] };
    let mut events: BTreeSet<usize> =
        Slice::of(trace, &graph, evidence, SLICE_ROWS).events.into_iter().collect();
    let lane = found.machine.as_deref().and_then(|name| trace.machine(name));
    let before = (0..trace.lines.len()).rev().filter(|event| {
        let line = &trace.lines[*event];
        line.time <= evidence.at_ns && lane.is_some() && graph.lane(*event) == lane && &*line.event != "log"
    });
    events.extend(before.take(ROWS_BEFORE));
    events.extend(at);
    events.into_iter().collect()
}

fn lines<'t>(trace: &'t Trace<'t>, events: &[usize]) -> Vec<&'t TraceLine<'t>> {
    events.iter().map(|event| &trace.lines[*event]).collect()
}

fn print(
    between: [&str; 2],
    traces: [&Trace<'_>; 2],
    found: Option<(&Difference, &[Vec<usize>; 2])>,
) -> miette::Result<()> {
    let Some((found, slices)) = found else {
        return out::say("no difference that matters: the same things happened, if at other instants");
    };
    let what = match (found.event.as_str(), found.order_only) {
        (event, false) => format!("the first {event} that differs"),
        (event, true) => {
            format!("the same happens, but the first {event} that comes in another order or more often")
        }
    };
    let whose = found.machine.as_deref().map_or_else(|| "all machines".to_owned(), plain);
    out::say(&format!("{what}, on {whose}:"))?;
    let columns = out::columns();
    let places = [found.one, found.other];
    let tellers = ["one  ", "other"];
    for ((trace, at), teller) in traces.iter().zip(places).zip(tellers) {
        out::say(&cut(&format!("  {teller}  {}", told(trace, at)), columns))?;
    }
    for (((trace, events), teller), name) in traces.iter().zip(slices).zip(tellers).zip(between) {
        out::say(&format!("\n{}: {}", teller.trim_end(), plain(name)))?;
        out::say(Story::new(trace, events).table(columns).trim_end())?;
    }
    Ok(())
}

/// One event in a line.
fn told(trace: &Trace<'_>, at: Option<usize>) -> String {
    let Some(line) = at.map(|at| &trace.lines[at]) else { return "nothing more".to_owned() };
    let step = line.message.as_ref().map_or("", |message| &*message.step);
    let way = match (line.from.as_deref(), line.to.as_deref()) {
        (Some(from), Some(to)) => format!("{from} → {to} "),
        _ => String::new(),
    };
    let text = line.text.as_deref().unwrap_or_default();
    let space = if step.is_empty() { "" } else { " " };
    plain(&format!("{} {step}{space}{way}{text}", seconds(line.time)))
}
