//! Everything that was said in a run, taken in once for all that is judged.

use super::durability::Acknowledged;
use super::eligible::Eligible;
use super::fact::Fact;
use super::lease::Lock;
use super::logs::Logs;
use super::recovery::Machines;
use super::service::Service;
use super::split_brain::Reigns;
use host::world::{MachineId, Probe};
use std::collections::BTreeSet;

/// What was heard so far, and what each checker says of the latest of it.
#[derive(Debug)]
pub(super) struct Watch {
    logs: Logs,
    acknowledged: Acknowledged,
    reigns: Reigns,
    lock: Lock,
    may_lead: Eligible,
    clock: Service,
    /// Who may stream from another standby.
    pub(super) may_cascade: BTreeSet<MachineId>,
    pub(super) machines: Machines,
    pub(super) split_brain: Result<(), String>,
    pub(super) lease: Result<(), String>,
    pub(super) eligible: Result<(), String>,
    pub(super) service: Result<(), String>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            logs: Logs::default(),
            acknowledged: Acknowledged::default(),
            reigns: Reigns::default(),
            lock: Lock::default(),
            may_lead: Eligible::default(),
            clock: Service::default(),
            may_cascade: BTreeSet::new(),
            machines: Machines::default(),
            split_brain: Ok(()),
            lease: Ok(()),
            eligible: Ok(()),
            service: Ok(()),
        }
    }
}

impl Watch {
    /// Takes a probe in. Without one, the clients have stopped. Returns what is wrong with the logs.
    pub(super) fn hear(&mut self, probe: Option<&Probe>) -> Result<(), String> {
        (self.split_brain, self.lease, self.eligible, self.service) = (Ok(()), Ok(()), Ok(()), Ok(()));
        let Some(probe) = probe else {
            self.clock.over();
            return Ok(());
        };
        self.service = self.clock.heard(probe.at_ns);
        match (probe.name, probe.host) {
            ("applied", Some(host)) => drop(self.machines.stores.insert(host)),
            ("role", Some(host)) => drop(self.machines.databases.insert(host)),
            _ => {}
        }
        let Some((host, fact)) = Fact::of(probe) else { return Ok(()) };
        match fact {
            Fact::Committed { id, lsn } => {
                let timeline = self.logs.timeline(host, lsn);
                self.clock.committed(probe.at_ns);
                self.lease = self.lock.committed(host);
                self.split_brain = self.reigns.committed(host, timeline.clone(), id);
                self.acknowledged.committed(host, id, lsn, timeline);
            }
            Fact::Appended { id, .. } => self.reigns.appended(id),
            Fact::Lock { acquired } => {
                self.lock.changed(host, acquired);
                if acquired {
                    self.eligible = self.may_lead.acquired(host);
                }
            }
            Fact::Elsewhere => self.lock.elsewhere(host),
            Fact::MayCascade => drop(self.may_cascade.insert(host)),
            Fact::MayNotLead => self.may_lead.may_not_lead(host),
            Fact::ServiceWithin { ns } => self.clock.within(ns),
            _ => {}
        }
        self.logs.hear(host, &fact)
    }

    /// Whether the log of the primary has all that was acknowledged.
    pub(super) fn durability(&self, primary: MachineId) -> Result<(), String> {
        self.acknowledged.check(&self.logs, primary)
    }

    /// How many acknowledged writes the log of the primary lacks.
    pub(super) fn lost(&self, primary: MachineId) -> usize {
        self.acknowledged.lost(&self.logs, primary)
    }
}
