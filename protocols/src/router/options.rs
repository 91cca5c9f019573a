//! What can be chosen about a router.

use crate::common::bounds::{SHORTEST, at_least};
use crate::common::http::Patience;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One router.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it may lead, the first that is up before the others.
    pub backends: Vec<Backend>,
    /// Timers and bounds.
    pub options: Options,
}

/// Somewhere that a router may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    /// Where connections go.
    pub address: SocketAddr,
    /// Where `GET /primary` is asked whether they may.
    pub health: SocketAddr,
}

/// Timers and bounds: those of the configuration that Patroni recommends for HAProxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// So long after a check has ended the next one of that backend begins (`inter`).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_every: Duration,
    /// How long a backend has to answer once it is connected (`timeout check`); no less than it has to connect.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_timeout: Duration,
    /// A backend that is up is down after so many bad answers.
    pub fall: u32,
    /// A backend that is down is up after so many good answers.
    pub rise: u32,
    /// How long a backend has to take a connection (`timeout connect`); that of a check has no longer than `check_every`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// So often a backend that does not take a session is tried again. HAProxy's own default is 3.
    pub retries: u32,
    /// The most connections at a time.
    pub connections_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            check_every: Duration::from_secs(3),
            check_timeout: Duration::from_secs(5),
            fall: 3,
            rise: 2,
            connect_timeout: Duration::from_secs(4),
            retries: 2,
            connections_max: 100,
        }
    }
}

impl Options {
    /// How long an agent has to take the connection of a check, and to answer it. HAProxy's documentation, `timeout
    /// check`: the smaller of `timeout connect` and `inter`, and then as long as is said; what is said below that is not
    /// kept (3.0.11, seen).
    pub(super) fn patience(&self) -> Patience {
        let connect = self.connect_timeout.min(self.check_every);
        Patience { connect, answer: self.check_timeout.max(connect) }
    }

    /// The pause before a backend that has refused a session is tried again. HAProxy's documentation, `retries`.
    pub(super) fn turn_around(&self) -> Duration {
        self.connect_timeout.min(Duration::from_secs(1))
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if self.backends.is_empty() {
            return invalid("backends: there is none".to_owned());
        }
        at_least(
            SHORTEST,
            &[
                ("check_every", options.check_every),
                ("check_timeout", options.check_timeout),
                ("connect_timeout", options.connect_timeout),
            ],
        )?;
        at_least(
            1,
            &[
                ("fall", options.fall as usize),
                ("rise", options.rise as usize),
                ("connections_max", options.connections_max),
            ],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let backends = vec![Backend { address, health: address }];
        let config = |options| Config { listen: address, backends: backends.clone(), options };
        assert!(config(Options::default()).validate().is_ok());
        let refused = |config: Config| config.validate().unwrap_err().to_string();
        assert_eq!(refused(config(Options { fall: 0, ..Options::default() })), "fall: 0 is below 1");
        let options = Options { check_timeout: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(config(options)), "check_timeout: 0ns is below 4ms");
        let none = Config { backends: Vec::new(), ..config(Options::default()) };
        assert_eq!(refused(none), "backends: there is none");
    }

    /// HAProxy 3.0.11, seen: a `timeout check` below the smaller of `timeout connect` and `inter` is not kept.
    #[test]
    fn a_check_has_no_less_to_answer_than_to_connect() {
        let patience = |check_timeout| Options { check_timeout, ..Options::default() }.patience();
        let [short, usual] = [1, 5].map(Duration::from_secs);
        let connect = Duration::from_secs(3);
        assert_eq!(patience(short), Patience { connect, answer: connect });
        assert_eq!(patience(usual), Patience { connect, answer: usual });
    }
}
