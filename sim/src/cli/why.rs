//! `why`: from a failing seed to its cause, on one screen.
//!
//! The run is shrunk; each part of what is left is taken out, in other schedules; the moment is looked for from which on the
//! failure was hard to avoid; and the story of what remains is told: the events that the evidence depends on, a column a
//! machine. The page that is written has the whole run.

use super::out::{self, Colour};
use super::replay::slice_of;
use super::shrink::{self as shrink_command, with_progress};
use super::written::{file, folder_of};
use super::{Exit, Overrides, interrupt, one};
use crate::catalog::{Case, Catalog};
use crate::cause::{Evidence, Graph, Trace};
use crate::erased::once;
use crate::moment::{Curve, Failure, Rise};
use crate::page;
use crate::run::{Attention, Recording, Report};
use crate::shrink::{self, Counterfactual, Limits, Shrunk};
use crate::story::{Story, beliefs};
use crate::text::plain;
use crate::verdict::{Subject, Violation};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::Serialize;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many events, and lines that tell them, fit the screen beside all else.
const EVENTS_MAX: usize = 18;
/// Fewer tell too little, however much of each is told.
const EVENTS_MIN: usize = 10;
const LINES_MAX: usize = 22;
/// A cell of the story goes on in so many lines.
const LINES_OF_CELL: usize = 4;
/// So many nodes' beliefs are told.
const BELIEFS_MAX: usize = 5;
/// What stands before them.
const MARGIN: usize = 13;
/// Of more operations than these not each one matters.
const OPERATIONS_MAX: usize = 8;
/// So many counterfactuals do.
const WITHOUT_MAX: usize = 8;

/// Arguments of `why`.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed that fails.
    #[arg(long)]
    seed: u64,
    /// End after about this long. Where that is too short, the clock has a say in what is told, and it is said.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration, default_value = "2m")]
    time: Duration,
    /// The folder to write to; replays/NAME-SEED unless set.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// What `why --json` prints.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    shrunk: shrink_command::Json<'a>,
    message: &'a str,
    moment_ms: Option<i64>,
    curve: Vec<(i64, f64)>,
    cut_short: Vec<&'static str>,
    slice: Vec<serde_json::Value>,
    page: Option<String>,
}

/// What is known of a failure.
struct Known<'a> {
    case: &'a Case,
    shrunk: &'a Shrunk,
    counterfactuals: &'a [Counterfactual],
    curve: Option<&'a Curve>,
    time: Duration,
    file: PathBuf,
    page: Option<PathBuf>,
    /// A line for each node.
    beliefs: Vec<String>,
}

impl Why {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let begin = Instant::now();
        let case = one(catalog, &self.scenario, &self.overrides)?;
        let folder = self.out.clone().unwrap_or_else(|| folder_of(&case, self.seed));
        // Before anything is run: a folder that cannot be written to is bad input.
        fs::create_dir_all(&folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        let limits = Limits {
            time: Some(self.time / 3 * 2),
            interrupted: Some(interrupt::flag()),
            ..Limits::default()
        };
        let shrunk = match with_progress(&case, self.seed, &limits, json) {
            Ok(shrunk) => shrunk,
            Err(why) => return shrink_command::refuse(why),
        };
        let path = folder.join("shrunk.toml");
        file(&path, |out| out.write_all(shrunk.to_file().as_bytes()))?;
        // What follows has a sixth each, and what was left over before.
        let later = Limits { time: Some((self.time / 6 * 5).saturating_sub(begin.elapsed())), ..limits };
        let counterfactuals = shrink::counterfactuals(&case, &shrunk, &later);
        let curve = self.curve(&case, &shrunk, limits.jobs, begin);
        let (report, recording) = once(case.system, &shrunk.plan, shrunk.seed, Attention::RECORDED);
        let mut known = Known {
            case: &case,
            shrunk: &shrunk,
            counterfactuals: &counterfactuals,
            curve: curve.as_ref(),
            time: self.time,
            file: path,
            page: None,
            beliefs: Vec::new(),
        };
        // Of a run that was given up nothing is recorded.
        match &recording {
            Some(recording) => known.tell_with(&folder, &report, recording, json)?,
            None => known.tell(None, json)?,
        }
        Ok(Exit::AsExpected)
    }

    /// How likely the failure was from each instant of the run on; none if that takes too long.
    fn curve(&self, case: &Case, shrunk: &Shrunk, jobs: usize, begin: Instant) -> Option<Curve> {
        let (report, _) = once(case.system, &case.scenario, self.seed, Attention::QUICK);
        let at_ms = shrunk.class.find(&report)?.at_ms;
        let is_same = |report: &Report| shrunk.class.find(report).is_some();
        let failure = Failure {
            system: case.system,
            scenario: &case.scenario,
            seed: self.seed,
            at_ms,
            is_same: &is_same,
        };
        // A node that keeps its thread would keep it two thousand times.
        let is_stuck = report.is_of_a_stuck_run();
        failure.curve(jobs, &|| is_stuck || begin.elapsed() > self.time)
    }
}

impl Known<'_> {
    /// Writes the page, and tells all with the story.
    fn tell_with(
        &mut self,
        folder: &Path,
        report: &Report,
        recording: &Recording,
        json: bool,
    ) -> miette::Result<()> {
        let trace = Trace::of(recording);
        let graph = Graph::of(&trace);
        let (sentence, subjects) = self.evidence();
        let evidence =
            Evidence { sentence: &sentence, subjects: &subjects, ..Evidence::of(&self.shrunk.violation) };
        self.beliefs = self.beliefs(recording, &subjects);
        // Some events less, if the others can then be read to their ends; or else as many as there is room for.
        let that_fits = |events: RangeInclusive<usize>, lines_of_cell| {
            let mut slices = events.rev().map(|events| slice_of(&trace, &graph, Some(evidence), events));
            slices.find(|slice| self.has_room(&Story::new(&trace, slice), lines_of_cell))
        };
        let slice = that_fits(EVENTS_MIN..=EVENTS_MAX, 2).or_else(|| that_fits(1..=EVENTS_MAX, 1));
        let slice = slice.unwrap_or_default();
        let path = folder.join("report.html");
        let html = page::of_run(&self.case.name, report, recording, &trace, &slice).html();
        file(&path, |out| out.write_all(html.as_bytes()))?;
        self.page = Some(path);
        self.tell(Some((&trace, &slice)), json)
    }

    /// What the nodes believed in the end of what the evidence is about, or else of what the operations are.
    fn beliefs(&self, recording: &Recording, operations: &[Subject]) -> Vec<String> {
        let said = &self.shrunk.violation.subjects;
        let has_key = said.iter().any(|subject| matches!(subject, Subject::Key(_)));
        let subjects = if has_key { said } else { operations };
        let mut beliefs =
            beliefs(&recording.views_by_name(), subjects, out::columns().saturating_sub(MARGIN));
        beliefs.truncate(BELIEFS_MAX);
        beliefs
    }

    /// What does not hold, and what the operations that are left are about: none of them can be done without.
    fn evidence(&self) -> (String, Vec<Subject>) {
        let Violation { message, subjects, .. } = &self.shrunk.violation;
        let (mut sentence, mut subjects) = (message.clone(), subjects.clone());
        let is_said = !subjects.is_empty();
        let operations = &self.shrunk.plan.operations;
        for operation in operations.iter().filter(|_| operations.len() <= OPERATIONS_MAX) {
            sentence += &format!(", {operation}");
            if is_said {
                subjects.extend(operation.subjects());
            }
        }
        (sentence, subjects)
    }

    fn tell(&self, story: Option<(&Trace<'_>, &[usize])>, json: bool) -> miette::Result<()> {
        if json { self.print_json(story) } else { self.print(story) }
    }

    fn print_json(&self, story: Option<(&Trace<'_>, &[usize])>) -> miette::Result<()> {
        let shrunk = self.shrunk;
        let events = story.into_iter().flat_map(|(trace, slice)| slice.iter().map(|at| &trace.lines[*at]));
        let slice = events.map(serde_json::to_value).collect::<Result<_, _>>().into_diagnostic()?;
        out::line(&Json {
            shrunk: shrink_command::Json::new(self.case, shrunk, Some(self.counterfactuals), &self.file),
            message: &shrunk.violation.message,
            moment_ms: self.curve.and_then(|curve| match curve.rise() {
                Rise::Between(_, after) => Some(after.at_ms),
                Rise::Settled | Rise::Nowhere => None,
            }),
            curve: self
                .curve
                .into_iter()
                .flat_map(Curve::points)
                .map(|point| (point.at_ms, point.share()))
                .collect(),
            cut_short: self.cut_short(),
            slice,
            page: self.page.as_ref().map(|path| path.display().to_string()),
        })
    }

    /// From when on the failure was hard to avoid, in the run that was asked about.
    fn moment(&self) -> String {
        match self.curve.map(Curve::rise) {
            Some(Rise::Between(before, after)) => format!(
                "in the whole run between {:.3} s and {:.3} s: with other chance from there on, {:.0} % and {:.0} % fail",
                before.at_ms as f64 / 1e3,
                after.at_ms as f64 / 1e3,
                before.share() * 100.0,
                after.share() * 100.0
            ),
            Some(Rise::Settled) => "none: the plan alone leads to it, whatever chance brings".to_owned(),
            Some(Rise::Nowhere) => "none: it took many small chances, or one at the very end".to_owned(),
            None => "not found in time".to_owned(),
        }
    }

    /// What would be another with more time, or more runs.
    fn cut_short(&self) -> Vec<&'static str> {
        let is_cut = [
            ("shrinking", self.shrunk.cut_short),
            ("counterfactuals", !self.counterfactuals.iter().all(Counterfactual::is_whole)),
            ("moment", self.curve.is_none()),
        ];
        is_cut.into_iter().filter_map(|(part, is_cut)| is_cut.then_some(part)).collect()
    }

    /// The story, with as much of each message as there is room for.
    fn table(&self, trace: &Trace<'_>, slice: &[usize]) -> String {
        let story = Story::new(trace, slice);
        let lines = (1..=LINES_OF_CELL).rev().find(|lines| self.has_room(&story, *lines));
        story.table_with(out::columns(), lines.unwrap_or(1))
    }

    /// Whether a story fits the screen, if its cells go on in so many lines.
    fn has_room(&self, story: &Story<'_>, lines_of_cell: usize) -> bool {
        let lines = story.table_with(out::columns(), lines_of_cell).lines().count();
        lines <= 1 + LINES_MAX.saturating_sub(self.beliefs.len())
    }

    /// What stands on the screen: what does not hold, what is left, how it came about, what it takes.
    fn print(&self, story: Option<(&Trace<'_>, &[usize])>) -> miette::Result<()> {
        let shrunk = self.shrunk;
        let name = out::paint(&format!("{} seed {}", self.case.name, shrunk.origin), Colour::Bold);
        out::say(&format!("{name}  {}", out::paint(&shrunk.class.checker, Colour::Bad)))?;
        out::say(&format!("  {}", shrunk.title()))?;
        out::say(&format!(
            "  {} ({} runs in {:.1} s);",
            shrunk.summary(),
            shrunk.runs,
            shrunk.wall.as_secs_f64()
        ))?;
        out::say(&format!("  {}", shrunk.robustness()))?;
        let options = &shrunk.plan.cluster.options;
        if !options.is_empty() {
            out::say(&format!(
                "  with the options {}",
                plain(&options.to_string().trim_end().replace('\n', ", "))
            ))?;
        }
        if let Some((trace, slice)) = story {
            out::say(&format!("\n{}", self.table(trace, slice).trim_end()))?;
            out::say("  (what mentions the evidence or the operations; the page has all)")?;
        }
        for (at, belief) in self.beliefs.iter().enumerate() {
            out::say(&format!("  {:<11}{belief}", if at == 0 { "in the end" } else { "" }))?;
        }
        if !self.counterfactuals.is_empty() {
            out::say("\n  What it takes: taken out alone, so many of other schedules still fail.")?;
        }
        let known = self.counterfactuals.iter().filter(|counterfactual| counterfactual.of > 0);
        for Counterfactual { without, fails, of } in known.take(WITHOUT_MAX) {
            out::say(&format!("  {fails:>2} of {of} without {without}"))?;
        }
        if let Some(more) = self.counterfactuals.len().checked_sub(WITHOUT_MAX + 1) {
            out::say(&format!("  and {} more (--json has all)", more + 1))?;
        }
        out::say(&format!("\n  moment       {}", self.moment()))?;
        if let Some(page) = &self.page {
            out::say(&format!("  page         {}", page.display()))?;
        }
        let cut_short = self.cut_short();
        if !cut_short.is_empty() {
            let (cut_short, time) = (cut_short.join(", "), humantime::format_duration(self.time));
            out::say(&format!("  cut short    {cut_short}, by a limit (--for gives more time than {time})"))?;
        }
        let (program, file) = (out::program(), self.file.display());
        out::say(&format!("  next: {program} run {file} --seed {}", shrunk.seed))
    }
}
