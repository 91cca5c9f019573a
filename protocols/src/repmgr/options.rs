//! What can be chosen about a node.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One node: what is in its `repmgr.conf`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its number: that of the database beside it.
    pub id: u32,
    /// All nodes, this one among them, by their numbers.
    pub nodes: BTreeMap<u32, Node>,
    /// The consoles of the poolers that are told where the primary is.
    pub poolers: Vec<SocketAddr>,
    /// The applications that its script tells, if it tells any.
    pub push: Option<Push>,
    /// The same for all.
    pub options: Options,
}

/// Applications that the script of a promotion tells who is the master, at endpoints of theirs, besides PgBouncers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Their endpoints.
    pub applications: Vec<SocketAddr>,
    /// It tells them one after the other before it promotes, and does not without each one's answer; or it promotes,
    /// and tells all at once, whatever they answer.
    pub waits: bool,
    /// How long each has to take the connection, and to answer.
    pub timeout: Duration,
}

/// A node, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where its database listens; none for a witness, which has none of the cluster's.
    pub database: Option<SocketAddr>,
    /// Where its shared memory is read.
    pub memory: SocketAddr,
    /// Where it is. Nodes of one place see each other, or it is a failure.
    pub location: String,
    /// Whether it is elected before another that has as much; 0: never.
    pub priority: u32,
}

/// Timers and choices, under repmgr's names and with its defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How often a daemon looks after what it monitors.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub monitor_interval_secs: Duration,
    /// An upstream that does not answer is asked again so often.
    pub reconnect_attempts: u32,
    /// The pause between these.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub reconnect_interval: Duration,
    /// How long a node that was not elected waits to be told whom to follow.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub primary_notification_timeout: Duration,
    /// Nobody is promoted while somebody sees the primary.
    pub primary_visibility_consensus: bool,
    /// Before the election standbys stop streaming, and wait until their siblings have.
    pub standby_disconnect_on_failover: bool,
    /// How long they wait for that.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub sibling_nodes_disconnect_timeout: Duration,
    /// How often a witness copies the table of nodes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub witness_sync_interval: Duration,
    /// `connect_timeout` of `conninfo`: how long a connection to a node may take.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// `priority` of a node for which nothing else is said.
    pub priority: u32,
    /// What `promote_command` does.
    pub promote: Promote,
    /// What starts a database that was the primary looks for another primary first, and lets it follow that one
    /// (`repmgr node rejoin --force-rewind`). Nothing of the kind comes with repmgr.
    pub rejoin: bool,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

/// `promote_command`: a script that promotes this database, and tells the poolers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Promote {
    /// What comes first.
    pub first: First,
    /// It passes a pooler over that fails, and resumes what it has paused if it cannot promote. Without it, it stops at
    /// the first error (`set -e`).
    pub goes_on: bool,
    /// `PGCONNECT_TIMEOUT` of its `psql`; none: as long as the system tries.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub connect_timeout: Option<Duration>,
}

/// What a script does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum First {
    /// It promotes, then tells each pooler: the example in repmgr's documentation.
    Promote,
    /// It pauses each pooler, promotes, tells each pooler and resumes it.
    Pause,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A standby without siblings wins wherever the primary is, as all do whose `location` was never set.
    WinByDefault,
    /// `primary_visibility_consensus` has no effect, as where it was never set: who still sees the primary is counted,
    /// and the standby promotes itself all the same.
    WitnessIgnored,
    /// `rejoin` has no effect, as where PostgreSQL's own service starts the database: what was the primary is one
    /// again.
    OldPrimaryReturns,
    /// `promote.goes_on` has no effect, as in the talk's script (`set -e`): one pooler that cannot be reached ends it
    /// after the others were paused, and nothing is promoted.
    BouncerUnreachable,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            monitor_interval_secs: Duration::from_secs(2),
            reconnect_attempts: 6,
            reconnect_interval: Duration::from_secs(10),
            primary_notification_timeout: Duration::from_secs(60),
            primary_visibility_consensus: false,
            standby_disconnect_on_failover: false,
            sibling_nodes_disconnect_timeout: Duration::from_secs(30),
            witness_sync_interval: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(2),
            priority: 100,
            promote: Promote::default(),
            rejoin: false,
            flaw: None,
        }
    }
}

impl Default for Promote {
    fn default() -> Self {
        Promote { first: First::Promote, goes_on: false, connect_timeout: None }
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the option and the bound that it misses.
    pub fn validate(&self) -> io::Result<()> {
        at_least(
            SHORTEST,
            &[
                ("monitor_interval_secs", self.monitor_interval_secs),
                ("reconnect_interval", self.reconnect_interval),
                ("witness_sync_interval", self.witness_sync_interval),
                ("connect_timeout", self.connect_timeout),
                ("promote.connect_timeout", self.promote.connect_timeout.unwrap_or(SHORTEST)),
            ],
        )?;
        at_least(1, &[("reconnect_attempts", self.reconnect_attempts)])
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and what is wrong with it.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        if !self.nodes.contains_key(&self.id) {
            return invalid(format!("nodes: {} is not among them", self.id));
        }
        if self.nodes.values().all(|node| node.database.is_none()) {
            return invalid("nodes: there are only witnesses".to_owned());
        }
        let mut places: Vec<SocketAddr> =
            self.nodes.values().flat_map(|node| node.database.into_iter().chain([node.memory])).collect();
        places.sort_unstable();
        if let Some(same) = places.windows(2).find(|pair| pair[0] == pair[1]) {
            return invalid(format!("nodes: two have the address {}", same[0]));
        }
        self.options.validate()
    }

    /// This node.
    pub(super) fn own(&self) -> &Node {
        &self.nodes[&self.id]
    }

    /// The number of the node whose database listens there.
    pub(super) fn id_of(&self, database: SocketAddr) -> Option<u32> {
        self.nodes.iter().find(|(_, node)| node.database == Some(database)).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16, witness: bool) -> Node {
        let at = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let database = (!witness).then(|| at(port));
        Node { database, memory: at(port + 100), location: "default".to_owned(), priority: 100 }
    }

    fn refused(id: u32, nodes: &[Node], options: Options) -> String {
        let nodes = (1..).zip(nodes.iter().cloned()).collect();
        let config = Config { id, nodes, poolers: Vec::new(), push: None, options };
        config.validate().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn every_default_is_repmgrs() {
        let options = Options::default();
        assert_eq!(options.monitor_interval_secs, Duration::from_secs(2));
        assert_eq!((options.reconnect_attempts, options.reconnect_interval), (6, Duration::from_secs(10)));
        assert_eq!(options.primary_notification_timeout, Duration::from_secs(60));
        assert!(!options.primary_visibility_consensus && !options.standby_disconnect_on_failover);
        assert_eq!((options.priority, options.rejoin), (100, false));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let two = [node(1, false), node(2, false)];
        assert_eq!(refused(1, &two, Options::default()), "");
        assert_eq!(refused(3, &two, Options::default()), "nodes: 3 is not among them");
        assert_eq!(refused(1, &[node(1, true)], Options::default()), "nodes: there are only witnesses");
        let same = [node(1, false), node(1, true)];
        assert_eq!(refused(1, &same, Options::default()), "nodes: two have the address 10.0.0.1:101");
        let never = Options { reconnect_attempts: 0, ..Options::default() };
        assert_eq!(refused(1, &two, never), "reconnect_attempts: 0 is below 1");
    }
}
