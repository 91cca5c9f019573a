//! The machines of a plan.

use crate::scenario::{Nodes, Scenario};
use host::world::{Draw, Machine, Stream};
use std::net::{IpAddr, Ipv4Addr};

/// The number of nodes of a resolved plan.
pub(super) fn node_count(plan: &Scenario) -> u32 {
    match plan.cluster.nodes {
        Nodes::Exactly(count) => count,
        Nodes::Between { .. } => unreachable!("resolving a scenario draws the number of nodes"),
    }
}

/// The names of the machines of a plan.
pub(crate) fn machine_names(plan: &Scenario) -> Vec<String> {
    let nodes = (1..=node_count(plan)).map(|id| format!("n{id}"));
    nodes.chain((1..=plan.clients()).map(|id| format!("c{id}"))).collect()
}

/// The machines of a plan: nodes, then clients, an operator last.
pub(super) fn machines(plan: &Scenario, seed: u64) -> Vec<Machine> {
    let skew = plan.clock.skew.as_nanos() as u64;
    let drift = u64::from(plan.clock.drift_ppm) * 1000;
    let machine = |prefix: &str, net: u8, id: u32| {
        let name = format!("{prefix}{id}");
        let mut draw = Draw::new(seed, Stream::Clock(&name));
        let mut around_zero = |most: u64| draw.between(0, 2 * most) as i64 - most as i64;
        let (clock_offset_ns, clock_drift_ppb) = (around_zero(skew), around_zero(drift));
        let ip = IpAddr::V4(Ipv4Addr::new(10, net, (id >> 8) as u8, id as u8));
        Machine { name, ip, clock_offset_ns, clock_drift_ppb }
    };
    let nodes = (1..=node_count(plan)).map(|id| machine("n", 0, id));
    nodes.chain((1..=plan.clients()).map(|id| machine("c", 1, id))).collect()
}
