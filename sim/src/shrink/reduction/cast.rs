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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_clients_go_and_the_others_move_together() {
        let plan = r#"
            title = ""
            system = ""
            workload = { clients = 5, for = "20s" }
            operation = [{ at = "1s", client = "c2", name = "a" }, { at = "2s", client = "c4", name = "b" }]
        "#;
        let plan: Scenario = toml::from_str(plan).unwrap();
        let told = |plan: &Scenario| {
            let who: Vec<String> =
                plan.operations.iter().map(|operation| operation.client.to_string()).collect();
            format!("{} of {}", who.join(" "), plan.workload.clients)
        };
        let fewer: Vec<String> = fewer_clients(&plan).iter().map(told).collect();
        assert_eq!(fewer, ["c2 c4 of 4", "c1 c2 of 2", "c2 c2 of 2"]);
    }

    #[test]
    fn a_cluster_of_one_has_no_node_to_lose() {
        let plan = |nodes| -> Scenario {
            let text = format!(
                "title = \"\"\nsystem = \"\"\ncluster = {{ nodes = {nodes} }}\nworkload = {{ clients = 1, for = \"1s\" }}"
            );
            toml::from_str(&text).unwrap()
        };
        assert_eq!(fewer_nodes(&plan(3))[0].cluster.nodes, Nodes::Exactly(2));
        assert!(fewer_nodes(&plan(1)).is_empty());
    }
}
