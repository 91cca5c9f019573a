//! What may be chosen.

use crate::erased::AnySystem;
use crate::scenario::{Fault, ListedOperation, Name, Scenario, Time};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// A machine that crashes is back after this long.
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// One thing that may happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// A client does something.
    Operate {
        /// Which client, from 1.
        client: u32,
        /// What.
        name: String,
        /// About what.
        argument: Value,
    },
    /// A fault begins.
    Strike {
        /// As a scenario file says it, without its times.
        fault: String,
        /// Whether it goes on until it is healed.
        lasts: bool,
        /// The machine that it is about first, from 1.
        about: u32,
    },
    /// What lasts is healed.
    Heal,
}

impl Choice {
    /// The machine that it is about first; machines are alike in the beginning.
    pub(super) fn about(&self) -> u32 {
        match self {
            Choice::Operate { client: about, .. } | Choice::Strike { about, .. } => *about,
            Choice::Heal => 1,
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Operate { client, name, argument } => write!(f, "c{client} {name} {argument}"),
            Choice::Strike { fault, .. } => f.write_str(fault),
            Choice::Heal => f.write_str("heal"),
        }
    }
}

/// Everything that may be chosen in a plan: by each client what the system's mix can mean and what the plan lists, and a
/// few faults.
pub(super) fn menu(system: &'static dyn AnySystem, plan: &Scenario, nodes: u32) -> Vec<Choice> {
    let mut menu = Vec::new();
    let mut operations = system.samples(plan);
    for listed in &plan.operations {
        let listed = (listed.name.clone(), listed.argument.clone());
        if !operations.contains(&listed) {
            operations.push(listed);
        }
    }
    for (name, argument) in operations {
        for client in 1..=plan.workload.clients {
            menu.push(Choice::Operate { client, name: name.clone(), argument: argument.clone() });
        }
    }
    let group = |members: &mut dyn Iterator<Item = u32>| {
        let names: Vec<String> = members.map(|node| format!("\"n{node}\"")).collect();
        format!("[{}]", names.join(", "))
    };
    let mut strike = |fault: String, lasts, about| menu.push(Choice::Strike { fault, lasts, about });
    for node in 1..=nodes {
        let (alone, others) =
            (group(&mut std::iter::once(node)), group(&mut (1..=nodes).filter(|other| *other != node)));
        if nodes > 1 {
            strike(format!("partition = [{alone}, {others}]"), true, node);
            strike(format!("hold = [{alone}, {others}]"), true, node);
        }
        for other in (node + 1..=nodes).filter(|_| nodes > 2) {
            let other = group(&mut std::iter::once(other));
            strike(format!("partition = [{alone}, {other}]"), true, node);
        }
        strike(format!("crash = \"n{node}\""), false, node);
    }
    menu.push(Choice::Heal);
    menu
}

/// The plan in which these things happen at these instants, and which ends that long after the last.
pub(super) fn plan(base: &Scenario, chosen: &[(Duration, &Choice)], rest: Duration) -> Scenario {
    let mut plan = base.clone();
    let end = chosen.last().map_or(rest, |(at, _)| *at + rest);
    plan.workload.duration = Time::from(end);
    for (place, (at, choice)) in chosen.iter().enumerate() {
        match choice {
            Choice::Operate { client, name, argument } => plan.operations.push(ListedOperation {
                at: Time::from(*at),
                client: Name::Client(*client),
                name: name.clone(),
                argument: argument.clone(),
            }),
            Choice::Strike { fault, lasts, .. } => {
                let healed = chosen[place..].iter().find(|(_, choice)| **choice == Choice::Heal);
                let ends = match healed {
                    _ if !lasts => format!("restart_after = \"{}\"", Time::from(RESTART_AFTER)),
                    Some((healed, _)) => format!("heal_after = \"{}\"", Time::from(*healed - *at)),
                    None => String::new(),
                };
                let text = format!("at = \"{}\"\n{fault}\n{ends}", Time::from(*at));
                let fault: Fault = toml::from_str(&text).expect("the menu has only faults that there are");
                plan.faults.push(fault);
            }
            Choice::Heal => {}
        }
    }
    plan
}
