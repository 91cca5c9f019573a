//! madsim's own network, on madsim's runtime.

use super::{Peer, on_fresh_thread};
use crate::workload::{
    CLIENTS, FAULT_BEGINS, FAULT_ENDS, Fault, LATENCY_MAX, LATENCY_MIN, NODES, Tally, Workload, client_ip,
    node_address,
};
use ::madsim::Config;
use ::madsim::net::NetSim;
use ::madsim::runtime::Runtime;
use ::madsim::task::NodeId;
use futures::future::join_all;
use madsim_host as host;
use madsim_protocols as protocols;
use std::time::Duration;

#[path = "work.rs"]
mod work;

pub struct Madsim;

impl Peer for Madsim {
    fn name(&self) -> &'static str {
        "madsim"
    }

    fn run(&self, workload: Workload, seed: u64) -> Tally {
        on_fresh_thread(|| {
            host::begin(seed);
            let mut config = Config::default();
            config.net.send_latency = LATENCY_MIN..LATENCY_MAX;
            let runtime = Runtime::with_seed_and_config(seed, config);
            runtime.block_on(run(&runtime, workload, seed))
        })
    }
}

async fn run(runtime: &Runtime, Workload { system, fault }: Workload, seed: u64) -> Tally {
    let nodes: Vec<NodeId> = (1..=NODES)
        .map(|n| {
            let node = runtime.create_node().name(format!("n{n}")).ip(node_address(n).ip());
            node.init(move || work::node(system, n)).build().id()
        })
        .collect();
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|id| {
            let node = runtime.create_node().name(format!("c{id}")).ip(client_ip(id).into()).build();
            node.spawn(work::client(system, id, seed))
        })
        .collect();
    tokio::time::sleep(FAULT_BEGINS).await;
    let net = ::madsim::plugin::simulator::<NetSim>();
    match fault {
        Fault::Quiet => {}
        Fault::Partition => links_of_the_first(&nodes).for_each(|(from, to)| net.clog_link(from, to)),
        Fault::Crash => runtime.handle().kill(nodes[0]),
    }
    tokio::time::sleep(FAULT_ENDS - FAULT_BEGINS).await;
    match fault {
        Fault::Quiet => {}
        Fault::Partition => links_of_the_first(&nodes).for_each(|(from, to)| net.unclog_link(from, to)),
        Fault::Crash => runtime.handle().restart(nodes[0]),
    }
    let mut tally = Tally::default();
    for client in join_all(clients).await {
        tally += client.expect("no client dies");
    }
    // What a dropped runtime has not finished leaks.
    nodes.into_iter().for_each(|node| runtime.handle().kill(node));
    tokio::time::sleep(Duration::from_millis(1)).await;
    tally
}

fn links_of_the_first(nodes: &[NodeId]) -> impl Iterator<Item = (NodeId, NodeId)> {
    nodes[1..].iter().flat_map(|other| [(nodes[0], *other), (*other, nodes[0])])
}
