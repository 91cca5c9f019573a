//! Fewer machines.

use crate::scenario::{Name, Nodes, Scenario};
use std::collections::BTreeSet;

/// Without clients that do nothing; the others moved together; what the last one does done by another.
pub(super) fn fewer_clients(plan: &Scenario) -> Vec<Scenario> {
    let numbers: BTreeSet<u32> =
        plan.operations.iter().filter_map(|operation| number(operation.client)).collect();
    let Some(last) = numbers.last().copied() else { return Vec::new() };
    let with = |clients: usize, renamed: &dyn Fn(u32) -> u32| {
        let mut plan = plan.clone();
        plan.workload.clients = clients as u32;
        for operation in &mut plan.operations {
            if let Name::Client(client) = &mut operation.client {
                *client = renamed(*client);
            }
        }
        plan
    };
    let mut fewer = Vec::new();
    if last < plan.workload.clients {
        fewer.push(with(last as usize, &|client| client));
    }
    if (numbers.len() as u32) < last {
        let place = |client| numbers.range(..=client).count() as u32;
        fewer.push(with(numbers.len(), &place));
    }
    let others = numbers.iter().copied().filter(|other| *other != last);
    fewer.extend(others.map(|other| {
        let highest = numbers.range(..last).next_back().copied().unwrap_or(1);
        with(highest as usize, &|client| if client == last { other } else { client })
    }));
    fewer
}

fn number(name: Name) -> Option<u32> {
    match name {
        Name::Client(number) => Some(number),
        Name::Node(_) => None,
    }
}

/// Without the last node.
pub(super) fn fewer_nodes(plan: &Scenario) -> Vec<Scenario> {
    let Nodes::Exactly(nodes @ 2..) = plan.cluster.nodes else { return Vec::new() };
    let mut fewer = plan.clone();
    fewer.cluster.nodes = Nodes::Exactly(nodes - 1);
    vec![fewer]
}
