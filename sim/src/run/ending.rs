//! What the world says at the verdict.

use super::look;
use crate::check::Judged;
use host::world::{self, Digest};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the world says at the verdict.
pub(super) struct Ending {
    pub(super) digest: Digest,
    pub(super) simulated: Duration,
    pub(super) events: u64,
    pub(super) messages: u64,
    pub(super) probes: BTreeMap<&'static str, u64>,
    pub(super) converged_after: Option<Duration>,
    pub(super) judged: Judged,
    pub(super) views: Vec<Option<serde_json::Value>>,
    pub(super) trace: Vec<world::TraceEvent>,
    pub(super) backtrace: Option<String>,
}

impl Ending {
    pub(super) fn take(nodes: u32, converged_after: Option<Duration>, judged: Judged) -> Self {
        let recording = world::with(|world| world.recording());
        let judged = Judged { registered: world::view_types(), ..judged };
        let views = if recording { look::views(nodes) } else { Vec::new() };
        world::with(|world| Ending {
            digest: world.digest(),
            simulated: Duration::from_nanos(world.now_ns()),
            events: world.events(),
            messages: world.messages(),
            probes: world.probe_hits().clone(),
            converged_after,
            judged,
            views,
            trace: world.take_trace(),
            backtrace: world.take_backtrace(),
        })
    }
}
