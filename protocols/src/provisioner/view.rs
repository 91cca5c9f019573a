//! What a node knows, for checkers and debuggers.

use super::message::AgentId;
use serde::{Deserialize, Serialize};

/// What a controller or a zone knows at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The controller.
    Controller {
        /// Builds that wait for an agent.
        queued: usize,
        /// Builds that have one.
        running: usize,
        /// Agents that it knows, those included that it is stopping.
        agents: usize,
    },
    /// A zone.
    Zone {
        /// The agents whose tasks are not gone.
        tasks: Vec<AgentId>,
        /// How many there may be.
        limit: u32,
    },
}
