//! Customers with an account each, who have nothing to do with one another.

use super::bank::{Accounts, Step, gifts};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "bank-2",
    title: "Customers with an account each",
    settings: &[CUSTOMERS],
    build: |values| match values.number("customers") {
        2 => Box::new(Bank2::<2> { may_transfer: false }),
        _ => Box::new(Bank2::<3> { may_transfer: false }),
    },
};

/// How many customers there are.
pub(super) const CUSTOMERS: Setting =
    Setting::number("customers", 2, 2, 3, "customers, with an account each");

pub(super) struct Bank2<const N: usize> {
    /// Whether money moves from account to account, in one step.
    pub(super) may_transfer: bool,
}

impl<const N: usize> Spec for Bank2<N> {
    type State = Accounts<N>;
    type Action = Step;

    fn initial(&self) -> Vec<Accounts<N>> {
        vec![Accounts::new()]
    }

    fn next(&self, state: &Accounts<N>, step: &mut impl FnMut(Step, Accounts<N>)) {
        state.next(&mut *step);
        let may = |(from, to, amount): &(usize, usize, i16)| state.may_give(*from, *to, *amount);
        for (from, to, amount) in gifts::<N>().filter(|gift| self.may_transfer && may(gift)) {
            step(Step::Transfer { from, to, amount }, state.moved(from, to, amount));
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, Accounts<N>>> {
        vec![Invariant::new("NoNegativeBalance", Accounts::are_covered)]
    }

    fn variables(&self, s: &Accounts<N>) -> Vec<(String, String)> {
        s.variables()
    }
}
