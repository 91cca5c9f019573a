//! `list`: the scenarios there are, and what each expects.

use super::table::Table;
use super::{Exit, out};
use crate::catalog::Catalog;
use crate::scenario::{Expect, Tolerated};
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
    /// As a file has it, with what is inherited.
    expect: &'a Expect,
    /// What the system does not promise, if the file says nothing itself.
    inherited: &'a [Tolerated],
}

impl List {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let mut table = Table::new(&["SCENARIO", "SYSTEM", "TITLE", "EXPECTS"], &["TITLE", "EXPECTS"]);
        for argument in &self.scenarios {
            for case in catalog.load(argument, &[])? {
                let (scenario, title) = (case.name.as_str(), case.scenario.title.as_str());
                let expect = &case.scenario.check.expect;
                let (system, inherited) = (case.system.name(), &expect.inherited[..]);
                let entry = Entry { scenario, system, title, expect, inherited };
                if json {
                    out::line(&entry)?;
                } else {
                    table.row(vec![
                        scenario.to_owned(),
                        system.to_owned(),
                        title.to_owned(),
                        expect.to_string(),
                    ]);
                }
            }
        }
        if !json {
            table.print()?;
        }
        Ok(Exit::AsExpected)
    }
}
