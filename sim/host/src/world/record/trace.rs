//! What a recorded run remembers, event by event.

use crate::probe::Value;
use crate::world::{DiskOperation, MachineId};
use serde::Serialize;
use std::net::IpAddr;

/// One event of a recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEvent {
    /// Nanoseconds since the run began.
    pub at_ns: u64,
    /// What happened.
    pub happening: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Bytes became readable.
    Delivered {
        /// The sender.
        from: MachineId,
        /// The receiver.
        to: MachineId,
        /// How many.
        bytes: usize,
        /// The stream ends here.
        fin: bool,
    },
    /// A connection changed.
    Connection {
        /// The machine that sees it.
        from: MachineId,
        /// The other end.
        to: MachineId,
        /// `connected`, `refused`, `reset`, `timed out`.
        what: &'static str,
    },
    /// A datagram came to its end.
    Datagram {
        /// The sender.
        from: MachineId,
        /// The receiver.
        to: MachineId,
        /// How many bytes it carries.
        bytes: usize,
        /// `delivered`, `refused`, `dropped`: by a socket, for want of a socket, by a full socket.
        what: &'static str,
    },
    /// A machine claimed, released or announced an address.
    Address {
        /// The machine.
        host: MachineId,
        /// The address.
        ip: IpAddr,
        /// `claimed`, `released`, `announced`.
        what: &'static str,
    },
    /// A node asked its disk for something, a sync ended, or a power loss left something.
    Disk {
        /// The machine.
        host: MachineId,
        /// What was asked for.
        operation: DiskOperation,
        /// Of which file, or what the power loss left.
        path: String,
        /// Where in it.
        offset: u64,
        /// How much is read or written.
        bytes: usize,
        /// The error that answers it.
        errno: Option<i32>,
    },
    /// A node published a probe.
    Probe {
        /// The machine.
        host: Option<MachineId>,
        /// The probe's name.
        name: &'static str,
        /// Its values.
        values: Vec<Value>,
    },
    /// A fault struck, ended or was skipped.
    Fault(FaultEvent),
    /// A phase of the run began, or its verdict fell.
    Phase(Phase),
    /// The testbed did something else.
    Note {
        /// What kind of thing: `operation`, `panic`.
        kind: &'static str,
        /// In words.
        text: String,
    },
    /// Node code logged something.
    Log {
        /// The machine.
        host: Option<MachineId>,
        /// Where in the code.
        target: String,
        /// The message and its fields.
        text: String,
    },
}

/// What happened to a fault of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultEvent {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its kind, by its key in the file: `partition`, `crash`.
    pub kind: &'static str,
    /// What happened to it.
    pub step: FaultStep,
    /// The machine that it befalls, or all those whose links it befalls; none where nobody was found.
    pub machines: Vec<MachineId>,
    /// The process that it befalls, where that is not all of the machine.
    pub process: Option<String>,
    /// In words.
    pub text: String,
}

/// What happened to a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultStep {
    /// It began.
    Strikes,
    /// It is over.
    Ends,
    /// It did not come about.
    Skipped {
        /// In words.
        why: String,
    },
}

/// The phases of a run after its boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Clients work, and faults strike.
    Faults,
    /// All faults have ended, and clients stop.
    Heal,
    /// It is being judged.
    Verdict,
}

impl FaultStep {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            FaultStep::Strikes => "strikes",
            FaultStep::Ends => "ends",
            FaultStep::Skipped { .. } => "skipped",
        }
    }
}

impl Phase {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Faults => "fault phase",
            Phase::Heal => "heal phase",
            Phase::Verdict => "verdict",
        }
    }
}

/// A trace event with host names, as a line of `trace.jsonl`.
#[derive(Debug, Serialize)]
pub struct TraceLine<'a> {
    /// Nanoseconds since the run began, unless whoever tells it counts otherwise.
    pub time: i64,
    /// The kind of event.
    pub event: &'static str,
    /// The machine that sent or did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    /// The machine that received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    /// Bytes delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What happened to a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultLine<'a>>,
}

/// What happened to a fault, with host names.
#[derive(Debug, Serialize)]
pub struct FaultLine<'a> {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its kind, by its key in the file.
    pub kind: &'static str,
    /// `strikes`, `ends`, `skipped`.
    pub step: &'static str,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
    /// Whom it befalls.
    pub machines: Vec<&'a str>,
    /// The process that it befalls, where that is not all of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<&'a str>,
}

/// What the code was at when one event was recorded.
#[derive(Debug, Default)]
pub(super) struct WantedBacktrace {
    at: Option<usize>,
    taken: Option<String>,
}

impl WantedBacktrace {
    pub(super) fn at(event: usize) -> Self {
        WantedBacktrace { at: Some(event), taken: None }
    }

    /// So many events are recorded now.
    pub(super) fn recorded(&mut self, events: usize) {
        if self.at == Some(events) {
            self.taken = Some(std::backtrace::Backtrace::force_capture().to_string());
        }
    }

    pub(super) fn taken(self) -> Option<String> {
        self.taken
    }
}

impl TraceEvent {
    /// The event with the names of its machines.
    pub fn line<'a>(&'a self, names: &'a [String]) -> TraceLine<'a> {
        let name = |host: MachineId| names.get(host.index()).map(String::as_str);
        let (event, from, to, bytes, text) = match &self.happening {
            Happening::Delivered { from, to, bytes, fin } => {
                ("delivered", name(*from), name(*to), Some(*bytes), fin.then(|| "end of stream".to_owned()))
            }
            Happening::Connection { from, to, what } => {
                ("connection", name(*from), name(*to), None, Some((*what).to_owned()))
            }
            Happening::Datagram { from, to, bytes, what } => {
                ("datagram", name(*from), name(*to), Some(*bytes), Some((*what).to_owned()))
            }
            Happening::Address { host, ip, what } => {
                ("address", name(*host), None, None, Some(format!("{what} {ip}")))
            }
            Happening::Disk { host, operation, path, offset, bytes, errno } => {
                let mut text = format!("{} {path}", operation.name());
                if *bytes > 0 || *offset > 0 {
                    text += &format!(" at {offset}");
                }
                if let Some(errno) = errno {
                    text += &format!(": {}", std::io::Error::from_raw_os_error(*errno));
                }
                ("disk", name(*host), None, (*bytes > 0).then_some(*bytes), Some(text))
            }
            Happening::Probe { host, name: probe, values } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                let text = if values.is_empty() {
                    (*probe).to_owned()
                } else {
                    format!("{probe}: {}", values.join(", "))
                };
                ("probe", host.and_then(name), None, None, Some(text))
            }
            Happening::Fault(event) => ("fault", None, None, None, Some(event.text.clone())),
            Happening::Phase(phase) => ("phase", None, None, None, Some(phase.name().to_owned())),
            Happening::Note { kind, text } => (*kind, None, None, None, Some(text.clone())),
            Happening::Log { host, target, text } => {
                ("log", host.and_then(name), None, None, Some(format!("{target}: {text}")))
            }
        };
        let fault = match &self.happening {
            Happening::Fault(event) => Some(event.line(names)),
            _ => None,
        };
        TraceLine { time: self.at_ns as i64, event, from, to, bytes, text, fault }
    }
}

impl FaultEvent {
    fn line<'a>(&'a self, names: &'a [String]) -> FaultLine<'a> {
        let name = |machine: &MachineId| names.get(machine.index()).map(String::as_str);
        FaultLine {
            index: self.index,
            kind: self.kind,
            step: self.step.name(),
            why: match &self.step {
                FaultStep::Skipped { why } => Some(why),
                FaultStep::Strikes | FaultStep::Ends => None,
            },
            machines: self.machines.iter().filter_map(name).collect(),
            process: self.process.as_deref(),
        }
    }
}
