//! splitbrain's network, in a run that is set up and taken down as the testbed does it, without anything that judges.

use super::{Peer, SPLITBRAIN};
use crate::workload::{
    CLIENTS, FAULT_BEGINS, FAULT_ENDS, Fault, LATENCY_MAX, LATENCY_MIN, NODES, Tally, Workload, client_ip,
    node_address,
};
use ::{host, protocols};
use futures::future::join_all;
use host::world::{self, Config, Death, DiskSettings, Latency, Machine, MachineId, lab};
use std::time::Duration;

#[path = "work.rs"]
mod work;

pub struct Splitbrain;

impl Peer for Splitbrain {
    fn name(&self) -> &'static str {
        SPLITBRAIN
    }

    fn run(&self, Workload { system, fault }: Workload, seed: u64) -> Tally {
        let nodes = (1..=NODES).map(|n| Machine::new(format!("n{n}"), node_address(n).ip()));
        let clients = (1..=CLIENTS).map(|id| Machine::new(format!("c{id}"), client_ip(id)));
        let latency = Latency::uniform(LATENCY_MIN, LATENCY_MAX);
        let config = Config { latency, ..Config::new(seed, nodes.chain(clients).collect()) };
        lab::run(config, async move |lab| {
            let nodes: Vec<MachineId> =
                (1..=NODES).map(|n| lab.boot(move || work::node(system, n))).collect();
            world::with(|world| nodes.iter().try_for_each(|node| world.set_disk(*node, disk())))
                .expect("a disk can be so");
            let clients: Vec<_> =
                (1..=CLIENTS).map(|id| lab.on(lab.machine(), work::client(system, id, seed))).collect();
            tokio::time::sleep(FAULT_BEGINS).await;
            begin(fault, &nodes);
            tokio::time::sleep(FAULT_ENDS - FAULT_BEGINS).await;
            end(fault, &nodes);
            let mut tally = Tally::default();
            for client in join_all(clients).await {
                tally += client.expect("no client dies");
            }
            tally
        })
    }
}

fn begin(fault: Fault, nodes: &[MachineId]) {
    match fault {
        Fault::Quiet => {}
        Fault::Partition => {
            links_of_the_first(nodes).for_each(|(from, to)| world::with(|world| world.cut(from, to)));
        }
        Fault::Crash => world::crash(nodes[0], Death::Process),
    }
}

fn end(fault: Fault, nodes: &[MachineId]) {
    match fault {
        Fault::Quiet => {}
        Fault::Partition => {
            links_of_the_first(nodes).for_each(|(from, to)| world::with(|world| world.mend(from, to)));
        }
        Fault::Crash => world::restart(nodes[0]),
    }
}

fn links_of_the_first(nodes: &[MachineId]) -> impl Iterator<Item = (MachineId, MachineId)> {
    nodes[1..].iter().flat_map(|other| [(nodes[0], *other), (*other, nodes[0])])
}

/// A sync takes a millisecond, as it must where nothing shorter can be slept.
fn disk() -> DiskSettings {
    DiskSettings { sync: Latency::constant(Duration::from_millis(1)), ..DiskSettings::default() }
}
