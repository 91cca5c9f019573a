//! Failover under test: a store, databases with their managers, and routers to whichever database is the primary.
//!
//! Machines are, in this order, the store's replicas, the databases with their managers, and the routers. Clients write
//! and read through a router, and as operators ask the manager for another primary. With keepalived and UCARP there are
//! databases alone, and clients go to the address that moves between them. With repmgr there is no store, perhaps a
//! witness, and the routers are PgBouncers. With Agrajag there is all of that, and the routers are applications' pools.
//!
//! Judged, each in a file of its own: **timeline** (`logs.rs`: all logs are paths in one tree, and who was not rewound
//! does not stream), **split-brain** (writes of two primaries do not overlap), **one-writable** (no two databases would
//! take a write, asked by whomever), **lease** (who writes holds the lock), **refinement** (and does so as the lock is
//! specified), **eligible** (nobody leads who is tagged not to), **lag** (nobody leads who lacks more than may be lost),
//! **service** (no longer without a write than the scenario allows), **convergence** (in the end there is one primary,
//! and all others have what it has), **address** (it alone is where the virtual address is), **one-owner** (masters that
//! hear each other do not stay two), **held** (in the end no PgBouncer is paused), **undisturbed** (a master that is heard
//! stays one), **order** (what Agrajag publishes never gets older), **published** (in the end it names a primary),
//! **routed** (applications' pools lead there), **listed** (orchestrators that are present are listed), **repaired** (no
//! standby is stopped that did not start), **durability** (what was acknowledged is then there) and **linearizable** (each
//! key by itself).
//!
//! What is not promised is in `options.rs`: without synchronous replication, the last two; with stolon, one-writable;
//! with keepalived and UCARP, all that a partition can break; with repmgr and Agrajag convergence, too.

mod address;
mod card;
mod client;
mod config;
mod consumers;
mod convergence;
mod durability;
mod eligible;
#[cfg(test)]
mod example;
mod fact;
mod figures;
mod heard;
mod held;
mod lag;
mod leaderless;
mod lease;
mod listed;
mod logs;
mod machine;
mod one_owner;
mod one_writable;
mod operations;
mod operator;
mod options;
mod order;
mod places;
mod primaries;
mod published;
mod recovery;
mod refinement;
mod repaired;
mod routed;
mod service;
mod split_brain;
mod undisturbed;

pub use card::CARD;
pub use client::{Op, Ret};
pub use figures::Figures;
pub use options::{Manager, Options};

use client::RoutedClient;
use eligible::Eligible;
use heard::Heard;
use host::world::MachineId;
use lag::Lag;
use lease::Lock;
use one_owner::Rivals;
use operator::Specification;
use order::Order;
use protocols::database::View;
use protocols::{agrajag, bouncer, database, patroni, repmgr, router, stolon, store, vrrp};
use refinement::Refines;
use service::Service;
use sim::check::Checkers;
use sim::check::linearizable::models::KeyValue;
use sim::check::linearizable::models::key_value::Content;
use sim::{Choice, Client, ClientContext, NodeContext, Operation, System, Tolerated};
use split_brain::Reigns;
use std::collections::BTreeSet;
use std::io;
use undisturbed::Peace;

/// Values are numbers that JSON can tell apart.
const VALUE_MAX: u64 = (1 << 53) - 1;
/// A database that is named is one of so many, over and over those that there are.
const NAMED_MAX: u64 = 60;

/// Databases, and who makes one of them the primary.
#[derive(Debug)]
pub struct Failover;

impl System for Failover {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "failover";
    const PROCESSES: &'static [&'static str] = machine::PROCESSES;

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("get", |mix, draw| Op::Get(mix.key(draw))),
            Operation("put", |mix, draw| Op::Put(mix.key(draw), draw.between(1, VALUE_MAX))),
            Operation("cas", |mix, draw| Op::Cas(mix.key(draw), draw.between(1, VALUE_MAX))),
            Operation("switchover", |_, _| Op::Switchover),
            Operation("handover", |_, draw| Op::Handover(draw.below(NAMED_MAX) as u32)),
            Operation("specify", |_, draw| Op::Specify(Specification::synchronous(draw.chance(0.5)))),
            Operation("pause", |_, _| Op::Pause),
            Operation("resume", |_, _| Op::Resume),
            Operation("reinitialise", |_, draw| Op::Reinitialise(draw.below(NAMED_MAX) as u32)),
            Operation("remove", |_, draw| Op::Remove(draw.below(NAMED_MAX) as u32)),
            Operation("promote", |_, _| Op::Promote),
        ]
    }

    /// Of all that runs: several of its protocols publish the same.
    fn probes() -> Vec<&'static str> {
        let of_protocols = [
            agrajag::PROBES,
            bouncer::PROBES,
            database::PROBES,
            patroni::PROBES,
            repmgr::PROBES,
            router::PROBES,
            stolon::PROBES,
            store::PROBES,
            vrrp::PROBES,
        ]
        .concat();
        of_protocols.into_iter().chain(fact::PROBES).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// None of what decides how long a failover takes: scenarios give it the time that it needs by default. No fewer
    /// standbys than there are: all are to stream in the end.
    fn choices() -> &'static [Choice] {
        &[
            Choice { option: "store.snapshot_entries", among: &["20", "60", "200"] },
            Choice { option: "store.events_kept", among: &["4", "30", "1000"] },
            Choice { option: "database.checkpoint_bytes", among: &["1024", "8192", "262144"] },
            Choice { option: "database.entries_kept", among: &["5", "50", "1000"] },
            Choice { option: "database.stream_timeout", among: &["\"2s\"", "\"5s\"", "\"10s\""] },
            Choice { option: "patroni.maximum_lag_on_failover", among: &["3", "30", "1024"] },
            Choice { option: "patroni.maximum_lag_on_syncnode", among: &["3", "30", "1024"] },
            Choice { option: "patroni.synchronous_node_count", among: &["1", "2"] },
            Choice { option: "patroni.primary_start_timeout", among: &["\"0s\"", "\"15s\"", "\"300s\""] },
            Choice { option: "patroni.failsafe_mode", among: &["true", "false"] },
            Choice { option: "stolon.max_standby_lag", among: &["3", "30", "1024"] },
            Choice { option: "stolon.rewind", among: &["true", "false"] },
            Choice { option: "stolon.max_standbys", among: &["2", "3"] },
            Choice { option: "stolon.max_synchronous_standbys", among: &["1", "2"] },
            Choice { option: "router.rise", among: &["1", "2", "4"] },
            Choice { option: "router.fall", among: &["1", "3", "5"] },
        ]
    }

    fn formats() -> &'static [sim::configuration::Format] {
        config::FORMATS
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        machine::run(node).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        RoutedClient::new(&client)
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let (mut reigns, mut lock) = (Reigns::default(), Lock::default());
        let (mut eligible, mut lag, mut service) = (Eligible::default(), Lag::default(), Service::default());
        let (mut rivals, mut peace, mut order) = (Rivals::default(), Peace::default(), Order::default());
        let mut refines = Refines::new();
        Checkers::new()
            .linearizable_in_parts(KeyValue { initial: Content::MISSING }, client::to_its_key)
            .listener(Heard::default(), |heard, seen| heard.hear(seen.probe))
            .invariant("timeline", |heard, _| heard.timeline())
            .invariant("split-brain", move |heard, _| reigns.judge(heard))
            .invariant("one-writable", |_, seen| one_writable::check(seen.views))
            .invariant("lease", move |heard, _| lock.judge(heard))
            .invariant("refinement", move |heard, seen| {
                refines.judge(heard, seen.is_latest.then_some(seen.views))
            })
            .invariant("eligible", move |heard, _| eligible.judge(heard))
            .invariant("lag", move |heard, _| lag.judge(heard))
            .invariant("service", move |heard, seen| service.judge(heard, seen.probe))
            .invariant("one-owner", move |heard, seen| rivals.judge(heard, seen.probe))
            .invariant("undisturbed", move |heard, _| peace.judge(heard))
            .invariant("order", move |heard, _| order.judge(heard))
            .eventually("published", |heard, views| published::check(&heard.published, views))
            .eventually("routed", |heard, views| {
                let primary = || convergence::primary(heard, views).ok().map(MachineId::numbered);
                routed::check(&heard.pools, heard.published.master().or_else(primary))
            })
            .eventually("listed", |heard, _| listed::check(&heard.listed, &heard.present))
            .eventually("address", |heard, views| address::check(heard.owners.as_ref(), views))
            .eventually("held", |heard, _| held::check(&heard.paused))
            .eventually("repaired", |heard, views| repaired::check(&heard.refused, views))
            .convergence(convergence::converged)
            .eventually("durability", |heard, views| {
                heard
                    .acknowledged
                    .check(&heard.logs, MachineId::numbered(convergence::primary(heard, views)?))
            })
            .recovers_if(|heard, harm| heard.machines.recover(harm))
            .into()
    }

    fn tolerates(&self, options: &Options) -> Vec<Tolerated> {
        options.tolerates()
    }
}
