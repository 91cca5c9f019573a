//! What `why` has found out, on one screen.

use super::super::out::{self, Colour};
use super::super::shrink as shrink_command;
use super::super::written::file;
use super::moment;
use crate::catalog::Case;
use crate::cause::{Evidence, Graph, Slice, Trace};
use crate::erased::once;
use crate::moment::{Curve, Rise};
use crate::page;
use crate::run::{Attention, Recording, Report};
use crate::shrink::{Counterfactual, Shrunk};
use crate::story::{Ranks, Story, Turn, beliefs, held, silences, turns};
use crate::text::{cut, plain};
use crate::time::BOOT;
use crate::verdict::{Subject, Violation};
use miette::IntoDiagnostic;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A screen has so many lines,
const LINES_MAX: usize = 39;
/// of which so many are there always: the verdict in four, the head of the story, what it has left out, the moment, the
/// page, what is next, and what stands between.
const LINES_ALWAYS: usize = 11;
/// So many events are read in one go.
const EVENTS_MAX: usize = 18;
/// Fewer tell too little, however much of each is told.
const EVENTS_MIN: usize = 10;
/// A cell of the story goes on in so many lines.
const LINES_OF_CELL: usize = 4;
/// So many nodes' beliefs are told.
const BELIEFS_MAX: usize = 5;
/// What stands before them.
const MARGIN: usize = 13;
/// Longer beliefs are no text.
const BELIEF_COLUMNS_MAX: usize = 2000;
/// After so many events it is looked what nodes believe,
const LOOKS_MAX: usize = 48;
/// this long after each, in ns.
const LOOK_AFTER_NS: i64 = 1_000_000;
/// The last so many changes of what nodes believe are told.
const TURNS_MAX: usize = 8;
/// So many pairs of nodes of which the one never told the other are named.
const SILENCES_MAX: usize = 6;
/// Of more operations than these not each one matters.
const OPERATIONS_MAX: usize = 8;
/// So many counterfactuals do.
const WITHOUT_MAX: usize = 8;

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
pub(super) struct Known<'a> {
    pub(super) case: &'a Case,
    pub(super) shrunk: &'a Shrunk,
    pub(super) counterfactuals: &'a [Counterfactual],
    pub(super) curve: Option<&'a Curve>,
    pub(super) time: Duration,
    pub(super) file: PathBuf,
    pub(super) jobs: usize,
}

/// What a recorded run has shown.
pub(super) struct Seen<'a> {
    trace: &'a Trace<'a>,
    slice: Slice,
    page: PathBuf,
    turns: Vec<Turn>,
    /// A line for each node.
    beliefs: Vec<String>,
    silences: Vec<(String, String)>,
    ranks: Ranks,
    /// So many lines are left for the story and what belongs to it.
    lines_max: usize,
}

impl Known<'_> {
    /// Writes the page, and tells all with the story.
    pub(super) fn tell_with(
        &self,
        folder: &Path,
        report: &Report,
        recording: &Recording,
        json: bool,
    ) -> miette::Result<()> {
        let trace = Trace::of(recording);
        let graph = Graph::of(&trace);
        let (sentence, operations) = self.evidence();
        let evidence =
            Evidence { sentence: &sentence, subjects: &operations, ..Evidence::of(&self.shrunk.violation) };
        let about = self.about(&operations);
        let views = recording.views_by_name();
        let held = held(&views, about);
        let is_held = held.values().any(Option::is_some);
        let turns = if is_held {
            self.turns(&trace, &Slice::of(&trace, &graph, evidence, LOOKS_MAX), about)
        } else {
            Vec::new()
        };
        let beliefs = beliefs(&views, about, BELIEF_COLUMNS_MAX);
        let silences = silences(&trace, &held, about);
        let page = folder.join("report.html");
        let mut seen = Seen {
            trace: &trace,
            slice: Slice::default(),
            page,
            turns,
            beliefs,
            silences,
            ranks: Ranks::default(),
            lines_max: self.lines_left(),
        };
        seen.rank(EVENTS_MAX, &graph, evidence, self);
        let room = out::columns().saturating_sub(MARGIN);
        let ranks = &seen.ranks;
        let told = seen.beliefs.iter().map(|belief| ranks.told(belief));
        // A whole view is told where it fits.
        let told: Vec<String> = told.filter(|belief| is_held || belief.len() <= room).collect();
        seen.beliefs = told.iter().take(BELIEFS_MAX).map(|belief| cut(belief, room)).collect();
        // Some events less, if the others can then be read to their ends; or else as many as there is room for.
        let that_fits = |events: RangeInclusive<usize>, lines_of_cell| {
            let mut slices = events.rev().map(|events| Slice::of(&trace, &graph, evidence, events));
            slices.find(|slice| seen.has_room(&seen.story(slice), lines_of_cell))
        };
        let slice = that_fits(EVENTS_MIN..=EVENTS_MAX, 2).or_else(|| that_fits(1..=EVENTS_MAX, 1));
        seen.slice = slice.unwrap_or_default();
        let html = page::of_run(&self.case.name, report, recording, &trace, &seen.slice.events).html();
        file(&seen.page, |out| out.write_all(html.as_bytes()))?;
        self.tell(Some(&seen), json)
    }

    /// How many lines all else leaves for the story.
    fn lines_left(&self) -> usize {
        let options = usize::from(!self.shrunk.plan.cluster.options.is_empty());
        let without = match self.counterfactuals.len() {
            0 => 0,
            count => 2 + count.min(WITHOUT_MAX) + usize::from(count > WITHOUT_MAX),
        };
        let cut_short = usize::from(!self.cut_short().is_empty());
        LINES_MAX - LINES_ALWAYS - options - without - cut_short
    }

    /// What nodes are asked about: the keys that the evidence names, or else those of the operations.
    fn about<'s>(&'s self, operations: &'s [Subject]) -> &'s [Subject] {
        let said = &self.shrunk.violation.subjects;
        let has_key = said.iter().any(|subject| matches!(subject, Subject::Key(_)));
        if has_key { said } else { operations }
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

    /// When nodes came to believe something else of these subjects: the run is made again up to a moment after each event
    /// of a slice, and looked at there.
    fn turns(&self, trace: &Trace<'_>, slice: &Slice, about: &[Subject]) -> Vec<Turn> {
        let mut instants: Vec<i64> =
            slice.events.iter().map(|event| trace.lines[*event].time + LOOK_AFTER_NS).collect();
        instants.dedup_by(|later, earlier| *later - *earlier < LOOK_AFTER_NS);
        let (next, looks) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let look = || {
            while let Some(at_ns) = instants.get(next.fetch_add(1, Ordering::Relaxed)) {
                let at = (BOOT.as_nanos() as i64 + at_ns).max(0) as u64;
                let (_, recording) =
                    once(self.case.system, &self.shrunk.plan, self.shrunk.seed, Attention::with_views_at(at));
                let seen = recording.map(|recording| held(&recording.views_by_name(), about));
                let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
                looks.extend(seen.map(|seen| (*at_ns, seen)));
            }
        };
        std::thread::scope(|scope| (0..self.jobs.max(1)).for_each(|_| drop(scope.spawn(look))));
        let mut looks = looks.into_inner().unwrap_or_else(PoisonError::into_inner);
        looks.sort_unstable();
        let mut turns = turns(looks);
        turns.drain(..turns.len().saturating_sub(TURNS_MAX));
        turns
    }

    pub(super) fn tell(&self, seen: Option<&Seen<'_>>, json: bool) -> miette::Result<()> {
        if json { self.print_json(seen) } else { self.print(seen) }
    }

    fn print_json(&self, seen: Option<&Seen<'_>>) -> miette::Result<()> {
        let shrunk = self.shrunk;
        let events =
            seen.into_iter().flat_map(|seen| seen.slice.events.iter().map(|at| &seen.trace.lines[*at]));
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
            page: seen.map(|seen| seen.page.display().to_string()),
        })
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

    /// What stands on the screen: what does not hold, what is left, how it came about, what it takes.
    fn print(&self, seen: Option<&Seen<'_>>) -> miette::Result<()> {
        let shrunk = self.shrunk;
        let ranks = seen.map_or_else(Ranks::default, |seen| seen.ranks.clone());
        let name = out::paint(&format!("{} seed {}", self.case.name, shrunk.origin), Colour::Bold);
        out::say(&format!("{name}  {}", out::paint(&shrunk.class.checker, Colour::Bad)))?;
        out::say(&format!("  {}", ranks.told(&shrunk.title())))?;
        out::say(&format!(
            "  {} ({} runs in {:.1} s);",
            shrunk.summary(),
            shrunk.runs,
            shrunk.wall.as_secs_f64()
        ))?;
        out::say(&format!("  {}", shrunk.robustness()))?;
        let options = &shrunk.plan.cluster.options;
        if !options.is_empty() {
            // A table's own form has a heading of its own line for each table within it; a value's has braces.
            let options: Vec<String> =
                options.iter().map(|(option, value)| format!("{option} = {value}")).collect();
            out::say(&format!("  with the options {}", plain(&options.join(", "))))?;
        }
        if let Some(seen) = seen {
            seen.print()?;
        }
        if !self.counterfactuals.is_empty() {
            out::say("\n  What it takes: taken out alone, so many of other schedules still fail.")?;
        }
        let known = self.counterfactuals.iter().filter(|counterfactual| counterfactual.of > 0);
        for Counterfactual { without, fails, of } in known.take(WITHOUT_MAX) {
            out::say(&format!("  {fails:>2} of {of} without {}", ranks.told(without)))?;
        }
        if let Some(more) = self.counterfactuals.len().checked_sub(WITHOUT_MAX + 1) {
            out::say(&format!("  and {} more (--json has all)", more + 1))?;
        }
        out::say(&format!("\n  moment       {}", moment::told(self.curve, &shrunk.plan)))?;
        if let Some(seen) = seen {
            out::say(&format!("  page         {}", seen.page.display()))?;
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

impl<'a> Seen<'a> {
    /// Ranks the long numbers of all that may be told.
    fn rank(&mut self, events: usize, graph: &Graph, evidence: Evidence<'_>, known: &Known<'_>) {
        let slice = Slice::of(self.trace, graph, evidence, events);
        let story = Story::new(self.trace, &slice.events).with_turns(&self.turns);
        let without = known.counterfactuals.iter().take(WITHOUT_MAX).map(|one| one.without.as_str());
        let title = known.shrunk.title();
        let others = self.beliefs.iter().map(String::as_str).chain(without).chain([title.as_str()]);
        self.ranks = Ranks::of(story.texts().chain(others));
    }

    fn story(&self, slice: &Slice) -> Story<'a> {
        Story::new(self.trace, &slice.events).with_turns(&self.turns).ranked(&self.ranks)
    }

    /// Whether a story fits the screen, if its cells go on in so many lines.
    fn has_room(&self, story: &Story<'_>, lines_of_cell: usize) -> bool {
        let lines = story.table_with(out::columns(), lines_of_cell).lines().count();
        let others =
            self.beliefs.len() + usize::from(!self.silences.is_empty()) + usize::from(self.ranks.count() > 0);
        lines <= 1 + self.lines_max.saturating_sub(others)
    }

    /// The story, with as much of each message as there is room for, and what nodes believed in the end.
    fn print(&self) -> miette::Result<()> {
        let story = self.story(&self.slice);
        let lines = (1..=LINES_OF_CELL).rev().find(|lines| self.has_room(&story, *lines));
        let table = story.table_with(out::columns(), lines.unwrap_or(1));
        out::say(&format!("\n{}", table.trim_end()))?;
        out::say(&match self.slice.left_out {
            0 => "  (all that mentions the evidence or the operations)".to_owned(),
            more => {
                format!("  (what mentions the evidence or the operations most; the page has {more} more)")
            }
        })?;
        if self.ranks.count() > 0 {
            out::say(
                "  #1, #2 …: long numbers, such as stamps, by rank; the greater rank is the greater number",
            )?;
        }
        for (at, belief) in self.beliefs.iter().enumerate() {
            out::say(&format!("  {:<11}{belief}", if at == 0 { "in the end" } else { "" }))?;
        }
        let pairs: Vec<String> =
            self.silences.iter().take(SILENCES_MAX).map(|(from, to)| format!("{from} → {to}")).collect();
        if !pairs.is_empty() {
            out::say(&format!("  {:<11}{}: no message there ever named it", "silent", pairs.join(", ")))?;
        }
        Ok(())
    }
}
