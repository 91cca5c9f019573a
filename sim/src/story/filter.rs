//! Which events of a trace are told.

use crate::cause::Trace;
use clap::ValueEnum;
use host::world::TraceLine;

/// What can be left out of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// What clients do, and what they get.
    Operations,
    /// Where messages are sent, lost, held and refused.
    Messages,
    /// Where they arrive.
    Deliveries,
    /// What nodes publish about themselves.
    Probes,
    /// What befalls machines and links.
    Faults,
    /// What nodes ask of their disks.
    Disk,
    /// Connections that begin and fail, and addresses that move.
    Connections,
    /// What the system itself logs.
    Logs,
}

/// Which events are told: all that it does not leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what happens on these machines, by name, or befalls them; on all if none is named.
    pub machines: Vec<String>,
    /// Not before this, in ns since the workload began.
    pub from_ns: Option<i64>,
    /// Not after this.
    pub to_ns: Option<i64>,
    /// None of these.
    pub without: Vec<Kind>,
}

impl Filter {
    /// The events that are told, by their places in the trace.
    pub fn events(&self, trace: &Trace<'_>) -> Vec<usize> {
        // Segments say less than the messages in them, and are told only where nobody describes those.
        let described = trace.lines.iter().any(|line| line.message.is_some());
        let is_told = |line: &TraceLine<'_>| {
            let is_segment = matches!(&*line.event, "delivered" | "datagram") && line.message.is_none();
            !(described && is_segment)
                && kind(line).is_none_or(|kind| !self.without.contains(&kind))
                && self.from_ns.is_none_or(|from| from <= line.time)
                && self.to_ns.is_none_or(|to| line.time <= to)
                && self.concerns(line)
        };
        (0..trace.lines.len()).filter(|event| is_told(&trace.lines[*event])).collect()
    }

    fn concerns(&self, line: &TraceLine<'_>) -> bool {
        let is_wanted = |name: &str| self.machines.iter().any(|machine| machine == name);
        let befallen = line.fault.iter().flat_map(|fault| &fault.machines).map(|name| &**name);
        self.machines.is_empty()
            || &*line.event == "phase"
            || befallen.chain(line.from.as_deref()).chain(line.to.as_deref()).any(is_wanted)
    }
}

fn kind(line: &TraceLine<'_>) -> Option<Kind> {
    match (&*line.event, line.message.as_ref().map(|message| &*message.step)) {
        (_, Some("delivered")) | ("delivered" | "datagram", None) => Some(Kind::Deliveries),
        (_, Some(_)) => Some(Kind::Messages),
        ("operation", _) => Some(Kind::Operations),
        ("probe", _) => Some(Kind::Probes),
        ("fault" | "died" | "started", _) => Some(Kind::Faults),
        ("disk", _) => Some(Kind::Disk),
        ("connection" | "address", _) => Some(Kind::Connections),
        ("log", _) => Some(Kind::Logs),
        _ => None,
    }
}
