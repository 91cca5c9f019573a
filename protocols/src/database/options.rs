//! What can be chosen about a database.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One database.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its number.
    pub id: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// The same for all that replicate each other.
    pub options: Options,
}

/// Timers and sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Both ends of a stream give it up when they have heard nothing for so long.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub stream_timeout: Duration,
    /// The pause before an upstream is dialled again, and before a database whose disk failed begins anew.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// After so many bytes of log the contents are written down, and older entries go.
    pub checkpoint_bytes: u64,
    /// So many of the latest entries stay for standbys.
    pub entries_kept: u64,
    /// A disk that has not answered after so long has failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub disk_timeout: Duration,
    /// A primary that is stopped waits so long for its standbys to have all that it has.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub stop_timeout: Duration,
    /// A known defect, switched on.
    pub flaw: Option<Flaw>,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A write that has waited for a standby for `stream_timeout` is cancelled by its client, and becomes visible as in
    /// PostgreSQL, which has no time-out of its own; and so does what a primary finds when it starts.
    TimedOutSyncCommit,
    /// Timelines of one number are never told apart, as in PostgreSQL: two standbys that were both promoted follow each
    /// other although each has entries of its own, or, if their timelines begin at different entries, wait for ever.
    EqualTimelines,
    /// A diverged standby streams from where its log ends.
    UnrewoundRejoin,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            stream_timeout: Duration::from_secs(5),
            redial: Duration::from_millis(500),
            checkpoint_bytes: 256 << 10,
            entries_kept: 1000,
            disk_timeout: Duration::from_secs(5),
            stop_timeout: Duration::from_secs(2),
            flaw: None,
        }
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if self.id == 0 {
            return invalid("id: 0 is below 1".to_owned());
        }
        at_least(
            SHORTEST,
            &[
                ("stream_timeout", options.stream_timeout),
                ("redial", options.redial),
                ("disk_timeout", options.disk_timeout),
            ],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_of_nothing_is_refused() {
        let config = |options| Config { id: 1, address: ([127, 0, 0, 1], 1).into(), options };
        assert!(config(Options::default()).validate().is_ok());
        let options = Options { stream_timeout: Duration::ZERO, ..Options::default() };
        assert_eq!(config(options).validate().unwrap_err().to_string(), "stream_timeout: 0ns is below 4ms");
    }
}
