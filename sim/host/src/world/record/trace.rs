//! What a recorded run remembers, event by event.

use super::MessageEvent;
use crate::probe::Value;
use crate::world::{Death, DiskOperation, MachineId};
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
    /// Something happened to a message that its sender has described.
    Message(MessageEvent),
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
    /// A machine went down.
    Died {
        /// The machine.
        host: MachineId,
        /// How.
        death: Death,
    },
    /// A machine that was down starts again.
    Started {
        /// The machine.
        host: MachineId,
    },
    /// A client's operation began, or completed.
    Operation {
        /// The client's machine.
        host: Option<MachineId>,
        /// The process.
        process: u32,
        /// `invoke`, `ok`, `fail`, `info`.
        step: &'static str,
        /// The operation, its answer, or why there is none.
        value: String,
    },
    /// The testbed did something else.
    Note {
        /// What kind of thing: `panic`.
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
        /// The code is a library's, not the system's own.
        library: bool,
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
