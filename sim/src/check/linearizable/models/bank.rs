//! Accounts with balances that never fall below zero, and money that moves between them.
//!
//! Accounts come into being at their first mention, open and with the initial balance. All of them are one object: a
//! transfer, or a read of all balances, is about several.

use super::super::model::{Call, Model, Waiting};
use super::{Readable, is_done, key_text, no_function, parts};
use crate::history::Recorded;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 7] =
    ["deposit", "withdraw", "transfer", "balance", "read", "open", "close"];

/// The most accounts of one history: their numbers are bits of a mask.
const ACCOUNTS_MAX: usize = 128;

/// A bank.
#[derive(Debug, Clone, Default)]
pub struct Bank {
    /// What is on every account at first.
    pub initial: i64,
    /// The accounts' numbers, in the order in which the history names them.
    accounts: RefCell<HashMap<String, u8>>,
}

/// What can be asked of a bank. Accounts are numbers, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Put so much on an account.
    Deposit(u8, i64),
    /// Take so much from it.
    Withdraw(u8, i64),
    /// Take it from the first and put it on the second.
    Transfer(u8, u8, i64),
    /// How much is on it?
    Balance(u8),
    /// How much is on each?
    Read,
    /// Let a closed account be used again.
    Open(u8),
    /// Let it not be used.
    Close(u8),
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ret {
    /// It was done.
    Done,
    /// There was not enough money, or the account was closed; open, or closed, already.
    Refused,
    /// So much.
    Balance(i64),
    /// So much on each account that was told.
    Balances(Box<[(u8, i64)]>),
}

/// An account's balance; or that it is closed, with a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    balance: i64,
    closed: bool,
}

impl Bank {
    /// A bank with so much on every account at first.
    pub fn new(initial: i64) -> Self {
        Bank { initial, accounts: RefCell::default() }
    }

    fn number(&self, name: &Value) -> Result<u8, String> {
        let mut accounts = self.accounts.borrow_mut();
        let known = accounts.len();
        if known == ACCOUNTS_MAX && !accounts.contains_key(&key_text(name)) {
            return Err(format!("{name} would be account {}: at most {ACCOUNTS_MAX}", known + 1));
        }
        Ok(*accounts.entry(key_text(name)).or_insert(known as u8))
    }

    fn account<'s>(&self, state: &'s [Account], number: u8) -> &'s Account {
        &state[usize::from(number)]
    }
}

fn pays(op: &Op) -> Option<(u8, i64)> {
    match op {
        Op::Withdraw(account, amount) | Op::Transfer(account, _, amount) => Some((*account, *amount)),
        _ => None,
    }
}

fn gets(op: &Op) -> Option<(u8, i64)> {
    match op {
        Op::Deposit(account, amount) | Op::Transfer(_, account, amount) => Some((*account, *amount)),
        _ => None,
    }
}

/// The accounts that an operation is about, as bits.
fn touched(op: &Op) -> u128 {
    match op {
        Op::Deposit(a, _) | Op::Withdraw(a, _) | Op::Balance(a) | Op::Open(a) | Op::Close(a) => 1 << a,
        Op::Transfer(a, b, _) => 1 << a | 1 << b,
        Op::Read => u128::MAX,
    }
}

impl Model for Bank {
    type Op = Op;
    type Ret = Ret;
    type State = Box<[Account]>;

    fn initial(&self) -> Box<[Account]> {
        let accounts = self.accounts.borrow().len();
        vec![Account { balance: self.initial, closed: false }; accounts].into()
    }

    fn step(&self, state: &Box<[Account]>, op: &Op, ret: Option<&Ret>, next: &mut Vec<Box<[Account]>>) {
        let is_refused = ret == Some(&Ret::Refused);
        let holds = match (op, ret) {
            (Op::Balance(account), Some(Ret::Balance(told))) => {
                self.account(state, *account).balance == *told
            }
            (Op::Read, Some(Ret::Balances(told))) => {
                told.iter().all(|(account, balance)| self.account(state, *account).balance == *balance)
            }
            (Op::Balance(_) | Op::Read, _) => true,
            _ => self.possible(state, op) != is_refused,
        };
        if holds && self.observes(op, ret) {
            next.push(state.clone());
        } else if holds {
            next.push(moved(state, op));
        }
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        matches!(op, Op::Balance(_) | Op::Read) || ret == Some(&Ret::Refused)
    }

    fn matters(&self, state: &Box<[Account]>, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let (op, ret) = (waiting.call.op, waiting.call.ret);
        if touched(op) & touched(other.op) == 0 {
            return false;
        }
        let other_observes = self.observes(other.op, other.ret);
        let moves = |op: &Op| matches!(op, Op::Deposit(..) | Op::Withdraw(..) | Op::Transfer(..));
        if waiting.possible {
            // Money that moves may move in either order, unless both take it from one account.
            let both_move = moves(op) && moves(other.op) && !other_observes;
            let (one, two) = (pays(op).map(|(from, _)| from), pays(other.op).map(|(from, _)| from));
            return !both_move || (one.is_some() && one == two);
        }
        if other_observes {
            return false;
        }
        let brings = |account: u8| gets(other.op).is_some_and(|(to, _)| to == account);
        let takes = |account: u8| pays(other.op).is_some_and(|(from, _)| from == account);
        let towards = |account: u8, told: i64| match told.cmp(&self.account(state, account).balance) {
            std::cmp::Ordering::Greater => brings(account),
            std::cmp::Ordering::Less => takes(account),
            std::cmp::Ordering::Equal => false,
        };
        match (op, ret) {
            (Op::Balance(account), Some(Ret::Balance(told))) => towards(*account, *told),
            (Op::Read, Some(Ret::Balances(told))) => {
                let wrong =
                    told.iter().find(|(account, told)| self.account(state, *account).balance != *told);
                wrong.is_some_and(|(account, told)| towards(*account, *told))
            }
            (Op::Withdraw(from, amount), Some(Ret::Done)) if !self.account(state, *from).closed => {
                self.account(state, *from).balance < *amount && brings(*from)
            }
            _ => true,
        }
    }

    fn heap_bytes(&self, state: &Box<[Account]>) -> usize {
        size_of_val::<[Account]>(state)
    }
}

impl Bank {
    /// Whether an operation would be done, not refused.
    fn possible(&self, state: &[Account], op: &Op) -> bool {
        let is_open = |account: u8| !self.account(state, account).closed;
        let pays = pays(op)
            .is_none_or(|(from, amount)| is_open(from) && self.account(state, from).balance >= amount);
        let gets = gets(op).is_none_or(|(to, _)| is_open(to));
        match op {
            Op::Open(account) => !is_open(*account),
            Op::Close(account) => is_open(*account),
            _ => pays && gets,
        }
    }
}

/// The accounts after an operation that is done.
fn moved(state: &[Account], op: &Op) -> Box<[Account]> {
    let mut after: Box<[Account]> = state.into();
    if let Some((from, amount)) = pays(op) {
        after[usize::from(from)].balance -= amount;
    }
    if let Some((to, amount)) = gets(op) {
        after[usize::from(to)].balance += amount;
    }
    if let Op::Open(account) | Op::Close(account) = op {
        after[usize::from(*account)].closed = matches!(op, Op::Close(_));
    }
    after
}

impl Readable for Bank {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let (f, value) = (&*recorded.f, &recorded.invoked);
        match f {
            "deposit" | "withdraw" => {
                let [account, amount] = parts(f, value, "[account, amount]")?;
                let (account, amount) = (self.number(account)?, money(f, amount)?);
                Ok(if f == "deposit" { Op::Deposit(account, amount) } else { Op::Withdraw(account, amount) })
            }
            "transfer" => {
                // Jepsen's bank says it with names.
                let named = ["from", "to", "amount"].map(|part| value[part].clone());
                let [from, to, amount] =
                    if value.is_object() { &named } else { parts(f, value, "[from, to, amount]")? };
                Ok(Op::Transfer(self.number(from)?, self.number(to)?, money(f, amount)?))
            }
            "balance" => Ok(Op::Balance(self.number(value)?)),
            "read" => Ok(Op::Read),
            "open" => Ok(Op::Open(self.number(value)?)),
            "close" => Ok(Op::Close(self.number(value)?)),
            f => Err(no_function("bank", f, &FUNCTIONS)),
        }
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Ret, String> {
        match op {
            Op::Balance(_) => Ok(Ret::Balance(told("balance", value)?)),
            Op::Read => {
                let balances = value.as_object().ok_or_else(|| {
                    format!("`read` answers with an object, account to balance, not {value}")
                })?;
                let balance = |(name, balance): (&String, &Value)| {
                    Ok((self.number(&Value::String(name.clone()))?, told("read", balance)?))
                };
                Ok(Ret::Balances(balances.iter().map(balance).collect::<Result<_, String>>()?))
            }
            _ if is_done(value) => Ok(Ret::Done),
            _ => Ok(Ret::Refused),
        }
    }
}

fn told(f: &str, value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("`{f}` answers with whole numbers, not {value}"))
}

fn money(f: &str, value: &Value) -> Result<i64, String> {
    let amount = value.as_i64().filter(|amount| *amount >= 0);
    amount.ok_or_else(|| format!("`{f}` moves a whole number from 0, not {value}"))
}
