//! `replay`: one seed again, with everything written down.

use super::written::{file, folder_of, lines};
use super::{Exit, Overrides, one, out, run};
use crate::catalog::Catalog;
use crate::cause::{Evidence, Graph, Slice, Trace};
use crate::erased::once;
use crate::format::{FORMATS, Format, Subject};
use crate::page;
use crate::run::{Attention, Recording};
use crate::story::{Filter, Kind, Story};
use crate::text::plain;
use clap::Args;
use clap::builder::PossibleValuesParser;
use miette::{Context, IntoDiagnostic};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many rows of a slice fit a screen.
const SLICE_ROWS: usize = 24;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// The folder to write to; replays/NAME-SEED unless set.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write it for another viewer, too.
    #[arg(long = "format", value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.name)))]
    formats: Vec<String>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    overrides: Overrides,
}

/// What of a run is told in the terminal.
#[derive(Debug, Args)]
struct Told {
    /// Tell what happened, a column a machine.
    #[arg(long)]
    timeline: bool,
    /// Tell only what the violation depends on.
    #[arg(long, conflicts_with = "timeline")]
    slice: bool,
    /// Only what happens on this machine, or befalls it; may be given several times.
    #[arg(long = "node", value_name = "NAME", requires = "timeline")]
    nodes: Vec<String>,
    /// Not before this: 25s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "timeline")]
    from: Option<Duration>,
    /// Not after this: 30s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "timeline")]
    to: Option<Duration>,
    /// Leave these out.
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', requires = "timeline")]
    without: Vec<Kind>,
}

impl Replay {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let case = one(catalog, &self.scenario, &self.overrides)?;
        let plan = case.scenario.resolve(self.seed);
        self.told.check(&crate::run::machine_names(&plan))?;
        let folder = self.out.clone().unwrap_or_else(|| folder_of(&case, self.seed));
        // Before anything is run: a folder that cannot be written to is bad input.
        fs::create_dir_all(&folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        let (report, recording) = once(case.system, &case.scenario, self.seed, Attention::ALONE_AND_RECORDED);
        if json {
            out::line(&report.json(&case.name))?;
        } else {
            run::print(&case, &report)?;
        }
        // A run that was given up has nothing to write down.
        let Some(recording) = &recording else {
            if !json {
                out::say("  written      nothing: the run was given up, and its records are lost with it")?;
            }
            return Ok(run::exit_of(&case, &report));
        };
        let trace = Trace::of(recording);
        let graph = Graph::of(&trace);
        let slice = slice_of(&trace, &graph, report.violations.first().map(Evidence::of), SLICE_ROWS);
        self.write(&folder, recording, Subject { trace: &trace, graph: &graph, slice: &slice })?;
        let html = page::of_run(&case.name, &report, recording, &trace, &slice).html();
        file(&folder.join("report.html"), |out| out.write_all(html.as_bytes()))?;
        if !json {
            out::say(&format!(
                "  written      {}: history.jsonl (what clients did and saw), trace.jsonl (everything that happened), \
                 views.json (what each node believed in the end), scenario.toml (the plan, which runs by itself), \
                 report.html (all of it as a page){}",
                folder.display(),
                self.others(recording)
            ))?;
        }
        let events = match (self.told.timeline, self.told.slice) {
            (true, _) => self.told.filter().events(&trace),
            (_, true) => slice,
            _ => return Ok(run::exit_of(&case, &report)),
        };
        if json {
            events.iter().try_for_each(|event| out::line(&trace.lines[*event]))?;
        } else {
            out::say("")?;
            out::say(Story::new(&trace, &events).table(out::columns()).trim_end())?;
        }
        Ok(run::exit_of(&case, &report))
    }

    fn write(&self, folder: &Path, recording: &Recording, subject: Subject<'_>) -> miette::Result<()> {
        lines(&folder.join("history.jsonl"), recording.history.iter())?;
        lines(&folder.join("trace.jsonl"), recording.lines())?;
        lines(&folder.join("logs.jsonl"), recording.library_logs())?;
        file(&folder.join("views.json"), |out| {
            serde_json::to_writer_pretty(&mut *out, &recording.views_by_name())?;
            out.write_all(b"\n")
        })?;
        file(&folder.join("scenario.toml"), |out| out.write_all(recording.plan.to_toml().as_bytes()))?;
        for format in self.formats() {
            file(&folder.join(format.file), |out| (format.write)(subject, out))?;
        }
        Ok(())
    }

    fn formats(&self) -> impl Iterator<Item = Format> {
        self.formats.iter().filter_map(|name| Format::named(name))
    }

    /// What was written besides, in words.
    fn others(&self, recording: &Recording) -> String {
        let mut others: String = self.formats().map(|format| format!(", {}", format.file)).collect();
        let mut logs: BTreeMap<String, usize> = BTreeMap::new();
        for line in recording.library_logs() {
            let target = line.text.as_deref().unwrap_or_default();
            let library = target.split(':').next().unwrap_or_default();
            *logs.entry(plain(library)).or_default() += 1;
        }
        if !logs.is_empty() {
            let counts: Vec<String> =
                logs.iter().map(|(library, count)| format!("{count} of {library}")).collect();
            others += &format!("; logs.jsonl (what libraries logged: {} lines)", counts.join(", "));
        }
        others
    }
}

impl Told {
    fn filter(&self) -> Filter {
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        Filter {
            machines: self.nodes.clone(),
            from_ns: self.from.map(ns),
            to_ns: self.to.map(ns),
            without: self.without.clone(),
        }
    }

    /// Refuses what no run has.
    fn check(&self, machines: &[String]) -> miette::Result<()> {
        if let Some(unknown) = self.nodes.iter().find(|node| !machines.contains(node)) {
            return Err(unknown_machine(unknown, machines));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if to < from => Err(miette::miette!(
                "--to {} is before --from {}",
                humantime::format_duration(to),
                humantime::format_duration(from)
            )),
            _ => Ok(()),
        }
    }
}

fn unknown_machine(unknown: &str, machines: &[String]) -> miette::Report {
    miette::miette!(
        help = format!("this run has {}", machines.join(", ")),
        "--node {}: there is no such machine",
        plain(unknown)
    )
}

/// What the first violation depends on; the end of the run where nothing is violated.
pub(super) fn slice_of(
    trace: &Trace<'_>,
    graph: &Graph,
    evidence: Option<Evidence<'_>>,
    rows_max: usize,
) -> Vec<usize> {
    match evidence {
        Some(evidence) => Slice::of(trace, graph, evidence, rows_max).events,
        None => {
            let all =
                Filter { without: vec![Kind::Disk, Kind::Connections, Kind::Logs], ..Filter::default() };
            let mut events = all.events(trace);
            events.split_off(events.len().saturating_sub(rows_max))
        }
    }
}
