//! What keepers, sentinels, proxies and operators keep in the store: where, and how.

use super::message::{ClusterData, FORMAT, KeeperInfo, ProxyInfo};
use crate::store::{Client, ClientError, Condition, KeyValue, LeaseId, Refusal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

const CLUSTER: &str = "stolon/cluster";
const KEEPERS: &str = "stolon/keepers/";
const PROXIES: &str = "stolon/proxies/";
const SENTINELS: &str = "stolon/sentinels/";
pub(super) const LEADER: &str = "stolon/leader";

/// Why something was not read or written, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The store did not do it, or may not have.
    #[error(transparent)]
    Store(#[from] ClientError),
    /// What is there was written by something else.
    #[error("{key}: {error}")]
    Malformed {
        /// Where.
        key: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// What is there was written by another version.
    #[error("{CLUSTER}: its format is {found}, and {FORMAT} is known here")]
    Format {
        /// The format.
        found: u32,
    },
}

/// A client of the store that knows what is there.
#[derive(Debug)]
pub(super) struct Records {
    pub store: Client,
}

/// The cluster's data, and the revision at which they were written; 0: there are none.
pub(super) struct Read {
    pub data: Option<ClusterData>,
    pub revision: u64,
}

impl Records {
    pub fn new(stores: &[SocketAddr], patience: Duration) -> Records {
        Records { store: Client::new(stores.to_vec()).patience(patience) }
    }

    pub async fn cluster(&mut self) -> Result<Read, RecordsError> {
        match self.store.get(CLUSTER).await? {
            Some(pair) => {
                // Of another format nothing else is known.
                if !is_of_this_format(&pair.value) {
                    let Format { format: found } = parse(CLUSTER, &pair.value)?;
                    if found != FORMAT {
                        return Err(RecordsError::Format { found });
                    }
                }
                Ok(Read { data: Some(parse(CLUSTER, &pair.value)?), revision: pair.modified })
            }
            None => Ok(Read { data: None, revision: 0 }),
        }
    }

    /// Writes the cluster's data if nobody has since that revision. Returns whether it did.
    pub async fn write_cluster(&mut self, data: &ClusterData, revision: u64) -> Result<bool, RecordsError> {
        Ok(self.store.put_if(CLUSTER, Condition::Modified(revision), &json(data), None).await?)
    }

    pub async fn keepers(&mut self) -> Result<All<KeeperInfo>, RecordsError> {
        self.all(KEEPERS).await
    }

    pub async fn proxies(&mut self) -> Result<All<ProxyInfo>, RecordsError> {
        self.all(PROXIES).await
    }

    async fn all<T>(&mut self, prefix: &'static str) -> Result<All<T>, RecordsError> {
        let (_, pairs) = self.store.get_prefix(prefix).await?;
        Ok(All { prefix, pairs, of: PhantomData })
    }
}

/// All records of a kind, as they were read: most sentinels read them for nothing.
pub(super) struct All<T> {
    prefix: &'static str,
    pairs: Vec<KeyValue>,
    of: PhantomData<T>,
}

impl<T: DeserializeOwned> All<T> {
    /// By the numbers of who wrote them.
    pub fn parse(self) -> Result<BTreeMap<u32, T>, RecordsError> {
        let mut all = BTreeMap::new();
        for pair in self.pairs {
            // Who uses other names than numbers is none of ours.
            if let Ok(number) = pair.key[self.prefix.len()..].parse() {
                all.insert(number, parse(&pair.key, &pair.value)?);
            }
        }
        Ok(all)
    }
}

/// Whether these data begin as this version writes them. Where they do not, they may be of this format all the same.
fn is_of_this_format(value: &str) -> bool {
    let format = value.strip_prefix("{\"format\":").and_then(|rest| rest.split_once(','));
    format.is_some_and(|(format, _)| format.parse() == Ok(FORMAT))
}

/// What cluster data of any version begin with.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn parse<T: DeserializeOwned>(key: &str, value: &str) -> Result<T, RecordsError> {
    serde_json::from_str(value).map_err(|error| RecordsError::Malformed { key: key.to_owned(), error })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have only types with names")
}

/// A record that goes when nobody renews it.
#[derive(Debug)]
pub(super) struct Leased {
    key: String,
    lease: Option<(LeaseId, Duration)>,
}

impl Leased {
    pub fn keeper(id: u32) -> Leased {
        Leased { key: format!("{KEEPERS}{id}"), lease: None }
    }

    pub fn proxy(id: u32) -> Leased {
        Leased { key: format!("{PROXIES}{id}"), lease: None }
    }

    pub fn sentinel(id: u32) -> Leased {
        Leased { key: format!("{SENTINELS}{id}"), lease: None }
    }

    /// Writes the record, to stay for `ttl` at least.
    pub async fn write(
        &mut self,
        records: &mut Records,
        value: &impl Serialize,
        ttl: Duration,
    ) -> Result<(), RecordsError> {
        let store = &mut records.store;
        self.lease = self.lease.filter(|(_, granted)| *granted == ttl);
        if let Some((lease, _)) = self.lease {
            match store.keep_alive(lease).await {
                Ok(_) => {}
                Err(ClientError::Refused(Refusal::NoSuchLease)) => self.lease = None,
                Err(error) => return Err(error.into()),
            }
        }
        let (lease, _) = match self.lease {
            Some(lease) => lease,
            None => *self.lease.insert((store.grant(ttl).await?, ttl)),
        };
        store.put(&self.key, &json(value), Some(lease)).await?;
        Ok(())
    }
}
