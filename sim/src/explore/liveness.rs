//! Properties of behaviours that go on for ever, ◇P and P ⇝ Q, under weak fairness.
//!
//! A counterexample is a lasso: a way to a moment at which something is due, and from there on states in which it is
//! not met, the last of them in a circle. A circle counts only if it is *fair*: of every group, it passes a state in
//! which the group has no step to take, or takes one of its steps. Staying where one is (stuttering) is a circle too,
//! fair where no group has a step.
//!
//! All states of a strongly connected component can be passed by one circle, and so can all its edges. With weak
//! fairness a larger circle is never less fair, so it is enough to look at whole components of the states that are due
//! and not met (Lichtenstein and Pnueli, 1985). The one that is reached first is told, with a short circle: from
//! witness to witness by shortest paths.

use super::arena::Arena;
use super::codec::decode;
use super::graph::{Edge, Graph};
use super::trail::{Behaviour, Trail, step_to};
use super::{Lasso, Violation};
use crate::spec::{Property, Spec};
use std::collections::VecDeque;

/// The first property that some fair behaviour does not have.
pub(super) fn violation<S: Spec>(
    spec: &S,
    states: &Arena,
    initial: usize,
    trail: &Trail,
) -> Option<Violation> {
    debug_assert_eq!(states.len(), trail.len());
    let graph = Graph::of(spec, states);
    spec.properties().iter().find_map(|property| {
        let due = Due::new(property, states, initial);
        let found = due.lasso(&graph)?;
        Some(tell(spec, states, &property.name, &found))
    })
}

/// What is due when, of every state.
struct Due {
    /// Whether it is due here from now on, if it was not before.
    begins: Vec<bool>,
    /// Whether what is due is not met here.
    is_unmet: Vec<bool>,
    initial: u32,
    /// Only the beginning makes it due.
    is_once: bool,
}

/// The component of a state that is not in play.
const NOWHERE: usize = usize::MAX;

/// Numbers of states: the way to a circle, and the circle.
struct Found {
    /// The last one is where the circle begins.
    way: Vec<u32>,
    /// After that one, with the groups that the steps must be of (0: any); ends where it began. Empty: stuttering.
    circle: Vec<Edge>,
}

impl Due {
    fn new<State: serde::de::DeserializeOwned>(
        property: &Property<'_, State>,
        states: &Arena,
        initial: usize,
    ) -> Self {
        let mut due = Due {
            begins: Vec::new(),
            is_unmet: Vec::new(),
            initial: initial as u32,
            is_once: property.due.is_none(),
        };
        for bytes in states.iter() {
            let state = decode(bytes);
            due.is_unmet.push(!property.met.holds(&state));
            due.begins.push(property.due.as_ref().is_some_and(|due| due.holds(&state)));
        }
        due
    }

    /// A behaviour in which it is due, never met, and no group is treated unfairly.
    fn lasso(&self, graph: &Graph) -> Option<Found> {
        let reached = self.reach(graph);
        let mut in_play = vec![false; graph.len()];
        reached.order.iter().for_each(|state| in_play[*state as usize] = true);
        let components = graph.components(&in_play);
        let mut component_of = vec![NOWHERE; graph.len()];
        for (number, component) in components.iter().enumerate() {
            component.iter().for_each(|member| component_of[*member as usize] = number);
        }
        let is_fair: Vec<bool> = (0..components.len())
            .map(|number| unfair(graph, &components[number], number, &component_of) == 0)
            .collect();
        let entry = *reached.order.iter().find(|state| is_fair[component_of[**state as usize]])?;
        let number = component_of[entry as usize];
        let inside: Vec<bool> =
            (0..graph.len()).map(|state| in_play[state] && component_of[state] == number).collect();
        Some(Found { way: reached.way_to(entry), circle: circle(graph, entry, &inside) })
    }

    /// All states in which it may be due and not met, the nearest first.
    fn reach(&self, graph: &Graph) -> Reached {
        let mut reached = Reached { order: Vec::new(), before: vec![[ABSENT; 2]; graph.len()] };
        // Whether it is due is a part of where one is.
        let mut waiting = VecDeque::new();
        for state in 0..self.initial {
            let is_due = self.is_once && self.is_unmet[state as usize];
            if is_due || !self.is_once {
                reached.before[state as usize][usize::from(is_due)] = Before::Nothing;
                waiting.push_back((state, is_due));
            }
        }
        while let Some((state, is_due)) = waiting.pop_front() {
            let at = state as usize;
            if is_due {
                reached.order.push(state);
            } else if self.begins[at] && self.is_unmet[at] && reached.before[at][1] == ABSENT {
                reached.before[at][1] = Before::Same;
                waiting.push_front((state, true));
            }
            for edge in graph.edges(state) {
                let to = edge.to as usize;
                if reached.before[to][usize::from(is_due)] == ABSENT && (!is_due || self.is_unmet[to]) {
                    reached.before[to][usize::from(is_due)] = Before::State(state);
                    waiting.push_back((edge.to, is_due));
                }
            }
        }
        reached
    }
}

/// What came before a state on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Absent,
    Nothing,
    /// The same state, when nothing was due yet.
    Same,
    State(u32),
}

const ABSENT: Before = Before::Absent;

struct Reached {
    order: Vec<u32>,
    /// For each state, when nothing is due and when something is.
    before: Vec<[Before; 2]>,
}

impl Reached {
    fn way_to(&self, state: u32) -> Vec<u32> {
        let (mut way, mut is_due) = (vec![state], 1);
        loop {
            let last = way[way.len() - 1];
            match self.before[last as usize][is_due] {
                Before::State(before) => way.push(before),
                Before::Same => is_due = 0,
                Before::Nothing | Before::Absent => break,
            }
        }
        way.reverse();
        way
    }
}

/// The groups that are treated unfairly by staying in a component.
fn unfair(graph: &Graph, component: &[u32], number: usize, component_of: &[usize]) -> u32 {
    component.iter().fold(graph.groups(), |unfair, state| {
        let inside = graph.edges(*state).iter().filter(|edge| component_of[edge.to as usize] == number);
        let taken = inside.fold(0, |taken, edge| taken | edge.group);
        unfair & graph.enabled(*state) & !taken
    })
}

/// A fair circle inside a component, from a state back to it.
fn circle(graph: &Graph, entry: u32, inside: &[bool]) -> Vec<Edge> {
    let (mut circle, mut at) = (Vec::new(), entry);
    let mut open = graph.groups() & graph.enabled(entry);
    while open != 0 {
        let group = 1 << open.trailing_zeros();
        // To a state in which the group has nothing to do, or through one of its steps.
        let is_served = |state: u32| graph.enabled(state) & group == 0;
        let is_step = |edge: &Edge| edge.group == group && inside[edge.to as usize];
        let serves = |state: u32| is_served(state) || graph.edges(state).iter().any(is_step);
        let way = shortest(graph, at, inside, serves);
        at = way.last().map_or(at, |edge| edge.to);
        circle.extend(way);
        if !is_served(at) {
            let step = graph.edges(at).iter().find(|edge| is_step(edge)).expect("it was looked for");
            circle.push(*step);
            at = step.to;
        }
        let passed =
            circle.iter().fold(0, |passed, edge: &Edge| passed | edge.group | !graph.enabled(edge.to));
        open &= !passed & !group;
    }
    circle.extend(shortest(graph, at, inside, |state| state == entry));
    circle
}

/// The shortest way inside to a state that will do, without the state that it begins in.
fn shortest(graph: &Graph, from: u32, inside: &[bool], will_do: impl Fn(u32) -> bool) -> Vec<Edge> {
    let mut before: Vec<Option<(u32, Edge)>> = vec![None; graph.len()];
    let mut waiting = VecDeque::from([from]);
    while let Some(state) = waiting.pop_front() {
        if will_do(state) {
            let (mut way, mut at) = (Vec::new(), state);
            while at != from {
                let (previous, edge) = before[at as usize].expect("it was reached");
                way.push(edge);
                at = previous;
            }
            way.reverse();
            return way;
        }
        for edge in graph.edges(state).iter().filter(|edge| inside[edge.to as usize]) {
            if edge.to != from && before[edge.to as usize].is_none() {
                before[edge.to as usize] = Some((state, *edge));
                waiting.push_back(edge.to);
            }
        }
    }
    unreachable!("all states of a component reach each other")
}

/// The behaviour, state by state.
fn tell<S: Spec>(spec: &S, states: &Arena, property: &str, found: &Found) -> Violation {
    let mut behaviour = Behaviour::from(spec, decode(states.get(found.way[0] as usize)));
    let mut go = |to: u32, group: u32| {
        let is_of = |action| group == 0 || spec.fairness(action).map(super::graph::group_bit) == Some(group);
        let bytes = states.get(to as usize);
        let ordinal = step_to(spec, behaviour.state(), bytes, is_of).expect("the graph has this step");
        behaviour.take(ordinal);
    };
    found.way[1..].iter().for_each(|state| go(*state, 0));
    found.circle.iter().for_each(|edge| go(edge.to, edge.group));
    let mut trace = behaviour.told();
    let lasso = match trace.pop_if(|_| !found.circle.is_empty()) {
        Some(last) => Lasso::Back { to: found.way.len(), action: last.action.unwrap_or_default() },
        None => Lasso::Stuttering,
    };
    Violation { property: property.to_owned(), message: None, trace, lasso: Some(lasso) }
}
