//! Transactions: whether a history is serializable, or snapshot-isolated, in the spirit of Elle.
//!
//! Searching for an order of whole transactions is hopeless, but where every value is written once, a read tells whose
//! write it saw. So the history itself says who depends on whom, and the dependencies are a graph of transactions:
//!
//! | edge | from | to |
//! |---|---|---|
//! | ww | who wrote a version | who wrote the next one |
//! | wr | who wrote a version | who read it |
//! | rw | who read a version | who wrote the next one |
//! | process | a transaction | the next of the same process |
//! | real-time | a transaction | one that began after it ended |
//!
//! In a serial order every edge points forwards, so a cycle is a proof that there is none. Which edges it has names the
//! anomaly (Adya 1999; Cerone and Gotsman 2018 for what snapshots allow):
//!
//! | anomaly | what was seen |
//! |---|---|
//! | G0 | a cycle of ww: writes interleave |
//! | G1a | a read of a value whose transaction failed |
//! | G1b | a read of a value that its own transaction overwrote |
//! | G1c | a cycle of ww and wr: information flows in a circle |
//! | G-single | a cycle with one rw: a transaction saw another in part |
//! | lost update | G-single of two that read one version of a key and both wrote the next |
//! | G-nonadjacent | a cycle with several rw, none next to another |
//! | long fork | G-nonadjacent of two readers that saw two writes in opposite orders |
//! | G2-item | a cycle with rw next to rw: write skew. Snapshot isolation allows it |
//!
//! What a graph does not show cannot be found: the absence of a cycle is no proof of an order, but what is reported is
//! certain. The order of a key's versions comes from the lists that were read (`list-append`: a list tells its own
//! history), or from transactions that read one version and wrote another (`rw-register`, which knows much less).
//!
//! Sources: A. Adya: *Weak Consistency*, 1999. P. Alvaro, K. Kingsbury: *Elle: Inferring Isolation Anomalies from
//! Experimental Observations*, VLDB 2020. A. Cerone, A. Gotsman: *Analysing Snapshot Isolation*, JACM 2018.

mod anomaly;
mod audits;
mod graph;
mod infer;
mod list_append;
mod read_write;
#[cfg(test)]
mod tests;
mod time;
mod transaction;

pub use anomaly::{Anomaly, Found, Level, Link, Step};

use super::linearizable::{Budget, OutOf};
use crate::history::{HistoryError, Recorded};
use graph::Dependencies;
use std::str::FromStr;
use std::time::Instant;

/// The names of the workloads.
pub const NAMES: [&str; 3] = ["list-append", "rw-register", "bank-audit"];

/// What transactions do, and how isolated they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    kind: Kind,
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ListAppend,
    ReadWrite,
    BankAudit,
}

/// What was found of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What must not be at this level, worst first.
    pub anomalies: Vec<Found>,
    /// What is an anomaly, but not at this level.
    pub allowed: Vec<Found>,
    /// The search for cycles ended early.
    pub gave_up: Option<OutOf>,
}

impl Workload {
    /// Judges a recorded history. The operations of anomalies are indices into it.
    ///
    /// # Errors
    ///
    /// When an operation is not one of the workload's; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Judged, HistoryError> {
        let mut dependencies = Dependencies::new(history.len(), budget.memory_bytes);
        let mut found = match self.kind {
            Kind::ListAppend => list_append::infer(
                &transaction::read(history, transaction::Values::Lists)?,
                &mut dependencies,
            )?,
            Kind::ReadWrite => read_write::infer(
                &transaction::read(history, transaction::Values::Single)?,
                &mut dependencies,
            )?,
            Kind::BankAudit => audits::judge(history)?,
        };
        time::order(history, self.level, &mut dependencies);
        let start = Instant::now();
        let is_over = || budget.time.is_some_and(|limit| start.elapsed() >= limit);
        let (cycles, complete) = dependencies.cycles(&is_over);
        found.extend(cycles);
        found.sort_by_key(|found| found.anomaly);
        let (anomalies, allowed) = found.into_iter().partition(|found| self.level.forbids(found.anomaly));
        let configurations = dependencies.len();
        let out_of_memory =
            dependencies.is_full().then_some(OutOf::Memory { limit: budget.memory_bytes, configurations });
        let out_of_time = budget.time.filter(|_| !complete);
        let gave_up = out_of_memory.or(out_of_time.map(|limit| OutOf::Time { limit, configurations }));
        Ok(Judged { anomalies, allowed, gave_up })
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, level) = text.split_once(':').unwrap_or((text, Level::Serializable.name()));
        let kind = match name {
            "list-append" => Kind::ListAppend,
            "rw-register" => Kind::ReadWrite,
            "bank-audit" => Kind::BankAudit,
            _ => return Err(format!("there is no model `{name}`")),
        };
        let known = Level::ALL.into_iter().find(|known| known.name() == level);
        let level = known.ok_or_else(|| {
            let names: Vec<&str> = Level::ALL.into_iter().map(Level::name).collect();
            format!("there is no isolation level `{level}`: {}", names.join(", "))
        })?;
        Ok(Workload { kind, level })
    }
}

impl std::fmt::Display for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.kind {
            Kind::ListAppend => NAMES[0],
            Kind::ReadWrite => NAMES[1],
            Kind::BankAudit => NAMES[2],
        };
        write!(f, "{name}:{}", self.level.name())
    }
}
