//! `scorecard`: every cell of a card over many seeds, as one table.
//!
//! It is a sweep of the cells that there are, with nothing to expect: it runs on all cores, goes on where it was
//! (`--out`), and is shared out and merged, like any other. What it prints depends on the cells, the seeds and the build
//! alone: neither on how many cores ran it nor on how long that took.

use super::sweep_out::{OutFolder, Swept};
use super::written::Draft;
use super::{Exit, Overrides, interrupt, out, sweep as sweep_command};
use crate::card::{AXES, Card, Cell, Row, Standing, Table, product};
use crate::catalog::{Case, Catalog};
use crate::configuration::{self, Brought, Format, Override, Source};
use crate::page;
use crate::scenario::nearest;
use crate::sweep::{self, Grid, Plan, Shard, Step, Summary, to_measure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// Arguments of `scorecard`.
#[derive(Debug, Args)]
pub(super) struct Scorecard {
    /// Which card.
    card: String,
    /// Only these picks of an axis of the card; of several axes, if it is given again.
    #[arg(long = "only", value_name = "AXIS=PICK,PICK", value_parser = super::key_and_value)]
    only: Vec<(String, String)>,
    /// The seeds of each cell: a number N for 0..N, or A..B with A below B.
    #[arg(long, default_value = "0..80", value_parser = sweep_command::seeds)]
    seeds: Range<u64>,
    /// Runs at the same time; all cores unless set.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// This machine's share of the runs: i/n, from 0/n to n-1/n; `merge` puts them together.
    #[arg(long, value_parser = sweep_command::shard, default_value = "0/1")]
    shard: Shard,
    /// Keep failures and progress in this folder; the same card goes on from there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take the numbers of this configuration file, for the cells that are of its program; of several, if it is given
    /// again. --set comes after it.
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
    #[command(flatten)]
    forms: Forms,
    #[command(flatten)]
    overrides: Overrides,
}

/// How a card is shown.
#[derive(Debug, Args)]
pub(super) struct Forms {
    /// Show a scorecard as Markdown.
    #[arg(long)]
    markdown: bool,
    /// Write a scorecard as a page for a browser, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Which cells of which card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chosen {
    card: String,
    /// Of each axis.
    picks: [Vec<String>; AXES],
    /// The configuration files whose numbers they have.
    #[serde(default)]
    brought: Vec<Brought>,
}

/// The cells of a card.
#[derive(Debug)]
pub(super) struct Cells {
    card: &'static Card,
    /// What each is, and its place among the cases, or why there is none.
    all: Vec<([&'static str; AXES], Result<usize, String>)>,
    pub(super) cases: Vec<Case>,
    /// The configuration files, and what they changed.
    sources: Vec<Source>,
}

impl Scorecard {
    pub(super) fn execute(
        &self,
        catalog: &Catalog,
        cards: &[&'static Card],
        json: bool,
    ) -> miette::Result<Exit> {
        let overrides = &self.overrides.overrides;
        let chosen = self.chosen(named(&self.card, cards)?, catalog)?;
        let cells = Cells::of(&chosen, catalog, cards, overrides)?;
        if cells.cases.is_empty() {
            let why = cells.all.iter().find_map(|(_, of)| of.as_ref().err()).cloned().unwrap_or_default();
            return Err(miette::miette!("there is no such cell: {why}"));
        }
        let mut plan = Plan {
            jobs: self.jobs.map_or_else(sweep::all_cores, usize::from),
            shard: self.shard,
            interrupted: Some(interrupt::flag()),
            card: Some(cells.card),
            ..Plan::new(&cells.cases, self.seeds.clone())
        };
        // Before anything is run: what cannot be written to is bad input.
        let draft = self.forms.html.as_deref().map(Draft::new).transpose()?;
        let mut folder = None;
        if let Some(path) = &self.out {
            let (grid, card) = (&Grid::default(), Some(&chosen));
            let swept = Swept { overrides, grid, card, seeds: &self.seeds, shard: self.shard };
            let (opened, before) = OutFolder::open(path, &cells.cases, swept)?;
            (folder, plan.before) = (Some(opened), before);
        }
        let mut kept = Ok(());
        let progress = sweep_command::execute(&plan, json, |progress, step| {
            kept = match (step, &mut folder) {
                (Step::Released(failure), Some(folder)) => folder.keep(&cells.cases, progress, failure),
                (Step::Unfinished, Some(folder)) => folder.freeze(progress),
                _ => Ok(()),
            };
            kept.is_ok()
        });
        kept?;
        if let Some(folder) = &mut folder {
            folder.finish(&progress)?;
        }
        let summary = &progress.summary;
        let table = cells.table(summary);
        if let Some(draft) = draft {
            let html = page::of_card(&table);
            draft.keep(|out| out.write_all(html.as_bytes()))?;
        }
        self.forms.print(&table, json)?;
        let rest = if summary.complete { Vec::new() } else { vec![self.rest()] };
        exit_of(&cells, summary, &rest)
    }

    /// What it asks for, in the card's own order.
    fn chosen(&self, card: &'static Card, catalog: &Catalog) -> miette::Result<Chosen> {
        for (axis, _) in &self.only {
            if !card.axes.iter().any(|of| of.name == axis) {
                let names: Vec<&str> = card.axes.iter().map(|axis| axis.name).collect();
                return Err(miette::miette!("--only {axis}: a cell has {}", names.join(", ")));
            }
        }
        let wanted = |name: &str| -> Vec<String> {
            let of_axis = self.only.iter().filter(|(axis, _)| axis == name);
            of_axis.flat_map(|(_, picks)| picks.split(',').map(|pick| pick.trim().to_owned())).collect()
        };
        let mut picks = [const { Vec::new() }; AXES];
        for (picks, axis) in picks.iter_mut().zip(&card.axes) {
            *picks = axis.wanted(&wanted(axis.name))?.into_iter().map(str::to_owned).collect();
        }
        let brought = configuration::bring(&self.from, &catalog.formats())?;
        Ok(Chosen { card: card.name.to_owned(), picks, brought })
    }

    /// How to go on with what was cut short.
    fn rest(&self) -> String {
        match &self.out {
            Some(_) => "some runs, which the same command goes on with".to_owned(),
            None => "some runs; with --out DIR it would go on".to_owned(),
        }
    }
}

impl Forms {
    /// Prints a card, and writes its page.
    pub(super) fn write(&self, table: &Table<'_>, json: bool) -> miette::Result<()> {
        if let Some(path) = &self.html {
            Draft::new(path)?.keep(|out| out.write_all(page::of_card(table).as_bytes()))?;
        }
        self.print(table, json)
    }

    fn print(&self, table: &Table<'_>, json: bool) -> miette::Result<()> {
        match (json, self.markdown) {
            (true, _) => table.json().iter().try_for_each(out::line),
            (false, true) => out::say(&table.markdown()),
            (false, false) => out::say(&table.text()),
        }
    }

    /// Refuses what only a card has.
    pub(super) fn refuse(&self) -> miette::Result<()> {
        if self.markdown || self.html.is_some() {
            return Err(miette::miette!("--markdown and --html are for scorecards: this is none"));
        }
        Ok(())
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let picks: Vec<String> = self.picks.iter().map(|picks| picks.join(",")).collect();
        write!(f, "of the card {}, with {}", self.card, picks.join(" "))?;
        self.brought.iter().try_for_each(|file| write!(f, ", from {}", file.path))
    }
}

impl Cells {
    /// Those that were chosen, each loaded, with what is changed in all of them.
    pub(super) fn of(
        chosen: &Chosen,
        catalog: &Catalog,
        cards: &[&'static Card],
        overrides: &[(String, String)],
    ) -> miette::Result<Cells> {
        let card = named(&chosen.card, cards)?;
        let mut picks = [const { Vec::new() }; AXES];
        for ((picks, axis), names) in picks.iter_mut().zip(&card.axes).zip(&chosen.picks) {
            *picks = axis.wanted(names)?;
        }
        let mut files = Files::of(&chosen.brought, catalog)?;
        let mut cells = Cells { card, all: Vec::new(), cases: Vec::new(), sources: Vec::new() };
        for picks in Card::combinations(&picks) {
            let of = match (card.cell)(picks) {
                Ok(cell) => {
                    if let Some((key, _)) = overrides.iter().find(|(key, _)| is_set(key, &cell.overrides)) {
                        return Err(miette::miette!(
                            help = "pick others with --only",
                            "--set {key}: that is what the card {} sets",
                            card.name
                        ));
                    }
                    let mut case = one(&cell, catalog, &[])?;
                    let brought = files.overrides(picks, &cell, &case)?;
                    if !(brought.is_empty() && overrides.is_empty()) {
                        case = one(&cell, catalog, &[&brought[..], overrides].concat())?;
                    }
                    case.name = picks.join("/");
                    cells.cases.push(to_measure(case));
                    Ok(cells.cases.len() - 1)
                }
                Err(why) => Err(why),
            };
            cells.all.push((picks, of));
        }
        cells.sources = files.told(&cells.all)?;
        Ok(cells)
    }

    /// What a sweep has found of them.
    pub(super) fn table(&self, summary: &Summary) -> Table<'_> {
        let standing = |case: usize| {
            let of_case = &summary.cases[case];
            let score = of_case.score.clone().unwrap_or_default();
            let replay = score.worst_seed().map(|seed| out::replay_command(&self.cases[case], seed));
            Standing { runs: of_case.runs, score, replay }
        };
        let row = |(picks, of): &([&'static str; AXES], Result<usize, String>)| Row {
            picks: *picks,
            of: of.as_ref().map(|case| standing(*case)).map_err(Clone::clone),
        };
        Table { card: self.card, rows: self.all.iter().map(row).collect(), sources: &self.sources }
    }
}

/// The scenario of a cell, with what is changed in it.
fn one(cell: &Cell, catalog: &Catalog, overrides: &[Override]) -> miette::Result<Case> {
    let mut loaded = catalog.load(cell.scenario, &[&cell.overrides[..], overrides].concat())?;
    let case = loaded.pop().filter(|_| loaded.is_empty());
    case.ok_or_else(|| miette::miette!("{}: a cell is one scenario, and this is none", cell.scenario))
}

/// Configuration files, while the cells are made that they are for.
struct Files {
    formats: Vec<Format>,
    sources: Vec<Source>,
    /// The cells that each is for.
    of: Vec<Vec<[&'static str; AXES]>>,
}

impl Files {
    fn of(brought: &[Brought], catalog: &Catalog) -> miette::Result<Self> {
        let all = catalog.formats();
        let format = |file: &Brought| {
            let found = all.iter().find(|format| format.name == file.format).copied();
            found.ok_or_else(|| miette::miette!("{}: this program reads no {}", file.path, file.format))
        };
        let formats: Vec<Format> = brought.iter().map(format).collect::<miette::Result<_>>()?;
        let sources = brought.iter().zip(&formats).map(|(file, format)| Source::new(file, format)).collect();
        Ok(Files { of: vec![Vec::new(); formats.len()], formats, sources })
    }

    /// What they change in a cell.
    fn overrides(
        &mut self,
        picks: [&'static str; AXES],
        cell: &Cell,
        case: &Case,
    ) -> miette::Result<Vec<Override>> {
        let mut all = Vec::new();
        let read = case.system.formats();
        for (place, (format, source)) in self.formats.iter().zip(&mut self.sources).enumerate() {
            let options = &case.scenario.cluster.options;
            if !read.iter().any(|of| of.name == format.name) || !(format.heeds)(options) {
                continue;
            }
            self.of[place].push(picks);
            let path = &source.brought.path;
            let overrides = source.brought.overrides(format, options);
            let overrides = overrides.map_err(|why| miette::miette!("{path}: {why}"))?;
            for (item, (key, to)) in overrides {
                if cell.keeps.contains(&key) {
                    continue;
                }
                source.uses[item].cells += 1;
                source.uses[item].key = Some(key.clone());
                // Several files say what all machines share.
                if !all.contains(&(key.clone(), to.clone())) {
                    all.push((key, to));
                }
            }
            let (of, machines) = (source.brought.of, (format.machines)(options).len());
            let few = format!("{of} files for {machines} machines: the others are as the cell has them");
            if of > 1 && of < machines && !source.brought.warnings.contains(&few) {
                source.brought.warnings.push(few);
            }
        }
        Ok(all)
    }

    /// What they changed in these cells: each in one at least.
    fn told(self, all: &[([&'static str; AXES], Result<usize, String>)]) -> miette::Result<Vec<Source>> {
        let all: Vec<[&str; AXES]> = all.iter().map(|(picks, _)| *picks).collect();
        let told = |(mut source, of): (Source, Vec<[&'static str; AXES]>)| {
            if of.is_empty() {
                return Err(miette::miette!(
                    help = "pick others with --only, or leave the file out",
                    "{}: this is {}, and no cell has it",
                    source.brought.path,
                    source.means
                ));
            }
            (source.count, source.cells) = (of.len(), product(&of, &all));
            Ok(source)
        };
        self.sources.into_iter().zip(self.of).map(told).collect()
    }
}

/// What a card's runs mean to the caller, who is told of failures and of what is missing.
pub(super) fn exit_of(cells: &Cells, summary: &Summary, missing: &[String]) -> miette::Result<Exit> {
    let failed = sweep_command::exit_of(&cells.cases, summary);
    for (index, why) in summary.unmet(&cells.cases) {
        let case = &cells.cases[index];
        let seed = summary.cases[index].first_unexpected.unwrap_or_default();
        out::warn(&format!("{}: {why}; next: {}", case.name, out::replay_command(case, seed)));
    }
    for (index, vacuity) in summary.vacuous(&cells.cases) {
        out::warn(&format!("{}: vacuous: {}", cells.cases[index].name, vacuity.message));
    }
    for missing in missing {
        out::warn(&format!("missing: {missing}"));
    }
    Ok(if failed == Exit::AsExpected && !missing.is_empty() { Exit::Unknown } else { failed })
}

fn named(name: &str, cards: &[&'static Card]) -> miette::Result<&'static Card> {
    let names: Vec<String> = cards.iter().map(|card| card.name.to_owned()).collect();
    let meant = nearest(name, &names).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
    let found = cards.iter().find(|card| card.name == name).copied();
    found.ok_or_else(|| {
        let help = if names.is_empty() {
            "this program has none".to_owned()
        } else {
            format!("there is {}", names.join(", "))
        };
        miette::miette!(help = help, "there is no card {name}{meant}")
    })
}

/// Whether a key is one of these, or above or below one.
fn is_set(key: &str, sets: &[(String, String)]) -> bool {
    let is_below = |below: &str, above: &str| {
        below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    sets.iter().any(|(set, _)| is_below(key, set) || is_below(set, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_cell_sets_is_not_for_others_and_its_neighbour_is() {
        let sets = [("cluster.options.synchronous".to_owned(), "true".to_owned())];
        for key in ["cluster.options.synchronous", "cluster.options", "cluster.options.synchronous.x"] {
            assert!(is_set(key, &sets), "{key}");
        }
        for key in ["cluster.options.other", "cluster.nodes", "cluster.options.sync"] {
            assert!(!is_set(key, &sets), "{key}");
        }
    }
}
