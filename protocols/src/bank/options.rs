//! What can be chosen about a branch.

use super::{account::Limits, message::BranchId};
use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, time::Duration};

/// Sums of two thousand million such amounts fit.
const MONEY_MAX: i64 = 1 << 32;

/// One branch of a bank: who it is, where it listens, and where all are.
#[derive(Debug, Clone)]
pub struct Config {
    /// This branch.
    pub id: BranchId,
    /// Where all branches listen, this one included, in order of their numbers. An account belongs to one of them by
    /// its hash: the number of branches is for ever.
    pub branches: Vec<SocketAddr>,
    /// Limits, timers and flaws, the same at every branch.
    pub options: Options,
}

/// Limits, timers, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How many accounts there are; all are open and empty at first.
    pub accounts: u32,
    /// The largest amount of one operation.
    pub amount_max: i64,
    /// An account can receive while its balance is below this.
    pub balance_below: i64,
    /// An unanswered transfer is sent again after this long.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retry: Duration,
    /// A branch that owes answers and says nothing for this long is dialled again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub peer_timeout: Duration,
    /// The pause before a lost or refused connection is dialled again, and before a failed disk is opened again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// An audit that has not heard of all branches after this long is given up.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub audit_timeout: Duration,
    /// A disk that has not answered after so long has failed: the branch begins anew.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub disk_timeout: Duration,
    /// A snapshot is written after so many bytes of log, or half its own size if that is more.
    pub snapshot_bytes: u64,
    /// The size of the log's segments, in bytes.
    pub segment_bytes: u64,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            accounts: 1024,
            amount_max: 1_000_000,
            balance_below: 1_000_000_000,
            retry: Duration::from_millis(500),
            peer_timeout: Duration::from_secs(2),
            redial: Duration::from_millis(200),
            audit_timeout: Duration::from_secs(2),
            disk_timeout: Duration::from_secs(5),
            snapshot_bytes: 64 << 10,
            segment_bytes: 32 << 10,
            flaw: None,
        }
    }
}

/// Defects that banks have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A transfer is a cheque: the balance is checked when it is written, nothing is held, and it is cashed later
    /// without a check.
    UncheckedCheque,
    /// What arrives is paid into an account, closed or not.
    ClosedDestination,
    /// A branch does not remember which transfers have arrived: one that is sent twice is paid in twice.
    RetryAppliesTwice,
    /// Answers and messages leave before the records that they follow from are synced.
    AckBeforeSync,
    /// What a crash tore at the end of the log stays there, and what comes after it is never read again.
    TornTail,
}

impl Options {
    pub(super) fn limits(&self) -> Limits {
        Limits { amount_max: self.amount_max, balance_below: self.balance_below }
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if self.branches.is_empty() || self.branches.len() > usize::from(u16::MAX) {
            return invalid(format!("branches: {} is not between 1 and {}", self.branches.len(), u16::MAX));
        }
        if self.id.0 == 0 || usize::from(self.id.0) > self.branches.len() {
            return invalid(format!("id: {} is not between b1 and b{}", self.id, self.branches.len()));
        }
        if options.accounts == 0 {
            return invalid("accounts: 0 is below 1".to_owned());
        }
        for (field, value) in [("amount_max", options.amount_max), ("balance_below", options.balance_below)] {
            if !(1..=MONEY_MAX).contains(&value) {
                return invalid(format!("{field}: {value} is not between 1 and {MONEY_MAX}"));
            }
        }
        at_least(
            SHORTEST,
            &[
                ("retry", options.retry),
                ("peer_timeout", options.peer_timeout),
                ("redial", options.redial),
                ("audit_timeout", options.audit_timeout),
                ("disk_timeout", options.disk_timeout),
            ],
        )?;
        at_least(
            256,
            &[("snapshot_bytes", options.snapshot_bytes), ("segment_bytes", options.segment_bytes)],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: Options) -> Config {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        Config { id: BranchId(1), branches: vec![address; 3], options }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        assert!(config(Options::default()).validate().is_ok());
        let named = |config: Config, field: &str| {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        named(config(Options { accounts: 0, ..Options::default() }), "accounts");
        named(config(Options { amount_max: 0, ..Options::default() }), "amount_max");
        named(config(Options { balance_below: i64::MAX, ..Options::default() }), "balance_below");
        named(config(Options { retry: Duration::ZERO, ..Options::default() }), "retry");
        named(config(Options { segment_bytes: 0, ..Options::default() }), "segment_bytes");
        named(Config { id: BranchId(0), ..config(Options::default()) }, "id");
        named(Config { id: BranchId(4), ..config(Options::default()) }, "id");
        named(Config { branches: Vec::new(), ..config(Options::default()) }, "branches");
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Options>(r#"{ "acounts": 3 }"#).is_err());
        let flawed: Options = serde_json::from_str(r#"{ "flaw": "unchecked-cheque" }"#).unwrap();
        assert_eq!(flawed.flaw, Some(Flaw::UncheckedCheque));
    }
}
