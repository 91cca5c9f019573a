//! How each state was reached, and the telling of it.

use super::codec::Encoder;
use crate::spec::Spec;
use std::iter;

/// No predecessor: an initial state.
const NONE: u32 = u32::MAX;

/// Of every state, by its number: the number of its predecessor, and which of that one's steps led to it; of an initial
/// state, which of them it is.
#[derive(Debug, Default)]
pub(super) struct Trail {
    from: Vec<u32>,
    ordinal: Vec<u16>,
}

impl Trail {
    /// Numbers that can be given.
    pub(super) const STATES_MAX: usize = NONE as usize;

    pub(super) fn begin(&mut self, ordinal: u16) {
        self.push(NONE, ordinal);
    }

    pub(super) fn push(&mut self, from: u32, ordinal: u16) {
        self.from.push(from);
        self.ordinal.push(ordinal);
    }

    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.from.capacity() * size_of::<u32>() + self.ordinal.capacity() * size_of::<u16>()
    }

    /// The steps that lead to a state: an initial state's place in its list, then ordinals.
    pub(super) fn steps_to(&self, state: u32) -> Vec<u16> {
        let back = iter::successors(Some(state), |state| {
            Some(self.from[*state as usize]).filter(|from| *from != NONE)
        });
        let mut steps: Vec<u16> = back.map(|state| self.ordinal[state as usize]).collect();
        steps.reverse();
        steps
    }
}

/// A state of a behaviour, as it is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// The step that led here; `None` for an initial state.
    pub action: Option<String>,
    /// The variables, with their values.
    pub variables: Vec<(String, String)>,
    /// Of each variable, whether the step changed it.
    pub changed: Vec<bool>,
}

/// A behaviour while it is put together.
pub(super) struct Behaviour<'s, S: Spec> {
    spec: &'s S,
    state: S::State,
    told: Vec<Told>,
}

impl<'s, S: Spec> Behaviour<'s, S> {
    /// One that begins in a state.
    pub(super) fn from(spec: &'s S, state: S::State) -> Self {
        let variables = spec.variables(&state);
        let told = Told { action: None, changed: vec![false; variables.len()], variables };
        Behaviour { spec, state, told: vec![told] }
    }

    /// The one that takes these steps.
    pub(super) fn along(spec: &'s S, steps: &[u16]) -> Self {
        let initial = spec.initial().swap_remove(usize::from(steps[0]));
        let mut behaviour = Behaviour::from(spec, initial);
        for ordinal in &steps[1..] {
            behaviour.take(*ordinal);
        }
        behaviour
    }

    /// Takes the step of this place.
    pub(super) fn take(&mut self, ordinal: u16) {
        let (action, then) = nth_step(self.spec, &self.state, ordinal);
        let variables = self.spec.variables(&then);
        let before = self.told.last().map_or(&[][..], |told| &told.variables);
        let changed =
            variables.iter().enumerate().map(|(at, variable)| before.get(at) != Some(variable)).collect();
        self.told.push(Told { action: Some(action.to_string()), variables, changed });
        self.state = then;
    }

    pub(super) fn state(&self) -> &S::State {
        &self.state
    }

    pub(super) fn told(self) -> Vec<Told> {
        self.told
    }
}

/// The step of a state at this place.
pub(super) fn nth_step<S: Spec>(spec: &S, state: &S::State, ordinal: u16) -> (S::Action, S::State) {
    let mut left = usize::from(ordinal);
    let mut found = None;
    spec.next(state, &mut |action, then| {
        if left == 0 && found.is_none() {
            found = Some((action, then));
        }
        left = left.saturating_sub(1);
    });
    found.expect("`next` is a function of the state: it has given this step before")
}

/// The place of the first step that leads to this encoded state, and passes the test.
pub(super) fn step_to<S: Spec>(
    spec: &S,
    state: &S::State,
    to: &[u8],
    test: impl Fn(S::Action) -> bool,
) -> Option<u16> {
    let (mut encoder, mut ordinal, mut found) = (Encoder::new(), 0, None);
    spec.next(state, &mut |action, then| {
        if found.is_none() && test(action) && encoder.encode(&then) == to {
            found = Some(ordinal);
        }
        ordinal += 1;
    });
    found
}
