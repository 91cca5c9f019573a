//! A fault as data: a moment, an action, and for how long. What the actions do is told in `docs/faults.md`.
//!
//! Some actions are short for several simpler ones: a flapping link is a partition again and again, a rolling restart
//! is one crash a node. `expand` spells them out, so that a plan has only what the nemesis does in one stroke.

use super::disk::DiskAction;
use super::link::{LinkAction, Links};
use super::units::{Offset, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One scripted fault: a moment, an action, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "super::fault_table::FaultTable", into = "super::fault_table::FaultTable")]
pub struct Fault {
    /// When it strikes.
    pub moment: Moment,
    /// What it does.
    pub action: Action,
    /// How long it lasts; without it, until the heal phase.
    pub lasts: Option<Time>,
    /// It stays through the heal phase.
    pub permanent: bool,
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// At a time, counted from the start of the workload.
    At {
        /// The time.
        at: Time,
        /// Once more after each such period, while the workload lasts.
        every: Option<Time>,
        /// So many times in all; without it, as often as the period allows.
        times: Option<u32>,
    },
    /// Each time that a node publishes a probe, and a delay after it.
    Probe {
        /// The node that must publish it; none for any.
        node: Option<String>,
        /// The probe's name.
        probe: String,
        /// What its first value must be, as a text; none for anything.
        is: Option<String>,
        /// The delay.
        after: Time,
        /// The first so many times.
        times: u32,
    },
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Packets between machines of different groups are lost, both ways. Machines not named keep all their links.
    Partition(Vec<Vec<String>>),
    /// The nodes fall into two groups that do not hear each other, as the seed decides.
    Halves,
    /// The other nodes fall into two groups that do not hear each other, and this one hears both.
    Bridge(String),
    /// Each of these hears only the one before and the one after it.
    Ring(Vec<String>),
    /// Packets between machines of different groups are lost again and again.
    Flap {
        /// The groups.
        between: Vec<Vec<String>>,
        /// How long they do not hear each other.
        down: Time,
        /// How long they do, in between.
        up: Time,
        /// How often they part.
        times: u32,
    },
    /// One node hears none of some others, and they do not hear it.
    Isolate {
        /// Which.
        node: Target,
        /// From whom.
        from: Others,
    },
    /// Packets from the first to the second are lost; the way back works.
    OneWay {
        /// The senders.
        from: Vec<String>,
        /// The receivers that do not hear them.
        to: Vec<String>,
    },
    /// Packets between machines of different groups wait, and arrive after the fault ends.
    Hold(Vec<Vec<String>>),
    /// Something is wrong with links that are up.
    Link {
        /// Which.
        links: Links,
        /// What.
        action: LinkAction,
    },
    /// A machine stops; it starts again when the fault ends.
    Crash {
        /// Which.
        node: Target,
        /// What is left of it.
        how: Death,
    },
    /// A node crashes, comes back and crashes again, each time after twice the wait.
    CrashLoop {
        /// Which.
        node: Target,
        /// What is left of it each time.
        how: Death,
        /// How often it crashes.
        times: u32,
        /// How long it runs in between; less than it needs to boot, if it is to crash while booting.
        up: Time,
        /// How long it is down the first time.
        backoff: Time,
    },
    /// One node after the other stops and starts again.
    RollingRestart {
        /// How long each is down.
        down: Time,
        /// How long all are up in between.
        gap: Time,
    },
    /// Everything on a machine stands still; its kernel still receives.
    Pause(Target),
    /// Something happens to one process of a machine that runs several; the others go on.
    Process {
        /// Which machine's.
        node: Target,
        /// The name of the process.
        process: String,
        /// What.
        action: ProcessAction,
    },
    /// A machine's process gets one part in `factor` of the processor: it runs for a moment and then stands still.
    Slow {
        /// Which machine.
        node: Target,
        /// How many times as slow.
        factor: u32,
    },
    /// A machine's wall clock jumps, forwards or backwards.
    ClockJump {
        /// Which machine.
        node: Target,
        /// By how much.
        by: Offset,
    },
    /// A machine's wall clock stands still; when the fault ends it is set right again.
    ClockFreeze(Target),
    /// Something is wrong with a machine's disk.
    Disk {
        /// Which machine's.
        node: Target,
        /// What.
        action: DiskAction,
    },
}

/// The machine that a fault is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Node(String),
    /// The one that published the probe which triggered the fault.
    That,
    /// One whose latest probe of this name says so: the seed picks among those that are up when the fault strikes.
    Whose {
        /// The probe's name.
        probe: String,
        /// Its first value, as a text.
        value: String,
        /// Whether it must have this value, or must not.
        is: bool,
    },
}

/// Those from whom a node is isolated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected \"everyone\", \"nodes\", \"clients\", or a list of machines: [\"n1\", \"c2\"]"
)]
pub enum Others {
    /// A whole class of machines.
    All(Class),
    /// These.
    Machines(Vec<String>),
}

/// A class of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// All machines.
    Everyone,
    /// All nodes.
    Nodes,
    /// All clients.
    Clients,
}

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The process dies; the kernel lives and resets its connections. What was written to files is there.
    #[default]
    Process,
    /// The power fails: not a packet more, and whoever asks is answered by nobody until it is back. What was not synced
    /// to the disk may be lost.
    Power,
    /// The power fails, and the machine comes back with an empty disk.
    Wiped,
}

/// What happens to one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessAction {
    /// It dies; the kernel closes its sockets. It starts again when the fault ends.
    Crash,
    /// It stands still.
    Pause,
}

impl Action {
    /// The key that it has in the file.
    pub fn key(&self) -> &'static str {
        match self {
            Action::Partition(_) => "partition",
            Action::Halves => "halves",
            Action::Bridge(_) => "bridge",
            Action::Ring(_) => "ring",
            Action::Flap { .. } => "flap",
            Action::Isolate { .. } => "isolate",
            Action::OneWay { .. } => "one_way",
            Action::Hold(_) => "hold",
            Action::Link { .. } => "link",
            Action::Crash { .. } | Action::Process { action: ProcessAction::Crash, .. } => "crash",
            Action::CrashLoop { .. } => "crash_loop",
            Action::RollingRestart { .. } => "rolling_restart",
            Action::Pause(_) | Action::Process { action: ProcessAction::Pause, .. } => "pause",
            Action::Slow { .. } => "slow",
            Action::ClockJump { .. } | Action::ClockFreeze(_) => "clock",
            Action::Disk { .. } => "disk",
        }
    }

    /// The key under which the file says how long it lasts; none if it is over at once or says so itself.
    pub fn duration_key(&self) -> Option<&'static str> {
        match self {
            Action::Crash { .. } | Action::Process { action: ProcessAction::Crash, .. } => {
                Some("restart_after")
            }
            Action::Pause(_) | Action::Process { action: ProcessAction::Pause, .. } => Some("resume_after"),
            Action::Flap { .. }
            | Action::CrashLoop { .. }
            | Action::RollingRestart { .. }
            | Action::ClockJump { .. } => None,
            Action::Disk { action, .. } => (!action.is_instant()).then_some("heal_after"),
            _ => Some("heal_after"),
        }
    }

    /// The machine that it is aimed at, and the key with its name, if it is aimed at one.
    pub fn target(&self) -> Option<(&'static str, &Target)> {
        match self {
            Action::Isolate { node, .. } => Some(("isolate.node", node)),
            Action::Crash { node, .. } => Some(("crash", node)),
            Action::CrashLoop { node, .. } => Some(("crash_loop.node", node)),
            Action::Pause(node) => Some(("pause", node)),
            Action::Process { node, .. } => Some((self.key(), node)),
            Action::Slow { node, .. } => Some(("slow.node", node)),
            Action::ClockJump { node, .. } | Action::ClockFreeze(node) => Some(("clock.node", node)),
            Action::Disk { node, .. } => Some(("disk.node", node)),
            _ => None,
        }
    }

    /// Whether its machine does not run while it lasts.
    pub fn takes_down(&self) -> bool {
        matches!(self, Action::Crash { .. } | Action::Pause(_))
    }

    /// Whether its machine's disk fails while it lasts.
    pub fn fails_disk(&self) -> bool {
        matches!(self, Action::Disk { .. })
    }
}
