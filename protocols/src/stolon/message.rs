//! What is known about a cluster, and what it is to be: one value in the store, and a record of each keeper, proxy and
//! sentinel beside it.

use super::options::Options;
use crate::database::{History, Lsn, Replication};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// The version of the format that is read and written here.
pub(super) const FORMAT: u32 = 1;

/// What the sentinel that leads knows and wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterData {
    /// The version of this format.
    pub format: u32,
    /// The specification.
    pub options: Options,
    /// Whether there is a first master yet.
    pub phase: Phase,
    /// The database that is, or is about to become, the master.
    pub master: Option<DbUid>,
    /// By their numbers.
    pub keepers: BTreeMap<u32, Keeper>,
    /// By their names.
    pub dbs: BTreeMap<DbUid, Db>,
    /// What proxies are to do.
    pub proxy: Proxy,
    /// The latest name that was given to a database.
    pub last_uid: u64,
}

/// Where a cluster is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// One keeper begins the first database.
    Initializing,
    /// There is a master.
    Normal,
}

/// The name of a database. A keeper that begins anew, or takes a copy, gets one under a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DbUid(pub u64);

/// A keeper, as the sentinel sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeper {
    /// The number of its latest life that the sentinel knows. A keeper in another life does nothing.
    pub boot: u64,
    /// Whether it says something often enough.
    pub healthy: bool,
    /// When it was last healthy, by the sentinel's wall clock, in ms since 1970.
    pub healthy_at_ms: u64,
    /// An operator wants it to count as failed once.
    pub force_fail: bool,
    /// What its database is never chosen for.
    #[serde(default, skip_serializing_if = "Never::is_nothing")]
    pub never: Never,
}

/// What a keeper's database is never chosen for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Never {
    /// To replace a master. The first database may be its, and what was the master may be so again.
    #[serde(default)]
    pub master: bool,
    /// To be waited for by writes. What is waited for already stays so.
    #[serde(default)]
    pub synchronous: bool,
}

impl Never {
    fn is_nothing(&self) -> bool {
        *self == Never::default()
    }
}

/// A database that a keeper has, or is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Db {
    /// Counts the changes of its specification, from 1.
    pub generation: u64,
    /// What it is to be.
    pub spec: DbSpec,
    /// What it was last seen to be.
    pub status: DbStatus,
}

/// What a database is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbSpec {
    /// Whose it is.
    pub keeper: u32,
    /// How its keeper gets it.
    pub init: Init,
    /// What it does.
    pub role: DbRole,
    /// Whom its writes wait for; none where replication is asynchronous.
    pub synchronous: Option<Synchronous>,
    /// Who follows it.
    pub followers: BTreeSet<DbUid>,
}

/// How a keeper gets a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// It has it.
    None,
    /// It begins one.
    New,
    /// It copies, or rewinds to, the one that is followed.
    Resync,
}

/// What a database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DbRole {
    /// It takes writes.
    Master,
    /// It follows.
    Standby {
        /// This one.
        follows: DbUid,
    },
    /// It follows a database that is none of the cluster's, and the others follow it: the master of a cluster that is
    /// itself a standby.
    Relay {
        /// Where that database listens.
        primary: SocketAddr,
    },
}

/// Whom writes wait for: for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synchronous {
    /// The standbys.
    pub standbys: BTreeSet<DbUid>,
    /// And one that does not exist: there are too few standbys, and no write may succeed.
    pub blocked: bool,
}

/// What a database was last seen to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbStatus {
    /// Whether it has not been in error for too long.
    pub healthy: bool,
    /// The generation that it has reached; 0: none.
    pub generation: u64,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The timelines of its log.
    pub history: History,
    /// The last entry of its log that is durable.
    pub last: Lsn,
    /// How it stands with whom it follows.
    pub replication: Replication,
    /// Those synchronous standbys that had all it had acknowledged, when it last said so.
    pub in_sync: BTreeSet<DbUid>,
    /// Those for which writes have been waiting ever since.
    pub synchronous: BTreeSet<DbUid>,
}

/// What proxies are to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Counts the changes.
    pub generation: u64,
    /// Where they route to; nowhere while the master changes.
    pub master: Option<DbUid>,
    /// Those that may: the sentinel knows of them, and waits for them when the master changes.
    pub enabled: BTreeSet<u32>,
}

/// What a keeper says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperInfo {
    /// Another number each time.
    pub info: u64,
    /// The number of its life.
    pub boot: u64,
    /// Its database, if it has one.
    pub state: Option<DbState>,
    /// What its database is never chosen for.
    #[serde(default, skip_serializing_if = "Never::is_nothing")]
    pub never: Never,
}

/// What a keeper says about its database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbState {
    /// Its name.
    pub uid: DbUid,
    /// The generation that it has reached; 0: none.
    pub generation: u64,
    /// Whether it runs and has a log.
    pub healthy: bool,
    /// Where it listens.
    pub address: SocketAddr,
    /// The timelines of its log.
    pub history: History,
    /// The last entry that is durable.
    pub last: Lsn,
    /// How it stands with whom it follows.
    pub replication: Replication,
    /// The keepers of those synchronous standbys that have all that was acknowledged.
    pub in_sync: BTreeSet<u32>,
}

/// What a proxy says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyInfo {
    /// Another number each time.
    pub info: u64,
    /// The generation that it knows of: it routes nowhere else than that says.
    pub generation: u64,
    /// Without a good check for so long it routes nowhere.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl ClusterData {
    /// A cluster of which nothing is known yet.
    pub fn new(options: Options) -> ClusterData {
        ClusterData {
            format: FORMAT,
            options,
            phase: Phase::Initializing,
            master: None,
            keepers: BTreeMap::new(),
            dbs: BTreeMap::new(),
            proxy: Proxy { generation: 1, ..Proxy::default() },
            last_uid: 0,
        }
    }

    /// The database that this keeper has, or is to have.
    pub fn db_of(&self, keeper: u32) -> Option<(DbUid, &Db)> {
        self.dbs.iter().find(|(_, db)| db.spec.keeper == keeper).map(|(uid, db)| (*uid, db))
    }

    /// The keeper of the master.
    pub fn master_keeper(&self) -> Option<u32> {
        Some(self.dbs.get(&self.master?)?.spec.keeper)
    }

    /// What the master does: it takes writes, unless the cluster follows another.
    pub(super) fn role_of_master(&self) -> DbRole {
        self.options.standby_of.map_or(DbRole::Master, |primary| DbRole::Relay { primary })
    }

    /// Gives this keeper a database under a new name.
    pub(super) fn add_db(&mut self, keeper: u32, init: Init, role: DbRole) -> DbUid {
        self.last_uid += 1;
        let uid = DbUid(self.last_uid);
        let spec = DbSpec { keeper, init, role, synchronous: None, followers: BTreeSet::new() };
        self.dbs.insert(uid, Db { generation: FIRST_GENERATION, spec, status: DbStatus::default() });
        uid
    }
}

/// The generation of a database that is being initialised.
pub(super) const FIRST_GENERATION: u64 = 1;

impl DbStatus {
    /// Whether its log goes on elsewhere than that of `other`.
    pub fn branches_off(&self, other: &DbStatus) -> bool {
        // Both were seen at different times: `other` may have got further since.
        let known = !other.history.timelines().is_empty();
        known && self.history.common(self.last, &other.history, Lsn(u64::MAX)) < self.last
    }
}

impl Default for DbStatus {
    fn default() -> Self {
        DbStatus {
            healthy: false,
            generation: 0,
            address: None,
            history: History::default(),
            last: Lsn(0),
            replication: Replication::Idle,
            in_sync: BTreeSet::new(),
            synchronous: BTreeSet::new(),
        }
    }
}
