//! One account as its clients see it: what linearizability is judged by.
//!
//! A transfer is two operations: a withdrawal at one account and a deposit at the other, each at an instant of its own
//! between the request and the answer. That is what the bank promises; that money is not lost in between is judged by
//! conservation. A transfer that came back is a withdrawal and a deposit at the same account, and one whose end is
//! unknown may have. Refusals are judged as well: who is told that 3 are available must have been looked at when there
//! were 3.

use super::{Op, Ret};
use protocols::bank::Refusal;
use sim::check::linearizable::{Call, Model, Waiting};

/// Open at first, and empty.
#[derive(Debug)]
pub(super) struct AccountModel;

/// What is asked of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Part {
    account: u32,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    PayIn(i64),
    PayOut(i64),
    Close,
    Open,
    Balance,
}

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Done,
    Refused(Refusal),
    Balance(i64),
}

/// Its state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Account {
    closed: bool,
    available: i64,
}

/// What a client's operation means to each account.
pub(super) fn split(op: &Op, ret: Option<&Ret>) -> Vec<(Part, Option<Told>)> {
    use What::{Balance, Close, Open, PayIn, PayOut};
    let part = |account: u32, what: What, told: Option<Told>| (Part { account, what }, told);
    let plain = |account: u32, what: What| {
        let told = match ret {
            None => None,
            Some(Ret::Refused(refusal)) => Some(Told::Refused(*refusal)),
            Some(Ret::Balance(balance)) => Some(Told::Balance(*balance)),
            Some(_) => Some(Told::Done),
        };
        vec![part(account, what, told)]
    };
    match *op {
        Op::Deposit(account, amount) => plain(account, PayIn(amount)),
        Op::Withdraw(account, amount) => plain(account, PayOut(amount)),
        Op::Close(account) => plain(account, Close),
        Op::Open(account) => plain(account, Open),
        Op::Balance(account) => plain(account, Balance),
        Op::Transfer(from, to, amount) | Op::Abandon(from, to, amount) => match ret {
            // Nobody ever transfers from an account to itself.
            _ if from == to => Vec::new(),
            None => vec![
                part(from, PayOut(amount), None),
                part(to, PayIn(amount), None),
                // It may have come back.
                part(from, PayIn(amount), None),
            ],
            Some(Ret::Refunded(refusal)) => vec![
                part(from, PayOut(amount), Some(Told::Done)),
                part(from, PayIn(amount), Some(Told::Done)),
                part(to, PayIn(amount), Some(Told::Refused(*refusal))),
            ],
            // Which of the two is closed, or has too much, it does not say.
            Some(Ret::Refused(Refusal::Closed | Refusal::Limit { .. })) => Vec::new(),
            Some(Ret::Refused(refusal)) => vec![part(from, PayOut(amount), Some(Told::Refused(*refusal)))],
            Some(_) => {
                vec![part(from, PayOut(amount), Some(Told::Done)), part(to, PayIn(amount), Some(Told::Done))]
            }
        },
        // What is asked for again is judged as what was asked for first; audits are judged by their sums.
        Op::Repeat | Op::Audit | Op::Stray(..) => Vec::new(),
    }
}

impl Model for AccountModel {
    type Op = Part;
    type Ret = Told;
    type State = Account;

    fn initial(&self) -> Account {
        Account::default()
    }

    fn key(&self, op: &Part) -> Option<String> {
        Some(format!("account {}", op.account))
    }

    fn step(&self, state: &Account, op: &Part, told: Option<&Told>, next: &mut Vec<Account>) {
        let Account { closed, available } = *state;
        let after = match (op.what, told) {
            (_, Some(Told::Refused(refusal))) => is_right(state, refusal).then_some(*state),
            (What::Balance, Some(Told::Balance(told))) => (available == *told).then_some(*state),
            (What::Balance, _) => Some(*state),
            (What::PayIn(amount), _) => {
                (!closed).then_some(Account { closed, available: available + amount })
            }
            (What::PayOut(amount), _) => {
                (!closed && available >= amount).then_some(Account { closed, available: available - amount })
            }
            (What::Close, _) => (!closed).then_some(Account { closed: true, available }),
            (What::Open, _) => closed.then_some(Account { closed: false, available }),
        };
        next.extend(after);
    }

    fn observes(&self, op: &Part, told: Option<&Told>) -> bool {
        op.what == What::Balance || matches!(told, Some(Told::Refused(_)))
    }

    fn matters(&self, state: &Account, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let (op, told) = (waiting.call.op, waiting.call.ret);
        let other_observes = self.observes(other.op, other.ret);
        if waiting.possible {
            // Money that moves may move in either order, unless both pay out.
            let pays_out = |op: &Part| matches!(op.what, What::PayOut(_));
            let moves = |op: &Part| pays_out(op) || matches!(op.what, What::PayIn(_));
            let both_move = moves(op) && moves(other.op) && !self.observes(op, told) && !other_observes;
            return !both_move || (pays_out(op) && pays_out(other.op));
        }
        if other_observes {
            return false;
        }
        let towards = |wanted: i64| match (wanted.cmp(&state.available), other.op.what) {
            (std::cmp::Ordering::Greater, What::PayIn(_)) | (std::cmp::Ordering::Less, What::PayOut(_)) => {
                true
            }
            (std::cmp::Ordering::Equal, _) => false,
            // An account has to be open for money to move.
            (_, what) => matches!(what, What::Open),
        };
        match (op.what, told) {
            (_, Some(Told::Balance(wanted))) => towards(*wanted),
            (What::PayOut(amount), Some(Told::Done)) if !state.closed => {
                state.available < amount && matches!(other.op.what, What::PayIn(_))
            }
            _ => true,
        }
    }
}

/// Whether an account in this state refuses so.
fn is_right(state: &Account, refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Closed => state.closed,
        Refusal::Open => !state.closed,
        Refusal::Insufficient { available, amount } => {
            !state.closed && state.available == *available && amount > available
        }
        // What is held cannot be seen by clients.
        Refusal::Limit { balance, below } => !state.closed && *balance >= state.available && balance >= below,
        Refusal::Held { held } => !state.closed && *held > 0,
        Refusal::UnknownAccount { account, last } => account > last,
        // A client knows which branch has an account, and has an id for each request.
        Refusal::WrongBranch { .. } | Refusal::IdReused => false,
        // These say nothing about the account.
        Refusal::NotPositive { .. } | Refusal::TooLarge { .. } | Refusal::ToItself { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::bank::{AccountId, BranchId};
    use sim::check::linearizable::{Budget, Finding, Operation, check};

    /// Judges operations with the times of their invocations and answers; none if there was no answer.
    fn judge(calls: &[(Op, Option<Ret>, u64, u64)]) -> bool {
        let parts = calls.iter().flat_map(|(op, ret, call, end)| {
            split(op, ret.as_ref())
                .into_iter()
                .map(move |(op, told)| (op, told.map(|told| (told, *end)), *call))
        });
        let operations: Vec<_> = parts.map(|(op, end, call)| Operation { op, end, call }).collect();
        match check(&AccountModel, &operations, Budget::of(None, 1 << 20)).finding {
            Finding::Linearizable => true,
            Finding::Violation(_) => false,
            Finding::Unknown(out_of) => panic!("{out_of}"),
        }
    }

    fn deposited(amount: i64) -> (Op, Option<Ret>, u64, u64) {
        (Op::Deposit(1, amount), Some(Ret::Done), 0, 1)
    }

    #[test]
    fn accepts_a_balance_that_was_and_refuses_one_that_never_was() {
        let read = |balance| [deposited(5), (Op::Balance(1), Some(Ret::Balance(balance)), 2, 3)];
        assert!(judge(&read(5)));
        assert!(!judge(&read(0)));
        assert!(!judge(&read(6)));
    }

    #[test]
    fn accepts_a_refusal_for_the_right_reason_and_refuses_one_for_a_wrong_one() {
        let refused = |available| {
            let refusal = Refusal::Insufficient { available, amount: 9 };
            [deposited(5), (Op::Withdraw(1, 9), Some(Ret::Refused(refusal)), 2, 3)]
        };
        assert!(judge(&refused(5)));
        assert!(!judge(&refused(4)));
        let enough = Refusal::Insufficient { available: 5, amount: 5 };
        assert!(!judge(&[deposited(5), (Op::Withdraw(1, 5), Some(Ret::Refused(enough)), 2, 3)]));
        let closed = (Op::Withdraw(1, 5), Some(Ret::Refused(Refusal::Closed)), 4, 5);
        assert!(judge(&[deposited(5), (Op::Close(1), Some(Ret::Done), 2, 3), closed.clone()]));
        assert!(!judge(&[deposited(5), closed]));
    }

    #[test]
    fn accepts_no_refusal_of_an_account_that_is_there_and_none_of_a_branch_or_an_id_that_are_right() {
        let refused = |refusal| {
            let (deposit, transfer) = (Op::Deposit(1, 5), Op::Transfer(1, 2, 5));
            [deposit, transfer].map(|op| judge(&[(op, Some(Ret::Refused(refusal)), 0, 1)]))
        };
        let unknown =
            |account, last| Refusal::UnknownAccount { account: AccountId(account), last: AccountId(last) };
        assert_eq!((refused(unknown(2, 1)), refused(unknown(1, 1))), ([true; 2], [false; 2]));
        assert_eq!(refused(Refusal::TooLarge { amount: 5, max: 4 }), [true; 2]);
        let elsewhere = Refusal::WrongBranch { account: AccountId(1), branch: BranchId(2) };
        assert_eq!((refused(elsewhere), refused(Refusal::IdReused)), ([false; 2], [false; 2]));
    }

    #[test]
    fn a_transfer_moves_money_between_its_request_and_its_answer_and_at_no_other_time() {
        let transfer = (Op::Transfer(1, 2, 5), Some(Ret::Done), 2, 9);
        let read = |account, balance, at| (Op::Balance(account), Some(Ret::Balance(balance)), at, at + 1);
        // At neither end, for a while.
        assert!(judge(&[deposited(5), transfer.clone(), read(1, 0, 3), read(2, 0, 5), read(2, 5, 10)]));
        assert!(!judge(&[deposited(5), transfer.clone(), read(2, 0, 10)]));
        assert!(!judge(&[deposited(5), transfer, read(1, 5, 10)]));
    }

    #[test]
    fn a_transfer_of_unknown_end_may_have_happened_and_a_refunded_one_left_nothing() {
        let read = |account, balance| (Op::Balance(account), Some(Ret::Balance(balance)), 10, 11);
        for balance in [0, 5] {
            assert!(judge(&[deposited(5), (Op::Transfer(1, 2, 5), None, 2, 0), read(1, balance)]));
        }
        let refunded = (Op::Transfer(1, 2, 5), Some(Ret::Refunded(Refusal::Closed)), 4, 5);
        let closed = (Op::Close(2), Some(Ret::Done), 2, 3);
        assert!(judge(&[deposited(5), closed.clone(), refunded.clone(), read(1, 5), read(2, 0)]));
        assert!(!judge(&[deposited(5), closed, refunded.clone(), read(1, 0)]));
        // Nobody had closed the destination.
        assert!(!judge(&[deposited(5), refunded, read(1, 5)]));
    }
}
