//! Transfers that are written down and settled later, without a second look: a cheque bounces.

use super::bank::{Accounts, Step, gifts};
use serde::{Deserialize, Serialize};
use sim::explore::Entry;
use sim::spec::{Invariant, Set, Spec, tla};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "bank-queued",
    title: "Transfers that are settled later: violated",
    settings: &[],
    build: |_| Box::new(BankQueued),
};

struct BankQueued;

const CUSTOMERS: usize = 2;

#[derive(Clone, Copy, Serialize, Deserialize)]
struct State {
    accounts: Accounts<CUSTOMERS>,
    /// Places in the list of all gifts.
    transfers: Set,
}

impl Spec for BankQueued {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        vec![State { accounts: Accounts::new(), transfers: Set::EMPTY }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        state.accounts.next(|action, accounts| step(action, State { accounts, ..*state }));
        for (place, (from, to, amount)) in (0..).zip(gifts::<CUSTOMERS>()) {
            if state.accounts.may_give(from, to, amount) {
                let transfers = state.transfers.union(Set::only(place));
                step(Step::Transfer { from, to, amount }, State { transfers, ..*state });
            }
            if state.transfers.contains(place) {
                let transfers = state.transfers.minus(Set::only(place));
                let accounts = state.accounts.moved(from, to, amount);
                step(Step::Settle { from, to, amount }, State { accounts, transfers });
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        vec![Invariant::new("NoNegativeBalance", |s: &State| s.accounts.are_covered())]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let transfers = (0..)
            .zip(gifts::<CUSTOMERS>())
            .filter(|(place, _)| s.transfers.contains(*place))
            .map(|(_, (from, to, amount))| {
                format!("[amount |-> {amount}, from |-> c{}, to |-> c{}]", from + 1, to + 1)
            });
        let mut variables = s.accounts.variables();
        variables.push(("transfers".to_owned(), tla::set(transfers)));
        variables
    }
}
