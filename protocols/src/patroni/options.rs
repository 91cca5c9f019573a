//! What can be chosen about an agent.

use super::tags::Tags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One agent, beside its database.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its number: that of the database beside it.
    pub id: u32,
    /// Where that database listens, for this agent and for the other databases.
    pub database: SocketAddr,
    /// Where this agent listens, for routers and for the other agents.
    pub health: SocketAddr,
    /// Where the store's replicas listen, in order of their numbers.
    pub store: Vec<SocketAddr>,
    /// The same for all agents of a cluster.
    pub options: Options,
    /// What is different about this one.
    pub tags: Tags,
}

/// Timers and modes, Patroni's by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The cluster's name: its keys begin with `/service/<scope>/`.
    pub scope: String,
    /// The lock is free when its holder has not renewed it for so long. Patroni's least is 20 s.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub ttl: Duration,
    /// How often an agent looks.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub loop_wait: Duration,
    /// The store has failed when it has not answered for so long, however often it was asked. Patroni's least is 3 s.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry_timeout: Duration,
    /// A standby that lacks more entries than this of what the last leader had does not race. Patroni's is 1 MiB of
    /// log; an entry is taken for a KiB.
    pub maximum_lag_on_failover: u64,
    /// Whether a primary stops by itself when its agent does not renew the lock.
    pub watchdog: Watchdog,
    /// So long before the lock is free, it has stopped.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub safety_margin: Duration,
    /// Whether writes wait for standbys.
    pub synchronous_mode: Synchronous,
    /// For how many.
    pub synchronous_node_count: u32,
    /// A standby that lacks more entries than this of what the best one has is not waited for.
    pub maximum_lag_on_syncnode: Option<u64>,
    /// Whether a primary goes on without the store, as long as all other agents agree.
    pub failsafe_mode: bool,
    /// A primary that has crashed has so long to start again before another takes over; 0: none.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub primary_start_timeout: Duration,
    /// The cluster begins as one that follows a primary elsewhere; later on an operator says whether it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standby_cluster: Option<StandbyCluster>,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

/// What a standby cluster follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandbyCluster {
    /// Where the database listens that is the primary elsewhere. Its number, and those of its standbys, are not those
    /// of this cluster.
    pub primary: SocketAddr,
}

/// Whether a primary stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Watchdog {
    /// It does not.
    Off,
    /// It does, if the watchdog can be armed.
    Automatic,
    /// It does, and is no primary otherwise.
    Required,
}

/// Whether writes wait for standbys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// They do not.
    Off,
    /// They do, as long as there is one.
    On,
    /// They do, for ever if there is none.
    Strict,
    /// They wait for any so many of all standbys, as long as there is one.
    Quorum,
    /// The same, for ever if there is none.
    #[serde(rename = "quorum-strict")]
    QuorumStrict,
}

impl Synchronous {
    /// Whether a write waits for any so many of all standbys, and a candidate for votes.
    pub(super) fn is_quorum(self) -> bool {
        matches!(self, Synchronous::Quorum | Synchronous::QuorumStrict)
    }

    /// Whether writes wait although there is no standby.
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Synchronous::Strict | Synchronous::QuorumStrict)
    }
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// When the store does not answer, or the lock could not be renewed, what was read of it before still counts: it
    /// says that this is the leader.
    StaleLockView,
    /// No watchdog is armed, and an agent that wakes up asks the store before it looks at the clock.
    LeaseOutlived,
    /// A standby races whatever it lacks.
    LaggingWinner,
    /// In quorum mode a standby that is behind none of those that answer races, however few they are.
    QuorumNotCounted,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            scope: "cluster".to_owned(),
            ttl: Duration::from_secs(30),
            loop_wait: Duration::from_secs(10),
            retry_timeout: Duration::from_secs(10),
            maximum_lag_on_failover: 1024,
            watchdog: Watchdog::Automatic,
            safety_margin: Duration::from_secs(5),
            synchronous_mode: Synchronous::Off,
            synchronous_node_count: 1,
            maximum_lag_on_syncnode: None,
            failsafe_mode: false,
            primary_start_timeout: Duration::from_secs(300),
            standby_cluster: None,
            flaw: None,
        }
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> Result<(), String> {
        let Options { ttl, loop_wait, retry_timeout, safety_margin, .. } = self;
        if self.scope.is_empty() || self.scope.contains('/') {
            return Err(format!("scope: {:?} is empty or has a slash", self.scope));
        }
        // Patroni's own bounds but for ttl and retry_timeout, where tests want less: the store's shortest lease is 2 s.
        for (field, value, least) in [
            ("ttl", ttl, Duration::from_secs(2)),
            ("loop_wait", loop_wait, Duration::from_millis(100)),
            ("retry_timeout", retry_timeout, Duration::from_millis(100)),
        ] {
            if *value < least {
                return Err(format!("{field}: {value:?} is below {least:?}"));
            }
        }
        let needed = *loop_wait + 2 * *retry_timeout;
        if needed > *ttl {
            return Err(format!(
                "ttl: loop_wait + 2 * retry_timeout is {loop_wait:?} + 2 * {retry_timeout:?} = {needed:?}, which is \
                 above {ttl:?}"
            ));
        }
        if self.watchdog != Watchdog::Off && *loop_wait + *safety_margin > *ttl {
            return Err(format!(
                "safety_margin: {safety_margin:?} is above ttl - loop_wait = {:?}: the watchdog would not wait for the \
                 next look",
                *ttl - *loop_wait
            ));
        }
        if self.synchronous_node_count == 0 {
            return Err("synchronous_node_count: 0 is below 1".to_owned());
        }
        Ok(())
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let checked = match self {
            Config { id: 0, .. } => Err("id: 0 is below 1".to_owned()),
            Config { store, .. } if store.is_empty() => Err("store: it has no replica".to_owned()),
            Config { options, .. } => options.validate(),
        };
        checked.map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &Options) -> String {
        options.validate().unwrap_err()
    }

    #[test]
    fn a_lock_that_cannot_be_renewed_in_time_is_refused_with_the_sum() {
        assert_eq!(Options::default().validate(), Ok(()));
        let options = Options { retry_timeout: Duration::from_secs(11), ..Options::default() };
        assert_eq!(
            refused(&options),
            "ttl: loop_wait + 2 * retry_timeout is 10s + 2 * 11s = 32s, which is above 30s"
        );
    }

    #[test]
    fn what_is_below_its_least_is_named() {
        let options = Options { ttl: Duration::from_secs(1), ..Options::default() };
        assert_eq!(refused(&options), "ttl: 1s is below 2s");
        let options = Options { loop_wait: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(&options), "loop_wait: 0ns is below 100ms");
        let options = Options { retry_timeout: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(&options), "retry_timeout: 0ns is below 100ms");
        let options = Options { synchronous_node_count: 0, ..Options::default() };
        assert_eq!(refused(&options), "synchronous_node_count: 0 is below 1");
    }

    #[test]
    fn a_watchdog_that_fires_between_two_looks_is_refused() {
        let options = Options { safety_margin: Duration::from_secs(21), ..Options::default() };
        assert!(refused(&options).starts_with("safety_margin: 21s is above ttl - loop_wait = 20s"));
        assert_eq!(Options { watchdog: Watchdog::Off, ..options }.validate(), Ok(()));
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Options>(r#"{ "tll": "30s" }"#).is_err());
        let options: Options =
            serde_json::from_str(r#"{ "flaw": "stale-lock-view", "ttl": "40s" }"#).unwrap();
        assert_eq!((options.flaw, options.ttl), (Some(Flaw::StaleLockView), Duration::from_secs(40)));
    }
}
