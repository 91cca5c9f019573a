//! Liveness on random small graphs, against the definition: Emerson and Lei's fixpoint (1986), state by state.

use super::*;
use crate::spec::{Property, Spec};

const STATES: u8 = 6;

/// A graph whose edges are actions; those of the groups below `fair` are treated fairly.
#[derive(Debug)]
struct Random {
    edges: Vec<(u8, u8, u8)>,
    fair: u8,
    due: Option<u8>,
    met: u8,
}

impl Random {
    fn new(draw: &mut impl FnMut(u64) -> u64) -> Self {
        let edges = 2 + draw(9);
        let mut some = |bound: u8| draw(u64::from(bound)) as u8;
        let edges = (0..edges).map(|_| (some(STATES), some(STATES), some(3))).collect();
        Random {
            edges,
            fair: some(3),
            due: Some(some(64)).filter(|due| due % 3 > 0),
            met: some(64) & some(64),
        }
    }

    fn is_met(&self, state: u8) -> bool {
        self.met & (1 << state) != 0
    }

    fn steps(&self, from: u8) -> impl Iterator<Item = (u8, u8)> {
        self.edges.iter().filter(move |edge| edge.0 == from && edge.1 != from).map(|edge| (edge.1, edge.2))
    }

    /// The states of `among` from which some path through `among` leads to one that will do.
    fn leading_to(&self, among: &[bool], will_do: impl Fn(u8) -> bool) -> Vec<bool> {
        let mut leads: Vec<bool> =
            (0..STATES).map(|state| among[usize::from(state)] && will_do(state)).collect();
        for _ in 0..STATES {
            for state in (0..STATES).filter(|state| among[usize::from(*state)]) {
                let at = usize::from(state);
                leads[at] = leads[at] || self.steps(state).any(|(to, _)| leads[usize::from(to)]);
            }
        }
        leads
    }

    /// The states in which a fair behaviour may stay without meeting what is due.
    fn unmet_for_ever(&self) -> Vec<bool> {
        let mut left: Vec<bool> = (0..STATES).map(|state| !self.is_met(state)).collect();
        loop {
            let mut next = left.clone();
            for group in 0..self.fair {
                let serves = |state: u8| {
                    let is_idle = self.steps(state).all(|(_, of)| of != group);
                    is_idle || self.steps(state).any(|(to, of)| of == group && left[usize::from(to)])
                };
                let leads = self.leading_to(&left, serves);
                next.iter_mut().zip(leads).for_each(|(next, leads)| *next &= leads);
            }
            if next == left {
                return left;
            }
            left = next;
        }
    }

    fn is_violated(&self) -> bool {
        let unmet = self.unmet_for_ever();
        let Some(due) = self.due else { return unmet[0] };
        let bad = |state: u8| due & (1 << state) != 0 && unmet[usize::from(state)];
        self.leading_to(&[true; STATES as usize], bad)[0]
    }
}

impl Spec for Random {
    type State = u8;
    type Action = u8;

    fn initial(&self) -> Vec<u8> {
        vec![0]
    }

    fn next(&self, state: &u8, step: &mut impl FnMut(u8, u8)) {
        for (_, to, action) in self.edges.iter().filter(|edge| edge.0 == *state) {
            step(*action, *to);
        }
    }

    fn may_end(&self, _: &u8) -> bool {
        true
    }

    fn fairness(&self, action: u8) -> Option<u8> {
        (action < self.fair).then_some(action)
    }

    fn properties(&self) -> Vec<Property<'_, u8>> {
        let met = |state: &u8| self.is_met(*state);
        vec![match self.due {
            None => Property::eventually("Met", met),
            Some(due) => Property::leads_to("Met", move |state: &u8| due & (1 << state) != 0, met),
        }]
    }
}

/// Whether the circle that is told is one: unmet all the way round, and fair.
fn is_evidence(spec: &Random, violation: &Violation) -> bool {
    let states: Vec<u8> = violation.trace.iter().map(|told| told.variables[0].1.parse().unwrap()).collect();
    let (circle, last) = match violation.lasso.as_ref().unwrap() {
        Lasso::Stuttering => (&states[states.len() - 1..], None),
        Lasso::Back { to, action } => (&states[to - 1..], Some(action.parse::<u8>().unwrap())),
    };
    let inside = &violation.trace[states.len() - circle.len() + 1..];
    let mut taken: Vec<u8> =
        inside.iter().map(|told| told.action.as_ref().unwrap().parse().unwrap()).collect();
    taken.extend(last);
    circle.iter().all(|state| !spec.is_met(*state))
        && (0..spec.fair).all(|group| {
            let is_idle = |state: &u8| spec.steps(*state).all(|(_, of)| of != group);
            taken.contains(&group) || circle.iter().any(is_idle)
        })
}

#[test]
fn a_lasso_is_found_exactly_where_there_is_one() {
    let mut state = 7u64;
    let mut draw = |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let (mut violated, mut circles) = (0, 0);
    for _ in 0..5_000 {
        let spec = Random::new(&mut draw);
        let explored = explore(&spec, &Options { threads: 1, ..Options::default() });
        assert_eq!(explored.violation().is_some(), spec.is_violated(), "{spec:?}");
        if let Some(violation) = explored.violation() {
            assert!(is_evidence(&spec, violation), "{spec:?} {violation:?}");
            violated += 1;
            circles += u32::from(violation.lasso != Some(Lasso::Stuttering));
        }
    }
    assert!((500..4_500).contains(&violated) && circles > 100, "{violated} violated, {circles} by a circle");
}
