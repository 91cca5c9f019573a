//! What can be chosen about replication.

use crate::common::bounds::{SHORTEST, at_least};
use crate::database;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::{io, net::SocketAddr, time::Duration};

/// Where everything is: a source, a replica of it that is read, and a target of logical replication.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database that takes writes.
    pub source: SocketAddr,
    /// The database that follows it, entry by entry.
    pub replica: SocketAddr,
    /// What is asked to read there.
    pub reader: SocketAddr,
    /// The database that takes the tables of the set.
    pub target: SocketAddr,
    /// Sets, timers and flaws.
    pub options: Options,
}

/// Sets, timers, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The tables of the set; none: all that there are, and those that will be.
    pub tables: Option<BTreeSet<String>>,
    /// Whether sequences are told to go along: by themselves they do not.
    pub sequences: bool,
    /// How often the reader asks the source how far it is.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub sample: Duration,
    /// How often the auditor compares what the three have.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub compare: Duration,
    /// How often it takes backups, and restores them.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drill: Duration,
    /// How long a read waits for its replica to be far enough.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub read_timeout: Duration,
    /// How long one waits for a database.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub patience: Duration,
    /// The pause before a database that did not answer is asked again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry: Duration,
    /// Of all three databases.
    pub database: database::Options,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            tables: None,
            sequences: true,
            sample: Duration::from_millis(100),
            compare: Duration::from_secs(1),
            drill: Duration::from_secs(3),
            read_timeout: Duration::from_secs(1),
            patience: Duration::from_secs(2),
            retry: Duration::from_millis(200),
            database: database::Options::default(),
            flaw: None,
        }
    }
}

/// Defects that replication has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// The set has the tables that were there when it was made, as a script that lists them makes it. It is the danger
    /// that "Replicating all tables, logically" is about.
    MissingTable,
    /// Tables go along, and sequences were forgotten: the article has a second script for them.
    SequencesForgotten,
    /// A replica reads at once, whatever the token of the session says.
    TokenIgnored,
    /// A replica that shows all that it has received is taken for fresh, whether or not it receives anything.
    LagOfWhatArrived,
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        at_least(
            SHORTEST,
            &[
                ("sample", options.sample),
                ("compare", options.compare),
                ("drill", options.drill),
                ("read_timeout", options.read_timeout),
                ("patience", options.patience),
                ("retry", options.retry),
            ],
        )?;
        let reserved = options.tables.iter().flatten().find(|table| !super::rules::is_table(table));
        match reserved {
            Some(table) => invalid(format!("tables: {table:?} is no name of a table")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let at = SocketAddr::from(([127, 0, 0, 1], 1));
        let config = |options| Config { source: at, replica: at, reader: at, target: at, options };
        assert!(config(Options::default()).validate().is_ok());
        let named = |options: Options, field: &str| {
            let error = config(options).validate().unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        named(Options { sample: Duration::ZERO, ..Options::default() }, "sample");
        let tables = Some(BTreeSet::from(["a/b".to_owned()]));
        named(Options { tables, ..Options::default() }, "tables: \"a/b\"");
        assert!(serde_json::from_str::<Options>(r#"{ "tabels": [] }"#).is_err());
    }
}
