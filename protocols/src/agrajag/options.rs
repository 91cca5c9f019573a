//! What can be chosen about orchestrators and the applications that follow them.

use crate::common::bounds::{SHORTEST, at_least};
use crate::repmgr;
use crate::store::zookeeper;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// More would not end within a look.
const RETRIES_MAX: u32 = 10;

/// One orchestrator.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node of repmgr's beside which it runs.
    pub repmgr: repmgr::Config,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// Whom it tells, if it tells anybody: endpoints of applications, or runtime APIs of HAProxies.
    pub applications: Vec<SocketAddr>,
    /// The same for all.
    pub options: Options,
}

/// One application's pool.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it is told who the master is, if anybody tells it.
    pub endpoint: SocketAddr,
    /// The master until then: its number, and where its database listens.
    pub first: (u32, SocketAddr),
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
    /// How applications learn who the master is.
    pub consumers: Consumers,
    /// How long an application or a HAProxy that is told has for its answer; and the store, where it is asked for each
    /// connection.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub tell_timeout: Duration,
    /// So often one that does not answer an orchestrator is told again within a look, 10 times at most. A script tells
    /// once.
    pub tell_retries: u32,
    /// The pause before each.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub tell_again: Duration,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

/// How applications learn who the master is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consumers {
    /// Orchestrators publish in the store. Applications watch, and read again.
    Watch,
    /// The same, and an application asks the store for each connection. It watches nothing.
    Ask,
    /// The script of a promotion tells one application after the other, and promotes when all have answered.
    Push,
    /// It promotes, and tells all of them once.
    PushAndForget,
    /// Orchestrators tell all applications after each look, and again those that do not answer.
    Poll,
    /// Orchestrators set the server of each HAProxy after each look.
    Haproxy,
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
    /// An application takes whatever it is told, as HAProxy does: an orchestrator that knows of an older promotion leads
    /// it back.
    OlderMasterTaken,
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
            consumers: Consumers::Watch,
            tell_timeout: Duration::from_secs(2),
            tell_retries: 2,
            tell_again: Duration::from_secs(1),
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
        at_least(
            SHORTEST,
            &[
                ("frequency", self.frequency),
                ("connect_timeout", self.connect_timeout),
                ("tell_timeout", self.tell_timeout),
                ("tell_again", self.tell_again),
            ],
        )?;
        if self.tell_retries > RETRIES_MAX {
            let message = format!("tell_retries: {} is above {RETRIES_MAX}", self.tell_retries);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(())
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
        assert_eq!(options.consumers, Consumers::Watch);
        assert_eq!((options.proceed, options.manual_check, options.flaw), (Proceed::AnyPresent, true, None));
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let refused = |options: Options| options.validate().unwrap_err().to_string();
        let never = Options { frequency: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(never), "frequency: 0ns is below 4ms");
        let never = Options { tell_timeout: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(never), "tell_timeout: 0ns is below 4ms");
        let never = Options { tell_again: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(never), "tell_again: 0ns is below 4ms");
        let forever = Options { tell_retries: 11, ..Options::default() };
        assert_eq!(refused(forever), "tell_retries: 11 is above 10");
        let tick_time = Duration::from_millis(10);
        let zookeeper = zookeeper::Options { tick_time, ..zookeeper::Options::default() };
        let message = "zookeeper.tick_time: 10ms is below 1s";
        assert_eq!(refused(Options { zookeeper, ..Options::default() }), message);
    }
}
