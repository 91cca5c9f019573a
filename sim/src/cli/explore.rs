//! `explore`: every state that a specification can reach; with `--real`, every small run of the real code.

mod picture;
mod real;
mod told;

use super::out;
use super::table::Table;
use super::written::file;
use super::{Exit, check, interrupt, key_and_value};
use crate::catalog::Catalog;
use crate::explore::{AnySpec, Ending, Entry, Exploration, Options, Progress, Setting, SettingError, Walks};
use crate::scenario::nearest;
use clap::Args;
use host::world::{Draw, Stream};
use real::Real;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// A graph with more states than this cannot be read.
const DRAWN_MAX: u32 = 2_000;
/// Nor a picture of more than this.
const PICTURED_MAX: u32 = 300;
/// How long a walk is unless told otherwise.
const WALK_STATES: u32 = 100;

/// Arguments of `explore`.
#[derive(Debug, Args)]
pub(super) struct Explore {
    /// The specification; without one, those that there are.
    spec: Option<String>,
    /// Choose a size: --set names=6
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// Threads; all cores by default. The result is the same.
    #[arg(long)]
    jobs: Option<u16>,
    /// Give up after so many levels; the length of a walk.
    #[arg(long, value_name = "LEVELS")]
    depth_limit: Option<u32>,
    /// Give up after this long.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time_limit: Option<Duration>,
    /// Give up when the search takes up this much.
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = check::bytes)]
    memory_limit: usize,
    /// Accept that nothing more can happen, in any state.
    #[arg(long)]
    allow_deadlock: bool,
    /// Walk at random, so many times, instead of searching.
    #[arg(long, value_name = "WALKS")]
    simulate: Option<u64>,
    /// The seed of the walks.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draw the states and steps for Graphviz, if there are no more than 2,000.
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Draw them as a picture, if there are no more than 300.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    real: Real,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no specification `{name}`")]
#[diagnostic(help("{help}"))]
struct NoSpec {
    name: String,
    help: String,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{spec}: {error}")]
#[diagnostic(help("{help}"))]
struct BadSetting {
    spec: &'static str,
    error: SettingError,
    help: String,
}

impl Explore {
    pub(super) fn execute(
        &self,
        catalog: &Catalog,
        specs: &'static [Entry],
        json: bool,
    ) -> miette::Result<Exit> {
        if let Some(scenario) = &self.real.scenario {
            return self.real.execute(scenario, self, catalog, json);
        }
        let Some(name) = &self.spec else {
            return list(specs, json);
        };
        let entry = find(specs, name)?;
        let spec = self.build(entry)?;
        let explored = self.explore(entry, spec.as_ref());
        self.draw(&explored)?;
        if json {
            out::line(&told::Json::of(entry.name, &explored))?;
        } else {
            told::print(entry.name, &explored, &self.again(entry.name, &explored))?;
        }
        Ok(match explored.ending {
            Ending::Holds => Exit::AsExpected,
            Ending::Violated(_) => Exit::Violation,
            Ending::Unknown { .. } => Exit::Unknown,
        })
    }

    fn build(&self, entry: &'static Entry) -> Result<Box<dyn AnySpec>, BadSetting> {
        entry.with(&self.set).map_err(|error| {
            let known: Vec<&str> = entry.settings.iter().map(|setting| setting.name).collect();
            let near = match &error {
                SettingError::Unknown { name } => nearest(name, &known),
                SettingError::Number { .. } | SettingError::Switch { .. } => None,
            };
            let meant = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let help = format!("{meant}settings: {}; nothing was searched", settings(entry));
            BadSetting { spec: entry.name, error, help }
        })
    }

    fn explore(&self, entry: &Entry, spec: &dyn AnySpec) -> Exploration {
        let default = Options::default();
        let options = Options {
            threads: self.jobs.map_or(default.threads, usize::from).max(1),
            depth_max: self.depth_limit,
            time_max: self.time_limit,
            memory_max: Some(self.memory_limit),
            is_deadlock_judged: !self.allow_deadlock,
            draw_max: self.dot.as_ref().or(self.svg.as_ref()).map(|_| DRAWN_MAX),
            interrupted: Some(interrupt::flag()),
            progress: Some(&progress),
        };
        let Some(walks) = self.simulate else {
            return spec.explore(&options);
        };
        let mut draw = Draw::new(self.seed, Stream::Other { purpose: "explore", entity: entry.name });
        let walks = Walks { walks, states_max: self.depth_limit.unwrap_or(WALK_STATES) };
        spec.walk(&walks, &options, &mut |bound| draw.below(bound))
    }

    fn draw(&self, explored: &Exploration) -> miette::Result<()> {
        let asked = [(&self.dot, DRAWN_MAX), (&self.svg, PICTURED_MAX)];
        for (path, most) in asked {
            let Some(path) = path else { continue };
            match &explored.drawing {
                Some(drawing) if explored.distinct <= u64::from(most) => {
                    let text = if most == PICTURED_MAX { picture::svg(drawing) } else { drawing.clone() };
                    file(path, |out| out.write_all(text.as_bytes()))?;
                }
                _ => {
                    let many = told::grouped(explored.distinct);
                    // Whoever has closed standard error does not want to know.
                    let _ = writeln!(
                        std::io::stderr().lock(),
                        "{}: not drawn: {many} states, and {most} can be read",
                        path.display()
                    );
                }
            }
        }
        Ok(())
    }

    /// The command that goes further, or shows the same to programs.
    fn again(&self, spec: &str, explored: &Exploration) -> String {
        let mut command = format!("{} explore {spec}", out::program());
        command.extend(self.set.iter().map(|(name, value)| format!(" --set {name}={value}")));
        match &explored.ending {
            Ending::Unknown { limit, .. } => command + &told::further(*limit),
            Ending::Holds | Ending::Violated(_) => {
                let walks = self.simulate.map(|walks| format!(" --simulate {walks} --seed {}", self.seed));
                command + &walks.unwrap_or_default() + " --json"
            }
        }
    }
}

/// The specification of this name.
fn find(specs: &'static [Entry], name: &str) -> Result<&'static Entry, NoSpec> {
    specs.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = specs.iter().map(|entry| entry.name).collect();
        let help = match (known.is_empty(), nearest(name, &known)) {
            (true, _) => "this program has none".to_owned(),
            (_, Some(near)) => format!("did you mean `{near}`? specifications: {}", known.join(", ")),
            (_, None) => format!("specifications: {}", known.join(", ")),
        };
        NoSpec { name: name.to_owned(), help }
    })
}

/// What can be explored.
fn list(specs: &[Entry], json: bool) -> miette::Result<Exit> {
    let mut table = Table::new(&["SPEC", "TITLE", "SETTINGS"], &["TITLE", "SETTINGS"]);
    for entry in specs {
        if json {
            out::line(&serde_json::json!({
                "spec": entry.name,
                "title": entry.title,
                "settings": entry.settings.iter().map(|setting| serde_json::json!({
                    "name": setting.name,
                    "default": setting.default,
                    "min": setting.min,
                    "max": setting.max,
                    "what": setting.what,
                })).collect::<Vec<_>>(),
            }))?;
        }
        table.row(vec![entry.name.to_owned(), entry.title.to_owned(), settings(entry)]);
    }
    if !json {
        table.print()?;
    }
    Ok(Exit::AsExpected)
}

/// The settings with their values by default.
fn settings(entry: &Entry) -> String {
    let settings: Vec<String> = entry.settings.iter().map(Setting::to_string).collect();
    if settings.is_empty() { "none".to_owned() } else { settings.join(" ") }
}

fn progress(progress: &Progress) {
    let rate = progress.generated as f64 / progress.elapsed.as_secs_f64() / 1e6;
    let [generated, distinct, queue] =
        [progress.generated, progress.distinct, progress.queue].map(told::grouped);
    // Whoever has closed standard error does not want to know.
    let _ = writeln!(
        std::io::stderr().lock(),
        "Progress({}): {generated} states generated ({rate:.2} M/s), {distinct} distinct, {queue} on the queue",
        progress.depth
    );
}
