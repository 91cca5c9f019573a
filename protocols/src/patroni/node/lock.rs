//! The lock, as far as this agent believes: until when it has it, how it takes it, keeps it and gives it up.
//!
//! Its end is by this agent's own clock, counted from when it asked; nothing that needs the lock is done after that.

use super::{Agent, Next};
use crate::database::{Lsn, Role, Status};
use crate::patroni::message::Cluster;
use crate::patroni::options::{Flaw, Watchdog};
use crate::patroni::rules::{self, Act, Why};
use host::time::Instant;
use host::{clock, probe, sometimes};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Who has given up the lock lets others take it for so long. Patroni's.
const STAND_BACK: Duration = Duration::from_secs(2);

/// What the agent believes of the lock.
#[derive(Debug, Default)]
pub(super) struct Lock {
    /// Until when it has it.
    until: Option<Instant>,
    /// Until when it lets others take it.
    stands_back_until: Option<Instant>,
}

impl Lock {
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// For as long as nobody else says otherwise: the store does not answer.
    pub(super) fn goes_on_until(&mut self, until: Instant) {
        self.until = Some(until);
    }

    pub(super) fn stands_back(&self, now: Instant) -> bool {
        self.stands_back_until.is_some_and(|until| now < until)
    }
}

impl Agent<'_> {
    /// Stops the database if the lock is over by this clock, before anybody is asked anything.
    pub(super) async fn mind_the_clock(&mut self) {
        if self.is_over() {
            sometimes!("the lock was over before it was renewed");
            self.no_longer_leads();
            self.stop().await;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.minds_the_clock() && self.lock.until.is_some_and(|until| Instant::now() >= until)
    }

    fn minds_the_clock(&self) -> bool {
        self.options.flaw != Some(Flaw::LeaseOutlived) && !self.cluster.settings.pause
    }

    /// How long the store has to answer: a leader must know before the lock is over.
    pub(super) fn deadline(&self) -> Instant {
        let by = Instant::now() + self.options.retry_timeout;
        self.lock.until.filter(|_| self.minds_the_clock()).map_or(by, |until| by.min(until))
    }

    pub(super) fn trusts_what_it_saw(&self) -> bool {
        let leader = self.cluster.leader.as_ref().map(|leader| leader.id);
        self.options.flaw == Some(Flaw::StaleLockView) && leader == Some(self.config.id)
    }

    pub(super) fn leads(&mut self, until: Instant) {
        if self.lock.until.is_none() {
            probe!("lock", "acquired");
        }
        self.lock.until = Some(until);
        let mut facts = self.shown.facts();
        facts.leads_until_ns = Some(clock::unix_ns() + self.options.ttl.as_nanos() as u64);
        facts.failsafe_leader = facts.failsafe_leader.filter(|(id, _, _)| *id != self.config.id);
    }

    pub(super) fn no_longer_leads(&mut self) {
        if self.lock.until.take().is_some() {
            probe!("lock", "lost");
        }
        self.shown.facts().leads_until_ns = None;
    }

    pub(super) async fn renew_and_decide(&mut self, status: Option<&Status>) -> Act {
        let last = status.filter(|status| status.role == Role::Primary).map(|status| status.durable);
        let mut failsafe: BTreeMap<u32, SocketAddr> =
            self.cluster.members.iter().map(|(id, member)| (*id, member.health)).collect();
        failsafe.insert(self.config.id, self.config.health);
        let failsafe = self.options.failsafe_mode.then_some(&failsafe);
        let by = self.deadline();
        let updated = match self.session.update(&self.cluster, last, failsafe, by).await {
            Ok(None) | Err(_) if self.trusts_what_it_saw() => Ok(Some(Instant::now() + self.options.ttl)),
            Ok(Some(_)) | Err(_) if self.is_over() => return Act::Demote(Why::NoLock),
            updated => updated,
        };
        match updated {
            Ok(Some(until)) => {
                if let Some(last) = last.filter(|last| self.cluster.status != Some(*last)) {
                    probe!("position kept", last.0);
                }
                self.leads(until);
                let runs = status.is_some_and(|it| matches!(it.role, Role::Primary | Role::Standby));
                if runs && !self.pet().await && self.options.watchdog == Watchdog::Required {
                    sometimes!("the required watchdog cannot be armed");
                    return Act::Release(Why::NoWatchdog);
                }
                self.decide(status, rules::with_lock).await
            }
            Ok(None) => {
                self.no_longer_leads();
                rules::lock_lost(&self.known(status))
            }
            Err(_) => match self.go_on_without_store(status).await {
                Act::Lead => Act::Wait(Why::Fine),
                act => act,
            },
        }
    }

    pub(super) async fn take_lock(&mut self) -> Next {
        let by = self.deadline();
        // Who has been elected by votes must not have been succeeded since they were asked for.
        let by_quorum = self.options.synchronous_mode.is_quorum();
        let unchanged = by_quorum.then_some(self.cluster.sync.modified);
        match self.session.acquire(unchanged, by).await {
            Ok(Some(until)) => {
                self.leads(until);
                let Cluster { failover, settings, .. } = &self.cluster;
                let waits_for_it = settings.pause && self.known(None).is_candidate();
                if failover.value.is_some() && !waits_for_it {
                    let _ = self.session.forget_switchover(failover.modified, by).await;
                }
                Next::AtOnce
            }
            Ok(None) => {
                sometimes!("another was faster to take the lock");
                Next::AtOnce
            }
            Err(_) => Next::Soon,
        }
    }

    /// Stops the database, and gives up the lock.
    pub(super) async fn release(&mut self, why: Why) -> Next {
        let mut last = None;
        if why != Why::Paused {
            self.stop().await;
            last = self.look().await.map(|status| status.durable).filter(|durable| *durable > Lsn(0));
        }
        let by = self.deadline();
        if self.session.release(last, by).await.is_ok() {
            probe!("lock", "released");
            self.lock.until = None;
        }
        self.no_longer_leads();
        let back = if why == Why::FailedToStart { self.options.ttl } else { STAND_BACK };
        self.lock.stands_back_until = Some(Instant::now() + back);
        if why == Why::TooSlow {
            sometimes!("a crashed primary is given up");
        }
        Next::AtOnce
    }
}
