//! What can be chosen about a cluster: stolon's cluster specification.

use crate::common::Change;
use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Timers, bounds and modes, stolon's by default. The first sentinel writes them into the store; from then on those in
/// the store count ([`Operator::change_options`](super::Operator::change_options)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The pause of keepers and sentinels between two rounds.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub sleep_interval: Duration,
    /// How long an order to a database, or a connection of a proxy to one, may take.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// How long a request to the store may take.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub store_timeout: Duration,
    /// A keeper, or a database, that has been in error for longer has failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub fail_interval: Duration,
    /// A database that is not for longer what it was told to be has failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub convergence_timeout: Duration,
    /// The first database has so long to begin; then another keeper gets its turn.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub init_timeout: Duration,
    /// A standby has so long for its copy. 0: as long as it takes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub sync_timeout: Duration,
    /// A keeper without a database that was last healthy so long ago is forgotten.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub dead_keeper_removal: Duration,
    /// The pause of proxies between two checks. It is below `proxy_timeout`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub proxy_check_interval: Duration,
    /// A proxy that has had no good check for so long drops every connection. A proxy from which nothing came for twice
    /// as long is no longer waited for.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub proxy_timeout: Duration,
    /// The shortest lease of what keepers, proxies and sentinels say about themselves, and the lease of the sentinel
    /// that leads.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub lease_min: Duration,
    /// A standby this many entries behind the master's last report is not elected while replication is asynchronous. An
    /// entry stands for 1 KiB of stolon's 1 MiB.
    pub max_standby_lag: u64,
    /// So many standbys follow a master.
    pub max_standbys: u32,
    /// Whether writes wait for standbys.
    pub synchronous_replication: bool,
    /// With fewer synchronous standbys a master takes no writes. 0: with none it does.
    pub min_synchronous_standbys: u32,
    /// So many synchronous standbys, if there are as many.
    pub max_synchronous_standbys: u32,
    /// Whether a database that becomes a standby first tries to cut what the master does not have, before it takes a
    /// copy.
    pub rewind: bool,
    /// The cluster is a standby of the database that listens there, which is none of its own: its master follows it,
    /// and takes no writes. None: the cluster has a primary of its own. An operator ends it
    /// ([`Operator::promote`](super::Operator::promote)), and nobody begins it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub standby_of: Option<SocketAddr>,
    /// A known defect, switched on.
    pub flaw: Option<Flaw>,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// The new master is published before all proxies have said that they no longer route to the old one.
    ProxyWithoutFence,
    /// Where replication is synchronous, any standby may be elected.
    SyncStandbyNotChecked,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sleep_interval: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            store_timeout: Duration::from_secs(5),
            fail_interval: Duration::from_secs(20),
            convergence_timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(300),
            sync_timeout: Duration::ZERO,
            dead_keeper_removal: Duration::from_secs(48 * 3600),
            proxy_check_interval: Duration::from_secs(5),
            proxy_timeout: Duration::from_secs(15),
            lease_min: Duration::from_secs(20),
            max_standby_lag: 1024,
            max_standbys: 3,
            synchronous_replication: false,
            min_synchronous_standbys: 1,
            max_synchronous_standbys: 1,
            rewind: false,
            standby_of: None,
            flaw: None,
        }
    }
}

impl Options {
    /// Whether writes wait for standbys. A standby of another cluster has no writes of its own.
    pub(super) fn is_synchronous(&self) -> bool {
        self.synchronous_replication && self.standby_of.is_none()
    }

    /// What an operator makes of them while the cluster runs (`stolonctl update --patch`).
    ///
    /// # Errors
    ///
    /// Names an option that there is not or that cannot be changed so, or the bound that it misses.
    pub fn changed(&self, change: &Change) -> Result<Options, String> {
        let next = change.of(self)?;
        self.may_become(&next).map(|()| next).map_err(|error| error.to_string())
    }

    /// # Errors
    ///
    /// Names the field that may not become what it is in `next`.
    pub(super) fn may_become(&self, next: &Options) -> io::Result<()> {
        next.validate()?;
        if let (None, Some(primary)) = (self.standby_of, next.standby_of) {
            let message =
                format!("standby_of: {primary} is not none, and the cluster has a primary of its own");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(())
    }

    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        at_least(
            SHORTEST,
            &[
                ("sleep_interval", self.sleep_interval),
                ("request_timeout", self.request_timeout),
                ("store_timeout", self.store_timeout),
                ("fail_interval", self.fail_interval),
                ("convergence_timeout", self.convergence_timeout),
                ("init_timeout", self.init_timeout),
                ("proxy_check_interval", self.proxy_check_interval),
            ],
        )?;
        if self.proxy_check_interval >= self.proxy_timeout {
            let (check, timeout) = (self.proxy_check_interval, self.proxy_timeout);
            return invalid(format!(
                "proxy_check_interval: {check:?} is not below proxy_timeout, {timeout:?}"
            ));
        }
        if self.lease_min < LEASE_MIN {
            return invalid(format!("lease_min: {:?} is below {LEASE_MIN:?}", self.lease_min));
        }
        if self.max_standbys < 1 {
            return invalid("max_standbys: 0 is below 1".to_owned());
        }
        if self.max_synchronous_standbys < 1 {
            return invalid("max_synchronous_standbys: 0 is below 1".to_owned());
        }
        if self.max_synchronous_standbys < self.min_synchronous_standbys {
            let (max, min) = (self.max_synchronous_standbys, self.min_synchronous_standbys);
            return invalid(format!(
                "max_synchronous_standbys: {max} is below min_synchronous_standbys, {min}"
            ));
        }
        Ok(())
    }
}

/// The store's own bound.
const LEASE_MIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &Options) -> String {
        options.validate().unwrap_err().to_string()
    }

    #[test]
    fn a_proxy_checks_more_than_once_before_it_gives_up() {
        assert!(Options::default().validate().is_ok());
        let options = Options { proxy_timeout: Duration::from_secs(5), ..Options::default() };
        assert_eq!(refused(&options), "proxy_check_interval: 5s is not below proxy_timeout, 5s");
    }

    #[test]
    fn there_may_not_be_fewer_synchronous_standbys_than_there_must_be() {
        let options = Options { min_synchronous_standbys: 2, ..Options::default() };
        assert_eq!(refused(&options), "max_synchronous_standbys: 1 is below min_synchronous_standbys, 2");
    }

    #[test]
    fn a_time_of_nothing_is_refused() {
        let options = Options { fail_interval: Duration::ZERO, ..Options::default() };
        assert_eq!(refused(&options), "fail_interval: 0ns is below 4ms");
        let options = Options { lease_min: Duration::from_secs(1), ..Options::default() };
        assert_eq!(refused(&options), "lease_min: 1s is below 2s");
    }
}
