//! What clients ask a member.

use super::Node;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::store::message::{Command, LeaseId, Outcome, Refusal, Reply, Request};
use crate::store::options::Flaw;
use crate::store::raft::{Change, NotChanged, NotDone};
use crate::store::watch;
use host::net::OwnedWriteHalf;
use host::sometimes;
use host::time::Instant;

impl Node {
    /// Answers one request after the other, until the client hangs up or watches.
    pub(super) async fn serve_client(
        &self,
        mut frames: FrameReader,
        mut half: OwnedWriteHalf,
    ) -> Result<(), ReadError> {
        let mut scratch = Vec::new();
        loop {
            let request: Request = frames.next().await?;
            if self.refuses() {
                transport::write_now(&mut half, &Reply::NoMember, &mut scratch).await?;
                continue;
            }
            if let Request::Watch { key, prefix, from } = request {
                return Ok(watch::serve(&self.applied, &key, prefix, from, &mut half).await?);
            }
            let reply = match request.check(self.config.options.lease_min.as_millis() as u64) {
                Ok(()) => self.answer(request).await,
                Err(refusal) => Reply::Refused(refusal),
            };
            transport::write_now(&mut half, &reply, &mut scratch).await?;
        }
    }

    async fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Txn(txn) => self.propose(Command::Txn(txn)).await,
            Request::Grant { ttl_ms } => {
                let lease = LeaseId(host::entropy::u64());
                match self.propose(Command::Grant { lease, ttl_ms }).await {
                    Reply::Done => Reply::Granted { lease },
                    other => other,
                }
            }
            Request::Revoke { lease } => self.propose(Command::Revoke { lease }).await,
            Request::Read { key, prefix } => match self.make_sure().await {
                Ok(()) => self.applied.read(|machine| Reply::Read {
                    revision: machine.revision(),
                    pairs: machine.get(&key, prefix),
                }),
                Err(not_done) => reply(not_done),
            },
            Request::KeepAlive { lease } => self.renew(lease).await,
            Request::AddMember { replica } => self.change(Change::Add(replica)).await,
            Request::RemoveMember { replica } => self.change(Change::Remove(replica)).await,
            Request::Watch { .. } => unreachable!("a watch takes its connection"),
        }
    }

    /// Whether no client is served: this member knows that it was removed.
    fn refuses(&self) -> bool {
        self.applied.is_gone(self.id) && !self.leads_on()
    }

    async fn make_sure(&self) -> Result<(), NotDone> {
        if self.leads_on() { Ok(()) } else { self.consensus.make_sure().await }
    }

    async fn change(&self, change: Change) -> Reply {
        let (Change::Add(replica) | Change::Remove(replica)) = change;
        if !(1..=self.config.replicas.len() as u64).contains(&replica) {
            return Reply::Refused(Refusal::NoSuchReplica { replica });
        }
        match self.consensus.change(change).await {
            Ok(()) => Reply::Done,
            Err(NotChanged::Refused(refusal)) => Reply::Refused(refusal),
            Err(NotChanged::NotDone(not_done)) => reply(not_done),
        }
    }

    async fn propose(&self, command: Command) -> Reply {
        match self.consensus.propose(command).await {
            Ok(Outcome::Txn(txn)) => Reply::Txn(txn),
            Ok(Outcome::Done | Outcome::Nothing) => Reply::Done,
            Ok(Outcome::Refused(refusal)) => Reply::Refused(refusal),
            Err(not_done) => reply(not_done),
        }
    }

    /// The order matters: see `lessor.rs`.
    async fn renew(&self, lease: LeaseId) -> Reply {
        let gone = Reply::Refused(Refusal::NoSuchLease);
        if self.consensus.leads().is_none() {
            return Reply::NotLeader(self.consensus.leader());
        }
        let asked = Instant::now();
        let renewed = match self.applied.read(|machine| machine.lease_ttl_ms(lease)) {
            Some(ttl_ms) => self.refresh_leases().renew(lease, ttl_ms, asked),
            // A new leader may not have applied it yet.
            None => true,
        };
        // That a lease is about to end, too, only a leader knows: it may live on under another.
        if self.flaw() != Some(Flaw::UnsureRenewal)
            && let Err(not_done) = self.consensus.make_sure().await
        {
            return reply(not_done);
        }
        match self.applied.read(|machine| machine.lease_ttl_ms(lease)) {
            Some(ttl_ms) if renewed => {
                self.lock().tell(lease, ttl_ms, asked);
                sometimes!("lease renewed");
                Reply::Alive { ttl_ms }
            }
            Some(_) | None => gone,
        }
    }
}

fn reply(not_done: NotDone) -> Reply {
    match not_done {
        NotDone::NotLeader(leader) => Reply::NotLeader(leader),
        NotDone::Unknown => Reply::Unknown,
    }
}
