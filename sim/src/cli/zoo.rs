//! `zoo`: every known flaw, and how it is found.

use super::table::Table;
use super::{Exit, out, sweep as sweep_command};
use crate::catalog::{Case, Catalog};
use crate::sweep::{Plan, Step};
use clap::Args;
use serde::Serialize;
use std::ops::Range;

/// Arguments of `zoo`.
#[derive(Debug, Args)]
pub(super) struct Zoo {
    /// The folder of the scenarios that switch flaws on.
    #[arg(default_value = "scenarios/zoo")]
    folder: String,
    /// The seeds to look for each flaw in.
    #[arg(long, default_value = "0..1000", value_parser = sweep_command::seeds)]
    seeds: Range<u64>,
}

/// One flaw.
#[derive(Debug, Serialize)]
struct Row {
    flaw: String,
    system: &'static str,
    scenario: String,
    found: bool,
    seeds_to_first: Option<u64>,
    wall_s: f64,
    /// Found by random faults alone: the scenario scripts none.
    generic: bool,
    seed: Option<u64>,
    checker: Option<String>,
}

impl Zoo {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let cases = catalog.load(&self.folder, &[])?;
        let header = ["FLAW", "SYSTEM", "FOUND", "SEEDS", "TIME", "BREAKS", "BY", "REPLAY"];
        let mut table = Table::new(&header, &["REPLAY"]);
        let mut exit = Exit::AsExpected;
        for case in &cases {
            let (row, of_case) = look_for(case, self.seeds.clone(), json);
            exit = exit.max(of_case);
            if json {
                out::line(&row)?;
                continue;
            }
            table.row(vec![
                row.flaw,
                row.system.to_owned(),
                if row.found { "yes" } else { "no" }.to_owned(),
                row.seeds_to_first.map_or("–".into(), |seeds| seeds.to_string()),
                format!("{:.2} s", row.wall_s),
                row.checker.unwrap_or_default(),
                if row.generic { "random faults" } else { "a scripted fault" }.to_owned(),
                row.seed.map(|seed| out::replay_command(case, seed)).unwrap_or_default(),
            ]);
        }
        if !json {
            table.print()?;
        }
        Ok(exit)
    }
}

fn look_for(case: &Case, seeds: Range<u64>, hidden: bool) -> (Row, Exit) {
    let cases = std::slice::from_ref(case);
    let mut checker = None;
    let progress = sweep_command::execute(&Plan::new(cases, seeds), hidden, |_, step| {
        if let Step::Released(Some(failure)) = step {
            checker = failure.report.violations.first().map(|violation| violation.checker.clone());
            return false;
        }
        true
    });
    let summary = progress.summary;
    let shown = summary.cases[0].shown;
    let row = Row {
        flaw: flaw_of(case),
        system: case.system.name(),
        scenario: case.name.clone(),
        found: shown.is_some(),
        seeds_to_first: shown.map(|(_, runs, _)| runs),
        wall_s: summary.wall.as_secs_f64(),
        generic: case.scenario.faults.is_empty(),
        seed: shown.map(|(seed, ..)| seed),
        checker,
    };
    (row, sweep_command::exit_of(cases, &summary))
}

/// The flaw that the scenario's options switch on, or the scenario's own name.
pub(super) fn flaw_of(case: &Case) -> String {
    let option = case.scenario.cluster.options.get("flaw").and_then(toml::Value::as_str);
    let stem = || case.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    option.map_or_else(stem, str::to_owned)
}
