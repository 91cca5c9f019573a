//! `list`: the scenarios there are.

use super::{Exit, out};
use crate::catalog::Catalog;
use clap::Args;
use serde::Serialize;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Files or folders.
    #[arg(default_value = "scenarios")]
    scenarios: Vec<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    scenario: &'a str,
    system: &'a str,
    title: &'a str,
}

impl List {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let mut table = out::table(&["SCENARIO", "SYSTEM", "TITLE"]);
        for argument in &self.scenarios {
            for case in catalog.load(argument, &[])? {
                let (scenario, title) = (case.name.as_str(), case.scenario.title.as_str());
                let entry = Entry { scenario, system: case.system.name(), title };
                if json {
                    out::line(&entry)?;
                } else {
                    table.add_row([entry.scenario, entry.system, entry.title]);
                }
            }
        }
        if !json {
            out::say(&table.to_string())?;
        }
        Ok(Exit::AsExpected)
    }
}
