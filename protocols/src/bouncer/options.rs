//! What can be chosen about a pooler.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One pooler.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients come to.
    pub listen: SocketAddr,
    /// Where commands come to.
    pub console: SocketAddr,
    /// Where the database is, until a file on the disk says otherwise.
    pub target: SocketAddr,
    /// Timers and bounds.
    pub options: Options,
}

/// Timers and bounds, under PgBouncer's names and with its defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How long a server stays with a client.
    pub pool_mode: PoolMode,
    /// The most servers at a time.
    pub default_pool_size: u32,
    /// The most clients at a time.
    pub max_client_conn: u32,
    /// After a login that failed, none is tried for so long.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub server_login_retry: Duration,
    /// How long a server has for its connection and login.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub server_connect_timeout: Duration,
    /// How long a query waits for a server.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub query_wait_timeout: Duration,
    /// How long a client has for its login.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub client_login_timeout: Duration,
}

/// How long a server stays with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PoolMode {
    /// Until the client leaves.
    Session,
    /// Until the transaction ends.
    Transaction,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            pool_mode: PoolMode::Session,
            default_pool_size: 20,
            max_client_conn: 100,
            server_login_retry: Duration::from_secs(15),
            server_connect_timeout: Duration::from_secs(15),
            query_wait_timeout: Duration::from_secs(120),
            client_login_timeout: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the option and the bound that it misses.
    pub fn validate(&self) -> io::Result<()> {
        at_least(
            SHORTEST,
            &[
                ("server_login_retry", self.server_login_retry),
                ("server_connect_timeout", self.server_connect_timeout),
                ("query_wait_timeout", self.query_wait_timeout),
                ("client_login_timeout", self.client_login_timeout),
            ],
        )?;
        at_least(
            1,
            &[("default_pool_size", self.default_pool_size), ("max_client_conn", self.max_client_conn)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named() {
        assert!(Options::default().validate().is_ok());
        let refused = |options: Options| options.validate().unwrap_err().to_string();
        let options = Options { default_pool_size: 0, ..Options::default() };
        assert_eq!(refused(options), "default_pool_size: 0 is below 1");
        let options = Options { server_login_retry: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(options), "server_login_retry: 0ns is below 4ms");
    }
}
