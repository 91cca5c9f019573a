//! What was said in a run, taken in once for all that judge it.

use super::durability::Acknowledged;
use super::fact::Fact;
use super::leaderless::Leaderless;
use super::logs::Logs;
use super::published::Published;
use super::recovery::Machines;
use host::world::{MachineId, Probe};
use sim::check::Broken;
use std::collections::{BTreeMap, BTreeSet};

/// What was heard so far. What follows from it is each checker's own.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) logs: Logs,
    pub(super) acknowledged: Acknowledged,
    /// Who may stream from another standby.
    pub(super) may_cascade: BTreeSet<MachineId>,
    pub(super) machines: Machines,
    /// Why nobody leads.
    pub(super) leaderless: Leaderless,
    /// Who has the address that moves; none where none does.
    pub(super) owners: Option<BTreeSet<MachineId>>,
    /// The poolers that hold their clients' queries.
    pub(super) paused: BTreeSet<MachineId>,
    /// What Agrajag has published.
    pub(super) published: Published,
    /// Where each application's pool leads, if anywhere.
    pub(super) pools: BTreeMap<MachineId, Option<MachineId>>,
    /// Whose orchestrators each pool has read to be present.
    pub(super) present: BTreeMap<MachineId, BTreeSet<MachineId>>,
    /// Whose orchestrators are, as they say.
    pub(super) listed: BTreeSet<MachineId>,
    /// Whose standbys did not start, and were left as they are.
    pub(super) refused: BTreeSet<MachineId>,
    pub(super) latest: Option<(MachineId, Fact)>,
    pub(super) wrong: Option<String>,
}

impl Heard {
    /// Takes a probe in; none when the clients have stopped.
    pub(super) fn hear(&mut self, probe: Option<&Probe>) {
        self.wrong = None;
        self.latest = probe.and_then(Fact::of);
        if let Some(probe) = probe {
            self.leaderless.hear(probe);
        }
        match probe.map(|probe| (probe.name, probe.host)) {
            Some(("applied", Some(host))) => drop(self.machines.stores.insert(host)),
            Some(("role", Some(host))) => drop(self.machines.databases.insert(host)),
            Some(("standby does not start", Some(host))) => drop(self.refused.insert(host)),
            _ => {}
        }
        let Some((host, fact)) = &self.latest else { return };
        match fact {
            Fact::Committed { id, lsn } => {
                self.acknowledged.committed(*host, *id, *lsn, self.logs.timeline(*host, *lsn));
            }
            Fact::Pooler { is_paused: true } => drop(self.paused.insert(*host)),
            Fact::Pooler { is_paused: false } => drop(self.paused.remove(host)),
            Fact::MayCascade => drop(self.may_cascade.insert(*host)),
            Fact::Address { has } => {
                let owners = self.owners.get_or_insert_default();
                if *has {
                    owners.insert(*host);
                } else {
                    owners.remove(host);
                }
            }
            Fact::Published { of, change, .. } => self.published.hear(*change, *of),
            Fact::Leads { to } => drop(self.pools.insert(*host, *to)),
            Fact::Present { machines } => drop(self.present.insert(*host, machines.clone())),
            Fact::Listed { is: true } => drop(self.listed.insert(*host)),
            Fact::Listed { is: false } => drop(self.listed.remove(host)),
            _ => {}
        }
        self.wrong = self.logs.hear(*host, fact).err();
    }

    /// What the probe says, if it is judged, and whose it is.
    pub(super) fn fact(&self) -> Option<(MachineId, &Fact)> {
        self.latest.as_ref().map(|(host, fact)| (*host, fact))
    }

    /// Whether the logs could come to what the probe says of them.
    pub(super) fn timeline(&self) -> Result<(), Broken> {
        let (Some(why), Some((host, fact))) = (&self.wrong, self.fact()) else { return Ok(()) };
        let why = Broken::new(why).node(host.number());
        Err(match fact {
            Fact::Cloned { from, .. } | Fact::Streams { from, .. } => why.node(from.number()),
            _ => why,
        })
    }
}
