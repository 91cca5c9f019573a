//! Failover under test: a store, databases with their managers, and routers to whichever database is the primary.
//!
//! Machines are, in this order, the store's replicas, the databases with their managers, and the routers. Clients write
//! and read through a router, and as operators ask the manager for another primary.
//!
//! Judged, each in a file of its own: **timeline** (`logs.rs`: all logs are paths in one tree, and who was not rewound
//! does not stream), **split-brain** (writes of two primaries do not overlap), **one-writable** (no two databases would
//! take a write, asked by whomever), **lease** (who writes holds the lock), **eligible** (nobody leads who is tagged not to),
//! **service** (no longer without a write than the scenario allows), **convergence** (in the end there is one primary,
//! and all others have what it has), **durability** (what was acknowledged is then there) and **linearizable** (each key
//! by itself).
//!
//! Without synchronous replication no manager promises the last two; the scenario says so.

mod client;
mod convergence;
mod durability;
mod eligible;
mod fact;
mod figures;
mod lease;
mod logs;
mod machine;
mod one_writable;
mod operator;
mod options;
mod probes;
mod recovery;
mod service;
mod split_brain;
mod watch;

pub use client::{Op, Ret};
pub use figures::Figures;
pub use options::{Manager, Options};

use client::RoutedClient;
use host::world::MachineId;
use protocols::database::View;
use sim::check::Checkers;
use sim::check::linearizable::models::KeyValue;
use sim::check::linearizable::models::key_value::Content;
use sim::{Client, ClientContext, Draw, Mix, NodeContext, System};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use watch::Watch;

/// Values are numbers that JSON can tell apart.
const VALUE_MAX: u64 = (1 << 53) - 1;

/// Databases, and who makes one of them the primary.
#[derive(Debug)]
pub struct Failover;

impl System for Failover {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "failover";
    const OPERATIONS: &'static [&'static str] = &["get", "put", "cas", "switchover"];
    const PROBES: &'static [&'static str] = probes::PROBES;
    const PROCESSES: &'static [&'static str] = machine::PROCESSES;

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        machine::run(node).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        RoutedClient::new(&client)
    }

    fn next_op(&self, mix: &Mix, draw: &mut Draw) -> Op {
        match mix.pick(draw) {
            "get" => Op::Get(mix.key(draw)),
            "put" => Op::Put(mix.key(draw), draw.between(1, VALUE_MAX)),
            "cas" => Op::Cas(mix.key(draw), draw.between(1, VALUE_MAX)),
            _ => Op::Switchover,
        }
    }

    fn checkers(&self) -> Checkers<Self> {
        // All look at the same logs: the first takes in what was said.
        let watch = Rc::new(RefCell::new(Watch::default()));
        let shared = || Rc::clone(&watch);
        let (hearing, split, lease, eligible, service, converged, durable, promise) =
            (shared(), shared(), shared(), shared(), shared(), shared(), shared(), shared());
        Checkers::<Self>::new()
            .invariant("timeline", move |seen| hearing.borrow_mut().hear(seen.probe))
            .invariant("split-brain", move |_| split.borrow().split_brain.clone())
            .invariant("one-writable", |seen| one_writable::check(seen.views))
            .invariant("lease", move |_| lease.borrow().lease.clone())
            .invariant("eligible", move |_| eligible.borrow().eligible.clone())
            .invariant("service", move |_| service.borrow().service.clone())
            .convergence(move |views| convergence::converged(views, &converged.borrow().may_cascade))
            .eventually("durability", move |views| {
                durable.borrow().durability(MachineId::numbered(convergence::primary(views)?))
            })
            .recovers_if(move |harm| promise.borrow().machines.recover(harm))
            .linearizable_in_parts(KeyValue { initial: Content::MISSING }, client::to_its_key)
    }
}
