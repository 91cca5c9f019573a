//! The rules of a branch: what it decides, and what a record does to its books. No I/O.
//!
//! A decision changes nothing: it says which [`Record`] is to be written. [`Ledger::apply`] is the only way to change
//! the books, when a record is new and when it is read again after a crash; so what a branch knows is the fold of its
//! log.

use super::{
    account::{Account, Limits},
    message::{AccountId, Act, Answer, BranchId, Id, Part, Transfer},
    options::{Config, Flaw},
    refusal::Refusal,
};
use crate::common::wal::Lsn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is written to the log: what happened, never what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// A request was done, at once and here.
    Done { id: Id, act: Act },
    /// A request was refused. It is written down so that the same id is not done later.
    Refused { id: Id, act: Act, refusal: Refusal },
    /// Money is held for another branch.
    Reserved { id: Id, transfer: Transfer },
    /// The other branch has it.
    Captured { id: Id },
    /// The other branch cannot take it: it is available again.
    Released { id: Id, refusal: Refusal },
    /// Money from another branch was paid in.
    Credited { id: Id, transfer: Transfer },
    /// Money from another branch was not, and never will be.
    Declined { id: Id, transfer: Transfer, refusal: Refusal },
    /// This branch's part of a cut ends here.
    Cut { epoch: u64 },
}

impl Record {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Record::Done { .. } => "done",
            Record::Refused { .. } => "refused",
            Record::Reserved { .. } => "reserved",
            Record::Captured { .. } => "captured",
            Record::Released { .. } => "released",
            Record::Credited { .. } => "credited",
            Record::Declined { .. } => "declined",
            Record::Cut { .. } => "cut",
        }
    }

    /// The request that it is about.
    pub fn id(&self) -> Option<Id> {
        match *self {
            Record::Done { id, .. }
            | Record::Refused { id, .. }
            | Record::Reserved { id, .. }
            | Record::Captured { id }
            | Record::Released { id, .. }
            | Record::Credited { id, .. }
            | Record::Declined { id, .. } => Some(id),
            Record::Cut { .. } => None,
        }
    }

    /// What moves by it, or opens or closes: in a word, from where, to where and how much. None if something only goes
    /// on or is only told.
    pub fn money(&self) -> Option<(&'static str, AccountId, AccountId, i64)> {
        match *self {
            Record::Done { act, .. } => Some(match act {
                Act::Deposit(account, amount) => ("deposit", account, account, amount),
                Act::Withdraw(account, amount) => ("withdraw", account, account, amount),
                Act::Transfer(from, to, amount) => ("transfer", from, to, amount),
                Act::Close(account) => ("close", account, account, 0),
                Act::Reopen(account) => ("reopen", account, account, 0),
            }),
            Record::Reserved { transfer: Transfer { from, to, amount }, .. } => {
                Some(("transfer", from, to, amount))
            }
            _ => None,
        }
    }
}

/// What is to be done about a request.
#[derive(Debug, PartialEq)]
pub(super) enum Decision<T> {
    /// Nothing happens; this is the answer.
    Answer(T),
    /// A transfer is under way; its end is the answer.
    Wait,
    /// Write this down first.
    Write(Record),
}

/// What a branch knows. All of it is in its snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Books {
    /// Accounts that were ever used; all others are open and empty.
    accounts: BTreeMap<AccountId, Account>,
    /// Every request that was decided here, and its answer; none while it is under way.
    requests: BTreeMap<Id, (Act, Option<Answer>)>,
    /// Transfers from here that are under way.
    held: BTreeMap<Id, Transfer>,
    /// What came from other branches, and where in the log that stands.
    arrivals: BTreeMap<Id, Arrival>,
    deposited: i64,
    withdrawn: i64,
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Arrival {
    transfer: Transfer,
    declined: Option<Refusal>,
    lsn: Lsn,
}

/// A branch's books, with the rules for them.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub branch: BranchId,
    branches: u16,
    accounts: u32,
    limits: Limits,
    flaw: Option<Flaw>,
    books: Books,
}

impl Ledger {
    /// Empty books.
    pub fn new(config: &Config) -> Ledger {
        Ledger {
            branch: config.id,
            branches: config.branches.len() as u16,
            accounts: config.options.accounts,
            limits: config.options.limits(),
            flaw: config.options.flaw,
            books: Books::default(),
        }
    }

    /// The books as bytes, for a snapshot.
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.books).expect("books are plain data")
    }

    /// Takes the books from a snapshot; `false` if it is none.
    pub fn restore(&mut self, snapshot: &[u8]) -> bool {
        postcard::from_bytes(snapshot).map(|books| self.books = books).is_ok()
    }

    pub fn epoch(&self) -> u64 {
        self.books.epoch
    }

    pub fn account(&self, id: AccountId) -> Account {
        self.books.accounts.get(&id).copied().unwrap_or_default()
    }

    pub fn accounts(&self) -> &BTreeMap<AccountId, Account> {
        &self.books.accounts
    }

    pub fn held(&self) -> &BTreeMap<Id, Transfer> {
        &self.books.held
    }

    /// All that was ever deposited here, and withdrawn.
    pub fn deposited_and_withdrawn(&self) -> (i64, i64) {
        (self.books.deposited, self.books.withdrawn)
    }

    /// Whether money from another branch was paid in here, by this record at the latest.
    pub fn has_arrived(&self, id: Id, by: Lsn) -> bool {
        self.books.arrivals.get(&id).is_some_and(|arrival| arrival.declined.is_none() && arrival.lsn <= by)
    }

    /// This branch's part of a cut that is made now.
    pub fn part(&self) -> Part {
        Part {
            accounts: self.books.accounts.iter().map(|(id, account)| (*id, *account)).collect(),
            held: self.books.held.iter().map(|(id, transfer)| (*id, *transfer)).collect(),
            deposited: self.books.deposited,
            withdrawn: self.books.withdrawn,
        }
    }

    /// Which branch has an account.
    pub fn home(&self, account: AccountId) -> BranchId {
        home(account, self.branches)
    }

    /// Whether this branch has such an account.
    pub fn check_account(&self, account: AccountId) -> Result<(), Refusal> {
        self.check_exists(account)?;
        match self.home(account) {
            branch if branch == self.branch => Ok(()),
            branch => Err(Refusal::WrongBranch { account, branch }),
        }
    }

    fn check_exists(&self, account: AccountId) -> Result<(), Refusal> {
        let last = AccountId(self.accounts - 1);
        if account <= last { Ok(()) } else { Err(Refusal::UnknownAccount { account, last }) }
    }

    /// What a client asks for.
    pub fn decide(&self, id: Id, act: Act) -> Decision<Answer> {
        match self.books.requests.get(&id) {
            Some((known, _)) if *known != act => return Decision::Answer(Answer::Refused(Refusal::IdReused)),
            Some((_, Some(answer))) => return Decision::Answer(*answer),
            Some((_, None)) => return Decision::Wait,
            None => {}
        }
        // What is refused here depends on nothing that changes: it need not be written down.
        if let Err(refusal) = self.check_act(&act) {
            return Decision::Answer(Answer::Refused(refusal));
        }
        match self.allowed(act) {
            Err(refusal) => Decision::Write(Record::Refused { id, act, refusal }),
            Ok(()) => match act {
                Act::Transfer(from, to, amount) if self.takes_time(to) => {
                    Decision::Write(Record::Reserved { id, transfer: Transfer { from, to, amount } })
                }
                act => Decision::Write(Record::Done { id, act }),
            },
        }
    }

    /// Whether a request makes sense, and is for this branch.
    fn check_act(&self, act: &Act) -> Result<(), Refusal> {
        match *act {
            Act::Deposit(_, amount) | Act::Withdraw(_, amount) => self.limits.check(amount)?,
            Act::Transfer(from, to, amount) => {
                self.limits.check(amount)?;
                if from == to {
                    return Err(Refusal::ToItself { account: from });
                }
                self.check_exists(to)?;
            }
            Act::Close(_) | Act::Reopen(_) => {}
        }
        self.check_account(act.account())
    }

    /// Whether the accounts, as they are now, allow it.
    fn allowed(&self, act: Act) -> Result<(), Refusal> {
        let account = self.account(act.account());
        match act {
            Act::Deposit(..) => account.can_deposit(&self.limits),
            Act::Withdraw(_, amount) => account.can_withdraw(amount),
            Act::Close(_) => account.can_close(),
            Act::Reopen(_) => account.can_reopen(),
            Act::Transfer(_, to, amount) => {
                account.can_withdraw(amount)?;
                if self.takes_time(to) { Ok(()) } else { self.account(to).can_deposit(&self.limits) }
            }
        }
    }

    /// Whether a transfer to this account is more than one record.
    fn takes_time(&self, to: AccountId) -> bool {
        self.home(to) != self.branch || self.flaw == Some(Flaw::UncheckedCheque)
    }

    /// Another branch holds money for an account of this one.
    pub fn decide_credit(&self, id: Id, transfer: Transfer) -> Decision<Option<Refusal>> {
        if let Some(known) = self.books.arrivals.get(&id)
            && self.flaw != Some(Flaw::RetryAppliesTwice)
        {
            let reused = known.transfer != transfer;
            return Decision::Answer(if reused { Some(Refusal::IdReused) } else { known.declined });
        }
        if let Err(refusal) = self.check_account(transfer.to) {
            return Decision::Answer(Some(refusal));
        }
        match self.account(transfer.to).can_deposit(&self.limits) {
            Err(Refusal::Closed) if self.flaw == Some(Flaw::ClosedDestination) => {
                Decision::Write(Record::Credited { id, transfer })
            }
            Err(refusal) => Decision::Write(Record::Declined { id, transfer, refusal }),
            Ok(()) => Decision::Write(Record::Credited { id, transfer }),
        }
    }

    /// The other branch has answered. None: that is known already.
    pub fn decide_credited(&self, id: Id, declined: Option<Refusal>) -> Option<Record> {
        self.books.held.get(&id)?;
        Some(match declined {
            None => Record::Captured { id },
            Some(refusal) => Record::Released { id, refusal },
        })
    }

    /// The closed account whose money a record would move. There is none, unless a flaw makes it so.
    pub fn closed_account_moved_by(&self, record: &Record) -> Option<AccountId> {
        let moved = match *record {
            Record::Done { act: Act::Deposit(account, _) | Act::Withdraw(account, _), .. } => {
                [Some(account), None]
            }
            Record::Done { act: Act::Transfer(from, to, _), .. } => [Some(from), Some(to)],
            Record::Reserved { transfer, .. } => [Some(transfer.from), None],
            Record::Credited { transfer, .. } => [Some(transfer.to), None],
            Record::Captured { id } | Record::Released { id, .. } => {
                [self.books.held.get(&id).map(|transfer| transfer.from), None]
            }
            Record::Done { .. } | Record::Refused { .. } | Record::Declined { .. } | Record::Cut { .. } => {
                [None, None]
            }
        };
        moved.into_iter().flatten().find(|account| self.account(*account).closed)
    }

    /// What a record does.
    pub fn apply(&mut self, lsn: Lsn, record: &Record) {
        match *record {
            Record::Done { id, act } => {
                self.do_at_once(act);
                self.books.requests.insert(id, (act, Some(Answer::Done)));
            }
            Record::Refused { id, act, refusal } => {
                self.books.requests.insert(id, (act, Some(Answer::Refused(refusal))));
            }
            Record::Reserved { id, transfer } => {
                let Transfer { from, to, amount } = transfer;
                // A cheque holds nothing.
                if self.flaw != Some(Flaw::UncheckedCheque) {
                    self.account_mut(from).hold(amount);
                }
                self.books.held.insert(id, transfer);
                self.books.requests.insert(id, (Act::Transfer(from, to, amount), None));
            }
            Record::Captured { id } => {
                let Some(Transfer { from, amount, .. }) = self.end_transfer(id, Answer::Done) else { return };
                match self.flaw {
                    // Cashed, whatever is there.
                    Some(Flaw::UncheckedCheque) => self.account_mut(from).available -= amount,
                    _ => self.account_mut(from).capture(amount),
                }
            }
            Record::Released { id, refusal } => {
                let Some(transfer) = self.end_transfer(id, Answer::Refunded(refusal)) else { return };
                if self.flaw != Some(Flaw::UncheckedCheque) {
                    self.account_mut(transfer.from).release(transfer.amount);
                }
            }
            Record::Credited { id, transfer } => {
                self.account_mut(transfer.to).available += transfer.amount;
                self.books.arrivals.insert(id, Arrival { transfer, declined: None, lsn });
            }
            Record::Declined { id, transfer, refusal } => {
                self.books.arrivals.insert(id, Arrival { transfer, declined: Some(refusal), lsn });
            }
            Record::Cut { epoch } => self.books.epoch = epoch,
        }
    }

    fn do_at_once(&mut self, act: Act) {
        match act {
            Act::Deposit(account, amount) => {
                self.account_mut(account).available += amount;
                self.books.deposited += amount;
            }
            Act::Withdraw(account, amount) => {
                self.account_mut(account).available -= amount;
                self.books.withdrawn += amount;
            }
            Act::Transfer(from, to, amount) => {
                self.account_mut(from).available -= amount;
                self.account_mut(to).available += amount;
            }
            Act::Close(account) => self.account_mut(account).closed = true,
            Act::Reopen(account) => self.account_mut(account).closed = false,
        }
    }

    fn end_transfer(&mut self, id: Id, answer: Answer) -> Option<Transfer> {
        let transfer = self.books.held.remove(&id)?;
        if let Some((_, open)) = self.books.requests.get_mut(&id) {
            *open = Some(answer);
        }
        Some(transfer)
    }

    fn account_mut(&mut self, id: AccountId) -> &mut Account {
        self.books.accounts.entry(id).or_default()
    }
}

/// Which of so many branches has an account: by a hash, so that neighbours are strangers.
pub(super) fn home(account: AccountId, branches: u16) -> BranchId {
    // The finalizer of SplitMix64.
    let mut hash = u64::from(account.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    BranchId(((hash ^ (hash >> 31)) % u64::from(branches)) as u16 + 1)
}

#[cfg(test)]
mod tests;
