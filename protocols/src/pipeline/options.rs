//! What can be chosen about a pipeline.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, time::Duration};

/// Where everything listens, and how it behaves: the same for the bucket, the runners and the collector.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the bucket listens.
    pub bucket: SocketAddr,
    /// Where functions run.
    pub runners: Vec<SocketAddr>,
    /// Where lines go.
    pub collector: SocketAddr,
    /// Limits, timers and flaws.
    pub options: Options,
}

/// Limits, timers, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// So many functions run at once, at each runner.
    pub concurrency: u32,
    /// A function is cut off after this long.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub time_limit: Duration,
    /// So many objects are announced at once, and wait for their function.
    pub announced_max: u32,
    /// An announcement leaves up to so long after the object came: they are not in order.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub spread: Duration,
    /// An announcement that has no answer after this long is made again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub visibility: Duration,
    /// The pause before an announcement that was throttled, or whose function failed, is made again, before a
    /// connection that failed is accepted again, and before a failed disk is opened again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry: Duration,
    /// So many lines are pushed at once.
    pub batch: u32,
    /// A disk that has not answered after so long has failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub disk_timeout: Duration,
    /// A snapshot is written after so many bytes of log, or half its own size if that is more.
    pub snapshot_bytes: u64,
    /// The size of the logs' segments, in bytes.
    pub segment_bytes: u64,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            concurrency: 4,
            time_limit: Duration::from_secs(3),
            announced_max: 32,
            spread: Duration::from_millis(200),
            visibility: Duration::from_secs(5),
            retry: Duration::from_millis(200),
            batch: 8,
            disk_timeout: Duration::from_secs(5),
            snapshot_bytes: 64 << 10,
            segment_bytes: 32 << 10,
            flaw: None,
        }
    }
}

/// Defects that pipelines have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Each line is written to a connection of its own, which is closed at once; nobody waits for an answer. It is what
    /// the function of "Processing ELB logs" did.
    FireAndForget,
    /// The collector keeps whatever comes, whether it has it or not.
    KeepsAgain,
    /// Plus signs of an announced key are not blanks.
    PlusKept,
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if self.runners.is_empty() {
            return invalid("runners: there are none".to_owned());
        }
        at_least(
            1,
            &[
                ("concurrency", options.concurrency),
                ("announced_max", options.announced_max),
                ("batch", options.batch),
            ],
        )?;
        at_least(
            SHORTEST,
            &[
                ("time_limit", options.time_limit),
                ("visibility", options.visibility),
                ("retry", options.retry),
                ("disk_timeout", options.disk_timeout),
            ],
        )?;
        at_least(
            256,
            &[("snapshot_bytes", options.snapshot_bytes), ("segment_bytes", options.segment_bytes)],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let config =
            |options| Config { bucket: address, runners: vec![address], collector: address, options };
        assert!(config(Options::default()).validate().is_ok());
        let named = |config: Config, field: &str| {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        named(config(Options { concurrency: 0, ..Options::default() }), "concurrency");
        named(config(Options { time_limit: Duration::ZERO, ..Options::default() }), "time_limit");
        named(config(Options { segment_bytes: 1, ..Options::default() }), "segment_bytes");
        named(Config { runners: Vec::new(), ..config(Options::default()) }, "runners");
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Options>(r#"{ "concurency": 3 }"#).is_err());
        let flawed: Options = serde_json::from_str(r#"{ "flaw": "fire-and-forget" }"#).unwrap();
        assert_eq!(flawed.flaw, Some(Flaw::FireAndForget));
    }
}
