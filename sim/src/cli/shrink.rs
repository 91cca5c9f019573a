//! `shrink`: a failing seed, made smaller until nothing more can be taken away.

use super::out::{self, Colour};
use super::progress::Spinner;
use super::written::{Draft, folder_of};
use super::{Exit, Overrides, interrupt, one};
use crate::catalog::{Case, Catalog};
use crate::shrink::{self, Budget, Counterfactual, Limits, NotShrunk, Robust, Shrunk, Size};
use crate::sweep::all_cores;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `shrink`.
#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed that fails.
    #[arg(long)]
    seed: u64,
    /// The file to write; shrunk.toml in replays/NAME-SEED unless set.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// End with what is known after this long, if that comes first; then the clock has a say in what is found.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// End with what is known after so many runs; after 2500 unless set, or more where they are short.
    #[arg(long)]
    runs: Option<u64>,
    /// Runs at the same time; all cores unless set. What is found does not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Say what happens without each fault and each operation that is left.
    #[arg(long)]
    counterfactuals: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// What `shrink --json` prints.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    scenario: &'a str,
    seed: u64,
    checker: &'a str,
    runs: u64,
    wall_s: f64,
    before: Size,
    after: Size,
    robust: Robust,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterfactuals: Option<&'a [Counterfactual]>,
    file: String,
}

impl<'a> Json<'a> {
    pub(super) fn new(
        case: &'a Case,
        shrunk: &'a Shrunk,
        counterfactuals: Option<&'a [Counterfactual]>,
        file: &Path,
    ) -> Self {
        Json {
            scenario: &case.name,
            seed: shrunk.seed,
            checker: &shrunk.class.checker,
            runs: shrunk.runs,
            wall_s: shrunk.wall.as_secs_f64(),
            before: shrunk.before,
            after: shrunk.after,
            robust: shrunk.robust,
            counterfactuals,
            file: file.display().to_string(),
        }
    }
}

impl Shrink {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let case = one(catalog, &self.scenario, &self.overrides)?;
        let path = self.output.clone().unwrap_or_else(|| folder_of(&case, self.seed).join("shrunk.toml"));
        // Before anything is run: a file that cannot be written is bad input.
        let draft = self.output.as_deref().map(Draft::new).transpose()?;
        let limits = Limits {
            budget: self.runs.map_or_else(Budget::default, Budget::of_runs),
            time: self.time,
            jobs: self.jobs.map_or_else(all_cores, usize::from),
            interrupted: Some(interrupt::flag()),
        };
        let shrunk = match with_progress(&case, self.seed, &limits, &Spinner::new(json)) {
            Ok(shrunk) => shrunk,
            Err(why) => return refuse(why),
        };
        match draft {
            Some(draft) => draft,
            None => Draft::in_its_folder(&path)?,
        }
        .keep(|out| out.write_all(shrunk.to_file().as_bytes()))?;
        // Asked for by name, they have the time that they take.
        let untimed = Limits { time: None, ..limits };
        let counterfactuals = self.counterfactuals.then(|| shrink::counterfactuals(&case, &shrunk, &untimed));
        tell(&case, &shrunk, counterfactuals.as_deref(), &path, json)?;
        Ok(Exit::AsExpected)
    }
}

/// What it means to the caller that there is nothing to shrink.
pub(super) fn refuse(why: NotShrunk) -> miette::Result<Exit> {
    match why {
        NotShrunk::Nondeterminism(why) => {
            out::complain(&miette::miette!("nondeterminism: {why}"));
            Ok(Exit::Nondeterminism)
        }
        none @ (NotShrunk::Passes { .. } | NotShrunk::Unreached { .. }) => Err(none.into()),
    }
}

/// Shrinks the failure that a sweep found first, and writes down what is left where `shrink` would.
pub(super) fn after_a_sweep(case: &Case, seed: u64, time: Duration, json: bool) -> miette::Result<()> {
    let path = folder_of(case, seed).join("shrunk.toml");
    let limits = Limits { time: Some(time), interrupted: Some(interrupt::flag()), ..Limits::default() };
    let shrunk = match with_progress(case, seed, &limits, &Spinner::new(json)) {
        Ok(shrunk) => shrunk,
        // The sweep has told what it found, and that stands.
        Err(why) => {
            out::complain(&miette::Report::new(why));
            return Ok(());
        }
    };
    Draft::in_its_folder(&path)?.keep(|out| out.write_all(shrunk.to_file().as_bytes()))?;
    tell(case, &shrunk, None, &path, json)
}

fn tell(
    case: &Case,
    shrunk: &Shrunk,
    counterfactuals: Option<&[Counterfactual]>,
    path: &Path,
    json: bool,
) -> miette::Result<()> {
    if json {
        return out::line(&Json::new(case, shrunk, counterfactuals, path));
    }
    print(shrunk)?;
    for Counterfactual { without, fails, of } in counterfactuals.unwrap_or_default() {
        out::say(&format!("  {fails:>2} of {of} without {without}"))?;
    }
    out::say(&format!("  written      {}", path.display()))?;
    out::say(&format!("  next: {} run {} --seed {}", out::program(), path.display(), shrunk.seed))
}

/// Shrinks, and shows how far it has come; then the spinner is gone.
pub(super) fn with_progress(
    case: &Case,
    seed: u64,
    limits: &Limits,
    spinner: &Spinner,
) -> Result<Shrunk, NotShrunk> {
    let shrunk = shrink::shrink(case, seed, limits, &mut |told| {
        let Size { faults, operations, .. } = told.size;
        spinner.tell(&format!("{} runs  {faults} faults and {operations} operations left", told.runs));
    });
    spinner.finish();
    shrunk
}

/// Prints what is left.
fn print(shrunk: &Shrunk) -> miette::Result<()> {
    out::say(&out::paint(&shrunk.summary(), Colour::Bold))?;
    for line in shrunk.story() {
        out::say(&format!("  {line}"))?;
    }
    out::say(&format!("  {}: {}", out::paint(&shrunk.class.checker, Colour::Bad), shrunk.title()))?;
    out::say(&format!("  robust       {}", shrunk.robustness()))?;
    let cut_short = if shrunk.cut_short { "; a limit ended it, and there may be less" } else { "" };
    let Shrunk { runs, wall, .. } = shrunk;
    out::say(&format!("  took         {runs} runs in {:.1} s{cut_short}", wall.as_secs_f64()))
}
