//! Transfers between branches: what goes out is held where it comes from, paid in where it goes, and then taken for
//! good; or declined, and available again. The bank that is run follows it.
//!
//! An account that nobody used yet is open and empty. A transfer is numbered when money is held for it. What its
//! destination says is said once: an amount is paid in or declined, and never again. Why it is declined is not
//! specified, except that nothing is paid in to an account that is closed.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec, Traced, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "bank-held",
    title: "Transfers between branches: held, paid in, taken for good",
    settings: &[
        Setting::number("accounts", 2, 2, 3, "accounts, each at a branch of its own"),
        Setting::number("transfers", 2, 1, 3, "transfers, one after the other"),
        Setting::number("money", 2, 1, 4, "an amount is no more than this, and nobody pays in above it"),
        Setting::switch("hold", true, "what goes out is held; otherwise a transfer is a cheque"),
        Setting::switch("once", true, "a destination knows what was paid in"),
    ],
    build: |values| {
        Box::new(BankHeld {
            accounts: values.number("accounts"),
            transfers: values.number("transfers"),
            money: values.number("money").into(),
            is_held: values.is_on("hold"),
            is_once: values.is_on("once"),
        })
    },
};

/// The bank, in sizes that are explored. What a run does may be larger.
#[derive(Debug)]
pub struct BankHeld {
    accounts: u8,
    transfers: u8,
    money: i64,
    is_held: bool,
    is_once: bool,
}

impl BankHeld {
    /// As a run is held against it: any account, any amount.
    pub fn of_a_run() -> Self {
        BankHeld { accounts: 0, transfers: 0, money: 1, is_held: true, is_once: true }
    }
}

/// A step, of accounts and transfers by their numbers from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Deposit {
        account: u32,
        amount: i64,
    },
    Withdraw {
        account: u32,
        amount: i64,
    },
    Close {
        account: u32,
    },
    Reopen {
        account: u32,
    },
    /// Between accounts of one branch, at once.
    Move {
        from: u32,
        to: u32,
        amount: i64,
    },
    Hold {
        transfer: u32,
        from: u32,
        to: u32,
        amount: i64,
    },
    PayIn {
        transfer: u32,
    },
    Decline {
        transfer: u32,
    },
    Capture {
        transfer: u32,
    },
    Release {
        transfer: u32,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    is_closed: bool,
    available: i64,
    held: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Held,
    PaidIn,
    Declined,
    Captured,
    Released,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Transfer {
    from: u32,
    to: u32,
    amount: i64,
    stage: Stage,
}

/// Accounts, transfers, and what was paid in to the bank less what was paid out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    accounts: Vec<Account>,
    transfers: Vec<Transfer>,
    deposited: i64,
}

impl State {
    /// How many transfers there were.
    pub fn transfers(&self) -> u32 {
        self.transfers.len() as u32
    }

    fn account(&mut self, number: u32) -> &mut Account {
        let number = number as usize;
        if number >= self.accounts.len() {
            self.accounts.resize(number + 1, Account::default());
        }
        &mut self.accounts[number]
    }

    fn can_give(&mut self, account: u32, amount: i64) -> bool {
        let account = self.account(account);
        !account.is_closed && account.available >= amount
    }

    fn transfer(&self, number: u32) -> Option<Transfer> {
        self.transfers.get(number as usize).copied()
    }
}

impl Spec for BankHeld {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        let accounts = vec![Account::default(); self.accounts.into()];
        vec![State { accounts, transfers: Vec::new(), deposited: 0 }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        let accounts = || 0..state.accounts.len() as u32;
        let amounts = || 1..=self.money;
        for account in accounts() {
            for amount in amounts() {
                let fits = state.accounts[account as usize].available + amount <= self.money;
                self.each(state, fits.then_some(Step::Deposit { account, amount }), step);
                self.each(state, [Step::Withdraw { account, amount }], step);
            }
            self.each(state, [Step::Close { account }, Step::Reopen { account }], step);
        }
        for (from, to) in accounts().flat_map(|from| accounts().map(move |to| (from, to))) {
            let transfer = state.transfers();
            let has_room = transfer < self.transfers.into() && from != to;
            let holds = amounts().map(|amount| Step::Hold { transfer, from, to, amount });
            self.each(state, holds.filter(|_| has_room), step);
        }
        for transfer in 0..state.transfers() {
            let ends = [
                Step::PayIn { transfer },
                Step::Decline { transfer },
                Step::Capture { transfer },
                Step::Release { transfer },
            ];
            self.each(state, ends, step);
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let conserved = |s: &State| {
            let balances: i64 = s.accounts.iter().map(|account| account.available + account.held).sum();
            let paid_in = s.transfers.iter().filter(|transfer| transfer.stage == Stage::PaidIn);
            balances - paid_in.map(|transfer| transfer.amount).sum::<i64>() == s.deposited
        };
        vec![
            Invariant::new("NoNegativeBalance", |s: &State| {
                s.accounts.iter().all(|account| account.available >= 0 && account.held >= 0)
            }),
            Invariant::new("NothingLost", conserved),
        ]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let accounts = s.accounts.iter().map(shown_account);
        vec![
            ("accounts".to_owned(), tla::function('a', accounts)),
            ("transfers".to_owned(), tla::function('t', s.transfers.iter().map(shown_transfer))),
            ("deposited".to_owned(), s.deposited.to_string()),
        ]
    }
}

impl Traced for BankHeld {
    fn take(&self, state: &mut State, action: Step) -> bool {
        match action {
            Step::Deposit { account, amount } => {
                if state.account(account).is_closed {
                    return false;
                }
                state.account(account).available += amount;
                state.deposited += amount;
            }
            Step::Withdraw { account, amount } => {
                if !state.can_give(account, amount) {
                    return false;
                }
                state.account(account).available -= amount;
                state.deposited -= amount;
            }
            Step::Close { account } => {
                if state.account(account).is_closed || state.account(account).held != 0 {
                    return false;
                }
                state.account(account).is_closed = true;
            }
            Step::Reopen { account } => return std::mem::take(&mut state.account(account).is_closed),
            Step::Move { from, to, amount } => {
                if !state.can_give(from, amount) || state.account(to).is_closed {
                    return false;
                }
                state.account(from).available -= amount;
                state.account(to).available += amount;
            }
            Step::Hold { transfer, from, to, amount } => {
                if transfer != state.transfers() || !state.can_give(from, amount) {
                    return false;
                }
                if self.is_held {
                    state.account(from).available -= amount;
                    state.account(from).held += amount;
                }
                state.transfers.push(Transfer { from, to, amount, stage: Stage::Held });
            }
            Step::PayIn { transfer }
            | Step::Decline { transfer }
            | Step::Capture { transfer }
            | Step::Release { transfer } => return self.go_on(state, transfer, action),
        }
        true
    }

    fn is_akin(&self, action: Step, refused: Step) -> bool {
        action.transfer() == refused.transfer() && action.accounts().first() == refused.accounts().first()
    }

    fn about(&self, state: &State, refused: Step) -> Vec<(String, String)> {
        let transfer = refused.transfer().and_then(|number| Some((number, state.transfer(number)?)));
        let of_transfer = transfer.iter().flat_map(|(_, transfer)| [transfer.from, transfer.to]);
        let accounts = of_transfer.chain(refused.accounts()).map(|number| {
            let account = state.accounts.get(number as usize).copied().unwrap_or_default();
            (format!("a{}", number + 1), shown_account(&account))
        });
        let transfer =
            transfer.iter().map(|(number, transfer)| (format!("t{}", number + 1), shown_transfer(transfer)));
        transfer.chain(accounts).collect()
    }
}

impl BankHeld {
    /// The next stage of a transfer.
    fn go_on(&self, state: &mut State, number: u32, action: Step) -> bool {
        let Some(Transfer { from, to, amount, stage }) = state.transfer(number) else { return false };
        let stage = match (action, stage) {
            (Step::PayIn { .. }, Stage::Held) if !state.account(to).is_closed => {
                state.account(to).available += amount;
                Stage::PaidIn
            }
            (Step::PayIn { .. }, Stage::PaidIn) if !self.is_once && !state.account(to).is_closed => {
                state.account(to).available += amount;
                Stage::PaidIn
            }
            (Step::Decline { .. }, Stage::Held) => Stage::Declined,
            (Step::Capture { .. }, Stage::PaidIn) => {
                let account = state.account(from);
                *(if self.is_held { &mut account.held } else { &mut account.available }) -= amount;
                Stage::Captured
            }
            (Step::Release { .. }, Stage::Declined) => {
                if self.is_held {
                    state.account(from).held -= amount;
                    state.account(from).available += amount;
                }
                Stage::Released
            }
            _ => return false,
        };
        state.transfers[number as usize].stage = stage;
        true
    }
}

impl Step {
    fn transfer(self) -> Option<u32> {
        match self {
            Step::PayIn { transfer }
            | Step::Decline { transfer }
            | Step::Capture { transfer }
            | Step::Release { transfer } => Some(transfer),
            _ => None,
        }
    }

    fn accounts(self) -> Vec<u32> {
        match self {
            Step::Deposit { account, .. }
            | Step::Withdraw { account, .. }
            | Step::Close { account }
            | Step::Reopen { account } => vec![account],
            Step::Move { from, to, .. } | Step::Hold { from, to, .. } => vec![from, to],
            _ => Vec::new(),
        }
    }
}

fn shown_account(account: &Account) -> String {
    let Account { is_closed, available, held } = account;
    let state = if *is_closed { "closed" } else { "open" };
    format!("[state |-> \"{state}\", available |-> {available}, held |-> {held}]")
}

fn shown_transfer(transfer: &Transfer) -> String {
    let Transfer { from, to, amount, stage } = transfer;
    let stage = format!("{stage:?}").to_lowercase();
    format!("[from |-> a{}, to |-> a{}, amount |-> {amount}, stage |-> \"{stage}\"]", from + 1, to + 1)
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Deposit { account, amount } => write!(f, "Deposit(a{}, {amount})", account + 1),
            Step::Withdraw { account, amount } => write!(f, "Withdraw(a{}, {amount})", account + 1),
            Step::Close { account } => write!(f, "Close(a{})", account + 1),
            Step::Reopen { account } => write!(f, "Reopen(a{})", account + 1),
            Step::Move { from, to, amount } => write!(f, "Move(a{}, a{}, {amount})", from + 1, to + 1),
            Step::Hold { transfer, from, to, amount } => {
                write!(f, "Hold(t{}, a{}, a{}, {amount})", transfer + 1, from + 1, to + 1)
            }
            Step::PayIn { transfer } => write!(f, "PayIn(t{})", transfer + 1),
            Step::Decline { transfer } => write!(f, "Decline(t{})", transfer + 1),
            Step::Capture { transfer } => write!(f, "Capture(t{})", transfer + 1),
            Step::Release { transfer } => write!(f, "Release(t{})", transfer + 1),
        }
    }
}
