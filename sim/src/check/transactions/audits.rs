//! A bank's audits: transfers move money, so every read of all balances must see one total.
//!
//! A total that is wrong by what a transfer moved has seen one of its halves. That is a cycle of two: the audit comes
//! after the transfer, for it saw one half (wr), and before it, for it missed the other (rw).

use super::anomaly::{Anomaly, Found, Link, Step};
use super::infer::keep_first;
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;

/// A transfer that may have happened.
struct Transfer {
    operation: usize,
    from: String,
    to: String,
    amount: i64,
}

/// Judges audits. The first is taken to be right: what a bank began with stands nowhere.
pub(super) fn judge(history: &[Recorded]) -> Result<Vec<Found>, HistoryError> {
    let mut transfers = Vec::new();
    let mut audits: Vec<(usize, i64)> = Vec::new();
    for (operation, recorded) in history.iter().enumerate() {
        let line = recorded.done.unwrap_or(recorded.call).line;
        let meaning = |why: String| HistoryError::Meaning { line, why };
        match recorded.f.as_str() {
            "transfer" => {
                let transfer = transfer(operation, &recorded.invoked).map_err(meaning)?;
                if recorded.end != End::Fail && recorded.end != End::Ok(Value::Bool(false)) {
                    transfers.push(transfer);
                }
            }
            "read" => {
                if let End::Ok(balances) = &recorded.end {
                    audits.push((operation, total(balances).map_err(meaning)?));
                }
            }
            f => return Err(meaning(format!("bank-audit has no function `{f}`: transfer, read"))),
        }
    }
    let mut found = Vec::new();
    let Some((_, expected)) = audits.first().copied() else { return Ok(found) };
    for (audit, total) in audits.iter().filter(|(_, total)| *total != expected) {
        keep_first(&mut found, Some(skew(history, &transfers, *audit, total - expected)));
    }
    Ok(found)
}

/// What an audit saw that is wrong by so much.
fn skew(history: &[Recorded], transfers: &[Transfer], audit: usize, wrong_by: i64) -> Found {
    let overlaps = |transfer: &&Transfer| {
        let (one, two) = (&history[transfer.operation], &history[audit]);
        let ends_before = |one: &Recorded, two: &Recorded| {
            matches!(one.end, End::Ok(_)) && one.done.is_some_and(|done| done.order < two.call.order)
        };
        !ends_before(one, two) && !ends_before(two, one)
    };
    // More than there is: it saw the credit and missed the debit.
    let half = transfers.iter().filter(overlaps).find(|transfer| transfer.amount == wrong_by.abs());
    let Some(Transfer { operation, from, to, .. }) = half else {
        let says = format!(
            "the balances sum up to {wrong_by:+} of what the first audit saw, and no transfer under way explains it"
        );
        return Found::plain(Anomaly::GSingle, [audit], says);
    };
    let (seen, missed) = if wrong_by > 0 { (to, from) } else { (from, to) };
    let step = |operation: usize, link: Link, key: &String| Step {
        operation,
        link: Some((link, Some(key.clone()))),
    };
    let steps = vec![step(audit, Link::Rw, missed), step(*operation, Link::Wr, seen)];
    Found { anomaly: Anomaly::GSingle, steps, says: String::new() }
}

fn transfer(operation: usize, value: &Value) -> Result<Transfer, String> {
    let named = ["from", "to", "amount"].map(|part| value[part].clone());
    let [from, to, amount] = match value.as_array().map(Vec::as_slice) {
        Some([from, to, amount]) => [from, to, amount],
        _ => [&named[0], &named[1], &named[2]],
    };
    let amount = amount.as_i64().filter(|_| !from.is_null() && !to.is_null());
    let amount = amount.ok_or_else(|| format!("`transfer` takes [from, to, amount], not {value}"))?;
    Ok(Transfer { operation, from: from.to_string(), to: to.to_string(), amount })
}

fn total(balances: &Value) -> Result<i64, String> {
    let sum =
        balances.as_object().and_then(|balances| balances.values().map(Value::as_i64).sum::<Option<i64>>());
    sum.ok_or_else(|| format!("`read` answers with an object, account to whole number, not {balances}"))
}
