//! Clients at work: each on a machine of its own, one operation under way at most.
//!
//! Operations are due at the instants that `duties` says; a client that is late does the next one at once.

use super::duties::{self, Duties};
use super::progress::Shared;
use crate::history;
use crate::latency::Sample;
use crate::scenario::Scenario;
use crate::system::{Client, ClientContext, Outcome, System};
use crate::time::{BOOT, told_ns};
use host::{time::timeout, world};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What all clients of a run share.
pub(super) struct Workload<S: System> {
    pub(super) system: &'static S,
    pub(super) seed: u64,
    pub(super) plan: Scenario,
    pub(super) options: S::Options,
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) clients: u32,
    pub(super) timeout: Duration,
    /// When the clients stop, in ns since the run began.
    pub(super) until_ns: u64,
    /// What is due is noted down.
    pub(super) records: bool,
    pub(super) shared: Arc<Shared<S>>,
}

impl<S: System> Workload<S> {
    pub(super) fn new(
        system: &'static S,
        plan: &Scenario,
        seed: u64,
        options: S::Options,
        nodes: Vec<SocketAddr>,
        records: bool,
        shared: Arc<Shared<S>>,
    ) -> Self {
        let (clients, timeout) = (plan.clients(), plan.workload.timeout.get());
        let until_ns = (BOOT + plan.workload.duration.get()).as_nanos() as u64;
        let plan = plan.clone();
        Workload { system, seed, plan, options, nodes, clients, timeout, until_ns, records, shared }
    }

    /// One client, from 1, until the workload is over.
    pub(super) async fn client(self: Arc<Self>, id: u32) {
        let mut process = id - 1;
        let connect = || {
            let (nodes, options) = (self.nodes.clone(), self.options.clone());
            self.system.client(ClientContext { id, nodes, options })
        };
        let mut client = connect();
        let mut encoded = Vec::new();
        let mut duties = Duties::new(self.system, &self.plan, self.seed, id, now_ns());
        let mut reseeded = None;
        loop {
            let seed = self.shared.update(|progress| progress.reseeded);
            if let Some(seed) = seed.filter(|_| seed != reseeded) {
                duties.reseed(seed, id);
                reseeded = Some(seed);
            }
            let Some((due, op)) = duties.next() else { break };
            if self.records {
                let listed = duties::listed(id, due, &op);
                self.shared.update(|progress| progress.due.push(listed));
            }
            if due > now_ns() {
                world::until_ns(due).await;
            }
            if now_ns() >= self.until_ns {
                break;
            }
            let outcome = self.operate(&mut client, process, op, &mut encoded).await;
            if !outcome {
                process += self.clients;
                client = connect();
            }
        }
        self.shared.update(|progress| progress.clients_done += 1);
    }

    /// Does one operation and records it. Returns whether its outcome is known.
    async fn operate(
        &self,
        client: &mut impl Client<S::Op, S::Ret>,
        process: u32,
        op: S::Op,
        encoded: &mut Vec<u8>,
    ) -> bool {
        let invoked_ns = now_ns();
        note(process, "invoke", &op, encoded);
        let (invocation, faults, was_calm) = self.shared.update(|progress| {
            let invocation = progress.history.invoke(told(invoked_ns), process, op.clone());
            (invocation, progress.faults_struck, progress.faults_active == 0)
        });
        let outcome = match timeout(self.timeout, client.call(&op)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                Outcome::Unknown(format!("no answer within {}", humantime::format_duration(self.timeout)))
            }
        };
        match &outcome {
            Outcome::Ok(ret) => note(process, "ok", ret, encoded),
            Outcome::Fail(why) => note(process, "fail", why, encoded),
            Outcome::Unknown(why) => note(process, "info", why, encoded),
        }
        let completed_ns = now_ns();
        self.shared.update(|progress| {
            let known = match &outcome {
                Outcome::Ok(_) => {
                    progress.operations.ok += 1;
                    let calm = was_calm && progress.faults_struck == faults;
                    let us = (completed_ns - invoked_ns) / 1000;
                    progress.latencies.push(Sample { kind: history::kind(&op), us, calm });
                    true
                }
                Outcome::Fail(_) => {
                    progress.operations.fail += 1;
                    true
                }
                Outcome::Unknown(_) => {
                    progress.operations.unknown += 1;
                    false
                }
            };
            progress.history.complete(told(completed_ns), invocation, outcome);
            known
        })
    }
}

/// Clients begin with the workload.
fn told(at_ns: u64) -> u64 {
    told_ns(at_ns).max(0) as u64
}

fn now_ns() -> u64 {
    world::with(|world| world.now_ns())
}

/// Takes an operation's invocation or completion into the digest and the trace.
fn note<T: serde::Serialize + std::fmt::Debug>(
    process: u32,
    step: &'static str,
    value: &T,
    encoded: &mut Vec<u8>,
) {
    encoded.clear();
    encoded.extend_from_slice(&process.to_le_bytes());
    encoded.extend_from_slice(step.as_bytes());
    match postcard::to_extend(value, std::mem::take(encoded)) {
        Ok(bytes) => *encoded = bytes,
        // Something that has no length in advance: its text will do.
        Err(_) => *encoded = format!("{process} {step} {value:?}").into_bytes(),
    }
    world::with(|world| world.operation(process, step, || format!("{value:?}"), encoded));
}
