//! Audits: one consistent sight of all branches, while transfers run.
//!
//! Whoever audits begins a new *epoch*: it writes a cut to its log, and asks all branches for their part of it. Every
//! message between branches carries its sender's epoch, and who hears of a later one cuts *before* it handles the
//! message (Lai and Yang, *On distributed snapshots*, 1987: markers without ordered channels). So no part knows of a
//! message that was sent after another's part. Parts are told once they are durable, and epochs are in the log: a crash
//! does not lead back before a cut that somebody has seen.
//!
//! Money between branches needs no channel states: it is held where it comes from. What is held in one part and has
//! arrived by another is counted once, so a second round asks which have.

use super::{
    message::{Audit, BranchId, Id, Part, PeerQuestion, Reply},
    node::{Inner, Node, ReplyTo},
    rules::Record,
};
use crate::common::wal::{AppendError, Lsn};
use host::time::Instant;
use host::{probe, sometimes};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many cuts a branch remembers.
const CUTS_MAX: usize = 8;

/// A branch's part of a cut, and where in its log it stands.
pub(super) struct Cut {
    epoch: u64,
    pub lsn: Lsn,
    pub part: Part,
}

/// The latest cuts of a branch.
pub(super) struct Cuts {
    latest: VecDeque<Cut>,
    /// Of this epoch and all before nothing is known any more.
    forgotten: u64,
}

impl Cuts {
    pub fn new(epoch: u64) -> Cuts {
        Cuts { latest: VecDeque::new(), forgotten: epoch }
    }

    /// The cut of an epoch: the first that was made in it or, where it was skipped, in a later one.
    pub fn get(&self, epoch: u64) -> Option<&Cut> {
        if epoch <= self.forgotten {
            return None;
        }
        self.latest.iter().find(|cut| cut.epoch >= epoch)
    }

    fn push(&mut self, cut: Cut) {
        if self.latest.len() == CUTS_MAX
            && let Some(oldest) = self.latest.pop_front()
        {
            self.forgotten = oldest.epoch;
        }
        self.latest.push_back(cut);
    }
}

/// The audits that were begun here and are not over, by their epochs.
#[derive(Default)]
pub(super) struct Audits(BTreeMap<u64, UnderWay>);

struct UnderWay {
    to: ReplyTo,
    deadline: Instant,
    parts: BTreeMap<BranchId, Part>,
    /// Who still has to say something.
    silent: BTreeSet<BranchId>,
    arrived: BTreeSet<Id>,
}

impl Audits {
    /// Whether any waits for this branch.
    pub fn wait_for(&self, peer: BranchId) -> bool {
        self.0.values().any(|audit| audit.silent.contains(&peer))
    }
}

impl Inner {
    /// Whether this branch is in an epoch at least as late, now. It cuts if it was not; without room for that the
    /// message that told of the epoch must not be handled.
    pub fn is_in_epoch(&mut self, epoch: u64) -> bool {
        epoch <= self.ledger.epoch() || self.cut(epoch).is_ok()
    }

    fn cut(&mut self, epoch: u64) -> Result<(), AppendError> {
        self.write(&Record::Cut { epoch })?;
        self.cuts.push(Cut { epoch, lsn: self.last, part: self.ledger.part() });
        Ok(())
    }

    /// A client asks for an audit.
    pub fn start_audit(&mut self, node: &Node, to: ReplyTo) {
        if node.peers().any(|peer| !self.links.contains_key(&peer)) {
            return self.reply(&to, Reply::Unavailable);
        }
        let epoch = self.ledger.epoch() + 1;
        if let Err(error) = self.cut(epoch) {
            return self.reply_at_once(&to, &error);
        }
        let silent: BTreeSet<BranchId> = node.peers().collect();
        for peer in &silent {
            self.ask(*peer, PeerQuestion::Part { epoch });
        }
        let deadline = Instant::now() + node.options.audit_timeout;
        let (parts, arrived) = (BTreeMap::new(), BTreeSet::new());
        self.audits.0.insert(epoch, UnderWay { to, deadline, parts, silent, arrived });
        let own = self.cuts.get(epoch).map(|cut| cut.part.clone());
        self.on_part(node, node.id, epoch, own);
    }

    /// A branch tells its part.
    pub fn on_part(&mut self, node: &Node, peer: BranchId, epoch: u64, part: Option<Part>) {
        let Some(audit) = self.audits.0.get_mut(&epoch) else { return };
        let Some(part) = part else { return self.end_audit(epoch) };
        audit.silent.remove(&peer);
        audit.parts.insert(peer, part);
        if audit.parts.len() < usize::from(node.branches) {
            return;
        }
        // All parts are there. Which of what is held has arrived?
        let mut held: BTreeMap<BranchId, Vec<Id>> = BTreeMap::new();
        for (id, transfer) in audit.parts.values().flat_map(|part| &part.held) {
            held.entry(self.ledger.home(transfer.to)).or_default().push(*id);
        }
        audit.silent = held.keys().copied().collect();
        for (branch, ids) in held {
            if branch == node.id {
                let lsn = self.cuts.get(epoch).map(|cut| cut.lsn);
                let arrived =
                    lsn.map(|lsn| ids.into_iter().filter(|id| self.ledger.has_arrived(*id, lsn)).collect());
                self.on_arrived(branch, epoch, arrived);
            } else {
                sometimes!("audit with money in flight");
                self.ask(branch, PeerQuestion::Arrived { epoch, ids });
            }
        }
        self.finish_audit(epoch);
    }

    /// A branch tells which transfers had arrived.
    pub fn on_arrived(&mut self, peer: BranchId, epoch: u64, ids: Option<Vec<Id>>) {
        let Some(audit) = self.audits.0.get_mut(&epoch) else { return };
        let Some(ids) = ids else { return self.end_audit(epoch) };
        audit.silent.remove(&peer);
        audit.arrived.extend(ids);
        self.finish_audit(epoch);
    }

    fn finish_audit(&mut self, epoch: u64) {
        let Some(audit) = self.audits.0.get(&epoch).filter(|audit| audit.silent.is_empty()) else { return };
        let parts = || audit.parts.values();
        let accounts = || parts().flat_map(|part| part.accounts.iter().copied());
        let held: i64 = accounts().map(|(_, account)| account.held).sum();
        let arrived = parts().flat_map(|part| &part.held).filter(|(id, _)| audit.arrived.contains(id));
        let result = Audit {
            accounts: accounts().collect(),
            available: accounts().map(|(_, account)| account.available).sum(),
            in_flight: held - arrived.map(|(_, transfer)| transfer.amount).sum::<i64>(),
            deposited: parts().map(|part| part.deposited).sum(),
            withdrawn: parts().map(|part| part.withdrawn).sum(),
        };
        let to = audit.to.clone();
        self.audits.0.remove(&epoch);
        probe!("audit", result.available, result.in_flight, result.deposited, result.withdrawn);
        self.reply(&to, Reply::Audit(result));
    }

    /// Gives up audits whose time is over.
    pub fn end_audits(&mut self, now: Instant) {
        let late = self.audits.0.iter().filter(|(_, audit)| audit.deadline <= now);
        for epoch in late.map(|(epoch, _)| *epoch).collect::<Vec<_>>() {
            self.end_audit(epoch);
        }
    }

    fn end_audit(&mut self, epoch: u64) {
        sometimes!("audit given up");
        if let Some(audit) = self.audits.0.remove(&epoch) {
            self.reply(&audit.to, Reply::Unavailable);
        }
    }
}
