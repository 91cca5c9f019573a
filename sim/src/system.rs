//! A system under test: what a user of the testbed writes.
//!
//! [`System`] says how a node boots, what clients can do, and what is checked. [`AnySystem`](crate::AnySystem) is the same
//! without its types.

use crate::check::Checkers;
use crate::configuration::Format;
pub use crate::history::Outcome;
use crate::scenario::{Choice, Scenario, Tolerated};
use host::disk::Disk;
use host::world::Draw;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A protocol, its clients and its checkers.
pub trait System: Send + Sync + Sized + 'static {
    /// `[cluster] options` of a scenario.
    type Options: DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;
    /// What a client can be told to do. Serialised as an enum: its variant is the `f` of the history, and the name of an
    /// operation that a plan lists.
    type Op: Serialize + DeserializeOwned + Clone + Debug + Send + 'static;
    /// What a client gets back.
    type Ret: Serialize + Clone + Debug + Send + 'static;
    /// What a node believes, as it registers it with `host::view`.
    type View: Serialize + 'static;

    /// The name that scenarios use.
    const NAME: &'static str;
    /// The processes, as `host::process::run` names them, of which a scenario may strike one; none if every machine is
    /// one process.
    const PROCESSES: &'static [&'static str] = &[];

    /// What clients can be told to do: the operations that a scenario's mix may name.
    fn operations() -> &'static [Operation<Self::Op>];

    /// The probes that the protocol publishes, which a scenario's faults may wait for.
    fn probes() -> Vec<&'static str> {
        Vec::new()
    }

    /// What a seed may pick of the options, where a scenario's `random.sizes` says so.
    fn choices() -> &'static [Choice] {
        &[]
    }

    /// The configuration files of real programs that it reads, for `--from`.
    fn formats() -> &'static [Format] {
        &[]
    }

    /// Runs one node until it is dropped. It is called again after each crash, and finds what its disk kept.
    fn node(&self, node: NodeContext<Self::Options>) -> impl Future<Output = io::Result<()>>;

    /// A client, not yet connected.
    fn client(&self, client: ClientContext<Self::Options>) -> impl Client<Self::Op, Self::Ret>;

    /// The next operation, from the client's own stream: one of them by weight, and then made.
    fn next_op(&self, mix: &Mix, draw: &mut Draw) -> Self::Op {
        let Operation(_, make) = mix.pick(Self::operations(), draw);
        make(mix, draw)
    }

    /// What is judged.
    fn checkers(&self) -> Checkers<Self::Op, Self::Ret, Self::View>;

    /// What it does not promise under these options, each with the reason. A scenario that says nothing of what it
    /// expects tolerates it.
    fn tolerates(&self, _options: &Self::Options) -> Vec<Tolerated> {
        Vec::new()
    }
}

/// What a node is told when it boots.
#[derive(Debug, Clone)]
pub struct NodeContext<O> {
    /// Its number, from 1.
    pub id: u32,
    /// Where all nodes listen, this one included, in order of their numbers.
    pub nodes: Vec<SocketAddr>,
    /// The system's options.
    pub options: O,
}

impl<O> NodeContext<O> {
    /// Where this node listens, unless it listens where it likes: any port of its machine is free, and others reach it
    /// by name, as `n1:9000`.
    pub fn address(&self) -> SocketAddr {
        self.nodes[self.id as usize - 1]
    }

    /// The numbers and addresses of all other nodes.
    pub fn peers(&self) -> impl Iterator<Item = (u32, SocketAddr)> + use<O> {
        let (id, nodes) = (self.id, self.nodes.clone());
        (1..).zip(nodes).filter(move |(number, _)| *number != id)
    }

    /// The name of this node's machine.
    pub fn name(&self) -> String {
        name(self.id)
    }

    /// The names of all machines with a node, in order of their numbers. [`host::net`] looks them up, with any port.
    pub fn names(&self) -> Vec<String> {
        (1..=self.nodes.len() as u32).map(name).collect()
    }

    /// The disk of the machine it runs on. What was synced to it is there at the next boot.
    pub fn disk(&self) -> Disk {
        Disk::of_this_machine()
    }
}

/// What a client is told when it starts, and again after each operation whose outcome is unknown.
#[derive(Debug, Clone)]
pub struct ClientContext<O> {
    /// Its number, from 1.
    pub id: u32,
    /// Where the nodes listen, in order of their numbers.
    pub nodes: Vec<SocketAddr>,
    /// The system's options.
    pub options: O,
}

impl<O> ClientContext<O> {
    /// The names of all machines with a node, in order of their numbers. [`host::net`] looks them up, with any port.
    pub fn names(&self) -> Vec<String> {
        (1..=self.nodes.len() as u32).map(name).collect()
    }
}

/// The name of the machine of a node.
fn name(id: u32) -> String {
    format!("n{id}")
}

/// A client of a system. It holds connections and whatever it must remember from one operation to the next.
pub trait Client<Op, Ret> {
    /// Does one operation. The testbed gives up after the workload's time-out, and calls the outcome unknown.
    fn call(&mut self, op: &Op) -> impl Future<Output = Outcome<Ret>>;
}

/// An operation: its name in a scenario's mix, and what makes one, with what it is about.
#[derive(Debug)]
pub struct Operation<Op>(pub &'static str, pub fn(&Mix, &mut Draw) -> Op);

/// The operations of a workload, and how often each.
#[derive(Debug, Clone)]
pub struct Mix {
    weights: Vec<(String, u32)>,
    total: u64,
    first_key: u32,
    keys: u32,
}

impl Mix {
    /// The mix of one client, by its number from 1.
    pub(crate) fn new(scenario: &Scenario, client: u32) -> Self {
        let keys = scenario.workload.keys;
        let first_key = if scenario.workload.own_keys { client * keys } else { 0 };
        let weights: Vec<(String, u32)> =
            scenario.workload.mix.iter().map(|(op, w)| (op.clone(), *w)).collect();
        let total = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        Mix { weights, total, first_key, keys }
    }

    /// A mix by its rows, over so many keys that all clients share: for tests of what makes operations.
    ///
    /// # Panics
    ///
    /// When no row has a weight above 0, or there is no key.
    #[must_use]
    pub fn of(rows: &[(&str, u32)], keys: u32) -> Self {
        let weights: Vec<(String, u32)> =
            rows.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        let total = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        assert!(total > 0 && keys > 0, "a mix has an operation with a weight, and a key");
        Mix { weights, total, first_key: 0, keys }
    }

    /// One of the operations, by weight.
    pub fn pick<'o, Op>(&self, operations: &'o [Operation<Op>], draw: &mut Draw) -> &'o Operation<Op> {
        let mut drawn = draw.below(self.total);
        for (picked, weight) in &self.weights {
            let Some(rest) = drawn.checked_sub(u64::from(*weight)) else {
                let row = operations.iter().find(|Operation(name, _)| name == picked);
                return row.expect("a validated scenario mixes operations that there are");
            };
            drawn = rest;
        }
        unreachable!("a draw below the sum of the weights falls on one of them")
    }

    /// One of the keys, uniformly: of all keys, or of the client's own.
    pub fn key(&self, draw: &mut Draw) -> u32 {
        self.first_key + draw.below(u64::from(self.keys)) as u32
    }

    /// One of the keys by Zipf's law: the *r*-th is drawn in proportion to 1/*r*, so that the first few are hot.
    pub fn hot_key(&self, draw: &mut Draw) -> u32 {
        // The inverse of the law's continuous form: 1/x between 1 and keys + 1.
        let rank = libm::exp(draw.unit() * libm::log(f64::from(self.keys) + 1.0)) as u32 - 1;
        self.first_key + rank.min(self.keys - 1)
    }
}

/// The pace of one client: how long from one operation to the next, on average. None where operations are listed.
pub(crate) fn pace(scenario: &Scenario) -> Option<Duration> {
    let rate = scenario.workload.rate.filter(|_| scenario.operations.is_empty());
    rate.map(|rate| rate.interval() * scenario.workload.clients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::world::Stream;

    const OPERATIONS: [Operation<u32>; 3] =
        [Operation("never", |_, _| 0), Operation("often", |_, _| 1), Operation("key", Mix::key)];

    #[test]
    fn an_operation_is_picked_by_its_weight_and_then_made() {
        let (mix, mut draw) = (
            Mix { first_key: 7, ..Mix::of(&[("key", 1), ("never", 0), ("often", 3)], 1) },
            Draw::new(1, Stream::Other { purpose: "test", entity: "" }),
        );
        let mut made = [0; 8];
        for _ in 0..1000 {
            let Operation(_, make) = mix.pick(&OPERATIONS, &mut draw);
            made[make(&mix, &mut draw) as usize] += 1;
        }
        assert_eq!(made[0] + made[1] + made[7], 1000);
        assert!(made[0] == 0 && (700..800).contains(&made[1]), "{made:?}");
    }
}
