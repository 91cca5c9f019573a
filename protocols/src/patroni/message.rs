//! What the store says about a cluster: its keys, and what they mean.
//!
//! | key | value | who writes it |
//! |---|---|---|
//! | `leader` | the leader's number; goes with its lease | whoever finds it absent; it is the lock |
//! | `members/<id>` | [`Member`]; goes with its lease | that agent |
//! | `status` | the last entry that the leader's database had | the leader |
//! | `sync` | [`SyncState`] | the leader |
//! | `failsafe` | the health addresses of all members | the leader |
//! | `history` | the timelines so far | the leader |
//! | `initialize` | [`Initialize`] | whoever finds it absent |
//! | `failover` | [`Switchover`] | an operator |
//! | `config` | [`Settings`] | an operator |

use super::options::StandbyCluster;
use super::tags::Tags;
use crate::common::Change;
use crate::database::{Lsn, Role, Timeline};
use crate::store::{KeyValue, LeaseId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// The names of a cluster's keys.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub prefix: String,
}

impl Keys {
    pub fn new(scope: &str) -> Keys {
        Keys { prefix: format!("/service/{scope}/") }
    }

    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub fn member(&self, id: u32) -> String {
        self.key(&format!("members/{id}"))
    }

    /// Whether an agent that waits should look at once: the lock has changed, or an operator has said something.
    pub fn is_urgent(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix).is_some_and(|name| matches!(name, "leader" | "failover" | "config"))
    }
}

/// An agent and its database, as others find them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub database: SocketAddr,
    pub health: SocketAddr,
    /// None: the database does not answer.
    pub role: Option<Role>,
    pub timeline: Option<u32>,
    pub lsn: Lsn,
    #[serde(default, skip_serializing_if = "Tags::is_default")]
    pub tags: Tags,
    /// Where its entries stream from; said only by those that are in a cascade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<SocketAddr>,
}

/// Who has every acknowledged write: the leader, and the standbys that its writes wait for. Where they wait for any so
/// many of them, at most `quorum` of these standbys lack one: it takes one more to know that one of them has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct SyncState {
    pub leader: u32,
    pub standbys: BTreeSet<u32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quorum: u32,
}

impl SyncState {
    /// Whether this one surely has every acknowledged write.
    pub fn has(&self, id: u32) -> bool {
        self.leader == id || (self.quorum == 0 && self.standbys.contains(&id))
    }

    /// Whether it is one of those of whom at most `quorum` lack something.
    pub fn names(&self, id: u32) -> bool {
        self.leader == id || self.standbys.contains(&id)
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Who began the cluster's first timeline, and which it is: none as long as it has not said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Initialize {
    pub by: u32,
    pub timeline: Option<Timeline>,
}

/// A planned change of leaders, as an operator asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Switchover {
    /// From this one, if it leads; none: from whoever leads.
    pub leader: Option<u32>,
    /// To this one; none: to the best.
    pub candidate: Option<u32>,
}

/// What an operator may change while the cluster runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Agents watch, and do nothing of their own accord.
    pub pause: bool,
    /// The cluster follows a primary that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby_cluster: Option<StandbyCluster>,
    /// Options that are no longer those that agents begin with.
    #[serde(default, skip_serializing_if = "Change::is_empty")]
    pub changed: Change,
}

/// Who has the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leader {
    pub id: u32,
    pub lease: Option<LeaseId>,
}

/// A value, and the revision at which it was written: what is written instead may depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept<T> {
    pub value: T,
    /// 0: it does not exist.
    pub modified: u64,
}

/// What the store says, at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cluster {
    pub revision: u64,
    pub leader: Option<Leader>,
    pub members: BTreeMap<u32, Member>,
    pub status: Option<Lsn>,
    pub sync: Kept<Option<SyncState>>,
    /// None: there is no such key. What is no map counts as an empty one.
    pub failsafe: Option<BTreeMap<u32, SocketAddr>>,
    pub history: Vec<(Timeline, Lsn)>,
    pub initialize: Option<Initialize>,
    pub failover: Kept<Option<Switchover>>,
    pub settings: Settings,
}

impl Cluster {
    /// Makes sense of all keys under the prefix. A value that makes none counts as absent; but whoever has the lock has
    /// it.
    pub fn read(keys: &Keys, revision: u64, pairs: &[KeyValue]) -> Cluster {
        let mut cluster = Cluster { revision, ..Cluster::default() };
        for pair in pairs {
            let Some(name) = pair.key.strip_prefix(&keys.prefix) else { continue };
            match name {
                "leader" => {
                    let id = pair.value.parse().unwrap_or_default();
                    cluster.leader = Some(Leader { id, lease: pair.lease });
                }
                "status" => cluster.status = parse(pair),
                "sync" => cluster.sync = Kept { value: parse(pair), modified: pair.modified },
                "failsafe" => cluster.failsafe = Some(parse(pair).unwrap_or_default()),
                "history" => cluster.history = parse(pair).unwrap_or_default(),
                "initialize" => cluster.initialize = parse(pair),
                "failover" => cluster.failover = Kept { value: parse(pair), modified: pair.modified },
                "config" => cluster.settings = parse(pair).unwrap_or_default(),
                name => {
                    let id = name.strip_prefix("members/").and_then(|id| id.parse().ok());
                    if let (Some(id), Some(member)) = (id, parse(pair)) {
                        cluster.members.insert(id, member);
                    }
                }
            }
        }
        cluster
    }

    /// The number of the last timeline that a leader has told of.
    pub fn timeline(&self) -> u32 {
        self.history.last().map_or(0, |(timeline, _)| timeline.number)
    }

    /// Who has every acknowledged write, if writes wait for standbys.
    pub fn synchronous(&self) -> Option<&SyncState> {
        self.sync.value.as_ref()
    }
}

fn parse<T: for<'de> Deserialize<'de>>(pair: &KeyValue) -> Option<T> {
    let parsed = serde_json::from_str(&pair.value);
    parsed.inspect_err(|error| tracing::warn!(key = pair.key, %error, "makes no sense")).ok()
}

/// As it is stored.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    // Plain data with text or numbers for keys: it can always be written.
    serde_json::to_string(value).expect("plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> KeyValue {
        let key = Keys::new("c").key(name);
        KeyValue { key, value: value.to_owned(), created: 1, modified: 7, version: 1, lease: None }
    }

    fn read(pairs: &[KeyValue]) -> Cluster {
        Cluster::read(&Keys::new("c"), 9, pairs)
    }

    #[test]
    fn what_is_written_is_read() {
        let sync = SyncState { leader: 4, standbys: BTreeSet::from([5]), quorum: 0 };
        let member = Member {
            database: ([10, 0, 0, 4], 7000).into(),
            health: ([10, 0, 0, 4], 7001).into(),
            role: Some(Role::Primary),
            timeline: Some(2),
            lsn: Lsn(8),
            tags: Tags { nosync: true, ..Tags::default() },
            upstream: None,
        };
        let failsafe = BTreeMap::from([(4, member.health)]);
        let history = vec![(Timeline { number: 2, tag: 77 }, Lsn(3))];
        let cluster = read(&[
            pair("leader", "4"),
            pair("members/4", &text(&member)),
            pair("sync", &text(&sync)),
            pair("failsafe", &text(&failsafe)),
            pair("history", &text(&history)),
            pair("status", &text(&Lsn(8))),
            pair("config", r#"{"pause":true}"#),
        ]);
        assert_eq!(cluster.leader, Some(Leader { id: 4, lease: None }));
        assert_eq!(cluster.members, BTreeMap::from([(4, member)]));
        assert_eq!(cluster.sync, Kept { value: Some(sync), modified: 7 });
        assert_eq!((cluster.timeline(), cluster.failsafe), (2, Some(failsafe)));
        assert_eq!((cluster.status, cluster.settings.pause, cluster.revision), (Some(Lsn(8)), true, 9));
    }

    #[test]
    fn a_quorum_is_written_down_only_where_there_is_one() {
        let mut sync = SyncState { leader: 4, standbys: BTreeSet::from([5, 6]), quorum: 0 };
        assert_eq!(text(&sync), r#"{"leader":4,"standbys":[5,6]}"#);
        assert!(sync.has(5) && sync.has(4) && !sync.has(7));
        sync.quorum = 1;
        assert_eq!(text(&sync), r#"{"leader":4,"standbys":[5,6],"quorum":1}"#);
        assert_eq!(read(&[pair("sync", &text(&sync))]).sync.value, Some(sync.clone()));
        assert!(!sync.has(5) && sync.names(5) && sync.has(4));
    }

    #[test]
    fn settings_say_whom_a_standby_cluster_follows_and_nothing_of_any_other() {
        let settings = Settings { pause: true, ..Settings::default() };
        assert_eq!(text(&settings), r#"{"pause":true}"#);
        let primary = ([10, 0, 0, 8], 7000).into();
        let settings = Settings { standby_cluster: Some(StandbyCluster { primary }), ..settings };
        let config = pair("config", &text(&settings));
        assert_eq!(config.value, r#"{"pause":true,"standby_cluster":{"primary":"10.0.0.8:7000"}}"#);
        assert_eq!(read(&[config]).settings, settings);
    }

    #[test]
    fn nonsense_counts_as_absent_but_not_in_the_lock() {
        let cluster = read(&[pair("sync", "?"), pair("members/x", "{}"), pair("leader", "?")]);
        assert_eq!((cluster.sync.value, cluster.members.len()), (None, 0));
        assert_eq!(cluster.leader.map(|leader| leader.id), Some(0));
    }

    #[test]
    fn the_lock_and_an_operators_word_are_urgent() {
        let keys = Keys::new("c");
        assert!(keys.is_urgent("/service/c/leader") && keys.is_urgent("/service/c/failover"));
        assert!(!keys.is_urgent("/service/c/status") && !keys.is_urgent("/service/d/leader"));
    }
}
