//! Faults in words, as the trace and a failing test show them.

use super::model::{Action, Death, Fault, Moment, Target};
use std::fmt;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups =
            |groups: &[Vec<String>]| groups.iter().map(|g| g.join(" ")).collect::<Vec<_>>().join(" | ");
        match self {
            Action::Partition(parts) => write!(f, "partition {}", groups(parts)),
            Action::OneWay { from, to } => write!(f, "one-way cut {} → {}", from.join(" "), to.join(" ")),
            Action::Hold(parts) => write!(f, "hold {}", groups(parts)),
            Action::Crash { node, how: Death::Process } => write!(f, "crash {node}"),
            Action::Crash { node, how: Death::Power } => write!(f, "power loss of {node}"),
            Action::Pause(node) => write!(f, "pause {node}"),
            Action::ClockJump { node, by } => write!(f, "clock of {node} jumps {by}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(name) => f.write_str(name),
            Target::That => f.write_str("that node"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.moment {
            Moment::At(at) => write!(f, "{at}: ")?,
            Moment::Probe { node, probe, after } => {
                let node = node.as_deref().unwrap_or("any node");
                write!(f, "{after} after {node} publishes {probe:?}: ")?;
            }
        }
        self.action.fmt(f)?;
        match (self.lasts, self.permanent) {
            (_, true) => f.write_str(", for ever"),
            (Some(lasts), _) => write!(f, ", for {lasts}"),
            (None, _) if matches!(self.action, Action::ClockJump { .. }) => Ok(()),
            (None, _) => f.write_str(", until the heal phase"),
        }
    }
}
