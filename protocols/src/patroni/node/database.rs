//! The agent's database: looked at, started, stopped, and watched over by a watchdog.

use super::{Agent, Next};
use crate::database::{Repair, Start, Status, SupervisorError};
use crate::patroni::options::{Flaw, Watchdog};
use crate::patroni::rules::Why;
use host::sometimes;
use host::time::Instant;

impl Agent<'_> {
    /// What the database says. A connection to one that has begun anew fails once.
    pub(super) async fn look(&mut self) -> Option<Status> {
        match self.database.status().await {
            Ok(status) => Some(status),
            Err(_) => self.database.status().await.ok(),
        }
    }

    pub(super) async fn start(&mut self, start: Start) -> Next {
        let primary = start == Start::Primary;
        if primary {
            // It knows itself whom its writes wait for.
            sometimes!("crashed primary started again");
            self.standbys.told_anew();
        }
        let started = self.database.start(start).await;
        if let Err(error) = &started {
            tracing::warn!(id = self.config.id, %error, "the database does not start");
        }
        // One that does not answer may run yet.
        self.memory.recovering = primary && !matches!(started, Err(SupervisorError::Unreachable(_)));
        if primary && started.is_ok() {
            self.pet().await;
        }
        match started {
            Ok(()) => Next::AtOnce,
            Err(SupervisorError::Refused(_)) if !primary => Next::InTurn,
            Err(_) => Next::Soon,
        }
    }

    pub(super) async fn demote(&mut self, why: Why) -> Next {
        match why {
            Why::NoStore => sometimes!("demoted as the store does not answer"),
            Why::NoLock => sometimes!("demoted as the lock is lost"),
            Why::StandbyCluster => sometimes!("demoted as the cluster is to follow another"),
            _ => {}
        }
        self.no_longer_leads();
        if !self.stop().await {
            return Next::Soon;
        }
        match why {
            // It would take long to find that out again.
            Why::NoStore => self.start(Start::Standby { upstream: None, repair: Repair::No }).await,
            _ => Next::AtOnce,
        }
    }

    /// Stops the database at once; a watchdog with nothing to watch is disarmed.
    pub(super) async fn stop(&mut self) -> bool {
        let stopped = self.database.stop().await;
        if let Err(error) = &stopped {
            tracing::warn!(id = self.config.id, %error, "the database does not stop");
        }
        self.memory.was_primary = false;
        if stopped.is_ok() {
            self.disarm().await;
        }
        stopped.is_ok()
    }

    /// Lets the watchdog wait until shortly before the lock is over. Whether it is armed, if it is to be.
    pub(super) async fn pet(&mut self) -> bool {
        let options = &self.options;
        if self.cluster.settings.pause {
            self.disarm().await;
            return true;
        }
        if options.watchdog == Watchdog::Off || options.flaw == Some(Flaw::LeaseOutlived) {
            return true;
        }
        let now = Instant::now();
        let Some(until) = self.lock.until().and_then(|until| until.checked_sub(options.safety_margin)) else {
            return false;
        };
        if until <= now {
            return false;
        }
        self.armed = true;
        self.database.pet(Some(until - now)).await.is_ok()
    }

    async fn disarm(&mut self) {
        if self.armed {
            self.armed = self.database.pet(None).await.is_err();
        }
    }
}
