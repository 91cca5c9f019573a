//! From what on a run counts as overloaded.

use super::error::Problem;
use super::source::Path;
use host::world::Limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run that has so much ends with `overload`. What is not said is as much as a testbed can hold, and nothing can be
/// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overload {
    /// Segments, datagrams and packets of all links that were sent and not yet read, 1 to a million; it may be noticed
    /// an eighth late.
    pub messages: u64,
    /// Their bytes, 1 to 256 MiB; it may be noticed an eighth late.
    pub bytes: u64,
    /// Events at any time, 1 to a million.
    pub events: u64,
    /// So many more events for each second of simulated time, up to 100,000.
    pub events_per_second: u64,
}

impl Overload {
    pub(super) fn is_default(&self) -> bool {
        *self == Overload::default()
    }

    /// The same, for the simulated world.
    pub(crate) fn in_the_world(self) -> Limits {
        let Overload { messages, bytes, events, events_per_second } = self;
        Limits { messages: messages as usize, bytes: bytes as usize, events, events_per_second }
    }

    /// Everything lies between something and what a testbed can hold.
    pub(super) fn check(self, path: &Path) -> Result<(), Problem> {
        let most = Overload::default();
        for (key, least, value, most) in [
            ("messages", 1, self.messages, most.messages),
            ("bytes", 1, self.bytes, most.bytes),
            ("events", 1, self.events, most.events),
            ("events_per_second", 0, self.events_per_second, most.events_per_second),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Problem::new(path.then(key), format!("{value} is not from {least} to {most}"))
                    .label("out of range")
                    .help("less than the testbed can hold, which is what counts if nothing is said"));
            }
        }
        Ok(())
    }
}

impl Default for Overload {
    fn default() -> Self {
        let Limits { messages, bytes, events, events_per_second } = Limits::default();
        Overload { messages: messages as u64, bytes: bytes as u64, events, events_per_second }
    }
}
