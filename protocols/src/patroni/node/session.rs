//! An agent's hand on the store: its lease, and the keys that go with it.
//!
//! One lease holds an agent's member key and, if it has it, the lock. Its end is counted from when its renewal was
//! *asked* for: it is never later than the store's.

use crate::database::{Lsn, Timeline};
use crate::patroni::message::{Cluster, Initialize, Kept, Keys, Member, Settings, SyncState, text};
use crate::store::{Client, ClientError, Compare, Condition, LeaseId, Operation, Refusal, Txn, TxnReply};
use host::time::{Instant, sleep, timeout};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The pause before the store is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the store did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It did not answer in time. What became of it is not known.
    NoAnswer,
    /// It said no.
    Refused(Refusal),
}

/// A lease, and until when it surely lasts.
#[derive(Debug, Clone, Copy)]
struct Lease {
    id: LeaseId,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Session {
    pub client: Client,
    pub keys: Keys,
    me: u32,
    ttl: Duration,
    lease: Option<Lease>,
    /// The member key as it was written last.
    shown: Option<String>,
}

/// Asks until there is an answer, or the time has come.
macro_rules! ask_until {
    ($by:expr, $asking:expr) => {
        loop {
            match timeout($by.saturating_duration_since(Instant::now()), $asking).await {
                Ok(Ok(answer)) => break Ok(answer),
                Ok(Err(ClientError::Refused(refusal))) => break Err(Trouble::Refused(refusal)),
                Ok(Err(_)) if Instant::now() + PAUSE < $by => sleep(PAUSE).await,
                Ok(Err(_)) | Err(_) => break Err(Trouble::NoAnswer),
            }
        }
    };
}

impl Session {
    pub fn new(me: u32, store: Vec<SocketAddr>, scope: &str, ttl: Duration, retry: Duration) -> Session {
        // So that a replica that is silent leaves time to ask another, and a third.
        let client = Client::new(store).patience(retry / 3);
        Session { client, keys: Keys::new(scope), me, ttl, lease: None, shown: None }
    }

    /// Other timers. A lease lasts as long as it was granted for: with another `ttl` there is another one
    /// (`etcd3.py`, `set_ttl`).
    pub fn time(&mut self, ttl: Duration, retry: Duration) {
        if self.ttl != ttl {
            (self.lease, self.shown) = (None, None);
        }
        self.ttl = ttl;
        self.client.set_patience(retry / 3);
    }

    /// Everything under the prefix.
    pub async fn read(&mut self, by: Instant) -> Result<Cluster, Trouble> {
        let (revision, pairs) = ask_until!(by, self.client.get_prefix(&self.keys.prefix))?;
        Ok(Cluster::read(&self.keys, revision, &pairs))
    }

    /// Renews the lease, or gets another one, without the keys of the one that has ended. Until when it lasts.
    async fn renew(&mut self, by: Instant) -> Result<Lease, Trouble> {
        if let Some(Lease { id, .. }) = self.lease {
            let mut asked;
            let renewed = ask_until!(by, {
                asked = Instant::now();
                self.client.keep_alive(id)
            });
            match renewed {
                Ok(_) => {
                    let lease = Lease { id, until: asked + self.ttl };
                    self.lease = Some(lease);
                    return Ok(lease);
                }
                Err(Trouble::NoAnswer) => return Err(Trouble::NoAnswer),
                Err(Trouble::Refused(_)) => (self.lease, self.shown) = (None, None),
            }
        }
        let mut asked;
        let id = ask_until!(by, {
            asked = Instant::now();
            self.client.grant(self.ttl)
        })?;
        let lease = Lease { id, until: asked + self.ttl };
        self.lease = Some(lease);
        Ok(lease)
    }

    /// Says how this member is.
    pub async fn touch(&mut self, member: &Member, by: Instant) -> Result<(), Trouble> {
        let lease = self.renew(by).await?;
        let value = text(member);
        if self.shown.as_ref() != Some(&value) {
            let put = self.put_operation(&self.keys.member(self.me), &value, Some(lease.id));
            self.txn(vec![], vec![put], by).await?;
            self.shown = Some(value);
        }
        Ok(())
    }

    /// Takes the lock, if nobody has it, and if the `sync` key is as it was at this revision. Until when it has it.
    pub async fn acquire(
        &mut self,
        sync_modified: Option<u64>,
        by: Instant,
    ) -> Result<Option<Instant>, Trouble> {
        let lease = self.renew(by).await?;
        let leader = self.keys.key("leader");
        let put = self.put_operation(&leader, &self.me.to_string(), Some(lease.id));
        let absent = Compare { key: leader, condition: Condition::Version(0) };
        let unchanged = sync_modified
            .map(|modified| Compare { key: self.keys.key("sync"), condition: Condition::Modified(modified) });
        let reply = self.txn([absent].into_iter().chain(unchanged).collect(), vec![put], by).await?;
        Ok(reply.succeeded.then_some(lease.until))
    }

    /// Renews the lock, and says what only its holder may: its last entry, and whom it asks without the store. Until
    /// when it has it; none if it has it no longer.
    pub async fn update(
        &mut self,
        cluster: &Cluster,
        status: Option<Lsn>,
        failsafe: Option<&BTreeMap<u32, SocketAddr>>,
        by: Instant,
    ) -> Result<Option<Instant>, Trouble> {
        let lease = self.renew(by).await?;
        let mut puts = Vec::new();
        let held = cluster.leader.as_ref().and_then(|leader| leader.lease);
        if held != Some(lease.id) {
            // It has the lock from an earlier life, on a lease that nobody renews.
            let me = self.me.to_string();
            puts.push(self.put_operation(&self.keys.key("leader"), &me, Some(lease.id)));
        }
        if let Some(status) = status.filter(|status| cluster.status != Some(*status)) {
            puts.push(self.put_operation(&self.keys.key("status"), &text(&status), None));
        }
        if let Some(failsafe) = failsafe.filter(|failsafe| cluster.failsafe.as_ref() != Some(failsafe)) {
            puts.push(self.put_operation(&self.keys.key("failsafe"), &text(failsafe), None));
        }
        if puts.is_empty() {
            return Ok(Some(lease.until));
        }
        let reply = self.txn(vec![self.mine()], puts, by).await?;
        Ok(reply.succeeded.then_some(lease.until))
    }

    /// Gives up the lock, and says what its last entry was.
    pub async fn release(&mut self, status: Option<Lsn>, by: Instant) -> Result<(), Trouble> {
        let mut operations = vec![Operation::Delete { key: self.keys.key("leader") }];
        operations
            .extend(status.map(|status| self.put_operation(&self.keys.key("status"), &text(&status), None)));
        self.txn(vec![self.mine()], operations, by).await.map(drop)
    }

    /// Writes the `sync` key, or deletes it, if it is still as it was read. None if it is not.
    pub async fn put_sync(
        &mut self,
        before: &Kept<Option<SyncState>>,
        value: Option<SyncState>,
        by: Instant,
    ) -> Result<Option<Kept<Option<SyncState>>>, Trouble> {
        let key = self.keys.key("sync");
        let operation = match &value {
            Some(value) => self.put_operation(&key, &text(value), None),
            None => Operation::Delete { key: key.clone() },
        };
        let unchanged = Compare { key, condition: Condition::Modified(before.modified) };
        let reply = self.txn(vec![unchanged, self.mine()], vec![operation], by).await?;
        let modified = if value.is_some() { reply.revision } else { 0 };
        Ok(reply.succeeded.then_some(Kept { value, modified }))
    }

    /// Tries to be who begins the cluster, and writes down what it begins with, if it is not the usual.
    pub async fn initialize(&mut self, settings: Option<&Settings>, by: Instant) -> Result<bool, Trouble> {
        let (key, value) = (self.keys.key("initialize"), Initialize { by: self.me, timeline: None });
        let absent = Compare { key: key.clone(), condition: Condition::Version(0) };
        let mut puts = vec![self.put_operation(&key, &text(&value), None)];
        puts.extend(settings.map(|it| self.put_operation(&self.keys.key("config"), &text(it), None)));
        Ok(self.txn(vec![absent], puts, by).await?.succeeded)
    }

    /// As the leader, says which timelines there are.
    pub async fn tell_history(
        &mut self,
        cluster: &Cluster,
        history: &[(Timeline, Lsn)],
        by: Instant,
    ) -> Result<(), Trouble> {
        let mut puts = Vec::new();
        let begun = cluster.initialize.as_ref().is_some_and(|initialize| initialize.timeline.is_some());
        if let Some((first, _)) = history.first().filter(|_| !begun) {
            let value = Initialize { by: self.me, timeline: Some(*first) };
            puts.push(self.put_operation(&self.keys.key("initialize"), &text(&value), None));
        }
        if cluster.history != history {
            puts.push(self.put_operation(&self.keys.key("history"), &text(&history), None));
        }
        if !puts.is_empty() {
            self.txn(vec![self.mine()], puts, by).await?;
        }
        Ok(())
    }

    /// Forgets what an operator asked for, if it is still that.
    pub async fn forget_switchover(&mut self, modified: u64, by: Instant) -> Result<(), Trouble> {
        let key = self.keys.key("failover");
        let unchanged = Compare { key: key.clone(), condition: Condition::Modified(modified) };
        self.txn(vec![unchanged], vec![Operation::Delete { key }], by).await.map(drop)
    }

    fn mine(&self) -> Compare {
        Compare { key: self.keys.key("leader"), condition: Condition::Value(self.me.to_string()) }
    }

    fn put_operation(&self, key: &str, value: &str, lease: Option<LeaseId>) -> Operation {
        Operation::Put { key: key.to_owned(), value: value.to_owned(), lease }
    }

    async fn txn(
        &mut self,
        compare: Vec<Compare>,
        success: Vec<Operation>,
        by: Instant,
    ) -> Result<TxnReply, Trouble> {
        let txn = Txn { compare, success, failure: Vec::new() };
        ask_until!(by, self.client.txn(txn.clone()))
    }
}
