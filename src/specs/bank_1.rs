//! One account that is open or closed, and never overdrawn.

use super::bank::{Accounts, Step};
use sim::explore::Entry;
use sim::spec::{Invariant, Spec};

/// The specification, for a command.
pub const ENTRY: Entry =
    Entry { name: "bank-1", title: "One account", settings: &[], build: |_| Box::new(Bank1) };

struct Bank1;

impl Spec for Bank1 {
    type State = Accounts<1>;
    type Action = Step;

    fn initial(&self) -> Vec<Accounts<1>> {
        vec![Accounts::new()]
    }

    fn next(&self, state: &Accounts<1>, step: &mut impl FnMut(Step, Accounts<1>)) {
        state.next(step);
    }

    fn invariants(&self) -> Vec<Invariant<'_, Accounts<1>>> {
        vec![Invariant::new("NoNegativeBalance", Accounts::are_covered)]
    }

    fn variables(&self, s: &Accounts<1>) -> Vec<(String, String)> {
        let state = if s.is_open[0] { "\"open\"" } else { "\"closed\"" };
        vec![("state".to_owned(), state.to_owned()), ("balance".to_owned(), s.balance[0].to_string())]
    }
}
