//! `merge`: what the shards of a sweep found, as one.
//!
//! Each shard has left its progress and its failures in a folder (`sweep --shard i/n --out DIR`): one for all, or one each,
//! copied together from wherever they ran. They must be of the same sweep, by the build that merges them. A shard that is
//! not there, or has not come to its end, is named: what it would have found nobody knows. Those of a card are shown as
//! `scorecard` shows it.

use super::junit::Junit;
use super::scorecard::{self, Cells, Forms};
use super::sweep_out::{Kept, kept_in};
use super::sweep_table::{self, SummaryJson};
use super::{Exit, annotations, grid, out, sweep};
use crate::card::Card;
use crate::catalog::{Case, Catalog};
use crate::sweep::{Figure, Summary};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// The folders that the shards wrote to.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// A figure of each cell of a grid, as `sweep` has it; several, if it is given again.
    #[arg(long = "figure", value_name = "FIGURE")]
    figures: Vec<Figure>,
    /// Write a test report, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    card: Forms,
}

/// The last line of `merge --json`.
#[derive(Serialize)]
struct Json {
    #[serde(flatten)]
    summary: SummaryJson,
    shards: u64,
    missing: Vec<String>,
}

impl Merge {
    pub(super) fn execute(
        &self,
        catalog: &Catalog,
        cards: &[&'static Card],
        json: bool,
    ) -> miette::Result<Exit> {
        let shards = self.shards()?;
        let first = shards.values().next().expect("a folder without progress is refused");
        let cases = first.cases(catalog, cards)?;
        first.of_this_build(&cases)?;
        let mut summary = Summary::of_nothing(cases.len());
        let mut failures = Vec::new();
        for shard in shards.values() {
            first.same_sweep(shard)?;
            summary.absorb(&shard.progress.summary);
            failures.extend(shard.failures()?);
        }
        let grid = first.grid();
        let figures = grid::checked(&self.figures, &cases)?;
        let missing = missing(&shards, &cases);
        summary.complete = missing.is_empty();
        if let Some((chosen, overrides)) = first.card() {
            let cells = Cells::of(chosen, catalog, cards, overrides)?;
            self.card.write(&cells.table(&summary), json)?;
            let missing: Vec<String> = missing.iter().map(|shard| format!("shard {shard}")).collect();
            return scorecard::exit_of(&cells, &summary, &missing);
        }
        self.card.refuse()?;
        let told = grid::Told::new(grid, &figures, &cases, &summary);
        if let Some(path) = &self.junit {
            Junit::at(path)?.write(&cases, &summary)?;
        }
        if json {
            // As values, for a line may say more than is known here.
            failures.sort_by_key(|failure| failure["seed"].as_u64());
            failures.iter().try_for_each(out::line)?;
            told.print_json()?;
            let summary = SummaryJson::new(&cases, &summary);
            out::line(&Json { summary, shards: shards.len() as u64, missing: missing.clone() })?;
        } else {
            if grid.is_none() {
                sweep_table::print(&cases, &summary)?;
            } else {
                told.print()?;
                sweep_table::figures(&cases, &summary)?;
                sweep_table::problems(&cases, &summary)?;
            }
            annotations::print(&cases, &summary)?;
            for shard in &missing {
                out::say(&format!("  missing      shard {shard}"))?;
            }
        }
        Ok(match sweep::exit_of(&cases, &summary) {
            Exit::AsExpected if !missing.is_empty() => Exit::Unknown,
            exit => exit,
        })
    }

    /// All shards that the folders have, by their index.
    fn shards(&self) -> miette::Result<BTreeMap<u64, Kept>> {
        let mut shards: BTreeMap<u64, Kept> = BTreeMap::new();
        for folder in &self.folders {
            let kept = kept_in(folder)?;
            if kept.is_empty() {
                return Err(miette::miette!(
                    help = "give the folders that `sweep --shard i/n --out DIR` wrote to",
                    "{}: nothing of a sweep is kept here",
                    folder.display()
                ));
            }
            for shard in kept {
                let (path, index) = (shard.path.display().to_string(), shard.index());
                if let Some(other) = shards.insert(index, shard) {
                    return Err(miette::miette!(
                        help = "each shard counts once: leave one of them out",
                        "the shard of {path} is in {}, too",
                        other.path.display()
                    ));
                }
            }
        }
        Ok(shards)
    }
}

/// The shards that are not there, and those that have not come to their end.
fn missing(shards: &BTreeMap<u64, Kept>, cases: &[Case]) -> Vec<String> {
    let Some(first) = shards.values().next() else { return Vec::new() };
    let of = first.of();
    let missing = (0..of).filter_map(|index| match shards.get(&index) {
        None => Some(format!("{index}/{of}")),
        Some(shard) => Some(format!("{index}/{of} from seed {} on", shard.begins_again_at(cases.len())?)),
    });
    missing.collect()
}
