//! The rules of a branch, case by case, and the two models of the seed side by side.

use super::*;
use crate::bank::Options;
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

const LIMITS: Limits = Limits { amount_max: 1_000_000, balance_below: 1_000_000_000 };

/// A branch of a bank with two, and two accounts of each branch.
struct Case {
    ledger: Ledger,
    lsn: u64,
    ids: u32,
    here: [AccountId; 2],
    there: [AccountId; 2],
}

fn config(branch: u16, options: Options) -> Config {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    Config { id: BranchId(branch), branches: vec![address; 2], options }
}

fn accounts_of(branch: u16) -> [AccountId; 2] {
    let mut all = (0..).map(AccountId).filter(|account| home(*account, 2) == BranchId(branch));
    [all.next().unwrap(), all.next().unwrap()]
}

impl Case {
    fn new() -> Case {
        Case::with(1, Options::default())
    }

    fn with(branch: u16, options: Options) -> Case {
        let (here, there) = (accounts_of(branch), accounts_of(3 - branch));
        Case { ledger: Ledger::new(&config(branch, options)), lsn: 0, ids: 0, here, there }
    }

    fn id(&mut self) -> Id {
        self.ids += 1;
        Id { client: 7, number: self.ids }
    }

    fn write(&mut self, record: Record) {
        self.lsn += 1;
        self.ledger.apply(Lsn(self.lsn), &record);
    }

    /// Asks with an id, and writes what is to be written. None: a transfer is under way.
    fn ask_as(&mut self, id: Id, act: Act) -> Option<Answer> {
        match self.ledger.decide(id, act) {
            Decision::Answer(answer) => return Some(answer),
            Decision::Wait => return None,
            Decision::Write(record) => self.write(record),
        }
        match self.ledger.decide(id, act) {
            Decision::Answer(answer) => Some(answer),
            Decision::Wait => None,
            Decision::Write(again) => panic!("{again:?} is to be written twice"),
        }
    }

    fn ask(&mut self, act: Act) -> Option<Answer> {
        let id = self.id();
        self.ask_as(id, act)
    }

    fn refused(&mut self, act: Act) -> Refusal {
        match self.ask(act) {
            Some(Answer::Refused(refusal)) => refusal,
            other => panic!("{act:?} was not refused: {other:?}"),
        }
    }

    fn credit(&mut self, id: Id, transfer: Transfer) -> Option<Refusal> {
        match self.ledger.decide_credit(id, transfer) {
            Decision::Answer(declined) => declined,
            Decision::Wait => panic!("nobody waits for an arrival"),
            Decision::Write(record) => {
                self.write(record);
                self.credit(id, transfer)
            }
        }
    }

    fn credited(&mut self, id: Id, declined: Option<Refusal>) {
        if let Some(record) = self.ledger.decide_credited(id, declined) {
            self.write(record);
        }
    }

    fn money(&self, account: AccountId) -> (i64, i64) {
        let account = self.ledger.account(account);
        (account.available, account.held)
    }
}

#[test]
fn amounts_that_are_none_are_refused() {
    let mut case = Case::new();
    let [a, b] = case.here;
    for act in [Act::Deposit(a, -1), Act::Withdraw(a, -1), Act::Transfer(a, b, -1)] {
        assert_eq!(case.refused(act), Refusal::NotPositive { amount: -1 });
    }
    for act in [Act::Deposit(a, 0), Act::Withdraw(a, 0), Act::Transfer(a, b, 0)] {
        assert_eq!(case.refused(act), Refusal::NotPositive { amount: 0 });
    }
    for amount in [LIMITS.amount_max + 1, i64::MAX] {
        for act in [Act::Deposit(a, amount), Act::Withdraw(a, amount), Act::Transfer(a, b, amount)] {
            assert_eq!(case.refused(act), Refusal::TooLarge { amount, max: LIMITS.amount_max });
        }
    }
    assert_eq!(case.ask(Act::Deposit(a, LIMITS.amount_max)), Some(Answer::Done));
    assert_eq!(case.refused(Act::Deposit(a, i64::MIN)), Refusal::NotPositive { amount: i64::MIN });
}

#[test]
fn a_transfer_to_itself_is_refused() {
    let mut case = Case::new();
    let [a, _] = case.here;
    case.ask(Act::Deposit(a, 5));
    assert_eq!(case.refused(Act::Transfer(a, a, 5)), Refusal::ToItself { account: a });
    assert_eq!(case.money(a), (5, 0));
}

#[test]
fn accounts_that_are_none_and_accounts_of_others_are_refused() {
    let mut case = Case::with(1, Options { accounts: 100, ..Options::default() });
    let ([a, _], [c, _]) = (case.here, case.there);
    let (unknown, last) = (AccountId(100), AccountId(99));
    let refusal = Refusal::UnknownAccount { account: unknown, last };
    for act in [
        Act::Deposit(unknown, 1),
        Act::Withdraw(unknown, 1),
        Act::Transfer(unknown, a, 1),
        Act::Transfer(a, unknown, 1),
        Act::Close(unknown),
        Act::Reopen(unknown),
    ] {
        assert_eq!(case.refused(act), refusal);
    }
    assert_eq!(case.refused(Act::Deposit(c, 1)), Refusal::WrongBranch { account: c, branch: BranchId(2) });
}

#[test]
fn an_id_has_one_request_and_one_answer() {
    let mut case = Case::new();
    let [a, b] = case.here;
    let id = case.id();
    assert_eq!(case.ask_as(id, Act::Deposit(a, 5)), Some(Answer::Done));
    assert_eq!(case.ask_as(id, Act::Deposit(a, 5)), Some(Answer::Done));
    assert_eq!(case.money(a), (5, 0));
    for other in [Act::Deposit(a, 6), Act::Deposit(b, 5), Act::Withdraw(a, 5), Act::Close(a)] {
        assert_eq!(case.ask_as(id, other), Some(Answer::Refused(Refusal::IdReused)));
    }
    assert_eq!(case.money(a), (5, 0));
    // Also when the answer was a refusal whose reason is gone.
    let id = case.id();
    let refused = Some(Answer::Refused(Refusal::Insufficient { available: 5, amount: 9 }));
    assert_eq!(case.ask_as(id, Act::Withdraw(a, 9)), refused);
    case.ask(Act::Deposit(a, 10));
    assert_eq!(case.ask_as(id, Act::Withdraw(a, 9)), refused);
    assert_eq!(case.money(a), (15, 0));
}

#[test]
fn what_is_held_is_not_available_and_keeps_the_account_open() {
    let mut case = Case::new();
    let ([a, _], [c, _]) = (case.here, case.there);
    case.ask(Act::Deposit(a, 10));
    assert_eq!(case.ask(Act::Transfer(a, c, 6)), None);
    assert_eq!(case.money(a), (4, 6));
    assert_eq!(case.refused(Act::Withdraw(a, 5)), Refusal::Insufficient { available: 4, amount: 5 });
    assert_eq!(case.refused(Act::Close(a)), Refusal::Held { held: 6 });
    assert_eq!(case.ask(Act::Withdraw(a, 4)), Some(Answer::Done));
}

#[test]
fn a_transfer_that_arrives_is_captured_once() {
    let mut case = Case::new();
    let ([a, _], [c, _]) = (case.here, case.there);
    case.ask(Act::Deposit(a, 10));
    let id = case.id();
    assert_eq!(case.ask_as(id, Act::Transfer(a, c, 6)), None);
    case.credited(id, None);
    assert_eq!(case.money(a), (4, 0));
    assert_eq!(case.ask_as(id, Act::Transfer(a, c, 6)), Some(Answer::Done));
    // The answer comes again, or another one.
    case.credited(id, None);
    case.credited(id, Some(Refusal::Closed));
    assert_eq!(case.money(a), (4, 0));
}

#[test]
fn a_transfer_that_cannot_arrive_is_refunded_once() {
    let mut case = Case::new();
    let ([a, _], [c, _]) = (case.here, case.there);
    case.ask(Act::Deposit(a, 10));
    let id = case.id();
    assert_eq!(case.ask_as(id, Act::Transfer(a, c, 6)), None);
    case.credited(id, Some(Refusal::Closed));
    assert_eq!(case.money(a), (10, 0));
    case.credited(id, Some(Refusal::Closed));
    case.credited(id, None);
    assert_eq!(case.money(a), (10, 0));
    assert_eq!(case.ask_as(id, Act::Transfer(a, c, 6)), Some(Answer::Refunded(Refusal::Closed)));
}

#[test]
fn what_arrives_again_is_not_paid_in_again() {
    let mut case = Case::with(2, Options::default());
    let ([c, _], [a, _]) = (case.here, case.there);
    let (id, transfer) = (case.id(), Transfer { from: a, to: c, amount: 6 });
    assert_eq!(case.credit(id, transfer), None);
    assert_eq!(case.credit(id, transfer), None);
    assert_eq!(case.money(c), (6, 0));
    assert_eq!(case.credit(id, Transfer { amount: 7, ..transfer }), Some(Refusal::IdReused));
    assert_eq!(case.money(c), (6, 0));
}

#[test]
fn a_closed_account_declines_for_ever() {
    let mut case = Case::with(2, Options::default());
    let ([c, _], [a, _]) = (case.here, case.there);
    case.ask(Act::Close(c));
    let (id, transfer) = (case.id(), Transfer { from: a, to: c, amount: 6 });
    assert_eq!(case.credit(id, transfer), Some(Refusal::Closed));
    case.ask(Act::Reopen(c));
    assert_eq!(case.credit(id, transfer), Some(Refusal::Closed), "its hold may have been released");
    assert_eq!(case.money(c), (0, 0));
}

#[test]
fn closing_and_opening_take_turns() {
    let mut case = Case::new();
    let [a, b] = case.here;
    case.ask(Act::Deposit(b, 5));
    assert_eq!(case.refused(Act::Reopen(a)), Refusal::Open);
    assert_eq!(case.ask(Act::Close(a)), Some(Answer::Done));
    assert_eq!(case.refused(Act::Close(a)), Refusal::Closed);
    assert_eq!(case.refused(Act::Deposit(a, 1)), Refusal::Closed);
    assert_eq!(case.refused(Act::Withdraw(a, 1)), Refusal::Closed);
    assert_eq!(case.refused(Act::Transfer(a, b, 1)), Refusal::Closed);
    assert_eq!(case.refused(Act::Transfer(b, a, 1)), Refusal::Closed);
    assert_eq!(case.ask(Act::Reopen(a)), Some(Answer::Done));
    assert_eq!(case.ask(Act::Transfer(b, a, 1)), Some(Answer::Done));
    assert_eq!((case.money(a), case.money(b)), ((1, 0), (4, 0)));
}

#[test]
fn books_are_the_fold_of_the_log_and_survive_as_a_snapshot() {
    let mut case = Case::new();
    let ([a, b], [c, _]) = (case.here, case.there);
    for act in [Act::Deposit(a, 10), Act::Transfer(a, b, 3), Act::Transfer(a, c, 2), Act::Withdraw(b, 1)] {
        case.ask(act);
    }
    let snapshot = case.ledger.snapshot();
    let mut restored = Ledger::new(&config(1, Options::default()));
    assert!(restored.restore(&snapshot));
    assert_eq!(restored.books, case.ledger.books);
    assert!(!restored.restore(&snapshot[..snapshot.len() - 1]));
    assert_eq!(restored.books, case.ledger.books);
}

#[test]
fn money_has_arrived_once_it_was_credited_and_never_if_it_was_declined() {
    let mut case = Case::with(2, Options::default());
    let ([c, closed], [a, _]) = (case.here, case.there);
    case.ask(Act::Close(closed));
    let (credited, declined, unheard) = (case.id(), case.id(), case.id());
    assert_eq!(case.credit(credited, Transfer { from: a, to: c, amount: 6 }), None);
    let by = Lsn(case.lsn);
    assert_eq!(case.credit(declined, Transfer { from: a, to: closed, amount: 6 }), Some(Refusal::Closed));
    let arrived = |id, by| case.ledger.has_arrived(id, by);
    assert!(arrived(credited, by) && arrived(credited, Lsn(by.0 + 1)));
    assert!(!arrived(credited, Lsn(by.0 - 1)), "not by then");
    assert!(![declined, unheard].into_iter().any(|id| arrived(id, Lsn(u64::MAX))));
}

#[test]
fn a_branch_knows_the_last_cut_that_it_was_part_of() {
    let mut case = Case::new();
    assert_eq!(case.ledger.epoch(), 0);
    for epoch in [1, 4] {
        case.write(Record::Cut { epoch });
        assert_eq!(case.ledger.epoch(), epoch);
    }
}

/// The specification's account: four actions, amounts 1 to 10, deposits below 100. It is small enough to see all of it.
#[test]
fn the_account_has_the_states_of_its_specification() {
    let limits = Limits::SEED;
    let mut seen = BTreeSet::from([Account::default()]);
    let (mut queue, mut generated) = (VecDeque::from([Account::default()]), 1);
    while let Some(account) = queue.pop_front() {
        let amounts = 1..=limits.amount_max;
        let deposits = amounts.clone().filter(|_| account.can_deposit(&limits).is_ok());
        let deposits = deposits.map(|amount| Account { available: account.available + amount, ..account });
        let withdrawals = amounts.filter(|amount| account.can_withdraw(*amount).is_ok());
        let withdrawals =
            withdrawals.map(|amount| Account { available: account.available - amount, ..account });
        let close = account.can_close().ok().map(|()| Account { closed: true, ..account });
        let reopen = account.can_reopen().ok().map(|()| Account { closed: false, ..account });
        for next in deposits.chain(withdrawals).chain(close).chain(reopen) {
            generated += 1;
            assert!(next.available >= 0);
            if seen.insert(next) {
                queue.push_back(next);
            }
        }
    }
    // TLC's own figures: "2266 states generated, 220 distinct states found".
    assert_eq!((generated, seen.len()), (2266, 220));
}

/// One step of the models with two customers and one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Deposit(usize),
    Withdraw(usize),
    Transfer(usize),
    /// What is under way arrives, and is captured.
    Cash,
}

/// Searches breadth-first for the shortest way to a negative balance, with at most so many steps. The rules are the
/// branch's own; both accounts are at one branch, and amounts are 1.
fn way_to_a_negative_balance(flaw: Option<Flaw>, steps_max: usize) -> Option<Vec<Step>> {
    let start = Case::with(1, Options { flaw, amount_max: 10, balance_below: 100, ..Options::default() });
    let accounts = start.here;
    let mut queue = VecDeque::from([(start.ledger, Vec::new())]);
    while let Some((ledger, way)) = queue.pop_front() {
        if accounts.iter().any(|account| ledger.account(*account).available < 0) {
            return Some(way);
        }
        if way.len() == steps_max {
            continue;
        }
        for step in [0, 1].into_iter().flat_map(|i| [Step::Deposit(i), Step::Withdraw(i), Step::Transfer(i)])
        {
            let act = match step {
                Step::Deposit(i) => Act::Deposit(accounts[i], 1),
                Step::Withdraw(i) => Act::Withdraw(accounts[i], 1),
                Step::Transfer(i) => Act::Transfer(accounts[i], accounts[1 - i], 1),
                Step::Cash => unreachable!("it is no request"),
            };
            let id = Id { client: 1, number: way.len() as u32 };
            if let Decision::Write(record) = ledger.decide(id, act)
                && !matches!(record, Record::Refused { .. })
            {
                queue.push_back(after(&ledger, &way, step, &[record]));
            }
        }
        for (id, transfer) in ledger.held() {
            let Decision::Write(credited) = ledger.decide_credit(*id, *transfer) else { continue };
            queue.push_back(after(&ledger, &way, Step::Cash, &[credited, Record::Captured { id: *id }]));
        }
    }
    None
}

fn after(ledger: &Ledger, way: &[Step], step: Step, records: &[Record]) -> (Ledger, Vec<Step>) {
    let mut ledger = ledger.clone();
    records.iter().for_each(|record| ledger.apply(Lsn(1), record));
    let mut way = way.to_vec();
    way.push(step);
    (ledger, way)
}

#[test]
fn queued_transfers_break_at_the_fifth_state_and_atomic_ones_do_not() {
    let way = way_to_a_negative_balance(Some(Flaw::UncheckedCheque), 6).unwrap();
    // The seed's counterexample has five states, the initial one among them: deposit, cheque, withdraw, cash.
    assert_eq!(way, [Step::Deposit(0), Step::Transfer(0), Step::Withdraw(0), Step::Cash]);
    assert_eq!(way_to_a_negative_balance(None, 6), None);
}
