//! The graph of dependencies.
//!
//! Where many come before many (all that had ended before all that began later; all readers of a list before all whose
//! appends nobody read), a node between them makes the edges as many as there are operations, not their product. Edges
//! to and from such a node have one link, and a way through it counts as one edge.

use super::anomaly::Link;
use petgraph::graph::{DiGraph, NodeIndex};

/// No key.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Why one operation comes before another: the link, and the number of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub link: Link,
    pub key: u32,
}

/// Who depends on whom. The first nodes are operations, those after them stand between operations.
#[derive(Debug)]
pub(super) struct Dependencies {
    pub(super) graph: DiGraph<(), Edge>,
    operations: usize,
    /// The bytes that edges and nodes may still take up.
    bytes_left: usize,
    is_full: bool,
}

/// What an edge takes up at most, with what the search for cycles adds; vectors double as they grow.
const EDGE_BYTES: usize = 3 * size_of::<petgraph::graph::Edge<Edge>>();
/// The same of a node.
const NODE_BYTES: usize = 6 * size_of::<petgraph::graph::Node<()>>();
/// Up to so many edges from many to many are added one by one.
const FAN_MAX: usize = 16;

impl Dependencies {
    /// A graph without edges, which may take up so many bytes.
    pub(super) fn new(operations: usize, bytes_allowed: usize) -> Self {
        let mut graph = DiGraph::with_capacity(operations, operations);
        for _ in 0..operations {
            graph.add_node(());
        }
        Dependencies { graph, operations, bytes_left: bytes_allowed, is_full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.graph.edge_count()
    }

    /// Whether an edge was left out for want of memory. What is found without it is certain none the less.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether a node stands between operations.
    pub(super) fn is_between(&self, node: NodeIndex) -> bool {
        node.index() >= self.operations
    }

    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    /// A node between operations.
    pub(super) fn between(&mut self) -> usize {
        self.take(NODE_BYTES);
        self.graph.add_node(()).index()
    }

    /// One comes before another.
    pub(super) fn add(&mut self, from: usize, to: usize, link: Link, key: u32) {
        if from == to || self.is_full {
            return;
        }
        self.take(EDGE_BYTES);
        if !self.is_full {
            self.graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), Edge { link, key });
        }
    }

    /// Each of the first comes before each of the second, but none before itself.
    pub(super) fn add_all(&mut self, from: &[usize], to: &[usize], link: Link, key: u32) {
        if from.len() * to.len() <= FAN_MAX.max(2 * (from.len() + to.len())) {
            for one in from {
                for two in to {
                    self.add(*one, *two, link, key);
                }
            }
            return;
        }
        // From `onward[i]` the way leads to all from the i-th on, from `back[i]` to all before it.
        let mut chain = |nodes: &mut dyn Iterator<Item = usize>| {
            let mut chain: Vec<usize> = Vec::with_capacity(to.len());
            for target in nodes {
                let node = self.between();
                self.add(node, target, link, key);
                if let Some(last) = chain.last() {
                    self.add(node, *last, link, key);
                }
                chain.push(node);
            }
            chain
        };
        let mut onward = chain(&mut to.iter().rev().copied());
        onward.reverse();
        let are_both = from.iter().any(|one| to.contains(one));
        let back = if are_both { chain(&mut to.iter().copied()) } else { Vec::new() };
        for one in from {
            match are_both.then(|| to.iter().position(|two| two == one)).flatten() {
                None => self.add(*one, onward[0], link, key),
                Some(at) => {
                    if at > 0 {
                        self.add(*one, back[at - 1], link, key);
                    }
                    if let Some(next) = onward.get(at + 1) {
                        self.add(*one, *next, link, key);
                    }
                }
            }
        }
    }

    fn take(&mut self, bytes: usize) {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => self.bytes_left = left,
            None => self.is_full = true,
        }
    }
}
