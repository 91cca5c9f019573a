//! A world without qualities: constant latency, no loss, right clocks, whole disks, defaults.

use crate::scenario::{Clock, Latency, Network, Scenario, Time};

/// Everything at once.
pub(in crate::shrink) fn calm_at_once(plan: &Scenario) -> Vec<Scenario> {
    let mut calm = plan.clone();
    for quality in QUALITIES {
        quality(&mut calm);
    }
    vec![calm]
}

/// One thing at a time.
pub(super) fn calmer(plan: &Scenario) -> Vec<Scenario> {
    let without = |quality: &fn(&mut Scenario)| {
        let mut plan = plan.clone();
        quality(&mut plan);
        plan
    };
    QUALITIES.iter().map(without).collect()
}

const QUALITIES: &[fn(&mut Scenario)] = &[
    |plan| plan.cluster.buggify = false,
    |plan| plan.clock = Clock::default(),
    |plan| plan.disk = None,
    |plan| plan.network.links.clear(),
    |plan| {
        let Network { latency, links, .. } = plan.network.clone();
        plan.network = Network { latency, links, ..Network::default() };
    },
    |plan| plan.network.latency = Latency::Constant(typical(plan.network.latency)),
    |plan| plan.at_most = None,
];

/// A latency in the middle.
fn typical(latency: Latency) -> Time {
    match latency {
        Latency::Constant(latency) => latency,
        Latency::Uniform { from, to } => {
            Time::from_millis(((from.get() + to.get()) / 2).as_millis().max(1) as u64)
        }
        Latency::LogNormal { median, .. } | Latency::Pareto { median, .. } => median,
    }
}

/// One of the system's options left out, at any depth; and what else has a default.
pub(super) fn fewer_options(plan: &Scenario) -> Vec<Scenario> {
    let mut fewer: Vec<Scenario> = options(plan).iter().map(|path| without_option(plan, path)).collect();
    let mut defaults = plan.clone();
    defaults.workload.timeout = Time::from_secs(5);
    fewer.push(defaults);
    fewer
}

/// The paths of all options, at any depth.
pub(in crate::shrink) fn options(plan: &Scenario) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    collect(&plan.cluster.options, &mut Vec::new(), &mut paths);
    paths
}

/// What an option is.
pub(in crate::shrink) fn option<'p>(plan: &'p Scenario, path: &[String]) -> Option<&'p toml::Value> {
    let (first, below) = path.split_first()?;
    below.iter().try_fold(plan.cluster.options.get(first)?, |value, key| value.get(key))
}

/// The plan without one of them.
pub(in crate::shrink) fn without_option(plan: &Scenario, path: &[String]) -> Scenario {
    let mut plan = plan.clone();
    remove(&mut plan.cluster.options, path);
    plan
}

fn collect(options: &toml::Table, above: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    for (key, value) in options {
        above.push(key.clone());
        paths.push(above.clone());
        if let toml::Value::Table(table) = value {
            collect(table, above, paths);
        }
        above.pop();
    }
}

fn remove(options: &mut toml::Table, path: &[String]) {
    match path {
        [] => {}
        [key] => drop(options.remove(key)),
        [key, below @ ..] => {
            if let Some(toml::Value::Table(table)) = options.get_mut(key) {
                remove(table, below);
            }
        }
    }
}
