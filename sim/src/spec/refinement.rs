//! A run held against a specification.
//!
//! A run says what it does, in probes; a function of the system's makes steps of a specification of them. A
//! [`Refinement`] keeps the state in which the specification then is. It begins in the first initial state and takes one
//! step after the other, by the same rules by which the specification was explored: a [`Traced`] specification makes its
//! successors of [`take`](Traced::take). A step that it does not allow there is refused with both sides: what the run
//! did, and what the specification has and would have allowed.
//!
//! *Hidden* steps are those that a run does not tell, such as time that passes. Where a step is refused they are tried
//! before it, up to [`HIDDEN_MAX`] of them, fewest first and in the order in which the specification names them; the
//! first that let the step follow are taken.
//!
//! **What is given up.** A run that took other hidden steps than the first that fit may be refused later although it
//! could have been explained: a specification that is traced hides only what the next visible step decides. After a
//! refusal nothing more is judged: the rest would be its consequence.

use super::Spec;
use std::fmt::Display;

/// At most so many hidden steps come before a visible one.
pub const HIDDEN_MAX: usize = 3;
/// So many of the steps that would have been allowed are named.
const NAMED_MAX: usize = 8;

/// A specification that a run can be held against.
pub trait Traced: Spec {
    /// Takes a step in place. False, and the state as it was, if it is not allowed.
    fn take(&self, state: &mut Self::State, action: Self::Action) -> bool;

    /// The steps that may have been taken here without a word.
    fn hidden(&self, _state: &Self::State) -> Vec<Self::Action> {
        Vec::new()
    }

    /// Whether a step is about the same thing as another: what is told where that one is refused.
    fn is_akin(&self, _action: Self::Action, _refused: Self::Action) -> bool {
        true
    }

    /// What is shown of the state where a step is refused: that which it is about.
    fn about(&self, state: &Self::State, _refused: Self::Action) -> Vec<(String, String)> {
        self.variables(state)
    }

    /// [`Spec::next`] by the rules of [`take`](Self::take): the actions there are, in their order.
    fn each(
        &self,
        state: &Self::State,
        actions: impl IntoIterator<Item = Self::Action>,
        step: &mut impl FnMut(Self::Action, Self::State),
    ) where
        Self: Sized,
    {
        for action in actions {
            let mut then = state.clone();
            if self.take(&mut then, action) {
                step(action, then);
            }
        }
    }
}

/// Where a specification is that follows a run.
#[derive(Debug)]
pub struct Refinement<S: Traced> {
    spec: S,
    state: S::State,
    steps: u64,
    is_refused: bool,
}

impl<S: Traced> Refinement<S> {
    /// Begins in the specification's first initial state.
    ///
    /// # Panics
    ///
    /// Panics if it has none.
    pub fn new(spec: S) -> Self {
        let state = spec.initial().into_iter().next().expect("a specification has an initial state");
        Refinement { spec, state, steps: 0, is_refused: false }
    }

    /// Where the specification is.
    pub fn state(&self) -> &S::State {
        &self.state
    }

    /// The run took this step.
    ///
    /// # Errors
    ///
    /// Once, with both sides, when the specification does not allow it; after that nothing is judged.
    pub fn step(&mut self, action: S::Action) -> Result<(), String> {
        if self.is_refused {
            return Ok(());
        }
        self.steps += 1;
        if self.spec.take(&mut self.state, action) || self.take_after_hidden(action) {
            return Ok(());
        }
        let about = self.spec.about(&self.state, action);
        let mut allowed = Vec::new();
        self.spec.next(&self.state, &mut |other, _| {
            if self.spec.is_akin(other, action) {
                allowed.push(other.to_string());
            }
        });
        let more = allowed.len().saturating_sub(NAMED_MAX);
        allowed.truncate(NAMED_MAX);
        let allowed = match (allowed.is_empty(), more) {
            (true, _) => "nothing".to_owned(),
            (false, 0) => allowed.join(", "),
            (false, more) => format!("{} and {more} more", allowed.join(", ")),
        };
        self.refuse(&format!("{action}; the specification allows {allowed}"), &about)
    }

    /// The run showed something that no step leads to.
    ///
    /// # Errors
    ///
    /// Once, with both sides; after that nothing is judged.
    pub fn contradicts(&mut self, shown: impl Display) -> Result<(), String> {
        if self.is_refused {
            return Ok(());
        }
        self.refuse(&shown.to_string(), &[])
    }

    fn refuse(&mut self, what: &str, about: &[(String, String)]) -> Result<(), String> {
        self.is_refused = true;
        let has: Vec<String> = about.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let has = if has.is_empty() { String::new() } else { format!(", and has {}", has.join(", ")) };
        Err(format!("step {}: {what}{has}", self.steps))
    }

    /// Takes the fewest hidden steps after which this one is allowed, and it.
    fn take_after_hidden(&mut self, action: S::Action) -> bool {
        let mut level = vec![self.state.clone()];
        for _ in 0..HIDDEN_MAX {
            let mut next = Vec::new();
            for state in &level {
                for hidden in self.spec.hidden(state) {
                    let mut then = state.clone();
                    if !self.spec.take(&mut then, hidden) {
                        continue;
                    }
                    let mut after = then.clone();
                    if self.spec.take(&mut after, action) {
                        self.state = after;
                        return true;
                    }
                    next.push(then);
                }
            }
            level = next;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use std::fmt;

    /// A shop: money goes in, time passes unseen, goods come out after a while.
    struct Shop;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct State {
        paid: u8,
        waited: u8,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Step {
        Pay,
        Wait,
        Deliver,
    }

    impl Display for Step {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }

    impl Spec for Shop {
        type State = State;
        type Action = Step;

        fn initial(&self) -> Vec<State> {
            vec![State { paid: 0, waited: 0 }]
        }

        fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
            self.each(state, [Step::Pay, Step::Wait, Step::Deliver], step);
        }
    }

    impl Traced for Shop {
        fn take(&self, state: &mut State, action: Step) -> bool {
            match action {
                Step::Pay => state.paid += 1,
                Step::Wait => state.waited += 1,
                Step::Deliver if state.paid > 0 && state.waited >= 2 => {
                    (state.paid, state.waited) = (state.paid - 1, 0);
                }
                Step::Deliver => return false,
            }
            true
        }

        fn hidden(&self, _: &State) -> Vec<Step> {
            vec![Step::Wait]
        }
    }

    #[test]
    fn steps_that_are_allowed_are_taken_with_the_fewest_that_are_hidden() {
        let mut shop = Refinement::new(Shop);
        assert_eq!(shop.step(Step::Pay), Ok(()));
        assert_eq!(shop.step(Step::Deliver), Ok(()), "two hidden steps come before it");
        assert_eq!((shop.state().paid, shop.state().waited), (0, 0));
    }

    #[test]
    fn a_step_that_is_not_allowed_is_refused_once_with_both_sides() {
        let mut shop = Refinement::new(Shop);
        let evidence = shop.step(Step::Deliver).unwrap_err();
        assert_eq!(
            evidence,
            "step 1: Deliver; the specification allows Pay, Wait, and has paid = 0, waited = 0"
        );
        assert_eq!(shop.step(Step::Deliver), Ok(()), "what follows is its consequence");
    }

    #[test]
    fn what_no_step_leads_to_is_told_as_it_was_shown() {
        let mut shop = Refinement::new(Shop);
        assert_eq!(shop.contradicts("the shop burns").unwrap_err(), "step 0: the shop burns");
    }
}
