//! turmoil, on the real tokio with paused time.

use super::{Peer, on_fresh_thread};
use crate::workload::{
    CLIENTS, FAULT_BEGINS, FAULT_ENDS, Fault, LASTS, LATENCY_MAX, LATENCY_MIN, NODES, Tally, Workload,
    client_ip, node_address,
};
use ::turmoil::{Builder, Sim};
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use turmoil_host as host;
use turmoil_protocols as protocols;

#[path = "work.rs"]
mod work;

pub struct Turmoil;

impl Peer for Turmoil {
    fn name(&self) -> &'static str {
        "turmoil"
    }

    fn run(&self, workload: Workload, seed: u64) -> Tally {
        on_fresh_thread(|| {
            host::begin(seed);
            run(workload, seed)
        })
    }
}

fn run(Workload { system, fault }: Workload, seed: u64) -> Tally {
    let mut sim = Builder::new()
        .rng_seed(seed)
        .simulation_duration(2 * LASTS)
        .min_message_latency(LATENCY_MIN)
        .max_message_latency(LATENCY_MAX)
        .tcp_capacity(TCP_CAPACITY)
        .build();
    sim.set_message_latency_curve(LATENCY_CURVE);
    for n in 1..=NODES {
        sim.host(node_address(n).ip(), move || async move { Ok(work::node(system, n).await?) });
    }
    let tally = Rc::new(RefCell::new(Tally::default()));
    for id in 1..=CLIENTS {
        let tally = tally.clone();
        sim.client(IpAddr::from(client_ip(id)), async move {
            let told = work::client(system, id, seed).await;
            *tally.borrow_mut() += told;
            Ok(())
        });
    }
    let first = node_address(1).ip();
    let others = || (2..=NODES).map(|n| node_address(n).ip());
    step_until(&mut sim, FAULT_BEGINS);
    match fault {
        Fault::Quiet => {}
        Fault::Partition => others().for_each(|other| sim.partition(first, other)),
        Fault::Crash => sim.crash(first),
    }
    step_until(&mut sim, FAULT_ENDS);
    match fault {
        Fault::Quiet => {}
        Fault::Partition => others().for_each(|other| sim.repair(first, other)),
        Fault::Crash => sim.bounce(first),
    }
    sim.run().expect("every client comes to its end");
    *tally.borrow()
}

fn step_until(sim: &mut Sim<'_>, instant: Duration) {
    while sim.elapsed() < instant {
        let all_ended = sim.step().expect("no node fails");
        assert!(!all_ended, "clients work until after the fault");
    }
}

/// turmoil's latencies are exponential, in whole ms, capped at the maximum; with this rate their mean is that of the
/// uniform distribution the others draw from: 1 ms + Σ exp(−1.4 k / 9) ms for k in 1..=9 ≈ 5.5 ms.
const LATENCY_CURVE: f64 = 1.4;

/// What may wait at a socket; turmoil panics when more connect than that. Its default is 64.
const TCP_CAPACITY: usize = 100_000;
