//! An event of a trace as a line of `trace.jsonl`: with the names of machines, and readable again.

use super::{FaultEvent, FaultStep, Happening, MessageEvent, TraceEvent};
use crate::world::{Death, DiskOperation, MachineId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A trace event with host names, as a line of `trace.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceLine<'a> {
    /// Its number in the run, from 1. Lines that are kept apart fill the gaps.
    pub number: usize,
    /// Nanoseconds since the run began, unless whoever tells it counts otherwise.
    pub time: i64,
    /// The kind of event.
    pub event: Cow<'a, str>,
    /// The machine that sent or did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Cow<'a, str>>,
    /// The machine that received it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Cow<'a, str>>,
    /// How many bytes it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// Which message, and what happened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageLine<'a>>,
    /// Whose operation, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationLine<'a>>,
    /// What happened to a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultLine<'a>>,
}

/// Which message a line is about. What it says is the line's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageLine<'a> {
    /// Its number in the run, from 1.
    pub id: u64,
    /// `sent`, `waits`, `held`, `lost`, `resent`, `delivered`, `refused`.
    pub step: Cow<'a, str>,
    /// The connection that carries it; none for a datagram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
}

/// Whose operation a line is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationLine<'a> {
    /// The process.
    pub process: u32,
    /// `invoke`, `ok`, `fail`, `info`.
    pub step: Cow<'a, str>,
}

/// What happened to a fault, with host names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultLine<'a> {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its kind, by its key in the file.
    pub kind: Cow<'a, str>,
    /// `strikes`, `ends`, `skipped`.
    pub step: Cow<'a, str>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Cow<'a, str>>,
    /// Whom it befalls.
    pub machines: Vec<Cow<'a, str>>,
    /// The process that it befalls, where that is not all of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Cow<'a, str>>,
}

/// The parts of a line that most events have.
struct Parts<'a> {
    event: &'static str,
    from: Option<MachineId>,
    to: Option<MachineId>,
    bytes: Option<usize>,
    text: Option<Cow<'a, str>>,
}

impl<'a> Parts<'a> {
    fn new(event: &'static str, from: Option<MachineId>, text: impl Into<Cow<'a, str>>) -> Self {
        Parts { event, from, to: None, bytes: None, text: Some(text.into()) }
    }

    fn between(event: &'static str, from: MachineId, to: MachineId, text: impl Into<Cow<'a, str>>) -> Self {
        Parts { to: Some(to), ..Parts::new(event, Some(from), text) }
    }
}

impl TraceEvent {
    /// The event with the names of its machines, as that of this number, from 1.
    pub fn line<'a>(&'a self, number: usize, names: &'a [String]) -> TraceLine<'a> {
        let name = |host: MachineId| names.get(host.index()).map(|name| Cow::from(name.as_str()));
        let Parts { event, from, to, bytes, text } = self.happening.parts();
        let (message, operation, fault) = match &self.happening {
            Happening::Message(message) => (Some(message.line()), None, None),
            Happening::Operation { process, step, .. } => {
                (None, Some(OperationLine { process: *process, step: (*step).into() }), None)
            }
            Happening::Fault(event) => (None, None, Some(event.line(names))),
            _ => (None, None, None),
        };
        TraceLine {
            number,
            time: self.at_ns as i64,
            event: event.into(),
            from: from.and_then(name),
            to: to.and_then(name),
            bytes,
            text,
            message,
            operation,
            fault,
        }
    }
}

impl Happening {
    fn parts(&self) -> Parts<'_> {
        match self {
            Happening::Delivered { from, to, bytes, fin } => Parts {
                bytes: Some(*bytes),
                text: fin.then_some("end of stream".into()),
                ..Parts::between("delivered", *from, *to, "")
            },
            Happening::Message(MessageEvent { from, to, bytes, content, .. }) => {
                Parts { bytes: Some(*bytes), ..Parts::between("message", *from, *to, &**content) }
            }
            Happening::Connection { from, to, what } => Parts::between("connection", *from, *to, *what),
            Happening::Datagram { from, to, bytes, what } => {
                Parts { bytes: Some(*bytes), ..Parts::between("datagram", *from, *to, *what) }
            }
            Happening::Address { host, ip, what } => {
                Parts::new("address", Some(*host), format!("{what} {ip}"))
            }
            Happening::Disk { host, operation, path, offset, bytes, errno } => Parts {
                bytes: (*bytes > 0).then_some(*bytes),
                ..Parts::new("disk", Some(*host), disk(*operation, path, (*offset, *bytes), *errno))
            },
            Happening::Probe { host, name, values } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                let text = if values.is_empty() {
                    Cow::from(*name)
                } else {
                    format!("{name}: {}", values.join(", ")).into()
                };
                Parts::new("probe", *host, text)
            }
            Happening::Died { host, death } => Parts::new(
                "died",
                Some(*host),
                match death {
                    Death::Process => "its process dies",
                    Death::Power => "its power fails",
                    Death::Torn => "its power fails, and tears what is written",
                    Death::Wiped => "its power fails, and its disk is lost",
                },
            ),
            Happening::Started { host } => Parts::new("started", Some(*host), "starts again"),
            Happening::Operation { host, process, step, value } => {
                Parts::new("operation", *host, format!("p{process} {step} {value}"))
            }
            Happening::Fault(event) => Parts::new("fault", None, event.text.as_str()),
            Happening::Phase(phase) => Parts::new("phase", None, phase.name()),
            Happening::Note { kind, text } => Parts::new(kind, None, text.as_str()),
            Happening::Log { host, target, text, .. } => {
                Parts::new("log", *host, format!("{target}: {text}"))
            }
        }
    }
}

fn disk(operation: DiskOperation, path: &str, (offset, bytes): (u64, usize), errno: Option<i32>) -> String {
    let mut text = format!("{} {path}", operation.name());
    if bytes > 0 || offset > 0 {
        text += &format!(" at {offset}");
    }
    if let Some(errno) = errno {
        text += &format!(": {}", std::io::Error::from_raw_os_error(errno));
    }
    text
}

impl MessageEvent {
    fn line(&self) -> MessageLine<'static> {
        MessageLine { id: self.id, step: self.step.name().into(), connection: self.connection }
    }
}

impl FaultEvent {
    fn line<'a>(&'a self, names: &'a [String]) -> FaultLine<'a> {
        let name = |machine: &MachineId| names.get(machine.index()).map(|name| Cow::from(name.as_str()));
        FaultLine {
            index: self.index,
            kind: self.kind.into(),
            step: self.step.name().into(),
            why: match &self.step {
                FaultStep::Skipped { why } => Some(why.into()),
                FaultStep::Strikes | FaultStep::Ends => None,
            },
            machines: self.machines.iter().filter_map(name).collect(),
            process: self.process.as_deref().map(Cow::from),
        }
    }
}
