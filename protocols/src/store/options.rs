//! What can be chosen about a store.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// One replica of a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// This replica, from 1.
    pub id: u64,
    /// Where all replicas listen, this one included, in order of their numbers.
    pub replicas: Vec<SocketAddr>,
    /// The same on every replica.
    pub options: Options,
    /// By which probe a replica says what it is: [`ROLE`](super::ROLE), or another where other machines have roles, too.
    pub says: &'static str,
}

/// Timers and sizes, etcd's by default where it has them, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How often a leader says that it is there.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub heartbeat: Duration,
    /// Without a word from a leader for this long to twice as long, a replica stands for election.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub election: Duration,
    /// After so long, and twice the election time-out more for an election, a replica answers that it does not know what
    /// became of a request.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// The pause before a lost or refused connection is dialled again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// The shortest lease.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub lease_min: Duration,
    /// After so many entries the state is written down, and older entries go.
    pub snapshot_entries: u64,
    /// After so many bytes the log is written anew.
    pub compact_bytes: u64,
    /// How many changes are kept for watches.
    pub events_kept: usize,
    /// Refuse to add members unless all that vote are connected, and were for 5 s, and to remove one of so few that the
    /// others would have no majority: etcd's `-strict-reconfig-check`.
    pub strict_reconfig_check: bool,
    /// A disk that has not answered after so long has failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub disk_timeout: Duration,
    /// A known defect, switched on.
    pub flaw: Option<Flaw>,
}

/// Defects that coordination stores have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Who was deposed counts leases down as before, and has the next leader end them (etcd's issues 12528 and 15247).
    DeposedEndsLeases,
    /// A lease is renewed by whoever believes that it leads, and nobody makes sure (etcd's issue 15247).
    UnsureRenewal,
    /// A leader that was removed answers reads as before, from what it has.
    RemovedLeaderLeads,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            heartbeat: Duration::from_millis(100),
            election: Duration::from_secs(1),
            request_timeout: Duration::from_secs(5),
            redial: Duration::from_millis(200),
            lease_min: Duration::from_secs(2),
            snapshot_entries: 200,
            compact_bytes: 256 << 10,
            events_kept: 1000,
            strict_reconfig_check: true,
            disk_timeout: Duration::from_secs(5),
            flaw: None,
        }
    }
}

impl Options {
    /// How long a request may take, a read of a replica in a minority, too: etcd's ReqTimeout (3.5.16, seen: 7.3 to 8.1
    /// s with the defaults).
    pub(super) fn patience(&self) -> Duration {
        self.request_timeout + 2 * self.election
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if !(1..=self.replicas.len() as u64).contains(&self.id) {
            return invalid(format!("id: {} is not from 1 to {}", self.id, self.replicas.len()));
        }
        at_least(
            SHORTEST,
            &[
                ("heartbeat", options.heartbeat),
                ("request_timeout", options.request_timeout),
                ("redial", options.redial),
                ("lease_min", options.lease_min),
                ("disk_timeout", options.disk_timeout),
            ],
        )?;
        if options.election < 2 * options.heartbeat {
            let (election, heartbeat) = (options.election, options.heartbeat);
            return invalid(format!("election: {election:?} is below twice the heartbeat, {heartbeat:?}"));
        }
        at_least(
            2,
            &[("snapshot_entries", options.snapshot_entries), ("events_kept", options.events_kept as u64)],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: Options) -> Config {
        Config {
            id: 1,
            replicas: vec![SocketAddr::from(([127, 0, 0, 1], 1))],
            options,
            says: crate::store::ROLE,
        }
    }

    #[test]
    fn an_election_time_out_below_two_heartbeats_is_refused() {
        assert!(config(Options::default()).validate().is_ok());
        let options = Options { election: Duration::from_millis(150), ..Options::default() };
        let error = config(options).validate().unwrap_err();
        assert_eq!(error.to_string(), "election: 150ms is below twice the heartbeat, 100ms");
    }

    /// etcd's ReqTimeout: 5 s, and two election time-outs.
    #[test]
    fn a_request_may_take_seven_seconds() {
        assert_eq!(Options::default().patience(), Duration::from_secs(7));
    }

    #[test]
    fn a_replica_is_one_of_the_replicas() {
        let error = Config { id: 2, ..config(Options::default()) }.validate().unwrap_err();
        assert_eq!(error.to_string(), "id: 2 is not from 1 to 1");
    }
}
