//! What changes while a database runs, and how: appending, becoming a primary, becoming visible.

use super::{Awaited, Engine, Inner, VERSION};
use crate::common::versioned;
use crate::common::wal::{self, AppendError};
use crate::database::message::{
    Base, Change, Entry, Obeyed, Refusal, Repair, Replication, Reply, Role, Standby, Status,
};
use crate::database::options::Flaw;
use crate::database::rules::commit::visible_upto;
use crate::database::rules::log::{self, Log, Record};
use crate::database::rules::timeline::{Lsn, Timeline};
use host::time::Instant;
use host::{probe, sometimes};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::oneshot;

impl Inner {
    /// Of one that starts with a log, all of which is durable, and whose last record is this.
    pub(super) fn of(log: Log, last_record: wal::Lsn) -> Self {
        let (last, base) = (log.last(), log.base().clone());
        let mut tip = base.contents.clone();
        for entry in log.slice(base.last, last, usize::MAX) {
            log::put(&mut tip, entry.change);
        }
        Inner {
            role: Role::Starting,
            durable: last,
            last_record,
            written: VecDeque::new(),
            tip,
            visible: base.last,
            contents: base.contents,
            serves_from: last,
            writers: VecDeque::new(),
            readers: Vec::new(),
            standbys: BTreeMap::new(),
            sessions: 0,
            promoting: None,
            setting: VecDeque::new(),
            upstream: None,
            repair: Repair::No,
            replication: Replication::Idle,
            told: 0,
            rewritten: 0,
            knows_of_fork: false,
            named: Awaited::Nowhere,
            watchdog: None,
            log,
        }
    }

    pub(super) fn append(&mut self, engine: &Engine, record: Record) -> Result<(), Refusal> {
        let bytes = versioned::encode(VERSION, &record);
        self.last_record = engine.wal.append(&bytes).map_err(|error| match error {
            AppendError::Full => Refusal::DiskFull,
            AppendError::Failed(_) | AppendError::TooLong { .. } => Refusal::NotRunning,
        })?;
        match &record {
            Record::Entry(entry) => {
                let lsn = self.log.last().next();
                probe!("appended", lsn.0, entry.timeline.to_string(), entry.change.id());
                log::put(&mut self.tip, entry.change.clone());
            }
            Record::Cut(lsn) => {
                probe!("cut", lsn.0);
                self.rewrite(*lsn);
            }
            Record::Base(base) => {
                self.rewrite(Lsn(0));
                (self.visible, self.contents, self.tip) =
                    (base.last, base.contents.clone(), base.contents.clone());
            }
            Record::Sync(_) => {}
        }
        let is_cut = matches!(record, Record::Cut(_));
        self.log.apply(record);
        if is_cut {
            self.refold();
        }
        self.written.push_back((self.last_record, self.log.last()));
        Ok(())
    }

    /// Entries behind this one are gone.
    fn rewrite(&mut self, lsn: Lsn) {
        self.rewritten += 1;
        self.knows_of_fork = false;
        self.durable = self.durable.min(lsn);
        for (_, upto) in &mut self.written {
            *upto = (*upto).min(lsn);
        }
    }

    /// Computes the contents from the base again.
    fn refold(&mut self) {
        let (base, last) = (self.log.base(), self.log.last());
        (self.visible, self.contents) = (base.last, base.contents.clone());
        self.tip = base.contents.clone();
        for entry in self.log.slice(self.visible, last, usize::MAX) {
            log::put(&mut self.tip, entry.change);
        }
    }

    /// Begins the next timeline, with this tag; it is the primary once that is durable.
    pub(super) fn promote(
        &mut self,
        engine: &Engine,
        tag: u32,
        done: oneshot::Sender<Obeyed>,
    ) -> Result<(), Refusal> {
        let number = self.log.history().last().map_or(0, |timeline| timeline.number) + 1;
        let is_flawed = engine.config.options.flaw == Some(Flaw::EqualTimelines);
        let timeline = Timeline { number, tag: if is_flawed { 0 } else { tag } };
        self.append(engine, Record::Entry(Entry { timeline, change: Change::Begin }))?;
        (self.upstream, self.replication) = (None, Replication::Idle);
        self.told += 1;
        self.promoting = Some((self.log.last(), done));
        Ok(())
    }

    pub(super) fn become_primary(&mut self, engine: &Engine) {
        self.role = Role::Primary;
        self.serves_from = self.log.last();
        if engine.config.options.flaw == Some(Flaw::TimedOutSyncCommit) {
            self.show(self.durable);
        }
        self.publish_role();
        self.is(Awaited::Nowhere, 0);
        self.settle(engine);
    }

    pub(super) fn publish_role(&self) {
        probe!("role", self.role.name(), self.log.history().last().unwrap_or_default().to_string());
    }

    /// Whether a primary takes requests.
    pub(super) fn serves(&mut self) -> Result<(), Refusal> {
        match self.role {
            _ if self.is_fenced() => Err(Refusal::NotRunning),
            Role::Primary => Ok(()),
            Role::Standby => Err(Refusal::ReadOnly),
            Role::Starting | Role::Stopped => Err(Refusal::NotRunning),
        }
    }

    /// Whether a write would be taken.
    pub fn is_writable(&self) -> bool {
        self.role == Role::Primary && !self.is_fenced()
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.watchdog.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Lets become visible what may, and answers whoever waited for that.
    pub(super) fn settle(&mut self, engine: &Engine) {
        if self.is_fenced() {
            return;
        }
        if let Some((begins, done)) = self.promoting.take_if(|(lsn, _)| *lsn <= self.durable) {
            if begins > Lsn(1) {
                probe!("promoted", begins.0);
            }
            self.become_primary(engine);
            let _ = done.send(Obeyed::Done);
        }
        match self.role {
            Role::Standby => self.show(self.durable),
            Role::Primary => {
                let upto = visible_upto(self.durable, self.log.sync(), &self.confirmed_by());
                if upto < self.durable {
                    sometimes!("write waits for a standby");
                }
                self.show(upto);
            }
            Role::Starting | Role::Stopped => return,
        }
        let visible = self.visible;
        if self.role == Role::Primary && visible < self.serves_from {
            return;
        }
        while let Some(writing) = pop_if(&mut self.writers, |writing| writing.lsn <= visible) {
            if writing.id != 0 {
                probe!("committed", writing.id, writing.lsn.0);
            }
            let _ = writing.to.send(Reply::Written(writing.id != 0));
        }
        for (key, to) in self.readers.drain(..) {
            let _ = to.send(Reply::Value(self.contents.get(&key).cloned()));
        }
    }

    /// Entries up to this one are visible.
    pub(super) fn show(&mut self, upto: Lsn) {
        while self.visible < upto {
            let Some(entry) = self.log.get(self.visible.next()) else { return };
            log::put(&mut self.contents, entry.change.clone());
            self.visible = self.visible.next();
        }
    }

    /// A standby's connection begins. Returns its number.
    pub fn connected(&mut self, id: u32) -> u64 {
        self.sessions += 1;
        self.standbys.insert((id, self.sessions), Lsn(0));
        self.sessions
    }

    /// A standby's connection has ended.
    pub fn disconnected(&mut self, id: u32, session: u64) {
        self.standbys.remove(&(id, session));
    }

    /// A standby has made durable what it has up to here.
    pub fn confirmed(&mut self, engine: &Engine, id: u32, session: u64, lsn: Lsn) {
        if let Some(confirmed) = self.standbys.get_mut(&(id, session)) {
            *confirmed = lsn.max(*confirmed);
        }
        self.settle(engine);
    }

    /// What each standby has confirmed.
    pub(super) fn confirmed_by(&self) -> BTreeMap<u32, Lsn> {
        let mut of = BTreeMap::new();
        for ((id, _), confirmed) in &self.standbys {
            let most = of.entry(*id).or_insert(*confirmed);
            *most = confirmed.max(most).to_owned();
        }
        of
    }

    /// A copy of what is visible.
    pub fn copy(&self) -> Base {
        let mut log = self.log.clone();
        log.fold(self.visible);
        log.base().clone()
    }

    pub fn status(&self, id: u32) -> Status {
        Status {
            id,
            role: self.role,
            history: self.log.history().clone(),
            durable: self.durable,
            visible: self.visible,
            upstream: self.upstream,
            replication: self.replication,
            standbys: (self.confirmed_by().into_iter())
                .map(|(id, confirmed)| Standby { id, confirmed })
                .collect(),
            sync: self.log.sync().clone(),
        }
    }
}

/// Takes the first out, if it is due.
pub(super) fn pop_if<T>(queue: &mut VecDeque<T>, is_due: impl FnOnce(&T) -> bool) -> Option<T> {
    queue.front().is_some_and(is_due).then(|| queue.pop_front())?
}

#[cfg(test)]
mod tests;
