//! What transactions do, how isolated they must be, and what is found of a history of them.

use super::anomaly::{Anomaly, Found};
use super::audits::{Bank, Explained, Known};
use super::cycles::Cycles;
use super::graph::Dependencies;
use super::infer::{Writers, keep_first};
use super::level::{Clock, Level, Proof};
use super::list_append::Lists;
use super::names::Names;
use super::proof::{Proven, Unordered, prove};
use super::read_write::Registers;
use super::transaction::{Transactions, Values};
use super::{monotonic, replay, time};
use crate::check::linearizable::{Budget, OutOf};
use crate::history::{HistoryError, Recorded};
use serde_json::Value;
use std::str::FromStr;
use std::time::Instant;

/// The names of the workloads.
pub const NAMES: [&str; 3] = ["list-append", "rw-register", "bank-audit"];

/// What transactions do, how isolated they must be, and what is known beside their history.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    kind: Kind,
    level: Level,
    /// What a register has before any write.
    initial: Value,
    bank: Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ListAppend,
    ReadWrite,
    BankAudit,
}

/// What was found of transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// What must not be at this level, worst first.
    pub anomalies: Vec<Found>,
    /// What is an anomaly, but not at this level.
    pub allowed: Vec<Found>,
    /// The search ended early.
    pub gave_up: Option<OutOf>,
    /// Neither a cycle was found nor an order.
    pub is_open: bool,
    /// The operations in an order that explains all reads, if one was found.
    pub order: Option<Vec<usize>>,
}

impl Workload {
    /// Judges a recorded history. The operations of anomalies are indices into it.
    ///
    /// # Errors
    ///
    /// When an operation is not one of the workload's; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Judged, HistoryError> {
        let start = budget.since.unwrap_or_else(Instant::now);
        let is_over = || budget.time.is_some_and(|limit| start.elapsed() >= limit);
        let run = Run { workload: self, history, budget, is_over: &is_over };
        match self.kind {
            Kind::ListAppend => run.lists(),
            Kind::ReadWrite => run.registers(),
            Kind::BankAudit => run.audits(),
        }
    }
}

/// A history being judged.
struct Run<'a> {
    workload: &'a Workload,
    history: &'a [Recorded],
    budget: Budget,
    is_over: &'a dyn Fn() -> bool,
}

impl Run<'_> {
    fn lists(&self) -> Result<Judged, HistoryError> {
        let level = self.workload.level;
        let transactions = Transactions::read(self.history, Values::Lists)?;
        if let Some(judged) = self.spent(&transactions) {
            return Ok(judged);
        }
        let mut writers = Writers::new(&transactions)?;
        let lists = Lists::new(&transactions, &mut writers)?;
        let mut result: Option<Judged> = None;
        loop {
            let inferred = lists.infer(&transactions, &writers);
            let mut found = inferred.found.clone();
            if level == Level::MonotonicReads {
                keep_first(&mut found, lists.went_back(&transactions, self.history));
            }
            let mut dependencies = self.dependencies(&transactions);
            lists.link(&inferred, &mut dependencies);
            time::order(self.history, &inferred.happened, level.clock(), &mut dependencies);
            // Any order without a cycle explains all reads; snapshots ask for one among unread appends, too.
            let open =
                if level.proof() == Proof::Snapshots { inferred.unordered() } else { Unordered::default() };
            let judged = self.judged(found, &dependencies, &transactions.keys, &open, &|sorted| sorted);
            if better(&mut result, judged) || !writers.next_attribution() {
                return Ok(result.unwrap_or_default());
            }
        }
    }

    fn registers(&self) -> Result<Judged, HistoryError> {
        let level = self.workload.level;
        let transactions = Transactions::read(self.history, Values::Single(&self.workload.initial))?;
        if let Some(judged) = self.spent(&transactions) {
            return Ok(judged);
        }
        let mut writers = Writers::new(&transactions)?;
        let registers = Registers::new(&transactions, &mut writers)?;
        let mut result: Option<Judged> = None;
        loop {
            let inferred = registers.infer(&transactions, &writers);
            let mut dependencies = self.dependencies(&transactions);
            inferred.link(self.history, level.clock(), &mut dependencies);
            time::order(self.history, &inferred.happened, level.clock(), &mut dependencies);
            let open = match level.proof() {
                Proof::NoCycle => Unordered::default(),
                proof => inferred.unordered(proof),
            };
            let replayed = |_: Option<Vec<usize>>| {
                let accesses = inferred.accesses(self.history.len());
                replay::order(&dependencies, &inferred.happened, &accesses)
            };
            let mut found = inferred.found.clone();
            if level == Level::MonotonicReads {
                keep_first(&mut found, monotonic::went_back(&inferred, &transactions, self.history));
            }
            let judged = self.judged(found, &dependencies, &transactions.keys, &open, &replayed);
            if better(&mut result, judged) || !writers.next_attribution() {
                return Ok(result.unwrap_or_default());
            }
        }
    }

    fn audits(&self) -> Result<Judged, HistoryError> {
        let bank = Bank::read(self.history)?;
        let clock = self.workload.level.clock();
        let anomalies = bank.wrong(self.workload.bank);
        let mut judged = Judged { anomalies, ..Judged::default() };
        if !judged.anomalies.is_empty() {
            return Ok(judged);
        }
        // The order of time is a good first guess at any.
        let mut explained = bank.explain(Clock::RealTime, self.is_over);
        if clock != Clock::RealTime && !matches!(explained, Explained::Order(_)) {
            explained = bank.explain(clock, self.is_over);
        }
        match explained {
            Explained::Order(order) => judged.order = Some(order),
            Explained::Not(audit) => judged.anomalies.push(bank.unexplained(audit, clock, self.is_over)),
            Explained::Unknown => {
                judged.gave_up = self.out_of_time(self.history.len());
                judged.is_open = judged.gave_up.is_none();
            }
        }
        Ok(judged)
    }

    fn dependencies(&self, transactions: &Transactions) -> Dependencies {
        Dependencies::new(self.history.len(), self.bytes_left().saturating_sub(transactions.bytes()))
    }

    fn bytes_left(&self) -> usize {
        self.budget.memory_bytes.saturating_sub(self.budget.held_bytes)
    }

    /// Whether the limits are reached by the transactions alone.
    fn spent(&self, transactions: &Transactions) -> Option<Judged> {
        let configurations = transactions.list.len();
        let limit = self.budget.memory_bytes;
        let is_full = transactions.bytes() > self.bytes_left();
        let gave_up = is_full.then_some(OutOf::Memory { limit, configurations });
        let gave_up = gave_up.or(self.out_of_time(configurations))?;
        Some(Judged { gave_up: Some(gave_up), ..Judged::default() })
    }

    /// What a graph says, with what was found already. `ordered` makes of an order that the graph agrees with, if
    /// there is one, an order that explains every read.
    fn judged(
        &self,
        mut found: Vec<Found>,
        dependencies: &Dependencies,
        keys: &Names,
        open: &Unordered,
        ordered: &dyn Fn(Option<Vec<usize>>) -> Option<Vec<usize>>,
    ) -> Judged {
        let level = self.workload.level;
        let cycles = Cycles::of(dependencies, keys, self.is_over);
        let sorted = cycles.order();
        let is_complete = if sorted.is_some() {
            true
        } else {
            let (more, is_complete) = cycles.find(level);
            for more in more {
                keep_first(&mut found, Some(more));
            }
            is_complete
        };
        found.sort_by_key(|found| found.anomaly);
        let (anomalies, allowed) = found.into_iter().partition(|found| level.forbids(found.anomaly));
        let mut judged = Judged { anomalies, allowed, ..Judged::default() };
        if dependencies.is_full() {
            let limit = self.budget.memory_bytes;
            judged.gave_up = Some(OutOf::Memory { limit, configurations: dependencies.len() });
        } else if !is_complete {
            judged.gave_up = self.out_of_time(dependencies.len());
        } else if judged.anomalies.is_empty() && level.proof() != Proof::NoCycle {
            match ordered(sorted)
                .map_or_else(|| prove(dependencies, open, level.proof(), self.is_over), Proven::Order)
            {
                Proven::Order(order) => judged.order = Some(order),
                Proven::Impossible(operations) => {
                    let says = "whichever of two writes of a key comes first, there is a cycle".to_owned();
                    judged.anomalies.push(Found::plain(Anomaly::NoOrder, operations, says));
                }
                Proven::Unknown => {
                    judged.gave_up = self.out_of_time(dependencies.len());
                    judged.is_open = judged.gave_up.is_none();
                }
            }
        }
        judged
    }

    fn out_of_time(&self, configurations: usize) -> Option<OutOf> {
        let limit = self.budget.time.filter(|_| (self.is_over)())?;
        Some(OutOf::Time { limit, configurations })
    }
}

/// Keeps what is better for the history: no anomaly, then not knowing. Returns whether it cannot be better.
fn better(result: &mut Option<Judged>, judged: Judged) -> bool {
    let rank =
        |judged: &Judged| match (judged.anomalies.is_empty(), judged.gave_up.is_some() || judged.is_open) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
    if result.as_ref().is_none_or(|known| rank(&judged) < rank(known)) {
        *result = Some(judged);
    }
    result.as_ref().is_some_and(|result| rank(result) == 0)
}

impl FromStr for Workload {
    type Err = String;

    /// A name, then after colons a level, and what is known beside the history.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, mut rest) = text.split_once(':').map_or((text, ""), |(name, rest)| (name, rest));
        let kind = match name {
            "list-append" => Kind::ListAppend,
            "rw-register" => Kind::ReadWrite,
            "bank-audit" => Kind::BankAudit,
            _ => return Err(format!("there is no model `{name}`")),
        };
        let mut workload =
            Workload { kind, level: Level::Serializable, initial: Value::Null, bank: Known::default() };
        while !rest.is_empty() {
            // A value may have colons of its own: it is the last.
            let is_initial = rest.starts_with("initial=");
            let (part, more) = rest.split_once(':').filter(|_| !is_initial).unwrap_or((rest, ""));
            workload.set(part)?;
            rest = more;
        }
        if kind == Kind::BankAudit && workload.level < Level::SnapshotIsolation {
            let why = "an audit needs a snapshot: bank-audit is judged from snapshot-isolation on";
            return Err(why.to_owned());
        }
        Ok(workload)
    }
}

impl Workload {
    fn set(&mut self, part: &str) -> Result<(), String> {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match (self.kind, name) {
            (Kind::ReadWrite, "initial") => {
                self.initial =
                    serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            }
            (Kind::BankAudit, "total") => {
                let total = value.parse().map_err(|_| format!("`total` is a whole number, not `{value}`"))?;
                self.bank.total = Some(total);
            }
            (Kind::BankAudit, "never-negative") if value.is_empty() => self.bank.never_negative = true,
            _ => {
                let known = Level::ALL.into_iter().find(|known| known.name() == part);
                self.level = known.ok_or_else(|| {
                    let names: Vec<&str> = Level::ALL.into_iter().map(Level::name).collect();
                    format!("there is no isolation level `{part}`: {}", names.join(", "))
                })?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.kind {
            Kind::ListAppend => NAMES[0],
            Kind::ReadWrite => NAMES[1],
            Kind::BankAudit => NAMES[2],
        };
        write!(f, "{name}:{}", self.level.name())?;
        if let Some(total) = self.bank.total {
            write!(f, ":total={total}")?;
        }
        if self.bank.never_negative {
            f.write_str(":never-negative")?;
        }
        if self.initial.is_null() { Ok(()) } else { write!(f, ":initial={}", self.initial) }
    }
}
