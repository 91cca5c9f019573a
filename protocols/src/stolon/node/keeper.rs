//! A keeper: it says how its database is, and makes it what it is to be.
//!
//! Two loops, in one future: one publishes, whatever the other waits for. A store that does not answer changes nothing:
//! the database goes on as it was.

use crate::database::{Lsn, Repair, Replication, Role, Start, Status, Supervisor, SupervisorError, Sync};
use crate::stolon::local::Local;
use crate::stolon::message::{DbState, KeeperInfo, Never};
use crate::stolon::options::Options;
use crate::stolon::records::{Leased, Records, RecordsError};
use crate::stolon::rules::keeper::{self as rules, Step};
use host::disk::Disk;
use host::sometimes;
use host::time::{sleep, timeout};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One keeper.
#[derive(Debug, Clone)]
pub struct KeeperConfig {
    /// Its number, and its database's.
    pub id: u32,
    /// Where its database listens. A keeper may begin anew with another address: the others learn of it.
    pub database: SocketAddr,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// Until the store says otherwise.
    pub options: Options,
    /// What its database is never chosen for.
    pub never: Never,
}

/// Runs a keeper until the future is dropped. It keeps one file on the disk, beside its database's, and waits until
/// that can be read.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`).
pub async fn keeper(config: KeeperConfig, disk: Disk) -> io::Result<()> {
    config.options.validate()?;
    if config.id == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "id: 0 is below 1"));
    }
    let local = loop {
        match Local::load(&disk).await {
            Ok(local) => break local,
            Err(error) => tracing::warn!(keeper = config.id, %error, "the disk"),
        }
        sleep(config.options.sleep_interval).await;
    };
    let state = State { local, options: config.options.clone() };
    let keeper = Keeper { boot: host::entropy::u64(), config, disk, state: Mutex::new(state) };
    tokio::join!(keeper.publish(), keeper.manage());
    Ok(())
}

struct Keeper {
    config: KeeperConfig,
    /// The number of this life.
    boot: u64,
    disk: Disk,
    state: Mutex<State>,
}

/// What both loops know.
struct State {
    local: Local,
    options: Options,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Database(#[from] SupervisorError),
    #[error("the disk: {0}")]
    Disk(#[from] io::Error),
}

impl Keeper {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> Duration {
        self.state().options.sleep_interval
    }

    fn records(&self) -> Records {
        Records::new(&self.config.stores, self.config.options.store_timeout)
    }

    fn supervisor(&self) -> Supervisor {
        Supervisor::new(self.config.database).patience(self.config.options.request_timeout)
    }

    /// Says how the database is, every so often.
    async fn publish(&self) {
        let (mut records, mut supervisor) = (self.records(), self.supervisor());
        let mut record = Leased::keeper(self.config.id);
        let mut waits = Waits::default();
        loop {
            // First what it is to be, and then what it is: not less than that.
            let local = self.state().local.clone();
            let status = supervisor.status().await.ok();
            let in_sync = status.as_ref().map(|status| waits.in_sync(status)).unwrap_or_default();
            let state = self.describe(&local, status.as_ref(), in_sync);
            let (info, never) = (host::entropy::u64(), self.config.never);
            let info = KeeperInfo { info, boot: self.boot, state, never };
            let options = self.state().options.clone();
            let ttl = (2 * options.sleep_interval).max(options.lease_min);
            if let Err(error) = record.write(&mut records, &info, ttl).await {
                sometimes!("keeper goes on without the store");
                tracing::debug!(keeper = self.config.id, %error, "publish");
            }
            sleep(options.sleep_interval).await;
        }
    }

    fn describe(&self, local: &Local, status: Option<&Status>, in_sync: BTreeSet<u32>) -> Option<DbState> {
        let runs = |status: &&Status| matches!(status.role, Role::Primary | Role::Standby);
        let status = status.filter(runs).filter(|status| status.history.last().is_some());
        Some(DbState {
            uid: local.db?,
            generation: local.generation,
            healthy: status.is_some(),
            address: self.config.database,
            history: status.map(|status| status.history.clone()).unwrap_or_default(),
            last: status.map_or(Lsn(0), |status| status.durable),
            replication: status.map_or(Replication::Idle, |status| status.replication),
            in_sync,
        })
    }

    /// Makes the database what it is to be, every so often.
    async fn manage(&self) {
        let (mut records, mut supervisor) = (self.records(), self.supervisor());
        // Another life may have left it running.
        while let Err(error) = supervisor.stop().await {
            tracing::debug!(keeper = self.config.id, %error, "stop");
            sleep(self.pause()).await;
        }
        loop {
            if let Err(error) = self.round(&mut records, &mut supervisor).await {
                tracing::debug!(keeper = self.config.id, %error, "round");
            }
            sleep(self.pause()).await;
        }
    }

    async fn round(&self, records: &mut Records, supervisor: &mut Supervisor) -> Result<(), Trouble> {
        let Some(data) = records.cluster().await?.data else { return Ok(()) };
        self.state().options.clone_from(&data.options);
        for _ in 0..STEPS_MAX {
            let status = supervisor.status().await?;
            let local = self.state().local.clone();
            let next = rules::next(&data, self.config.id, self.boot, &local, &status);
            tracing::debug!(keeper = self.config.id, ?next, "step");
            match next {
                Step::Wait(_) => return Ok(()),
                Step::Reached(local) => return self.save(local).await,
                Step::Save(local) => self.save(local).await?,
                Step::Stop => supervisor.stop().await?,
                Step::Start(how) => start(supervisor, how).await?,
                Step::Restart(sync) => {
                    if !restart(supervisor, sync).await? {
                        return Ok(());
                    }
                }
                Step::Promote => {
                    supervisor.promote().await?;
                    sometimes!("standby promoted");
                }
                Step::Follow(upstream, repair) => supervisor.follow(Some(upstream), repair).await?,
                Step::SetSync(sync) => supervisor.set_sync(sync).await?,
                Step::Copied(upstream, local) => {
                    supervisor.follow(Some(upstream), Repair::No).await?;
                    self.save(local).await?;
                    sometimes!("standby initialised");
                }
            }
        }
        Ok(())
    }

    async fn save(&self, local: Local) -> Result<(), Trouble> {
        if self.state().local != local {
            let patience = self.config.options.request_timeout;
            let saving = timeout(patience, local.save(&self.disk)).await;
            saving.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            self.state().local = local;
        }
        Ok(())
    }
}

/// Starts a database. A standby that is not to be repaired and does not start has the same tried in the next round.
async fn start(supervisor: &mut Supervisor, how: Start) -> Result<(), SupervisorError> {
    let repairs_nothing = matches!(how, Start::Standby { upstream: Some(_), repair: Repair::No });
    let started = supervisor.start(how).await;
    if repairs_nothing && matches!(started, Err(SupervisorError::Refused(_))) {
        sometimes!("standby does not start");
    }
    started
}

/// Starts a master on its timeline if it has one: an empty database would begin a new life as the master of all.
/// Returns whether it did.
async fn restart(supervisor: &mut Supervisor, sync: Sync) -> Result<bool, SupervisorError> {
    supervisor.start(Start::Standby { upstream: None, repair: Repair::No }).await?;
    let empty = supervisor.status().await?.history.last().is_none();
    if empty {
        sometimes!("master has lost its data");
    } else {
        supervisor.set_sync(sync).await?;
    }
    supervisor.stop().await?;
    if empty {
        return Ok(false);
    }
    supervisor.start(Start::Primary).await?;
    Ok(true)
}

/// How far the log had come when writes began to wait for these standbys: what was acknowledged without them is not
/// behind that.
#[derive(Debug, Default)]
struct Waits {
    sync: Sync,
    since: Lsn,
}

impl Waits {
    /// The standbys that have all that was acknowledged, if every write waits for each of them.
    fn in_sync(&mut self, status: &Status) -> BTreeSet<u32> {
        if status.role != Role::Primary {
            *self = Waits::default();
        } else if self.sync != status.sync {
            *self = Waits { sync: status.sync.clone(), since: status.durable };
        }
        let all = self.sync.required as usize >= self.sync.of.len();
        let confirmed = status
            .standbys
            .iter()
            .filter(|standby| all && self.sync.of.contains(&standby.id) && standby.confirmed >= self.since);
        confirmed.map(|standby| standby.id).collect()
    }
}

/// More than any way from one state to another has.
const STEPS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Standby};

    fn primary(durable: u64, sync: (u32, &[u32]), standbys: &[(u32, u64)]) -> Status {
        let standbys = standbys.iter().map(|(id, lsn)| Standby { id: *id, confirmed: Lsn(*lsn) });
        Status {
            id: 1,
            role: Role::Primary,
            history: History::default(),
            durable: Lsn(durable),
            visible: Lsn(0),
            upstream: None,
            replication: Replication::Idle,
            standbys: standbys.collect(),
            sync: Sync { required: sync.0, of: sync.1.iter().copied().collect() },
        }
    }

    fn set<const N: usize>(ids: [u32; N]) -> BTreeSet<u32> {
        ids.into()
    }

    #[test]
    fn a_standby_is_in_sync_when_it_has_all_that_was_acknowledged_without_it() {
        let mut waits = Waits::default();
        let both: (u32, &[u32]) = (2, &[2, 3]);
        assert_eq!(waits.in_sync(&primary(9, both, &[(2, 9), (3, 5)])), set([2]));
        assert_eq!(waits.in_sync(&primary(20, both, &[(2, 19), (3, 8)])), set([2]));
        assert_eq!(
            waits.in_sync(&primary(20, both, &[(2, 20), (3, 9)])),
            set([2, 3]),
            "the rest waited for it"
        );
        let one: (u32, &[u32]) = (1, &[3]);
        assert_eq!(waits.in_sync(&primary(20, one, &[(2, 20), (3, 9)])), set([]), "others were waited for");
    }

    #[test]
    fn a_standby_that_is_not_always_waited_for_is_not_in_sync() {
        for (sync, expected) in
            [((1, &[2][..]), set([2])), ((0, &[][..]), set([])), ((1, &[2, 3][..]), set([]))]
        {
            assert_eq!(Waits::default().in_sync(&primary(9, sync, &[(2, 9), (3, 9)])), expected);
        }
    }
}
