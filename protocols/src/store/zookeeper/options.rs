//! What can be chosen about a client of ZooKeeper's kind.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// A client's timers, and whose client it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The time-out that the client asks for. It gets one between 2 and 20 ticks.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub session_timeout: Duration,
    /// `tickTime` of the servers.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub tick_time: Duration,
    /// What becomes of watches when a connection is lost.
    pub client: Kind,
}

/// Whose client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Java's: watches are set again.
    Java,
    /// kazoo, Python's: each watch is told `None`, and forgotten.
    Kazoo,
}

impl Default for Options {
    fn default() -> Self {
        let (session_timeout, tick_time) = (Duration::from_secs(5), Duration::from_secs(2));
        Options { session_timeout, tick_time, client: Kind::Java }
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the option and the bound that it misses.
    pub fn validate(&self) -> io::Result<()> {
        at_least(SHORTEST, &[("session_timeout", self.session_timeout)])?;
        // The store has no shorter leases.
        at_least(Duration::from_secs(1), &[("tick_time", self.tick_time)])
    }

    /// The time-out that a session gets.
    pub fn negotiated(&self) -> Duration {
        self.session_timeout.clamp(2 * self.tick_time, 20 * self.tick_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_gets_a_time_out_between_2_and_20_ticks() {
        let asked = |seconds| {
            let options = Options { session_timeout: Duration::from_secs(seconds), ..Options::default() };
            options.negotiated().as_secs()
        };
        assert_eq!([1, 4, 5, 40, 100].map(asked), [4, 4, 5, 40, 40]);
    }

    #[test]
    fn a_tick_below_what_the_store_can_do_is_refused() {
        let options = Options { tick_time: Duration::from_millis(500), ..Options::default() };
        assert_eq!(options.validate().unwrap_err().to_string(), "tick_time: 500ms is below 1s");
        assert!(Options::default().validate().is_ok());
    }
}
