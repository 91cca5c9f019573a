//! The graph of all states, with what fairness needs to know of its steps.

use super::arena::Arena;
use super::codec::{Encoder, decode};
use crate::spec::Spec;
use std::collections::HashMap;

/// Steps between states, by number; those that change nothing are left out.
#[derive(Debug)]
pub(super) struct Graph {
    /// Where the edges of a state begin; one more at the end.
    starts: Vec<usize>,
    edges: Vec<Edge>,
    /// Of each state, the fairness groups with a step that changes it.
    enabled: Vec<u32>,
    /// All groups that occur.
    groups: u32,
}

/// A step that changes the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) to: u32,
    /// The fairness group of its action, as a bit.
    pub(super) group: u32,
}

impl Graph {
    /// The graph of these states, which are all there are.
    pub(super) fn of<S: Spec>(spec: &S, states: &Arena) -> Self {
        let numbers: HashMap<&[u8], u32> = states.iter().zip(0..).collect();
        let mut graph = Graph { starts: vec![0], edges: Vec::new(), enabled: Vec::new(), groups: 0 };
        let mut encoder = Encoder::new();
        for bytes in states.iter() {
            let mut enabled = 0;
            spec.next(&decode(bytes), &mut |action, then| {
                let encoded = encoder.encode(&then);
                // A step that leaves the constraint leads to a state that has no number.
                let Some(to) = numbers.get(encoded).filter(|_| encoded != bytes) else { return };
                let group = spec.fairness(action).map_or(0, group_bit);
                enabled |= group;
                graph.edges.push(Edge { to: *to, group });
            });
            graph.groups |= enabled;
            graph.enabled.push(enabled);
            graph.starts.push(graph.edges.len());
        }
        graph
    }

    pub(super) fn len(&self) -> usize {
        self.enabled.len()
    }

    pub(super) fn edges(&self, state: u32) -> &[Edge] {
        &self.edges[self.starts[state as usize]..self.starts[state as usize + 1]]
    }

    /// The groups that could take a step in this state.
    pub(super) fn enabled(&self, state: u32) -> u32 {
        self.enabled[state as usize]
    }

    /// Every group of which fairness is assumed.
    pub(super) fn groups(&self) -> u32 {
        self.groups
    }

    /// The strongly connected components of the states that are `in_play`, each in no order, by Tarjan's algorithm
    /// (1972) without recursion: a path may be as long as there are states.
    pub(super) fn components(&self, in_play: &[bool]) -> Vec<Vec<u32>> {
        let mut tarjan = Tarjan {
            graph: self,
            in_play,
            index: vec![UNSEEN; self.len()],
            low: vec![0; self.len()],
            is_open: vec![false; self.len()],
            open: Vec::new(),
            seen: 0,
            components: Vec::new(),
        };
        for root in 0..self.len() as u32 {
            if in_play[root as usize] && tarjan.index[root as usize] == UNSEEN {
                tarjan.from(root);
            }
        }
        tarjan.components
    }
}

/// The bit of a fairness group.
pub(super) fn group_bit(group: u8) -> u32 {
    assert!(group < 32, "a fairness group is below 32, not {group}");
    1 << group
}

const UNSEEN: u32 = u32::MAX;

struct Tarjan<'g> {
    graph: &'g Graph,
    in_play: &'g [bool],
    index: Vec<u32>,
    low: Vec<u32>,
    is_open: Vec<bool>,
    open: Vec<u32>,
    seen: u32,
    components: Vec<Vec<u32>>,
}

impl Tarjan<'_> {
    fn from(&mut self, root: u32) {
        // A state with the number of its edges that were followed.
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((state, followed)) = path.last_mut() {
            let from = *state as usize;
            let Some(edge) = self.graph.edges(*state).get(*followed) else {
                path.pop();
                self.leave(from, path.last().map(|(before, _)| *before as usize));
                continue;
            };
            *followed += 1;
            let to = edge.to as usize;
            if self.is_open[to] {
                self.low[from] = self.low[from].min(self.index[to]);
            } else if self.in_play[to] && self.index[to] == UNSEEN {
                path.push((edge.to, 0));
                self.enter(edge.to);
            }
        }
    }

    fn enter(&mut self, state: u32) {
        self.index[state as usize] = self.seen;
        self.low[state as usize] = self.seen;
        self.seen += 1;
        self.is_open[state as usize] = true;
        self.open.push(state);
    }

    fn leave(&mut self, state: usize, before: Option<usize>) {
        if let Some(before) = before {
            self.low[before] = self.low[before].min(self.low[state]);
        }
        if self.low[state] == self.index[state] {
            let start = self.open.iter().rposition(|open| *open as usize == state).expect("it was entered");
            let component = self.open.split_off(start);
            component.iter().for_each(|member| self.is_open[*member as usize] = false);
            self.components.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u32, u32)], states: u32) -> Graph {
        let mut graph = Graph { starts: vec![0], edges: Vec::new(), enabled: Vec::new(), groups: 0 };
        for state in 0..states {
            let out =
                edges.iter().filter(|(from, _)| *from == state).map(|(_, to)| Edge { to: *to, group: 0 });
            graph.edges.extend(out);
            graph.starts.push(graph.edges.len());
            graph.enabled.push(0);
        }
        graph
    }

    #[test]
    fn states_that_reach_each_other_are_one_component() {
        let graph = graph(&[(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 3), (0, 5)], 6);
        let mut components = graph.components(&[true; 6]);
        components.iter_mut().for_each(|component| component.sort_unstable());
        components.sort();
        assert_eq!(components, [vec![0], vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[test]
    fn a_cycle_through_a_state_that_is_out_of_play_is_none() {
        let graph = graph(&[(0, 1), (1, 2), (2, 0)], 3);
        assert_eq!(graph.components(&[true; 3]).len(), 1);
        assert_eq!(graph.components(&[true, false, true]).len(), 2);
    }

    #[test]
    fn a_path_of_a_million_states_needs_no_stack() {
        let edges: Vec<Edge> = (1..1_000_000).map(|to| Edge { to, group: 0 }).collect();
        let starts = (0..=999_999).chain([999_999]).collect();
        let graph = Graph { starts, edges, enabled: vec![0; 1_000_000], groups: 0 };
        assert_eq!(graph.components(&vec![true; 1_000_000]).len(), 1_000_000);
    }
}
