//! Faults in words, as the trace and a failing test show them.

use super::fault::{Action, Class, Death, Fault, Moment, Others, ProcessAction, Target};
use std::fmt;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups =
            |groups: &[Vec<String>]| groups.iter().map(|g| g.join(" ")).collect::<Vec<_>>().join(" | ");
        match self {
            Action::Partition(parts) => write!(f, "partition {}", groups(parts)),
            Action::Halves => f.write_str("partition into halves"),
            Action::Bridge(node) => write!(f, "partition with {node} as the bridge"),
            Action::Ring(nodes) => write!(f, "ring of {}", nodes.join(" ")),
            Action::Flap { between, down, up, times } => {
                write!(f, "partition {} flaps {times} times, {down} down and {up} up", groups(between))
            }
            Action::Isolate { node, from } => write!(f, "isolate {node} from {from}"),
            Action::OneWay { from, to } => write!(f, "one-way cut {} → {}", from.join(" "), to.join(" ")),
            Action::Hold(parts) => write!(f, "hold {}", groups(parts)),
            Action::Link { links, action } => write!(f, "{links} {action}"),
            Action::Crash { node, how } => write!(f, "{how} {node}"),
            Action::CrashLoop { node, how, times, .. } => write!(f, "{how} {node}, {times} times"),
            Action::RollingRestart { down, gap } => {
                write!(f, "rolling restart, each down for {down} and the next after {gap}")
            }
            Action::Pause(node) => write!(f, "pause {node}"),
            Action::Process { node, process, action: ProcessAction::Crash } => {
                write!(f, "crash {process} on {node}")
            }
            Action::Process { node, process, action: ProcessAction::Pause } => {
                write!(f, "pause {process} on {node}")
            }
            Action::Slow { node, factor } => write!(f, "{node} is {factor} times as slow"),
            Action::ClockJump { node, by } => write!(f, "clock of {node} jumps {by}"),
            Action::ClockFreeze(node) => write!(f, "clock of {node} stands still"),
            Action::Disk { node, action } => write!(f, "disk of {node} {action}"),
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Death::Process => "crash",
            Death::Power => "power loss of",
            Death::Wiped => "power and disk loss of",
        })
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Others::All(Class::Everyone) => f.write_str("everyone"),
            Others::All(Class::Nodes) => f.write_str("all nodes"),
            Others::All(Class::Clients) => f.write_str("all clients"),
            Others::Machines(machines) => f.write_str(&machines.join(" ")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(name) => f.write_str(name),
            Target::That => f.write_str("that node"),
            Target::Whose { probe, value, is: true } => write!(f, "a node with {probe} {value}"),
            Target::Whose { probe, value, is: false } => write!(f, "a node without {probe} {value}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.moment {
            Moment::At { at, every, times } => {
                write!(f, "{at}")?;
                every.map_or(Ok(()), |every| write!(f, " and every {every}"))?;
                times.map_or(Ok(()), |times| write!(f, ", {times} times"))?;
            }
            Moment::Probe { node, probe, is, after, times } => {
                let node = node.as_deref().unwrap_or("any node");
                write!(f, "{after} after {node} publishes {probe:?}")?;
                is.as_ref().map_or(Ok(()), |is| write!(f, " as {is:?}"))?;
                if *times != 1 {
                    write!(f, ", {times} times")?;
                }
            }
        }
        write!(f, ": {}", self.action)?;
        match (self.lasts, self.permanent) {
            (_, true) => f.write_str(", for ever"),
            (Some(lasts), _) => write!(f, ", for {lasts}"),
            (None, _) if self.action.duration_key().is_none() => Ok(()),
            (None, _) => f.write_str(", until the heal phase"),
        }
    }
}
