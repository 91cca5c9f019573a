//! A sentinel: it stands for election, and while it leads it looks and decides.

use crate::stolon::message::{ClusterData, DbRole, Phase};
use crate::stolon::options::Options;
use crate::stolon::records::{LEADER, Leased, Records, RecordsError};
use crate::stolon::rules::Round;
use crate::stolon::rules::memory::{Memory, Now};
use crate::store::{ClientError, LeaseId, Refusal};
use host::time::{Instant, sleep};
use host::{probe, sometimes};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One sentinel.
#[derive(Debug, Clone)]
pub struct SentinelConfig {
    /// Its number.
    pub id: u32,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// What the cluster begins with. The flaw counts as long as the process lives.
    pub options: Options,
}

/// Runs a sentinel until the future is dropped.
///
/// # Errors
///
/// When the options are out of bounds (`InvalidInput`).
pub async fn sentinel(config: SentinelConfig) -> io::Result<()> {
    config.options.validate()?;
    let sentinel = Sentinel { config, began: Instant::now(), leads: Mutex::default() };
    tokio::join!(sentinel.stand(), sentinel.watch());
    Ok(())
}

struct Sentinel {
    config: SentinelConfig,
    began: Instant,
    leads: Mutex<Leadership>,
}

/// Whether this sentinel leads.
#[derive(Debug, Clone, Copy, Default)]
struct Leadership {
    /// It does, until then.
    until: Option<Instant>,
    /// How often it came to lead.
    terms: u64,
}

/// What a sentinel says about itself.
#[derive(Serialize)]
struct SentinelInfo {
    leads: bool,
}

impl Sentinel {
    fn records(&self) -> Records {
        Records::new(&self.config.stores, self.config.options.store_timeout)
    }

    /// Which term this sentinel leads in, if it does.
    fn term(&self) -> Option<u64> {
        let leads = *self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        leads.until.filter(|until| Instant::now() < *until).map(|_| leads.terms)
    }

    /// Leads until `until`; none: not at all.
    fn lead(&self, until: Option<Instant>) {
        let led = self.term().is_some();
        let mut leads = self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        leads.until = until;
        match (led, until.is_some()) {
            (false, true) => {
                leads.terms += 1;
                probe!("leader", true, self.config.id);
            }
            (true, false) => probe!("leader", false, self.config.id),
            _ => {}
        }
    }

    /// Stands for election, for ever: a leader is whose lease the leader's key goes with.
    async fn stand(&self) {
        let ttl = self.config.options.lease_min;
        let mut records = self.records();
        let mut lease = None;
        loop {
            let asked = Instant::now();
            match self.campaign(&mut records, &mut lease, ttl).await {
                Ok(true) => self.lead(Some(asked + ttl)),
                Ok(false) => self.lead(None),
                // It may have been renewed, or not: what it had counts.
                Err(error) => tracing::debug!(sentinel = self.config.id, %error, "election"),
            }
            sleep(ttl / RENEWALS).await;
        }
    }

    async fn campaign(
        &self,
        records: &mut Records,
        lease: &mut Option<LeaseId>,
        ttl: Duration,
    ) -> Result<bool, ClientError> {
        let store = &mut records.store;
        if let Some(known) = *lease {
            match store.keep_alive(known).await {
                Ok(_) => {}
                Err(ClientError::Refused(Refusal::NoSuchLease)) => *lease = None,
                Err(error) => return Err(error),
            }
        }
        let lease = match *lease {
            Some(lease) => lease,
            None => *lease.insert(store.grant(ttl).await?),
        };
        match store.get(LEADER).await? {
            Some(leader) => Ok(leader.lease == Some(lease)),
            None => store.create(LEADER, &self.config.id.to_string(), Some(lease)).await,
        }
    }

    /// Looks at the cluster every so often, and decides while it leads.
    async fn watch(&self) {
        let mut records = self.records();
        let mut info = Leased::sentinel(self.config.id);
        let mut memory = (0, Memory::default());
        let mut pause = self.config.options.sleep_interval;
        loop {
            match self.round(&mut records, &mut info, &mut memory).await {
                Ok(Some(interval)) => pause = interval,
                Ok(None) => {}
                Err(error) => tracing::debug!(sentinel = self.config.id, %error, "round"),
            }
            sleep(pause).await;
        }
    }

    /// One look. Returns the pause until the next.
    async fn round(
        &self,
        records: &mut Records,
        info: &mut Leased,
        (remembered, memory): &mut (u64, Memory),
    ) -> Result<Option<Duration>, RecordsError> {
        let read = records.cluster().await?;
        let Some(before) = read.data else {
            records.write_cluster(&ClusterData::new(self.config.options.clone()), 0).await?;
            return Ok(None);
        };
        let pause = before.options.sleep_interval;
        let ttl = (2 * pause).max(before.options.lease_min);
        info.write(records, &SentinelInfo { leads: self.term().is_some() }, ttl).await?;
        let (keepers, proxies) = (records.keepers().await?, records.proxies().await?);
        let Some(term) = self.term() else { return Ok(Some(pause)) };
        let (keepers, proxies) = (keepers.parse()?, proxies.parse()?);
        if *remembered != term {
            (*remembered, *memory) = (term, Memory::default());
        }
        let now = Now { elapsed: self.began.elapsed(), wall_ms: host::clock::unix_ns() / 1_000_000 };
        // What is not written was not decided, and what was seen for it counts again.
        let mut looking = memory.clone();
        let mut seen = before.clone();
        looking.observe(&mut seen, &keepers, now);
        let active = looking.active(&proxies, now);
        let round = Round { memory: &looking, proxies: &active, now, draw: host::entropy::u64() };
        let after = round.decide(&seen);
        if records.write_cluster(&after, read.revision).await? {
            announce(&before, &after, &round.passed_over(&seen));
            looking.remember(&after, now);
            *memory = looking;
        }
        Ok(Some(pause))
    }
}

/// Says what a good sweep should reach.
fn announce(before: &ClusterData, after: &ClusterData, passed_over: &BTreeMap<u32, &'static str>) {
    if before.master != after.master {
        if let Some(keeper) = after.master_keeper() {
            probe!("elected", keeper);
        }
        let role = |uid| before.dbs.get(&uid).map(|db| db.spec.role);
        if before.phase == Phase::Normal && after.master.and_then(role).is_some_and(DbRole::is_master) {
            sometimes!("former master elected again");
        }
    }
    if before.proxy.master.is_none() && after.proxy.master.is_some() {
        sometimes!("proxies sent to a master");
    }
    if before.dbs.keys().any(|uid| !after.dbs.contains_key(uid)) {
        sometimes!("database removed");
    }
    if after.dbs.values().any(|db| db.spec.synchronous.as_ref().is_some_and(|waits| waits.blocked)) {
        sometimes!("too few synchronous standbys");
    }
    let failed = after.master.and_then(|uid| after.dbs.get(&uid)).is_some_and(|db| !db.status.healthy);
    if failed && before.master == after.master {
        if passed_over.is_empty() {
            sometimes!("nobody to elect");
        }
        for (keeper, why) in passed_over {
            probe!("nobody to elect", *keeper, *why);
        }
    }
}

/// So often a lease is renewed in its time.
const RENEWALS: u32 = 5;
