//! What travels: between clients and the controller, agents and the controller, the launcher and a zone.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A build, by the client that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BuildId {
    /// The client: random, so that no two are alike.
    pub client: u64,
    /// Its builds, counted.
    pub number: u32,
}

/// An agent, by the controller that launched it. It is its task's name, too: there is one task of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentId {
    /// The life of the controller: random, so that no two are alike.
    pub life: u64,
    /// Its agents, counted.
    pub number: u32,
}

/// The first frame on every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    /// To the controller.
    Client,
    /// To the controller.
    Agent(AgentId),
    /// To a zone.
    Launcher,
}

/// Client to controller: build this, if you do not already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub id: BuildId,
    pub lasts: Duration,
}

/// Controller to client: it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub id: BuildId,
    /// For the agent that built it.
    pub waited: Duration,
}

/// Controller to agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToAgent {
    Welcome,
    /// Nobody waits for you.
    GoAway,
    Work {
        id: BuildId,
        lasts: Duration,
    },
    Pong,
}

/// Agent to controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FromAgent {
    Ping,
    Done(BuildId),
    /// Its machine will be taken away.
    Interrupted,
}

/// Launcher to zone, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Call {
    /// What do you run?
    List,
    /// Run an agent, if you do not already.
    Run(AgentId),
    /// What became of it?
    Describe(AgentId),
    /// Let it be gone.
    Stop(AgentId, Why),
}

/// Zone to launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Too many calls: nothing was done.
    Throttled,
    /// What became of the agent that was asked about.
    Status(Status),
    /// All that there are.
    Listed(Vec<AgentId>),
}

/// What a zone says of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Pending,
    Running,
    /// It is gone, or there never was one.
    Stopped,
}

/// Why an agent is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Why {
    /// It was idle for so long.
    Retired,
    /// It did not come in time.
    Deadline,
    /// Its machine will be taken away, and it has nothing to do.
    Interrupted,
    /// Its connection broke.
    Lost,
    /// Another controller had launched it.
    Orphan,
}

impl Why {
    pub fn name(self) -> &'static str {
        match self {
            Why::Retired => "retired",
            Why::Deadline => "deadline",
            Why::Interrupted => "interrupted",
            Why::Lost => "lost",
            Why::Orphan => "orphan",
        }
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.client, self.number)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.life, self.number)
    }
}
