//! How large a plan is.

use crate::scenario::{Nodes, Scenario};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// How large a plan and its run are, what weighs most first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Size {
    /// How many faults.
    pub faults: usize,
    /// How many operations.
    pub operations: usize,
    /// How many clients.
    pub clients: u32,
    /// How many nodes.
    pub nodes: u32,
    /// How long the run is, in simulated time.
    #[serde(rename = "simulated_ms", serialize_with = "millis")]
    pub simulated: Duration,
}

impl Size {
    /// Of a plan, whose run is as long as its workload.
    pub(super) fn of(plan: &Scenario) -> Self {
        let (Nodes::Exactly(nodes) | Nodes::Between { to: nodes, .. }) = plan.cluster.nodes;
        Size {
            faults: plan.faults.len(),
            operations: plan.operations.len(),
            clients: plan.workload.clients,
            nodes,
            simulated: plan.workload.duration.get(),
        }
    }
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_millis() as u64)
}
