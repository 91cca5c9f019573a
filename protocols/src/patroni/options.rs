//! What can be chosen about an agent.

use super::tags::Tags;
use crate::common::Change;
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
    /// The lock is free when its holder has not renewed it for so long; 20 s at least.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub ttl: Duration,
    /// How often an agent looks; 1 s at least.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub loop_wait: Duration,
    /// The store has failed when it has not answered for so long, however often it was asked; 3 s at least.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry_timeout: Duration,
    /// A standby that lacks more entries than this of what the last leader had does not race. Patroni's is 1 MiB of
    /// log; an entry is taken for a KiB.
    pub maximum_lag_on_failover: u64,
    /// A standby whose timeline is not the cluster's last does not race. Without it positions alone are compared, and
    /// an old leader that comes back first may lead on: what its successor acknowledged is lost.
    pub check_timeline: bool,
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
            check_timeline: false,
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

/// What is said on an agent's machine, and not changed for all.
const LOCAL: [&str; 5] = ["scope", "watchdog", "safety_margin", "standby_cluster", "flaw"];

impl Options {
    /// What an operator makes of them while the cluster runs (`patronictl edit-config`).
    ///
    /// # Errors
    ///
    /// Names an option that there is not or that cannot be changed so, or the bound that it misses.
    pub fn changed(&self, change: &Change) -> Result<Options, String> {
        if let Some(local) = LOCAL.iter().find(|option| change.names(option)) {
            return Err(format!("{local}: it is said on each machine"));
        }
        let changed = change.of(self)?;
        changed.validate().map(|()| changed)
    }

    /// With the timers that Patroni takes instead of those that contradict each other (`config.py`,
    /// `_validate_and_adjust_timeouts`): each has its least, and where `loop_wait + 2·retry_timeout` is above `ttl`,
    /// `loop_wait` gives way, and if that is not enough `retry_timeout`, which is then whole seconds.
    pub(super) fn adjusted(&self) -> Options {
        let [second, three, twenty] = [1, 3, 20].map(Duration::from_secs);
        let ttl = self.ttl.max(twenty);
        let (mut loop_wait, mut retry_timeout) = (self.loop_wait.max(second), self.retry_timeout.max(three));
        if second + 2 * retry_timeout > ttl {
            loop_wait = second;
            retry_timeout = Duration::from_secs((ttl - second).as_secs() / 2);
        }
        loop_wait = loop_wait.min(ttl - 2 * retry_timeout);
        Options { ttl, loop_wait, retry_timeout, ..self.clone() }
    }

    /// # Errors
    ///
    /// Names the field and the bound that it misses. Timers are those that are [adjusted](Self::adjusted).
    pub(super) fn validate(&self) -> Result<(), String> {
        let Options { ttl, loop_wait, safety_margin, .. } = &self.adjusted();
        if self.scope.is_empty() || self.scope.contains('/') {
            return Err(format!("scope: {:?} is empty or has a slash", self.scope));
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

    /// Patroni 4.1.0, seen: 20/10/10 becomes 20/1/9; ttl below 20 becomes 20.
    #[test]
    fn timers_that_contradict_each_other_are_adjusted() {
        assert_eq!(Options::default().validate(), Ok(()));
        let adjusted = |ttl, loop_wait, retry_timeout| {
            let [ttl, loop_wait, retry_timeout] = [ttl, loop_wait, retry_timeout].map(Duration::from_secs);
            let options = Options { ttl, loop_wait, retry_timeout, ..Options::default() }.adjusted();
            [options.ttl, options.loop_wait, options.retry_timeout].map(|timer| timer.as_secs())
        };
        assert_eq!(adjusted(30, 10, 10), [30, 10, 10], "they do not contradict each other");
        assert_eq!(adjusted(30, 10, 11), [30, 8, 11], "loop_wait gives way first");
        assert_eq!(adjusted(20, 10, 10), [20, 1, 9], "and then retry_timeout, in whole seconds");
        assert_eq!(adjusted(5, 0, 0), [20, 1, 3], "each has its least");
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let options = Options { scope: "a/b".to_owned(), ..Options::default() };
        assert_eq!(refused(&options), "scope: \"a/b\" is empty or has a slash");
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
    fn an_operator_changes_what_is_not_a_machines_own() {
        let change = |text| serde_json::from_str::<Change>(text).unwrap();
        let changed = |text| Options::default().changed(&change(text));
        let synchronous = Options { synchronous_mode: Synchronous::On, ..Options::default() };
        assert_eq!(changed(r#"{ "synchronous_mode": "on" }"#), Ok(synchronous));
        assert_eq!(changed(r#"{ "watchdog": "off" }"#).unwrap_err(), "watchdog: it is said on each machine");
        assert!(changed(r#"{ "synchronous_node_count": 0 }"#).unwrap_err().ends_with("0 is below 1"));
        assert!(changed(r#"{ "tll": "20s" }"#).unwrap_err().starts_with("unknown field `tll`"));
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Options>(r#"{ "tll": "30s" }"#).is_err());
        let options: Options =
            serde_json::from_str(r#"{ "flaw": "stale-lock-view", "ttl": "40s" }"#).unwrap();
        assert_eq!((options.flaw, options.ttl), (Some(Flaw::StaleLockView), Duration::from_secs(40)));
    }
}
