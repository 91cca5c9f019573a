//! Running transactions on registers one after the other, each as soon as it reads what it read: if all of them can,
//! that is their order.
//!
//! A transaction waits until all that it depends on is done, the keys that it reads have the versions that it saw, and
//! nobody else still has to read the versions that it overwrites. Of several that may be next the one that began first
//! is taken, and that is not tried otherwise: an order that is found is a proof, none found is not.

use super::graph::Dependencies;
use petgraph::graph::NodeIndex;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What a transaction read of others, and which keys it wrote.
#[derive(Debug, Clone, Default)]
pub(super) struct Accesses {
    /// Key and writer of the version; none if it had none.
    pub reads: Vec<(u32, Option<usize>)>,
    pub writes: Vec<u32>,
}

/// An order that explains every read, if it is the first one tried.
pub(super) fn order(
    dependencies: &Dependencies,
    happened: &[bool],
    accesses: &[Accesses],
) -> Option<Vec<usize>> {
    let graph = &dependencies.graph;
    let mut waits_for: Vec<usize> = vec![0; graph.node_count()];
    for edge in graph.raw_edges() {
        waits_for[edge.target().index()] += 1;
    }
    // Who still has to read a version.
    let mut readers_left: HashMap<(u32, Option<usize>), usize> = HashMap::new();
    for access in accesses {
        for read in &access.reads {
            *readers_left.entry(*read).or_default() += 1;
        }
    }
    let mut version: HashMap<u32, usize> = HashMap::new();
    // Those that wait for a key to change.
    let mut waiting: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..waits_for.len()).filter(|node| waits_for[*node] == 0).map(Reverse).collect();
    let mut order = Vec::new();
    while let Some(Reverse(node)) = ready.pop() {
        if let Some(access) = accesses.get(node).filter(|_| happened[node]) {
            let now = |key: u32| version.get(&key).copied();
            let wrong = access.reads.iter().find(|(key, seen)| now(*key) != *seen).map(|(key, _)| *key);
            let spoilt = || {
                access.writes.iter().copied().find(|key| {
                    let read = (*key, now(*key));
                    let own = usize::from(access.reads.contains(&read));
                    readers_left.get(&read).is_some_and(|left| *left > own)
                })
            };
            if let Some(key) = wrong.or_else(spoilt) {
                waiting.entry(key).or_default().push(node);
                continue;
            }
            for read in &access.reads {
                if let Some(left) = readers_left.get_mut(read) {
                    *left -= 1;
                    // The one that is left may be the one that overwrites it.
                    if *left <= 1 {
                        ready.extend(waiting.remove(&read.0).into_iter().flatten().map(Reverse));
                    }
                }
            }
            for key in &access.writes {
                version.insert(*key, node);
                ready.extend(waiting.remove(key).into_iter().flatten().map(Reverse));
            }
            order.push(node);
        }
        for next in graph.neighbors(NodeIndex::new(node)) {
            let waits_for = &mut waits_for[next.index()];
            *waits_for -= 1;
            if *waits_for == 0 {
                ready.push(Reverse(next.index()));
            }
        }
    }
    let all = happened.iter().filter(|happened| **happened).count();
    (order.len() == all).then_some(order)
}
