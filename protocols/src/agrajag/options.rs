//! What can be chosen about orchestrators and the applications that follow them.

use crate::common::bounds::{SHORTEST, at_least};
use crate::repmgr;
use crate::store::zookeeper;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One orchestrator.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node of repmgr's beside which it runs.
    pub repmgr: repmgr::Config,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// The same for all.
    pub options: Options,
}

/// One application's pool.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// The same for all.
    pub options: Options,
}

/// Timers and choices, with the original's defaults where it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The pause between two looks (`frequency-ms`).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub frequency: Duration,
    /// Sessions and watches; the time-out of 5 s is `zookeeper-clj`'s.
    pub zookeeper: zookeeper::Options,
    /// With whom a pool leads to the master.
    pub proceed: Proceed,
    /// An orchestrator whose repmgrd is dead, or whose database does not answer, tries to write to each node.
    pub manual_check: bool,
    /// How long a database has to take a pool's connection.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

/// Who has to be present so that a pool leads to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proceed {
    /// Nobody.
    Always,
    /// Any orchestrator: what is published is looked after.
    AnyPresent,
    /// The master's own.
    MasterPresent,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// What is published is in three nodes of the store, each set by itself, the promotion's time first: whoever dies in
    /// between leaves a time with which nobody publishes the rest.
    TornPublish,
    /// The version is read just before it is written, not with what was compared: whoever was held up replaces what is
    /// newer. The original's `set-master`.
    StaleWriterWins,
    /// After a connection or a session was lost, watches are set again without a look at what is there by then: what
    /// changed in between is missed.
    OneShotWatchMissed,
    /// A presence that another session has left is set, not created anew: it goes with that session.
    EphemeralOverwritten,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            frequency: Duration::from_secs(5),
            zookeeper: zookeeper::Options::default(),
            proceed: Proceed::AnyPresent,
            manual_check: true,
            connect_timeout: Duration::from_secs(4),
            flaw: None,
        }
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the option and the bound that it misses.
    pub fn validate(&self) -> io::Result<()> {
        let zookeeper = self.zookeeper.validate();
        zookeeper.map_err(|error| io::Error::new(error.kind(), format!("zookeeper.{error}")))?;
        at_least(SHORTEST, &[("frequency", self.frequency), ("connect_timeout", self.connect_timeout)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_the_originals() {
        let options = Options::default();
        assert_eq!(options.frequency, Duration::from_secs(5));
        assert_eq!(options.zookeeper.session_timeout, Duration::from_secs(5));
        assert_eq!((options.proceed, options.manual_check, options.flaw), (Proceed::AnyPresent, true, None));
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let refused = |options: Options| options.validate().unwrap_err().to_string();
        let never = Options { frequency: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(never), "frequency: 0ns is below 4ms");
        let tick_time = Duration::from_millis(10);
        let zookeeper = zookeeper::Options { tick_time, ..zookeeper::Options::default() };
        let message = "zookeeper.tick_time: 10ms is below 1s";
        assert_eq!(refused(Options { zookeeper, ..Options::default() }), message);
    }
}
