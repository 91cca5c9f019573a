//! Faults drawn from the seed: of which kinds, how often, within which budget.

use super::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Faults drawn from the seed, within a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// The kinds to draw from.
    pub kinds: Vec<Kind>,
    /// Mean time from one fault to the next.
    pub every: Time,
    /// No fault is drawn in the first so much of the workload.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quiet_start: Time,
    /// What the system must survive at the same time.
    #[serde(default)]
    pub at_most: AtMost,
    /// The seed also picks which of the kinds, how often, and which operations exist at all.
    #[serde(default)]
    pub swarm: bool,
}

fn is_zero(time: &Time) -> bool {
    *time == Time::ZERO
}

/// A kind of random fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The nodes fall into two groups that do not hear each other.
    Partition,
    /// Some nodes do not hear one other; the way back works.
    OneWay,
    /// Packets between two groups wait.
    Hold,
    /// The links between two groups, or in one direction of them, are slow, thin, lossy, or lose the order.
    Link,
    /// One node hears nobody, and nobody hears it.
    Isolate,
    /// All nodes but one fall into two groups that do not hear each other; that one hears both.
    Bridge,
    /// Each node hears only two others.
    Ring,
    /// The links between two groups fail again and again.
    Flap,
    /// One node crashes and restarts: its process, or its power.
    Crash,
    /// One node crashes and restarts several times.
    CrashLoop,
    /// One node stands still for a while.
    Pause,
    /// One node gets only a part of its processor.
    Slow,
    /// One node's clock jumps.
    Clock,
    /// One node's clock stands still.
    ClockFreeze,
    /// One node's disk is slow, stalls, is full, or answers with errors.
    Disk,
    /// One node's disk changes what was written to it.
    Corruption,
}

impl Kind {
    /// The kind as the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Partition => "partition",
            Kind::OneWay => "one-way",
            Kind::Hold => "hold",
            Kind::Link => "link",
            Kind::Isolate => "isolate",
            Kind::Bridge => "bridge",
            Kind::Ring => "ring",
            Kind::Flap => "flap",
            Kind::Crash => "crash",
            Kind::CrashLoop => "crash-loop",
            Kind::Pause => "pause",
            Kind::Slow => "slow",
            Kind::Clock => "clock",
            Kind::ClockFreeze => "clock-freeze",
            Kind::Disk => "disk",
            Kind::Corruption => "corruption",
        }
    }
}

/// What a system must survive at the same time. The nemesis never strikes beyond it, whatever triggers a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AtMost {
    /// Nodes crashed or paused at the same time.
    pub down: u32,
    /// Nodes whose disks fail at the same time.
    pub disk: u32,
}

impl Default for AtMost {
    fn default() -> Self {
        AtMost { down: 1, disk: 1 }
    }
}
