//! The log pipeline under test.
//!
//! Machines are, in this order, the bucket, the runners, and the collector. Clients put logs under keys that have
//! blanks and plus signs in them, put the same again, and delete what may not have been read yet. Some lines are broken
//! on purpose (`log.rs`).
//!
//! Judged: **once** (no line is kept twice), **concurrency** (no runner runs more functions than it may), **time**
//! (nothing leaves a function after its limit), and in the end **durability** (the bucket has what it acknowledged),
//! **delivery** (every line of every object is there, and of what was deleted all of it or a report) and **reading**
//! (each line says what it said in its object, and what is broken is reported as it is). The last three are in
//! `arrived.rs`.

mod arrived;
mod log;

use arrived::Heard;
use host::world::{MachineId, Probe};
use protocols::pipeline::{self, Client as Connection, ClientError, Config, Options, Part, View};
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Harm, Seen};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

/// Keys end with a number below this.
const NUMBERS: u64 = 1 << 40;

/// The log pipeline.
#[derive(Debug)]
pub struct Pipeline;

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Put the log of this number.
    Put(u64),
    /// Put what this client put last once more.
    Again,
    /// Delete what this client put last.
    Delete,
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// The bucket has it, as the object of this number.
    Stored(u64),
    /// It has it no more.
    Deleted(u64),
}

impl System for Pipeline {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "pipeline";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("put", |_, draw| Op::Put(draw.below(NUMBERS))),
            Operation("again", |_, _| Op::Again),
            Operation("delete", |_, _| Op::Delete),
        ]
    }

    fn probes() -> Vec<&'static str> {
        [pipeline::PROBES, &[LOG_CORRUPT]].concat()
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let (config, disk) = (config(&node.nodes, node.options.clone())?, node.disk());
        let part = match node.id as usize {
            1 => Part::Bucket,
            id if id == node.nodes.len() => Part::Collector,
            id => Part::Runner(id - 2),
        };
        match pipeline::run(part, config, disk).await {
            // Its process has ended with a message for people, and none will start it again before they have come.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                host::probe!(LOG_CORRUPT, error.to_string());
                std::future::pending().await
            }
            ended => ended,
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        LogClient { bucket: Connection::new(client.nodes[0]), last: None }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let mut running = Running::default();
        Checkers::new()
            .invariant("once", once)
            .invariant("concurrency", move |seen| running.judge(seen.probe))
            .invariant("time", |seen| seen.on("pushed").map_or(Ok(()), in_time))
            .recovers_if(the_ends_are_intact)
            .listener(Heard::default(), Heard::hear)
            .eventually("durability", Heard::durable)
            .eventually("delivery", Heard::delivered)
            .eventually("reading", |_, views| arrived::read_right(views))
            .into()
    }
}

const LOG_CORRUPT: &str = "log corrupt";

/// The first is the bucket, the last the collector, and functions run between.
fn config(nodes: &[SocketAddr], options: Options) -> io::Result<Config> {
    match nodes {
        [bucket, runners @ .., collector] if !runners.is_empty() => {
            Ok(Config { bucket: *bucket, runners: runners.to_vec(), collector: *collector, options })
        }
        _ => {
            let message = format!("nodes: {} are below 3: a bucket, a runner and a collector", nodes.len());
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

/// A client, and the number of what it put last.
struct LogClient {
    bucket: Connection,
    last: Option<u64>,
}

impl LogClient {
    async fn put(&self, number: u64) -> Result<Ret, ClientError> {
        let stored = self.bucket.put(&log::key(number), log::body(number).as_bytes()).await;
        stored.map(|id| Ret::Stored(id.0))
    }
}

impl Client<Op, Ret> for LogClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let result = match (op, self.last) {
            (Op::Put(number), _) => {
                self.last = Some(*number);
                self.put(*number).await
            }
            (_, None) => return Outcome::Fail("nothing was put".to_owned()),
            (Op::Again, Some(number)) => self.put(number).await,
            (Op::Delete, Some(number)) => {
                self.last = None;
                self.bucket.delete(&log::key(number)).await.map(|id| Ret::Deleted(id.0))
            }
        };
        match result {
            Ok(ret) => Outcome::Ok(ret),
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

/// No line is kept twice.
fn once(seen: &Seen<'_, View>) -> Result<(), Broken> {
    match seen.views.up().find_map(|(node, view)| Some((node, view.kept_twice()?))) {
        Some((node, line)) => {
            Err(Broken::new(format!("n{node} has kept {line} twice")).node(node).item(line))
        }
        None => Ok(()),
    }
}

/// A number that a probe tells.
fn told(probe: &Probe, index: usize) -> u64 {
    probe.values.get(index).and_then(|value| value.to_string().parse().ok()).unwrap_or_default()
}

/// Nothing leaves a function after its limit.
fn in_time(pushed: &Probe) -> Result<(), Broken> {
    let (took, limit) = (told(pushed, 1), told(pushed, 2));
    if took < limit {
        return Ok(());
    }
    let object = format!("o{}", told(pushed, 0));
    let why = format!("a function pushes lines of {object} after {took} us, and its limit is {limit} us");
    Err(Broken::new(why).item(object))
}

/// How many functions run on each machine.
#[derive(Default)]
struct Running(BTreeMap<MachineId, u64>);

impl Running {
    fn judge(&mut self, probe: Option<&Probe>) -> Result<(), Broken> {
        let Some((probe, host)) = probe.and_then(|probe| Some((probe, probe.host?))) else { return Ok(()) };
        let running = self.0.entry(host).or_default();
        match probe.name {
            "runner begins" => *running = 0,
            "function ends" => *running = running.saturating_sub(1),
            "function begins" => *running += 1,
            _ => return Ok(()),
        }
        let limit = told(probe, 1);
        if probe.name == "function begins" && *running > limit {
            let why = format!("{running} functions run on n{}, and its limit is {limit}", host.number());
            return Err(Broken::new(why).node(host.number()));
        }
        Ok(())
    }
}

/// There is one copy of each object and of each line.
fn the_ends_are_intact(harm: &[Harm]) -> Result<(), Broken> {
    let is_end = |node: usize| node == 0 || node + 1 == harm.len();
    let runs = |harm: &Harm| !harm.down;
    if harm.len() > 2 && !harm[1..harm.len() - 1].iter().any(runs) {
        return Err(Broken::new("no runner comes back"));
    }
    let lost = (0..harm.len()).find(|node| {
        let Harm { down, wiped, corrupted, .. } = harm[*node];
        is_end(*node) && (down || wiped || corrupted)
    });
    lost.map_or(Ok(()), |node| {
        let number = node as u32 + 1;
        Err(Broken::new(format!("n{number} has lost the only copy of what it had")).node(number))
    })
}

#[cfg(test)]
mod tests;
