//! What can be chosen about a router.

use crate::common::bounds::{SHORTEST, at_least};
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
    /// How often each backend is asked.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_every: Duration,
    /// How long it has to answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub check_timeout: Duration,
    /// A backend that is up is down after so many bad answers.
    pub fall: u32,
    /// A backend that is down is up after so many good answers.
    pub rise: u32,
    /// How long a backend has to take a connection.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// The most connections at a time.
    pub connections_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            check_every: Duration::from_secs(3),
            check_timeout: Duration::from_secs(2),
            fall: 3,
            rise: 2,
            connect_timeout: Duration::from_secs(4),
            connections_max: 100,
        }
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
}
