//! A bank's audits: an audit reads all balances, and those are what a set of transfers made of the first ones.
//!
//! So an order of transfers and audits explains a history if each audit saw what the transfers before it make of what
//! the first audit saw, less what came before that. Every transfer that ended well is in it; one of unknown outcome may
//! be; one that failed is not. The order must agree with the clock of the level.
//!
//! A transfer reads and writes both of its accounts, so under snapshot isolation transfers of one account come one after
//! the other, and audits see what was committed by some instant: what snapshots allow and what a serial order allows is
//! the same here.
//! `audit_search.rs` looks for the order.

use super::anomaly::{Anomaly, Found, Link, Step};
use super::audit_search::Search;
use super::infer::keep_first;
use super::level::Clock;
use crate::history::{End, HistoryError, Process, Recorded};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What is known of a bank beside its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    /// What all accounts have together.
    pub total: Option<i64>,
    /// No account may have less than nothing.
    pub never_negative: bool,
}

/// The accounts and operations of a bank.
pub(super) struct Bank {
    accounts: Vec<String>,
    events: Vec<Event>,
}

/// A transfer that may have happened, or an audit.
pub(super) struct Event {
    pub operation: usize,
    pub kind: Kind,
    pub process: Process,
    pub call: u64,
    /// When it ended; for an unknown outcome never.
    pub done: u64,
}

/// What was done. Accounts are numbers.
pub(super) enum Kind {
    Transfer { from: usize, to: usize, amount: i64, failed: bool },
    Audit(Box<[i64]>),
}

/// What was found of audits.
pub(super) enum Explained {
    /// The operations in an order that explains all audits.
    Order(Vec<usize>),
    /// No order does; the audit that the search got stuck at.
    Not(usize),
    Unknown,
}

impl Bank {
    pub(super) fn read(history: &[Recorded]) -> Result<Self, HistoryError> {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut audits: Vec<(usize, BTreeMap<usize, i64>)> = Vec::new();
        let mut events = Vec::new();
        let mut number = |name: String| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        };
        for (operation, recorded) in history.iter().enumerate() {
            let line = recorded.done.unwrap_or(recorded.call).line;
            let meaning = |why: String| HistoryError::Meaning { line, why };
            let kind = match &*recorded.f {
                "transfer" => {
                    let (from, to, amount) = transfer(&recorded.invoked).map_err(meaning)?;
                    let failed = recorded.end == End::Fail || recorded.end == End::Ok(Value::Bool(false));
                    Kind::Transfer { from: number(from), to: number(to), amount, failed }
                }
                "read" => {
                    let End::Ok(told) = &recorded.end else { continue };
                    let told = balances(told).map_err(meaning)?;
                    audits
                        .push((events.len(), told.into_iter().map(|(name, n)| (number(name), n)).collect()));
                    Kind::Audit(Box::default())
                }
                f => return Err(meaning(format!("bank-audit has no function `{f}`: transfer, read"))),
            };
            let ended = recorded.done.filter(|_| matches!(recorded.end, End::Ok(_)));
            events.push(Event {
                operation,
                kind,
                process: recorded.process.clone(),
                call: recorded.call.order,
                done: ended.map_or(u64::MAX, |done| done.order),
            });
        }
        let mut accounts: Vec<(String, usize)> = numbers.into_iter().collect();
        accounts.sort_unstable_by_key(|(_, number)| *number);
        // An account that an audit does not tell has nothing.
        for (event, told) in audits {
            let all = (0..accounts.len()).map(|account| told.get(&account).copied().unwrap_or(0));
            events[event].kind = Kind::Audit(all.collect());
        }
        Ok(Bank { accounts: accounts.into_iter().map(|(name, _)| name).collect(), events })
    }

    /// What is wrong with audits by themselves. Unless a total is known, that of the first one is.
    pub(super) fn wrong(&self, known: Known) -> Vec<Found> {
        let mut found = Vec::new();
        let mut expected = known.total;
        for (event, balances) in self.audits() {
            let total: i64 = balances.iter().sum();
            let wrong_by = total - *expected.get_or_insert(total);
            if wrong_by != 0 {
                keep_first(&mut found, Some(self.skew(event, wrong_by)));
            }
            let below = balances.iter().position(|balance| *balance < 0).filter(|_| known.never_negative);
            if let Some(account) = below {
                let says = format!("{} has {}", self.accounts[account], balances[account]);
                keep_first(&mut found, Some(Found::plain(Anomaly::BelowZero, [event.operation], says)));
            }
        }
        found
    }

    /// What an audit saw that is wrong by so much. A total that is wrong by what a transfer moved has seen one of its
    /// halves. That is a cycle of two: the audit comes after the transfer, for it saw one half (wr), and before it, for
    /// it missed the other (rw).
    fn skew(&self, audit: &Event, wrong_by: i64) -> Found {
        let half = self.events.iter().find(|event| {
            let overlaps = event.done >= audit.call && audit.done >= event.call;
            matches!(event.kind, Kind::Transfer { amount, failed: false, .. } if overlaps && amount == wrong_by.abs())
        });
        let Some(Event { operation, kind: Kind::Transfer { from, to, .. }, .. }) = half else {
            let says = format!(
                "the balances sum up to {wrong_by:+} of what they should, and no transfer under way explains it"
            );
            return Found::plain(Anomaly::GSingle, [audit.operation], says);
        };
        // More than there is: it saw the credit and missed the debit.
        let (seen, missed) = if wrong_by > 0 { (to, from) } else { (from, to) };
        let step = |operation: usize, link: Link, account: &usize| Step {
            operation,
            link: Some((link, Some(self.accounts[*account].clone()))),
        };
        let steps = vec![step(audit.operation, Link::Rw, missed), step(*operation, Link::Wr, seen)];
        Found { anomaly: Anomaly::GSingle, steps, says: String::new() }
    }

    /// Looks for an order that explains every audit.
    pub(super) fn explain(&self, clock: Clock, is_over: &dyn Fn() -> bool) -> Explained {
        self.search(clock, false, is_over)
    }

    /// What is wrong, in words, where no order explains an audit.
    pub(super) fn unexplained(&self, audit: usize, clock: Clock, is_over: &dyn Fn() -> bool) -> Found {
        let operation = self.events[audit].operation;
        if matches!(self.search(clock, true, is_over), Explained::Order(_)) {
            let failed =
                self.events.iter().filter(|event| matches!(event.kind, Kind::Transfer { failed: true, .. }));
            let operations = failed.map(|event| event.operation).chain([operation]);
            let says = "the audits have an order only if a transfer that failed was done".to_owned();
            return Found::plain(Anomaly::G1a, operations, says);
        }
        let says = match clock {
            Clock::None => "no set of transfers explains this audit together with those before it",
            _ => {
                "no set of transfers explains this audit together with those before it, in this order of time"
            }
        };
        Found::plain(Anomaly::NoOrder, [operation], says.to_owned())
    }

    fn audits(&self) -> impl Iterator<Item = (&Event, &[i64])> {
        self.events.iter().filter_map(|event| match &event.kind {
            Kind::Audit(balances) => Some((event, &**balances)),
            Kind::Transfer { .. } => None,
        })
    }

    fn search(&self, clock: Clock, with_failed: bool, is_over: &dyn Fn() -> bool) -> Explained {
        let mut search = Search::new(&self.events, clock, with_failed, is_over);
        let result = search.audits();
        let operation = |event: &usize| self.events[*event].operation;
        match result {
            Some(true) => Explained::Order(search.order().iter().map(operation).collect()),
            Some(false) => Explained::Not(search.stuck()),
            None => Explained::Unknown,
        }
    }
}

fn transfer(value: &Value) -> Result<(String, String, i64), String> {
    let named = ["from", "to", "amount"].map(|part| value[part].clone());
    let [from, to, amount] = match value.as_array().map(Vec::as_slice) {
        Some([from, to, amount]) => [from, to, amount],
        _ => [&named[0], &named[1], &named[2]],
    };
    let amount = amount.as_i64().filter(|_| !from.is_null() && !to.is_null());
    let amount = amount.ok_or_else(|| format!("`transfer` takes [from, to, amount], not {value}"))?;
    let name = |account: &Value| account.as_str().map_or_else(|| account.to_string(), str::to_owned);
    Ok((name(from), name(to), amount))
}

/// The accounts of an audit: an object, or a list of balances of the accounts 0, 1, 2 and so on.
fn balances(told: &Value) -> Result<Vec<(String, i64)>, String> {
    let balance = |(account, balance): (String, &Value)| Some((account, balance.as_i64()?));
    let balances = match told {
        Value::Object(told) => told.iter().map(|(name, told)| balance((name.clone(), told))).collect(),
        Value::Array(told) => {
            told.iter().enumerate().map(|(at, told)| balance((at.to_string(), told))).collect()
        }
        _ => None,
    };
    balances.ok_or_else(|| {
        format!("`read` answers with an object, account to whole number, or a list of those, not {told}")
    })
}
