//! `schema`: what a scenario file may say, and what is in the lines that are written.

use super::{Exit, out};
use crate::catalog::Catalog;
use crate::{history, scenario};
use clap::{Args, ValueEnum};
use host::world::TraceLine;
use schemars::schema_for;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = Of::Scenario)]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// A scenario file.
    Scenario,
    /// A line of `history.jsonl`.
    History,
    /// A line of `trace.jsonl` and `logs.jsonl`.
    Trace,
}

impl Schema {
    pub(super) fn execute(&self, catalog: &Catalog) -> miette::Result<Exit> {
        match self.of {
            Of::Scenario => out::line(&scenario::json_schema(catalog)),
            Of::History => out::line(&schema_for!(history::Line)),
            Of::Trace => out::line(&schema_for!(TraceLine<'_>)),
        }?;
        Ok(Exit::AsExpected)
    }
}
