//! Proving that transactions have an order, where the history leaves some of it open.
//!
//! A dependency says that one point comes before another. For a serial order a transaction is one point. For snapshots
//! it is two, its start and its commit: what it wrote is there for those that start after its commit, two that write one
//! key do not overlap, and a reader starts before the commit of what it did not see. There is such an order if and only
//! if the points have one (Cerone and Gotsman 2018).
//!
//! What is open is a choice between two sets of dependencies: of two writes of one key either may come first. Choices of
//! which one side would close a cycle are made, over and over; then one is tried either way (a constraint search, as in
//! Tan et al.: *Cobra*, OSDI 2020). That is exact, and for few points. For many, the order in which things began is tried
//! as the one that decides all choices: if that is an order, it is a proof; if not, nothing is known.

use super::anomaly::Link;
use super::graph::Dependencies;
use super::level::Proof;
use petgraph::visit::EdgeRef;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Up to so many points, all choices are tried.
const EXACT_POINTS_MAX: usize = 1024;
/// So many choices are looked at.
const CHOICES_MAX: usize = 50_000;
/// So many times one is tried either way, before the search gives up.
const TRIES_MAX: usize = 20_000;

/// One operation comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dependency {
    pub from: usize,
    pub to: usize,
    pub link: Link,
    pub key: u32,
}

/// What the history leaves open.
#[derive(Debug, Default)]
pub(super) struct Unordered {
    choices: Vec<[Vec<Dependency>; 2]>,
    /// There are more than are looked at.
    too_many: bool,
}

/// Whether there is an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proven {
    /// The operations in it; of snapshots, in order of their commits.
    Order(Vec<usize>),
    /// Whatever is chosen, there is a cycle; the operations that the first choice was about.
    Impossible(Vec<usize>),
    Unknown,
}

impl Unordered {
    /// Any two of the writers of each of these keys, of which nobody read what they wrote.
    pub(super) fn of_writers(keys: impl Iterator<Item = (u32, Vec<usize>)>) -> Self {
        let mut unordered = Unordered::default();
        for (key, writers) in keys {
            for (at, one) in writers.iter().enumerate() {
                for two in &writers[at + 1..] {
                    let dependency = |from, to| vec![Dependency { from, to, link: Link::Ww, key }];
                    unordered.add([dependency(*one, *two), dependency(*two, *one)]);
                }
                if unordered.too_many {
                    return unordered;
                }
            }
        }
        unordered
    }

    /// Either the first or the second.
    pub(super) fn add(&mut self, choice: [Vec<Dependency>; 2]) {
        if self.choices.len() == CHOICES_MAX {
            self.too_many = true;
        } else {
            self.choices.push(choice);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.too_many
    }
}

/// Proves that there is an order, or that there is none.
pub(super) fn prove(
    dependencies: &Dependencies,
    unordered: &Unordered,
    proof: Proof,
    is_over: &dyn Fn() -> bool,
) -> Proven {
    let points = Points { operations: dependencies.operations(), are_snapshots: proof == Proof::Snapshots };
    let known = dependencies.graph.edge_references();
    let edges: Vec<(u32, u32)> = known
        .map(|edge| points.edge(edge.source().index(), edge.target().index(), edge.weight().link))
        .chain(points.of_transactions())
        .collect();
    let count = points.count(dependencies.graph.node_count());
    let Some(order) = sorted(count, &edges) else { return Proven::Impossible(Vec::new()) };
    if unordered.choices.is_empty() && !unordered.too_many {
        return Proven::Order(points.commits(&order));
    }
    let as_edges = |side: &Vec<Dependency>| -> Vec<(u32, u32)> {
        side.iter().map(|one| points.edge(one.from, one.to, one.link)).collect()
    };
    let choices: Vec<[Vec<(u32, u32)>; 2]> =
        unordered.choices.iter().map(|[one, two]| [as_edges(one), as_edges(two)]).collect();
    if let Some(order) = guess(count, &edges, &choices, &order).filter(|_| !unordered.too_many) {
        return Proven::Order(points.commits(&order));
    }
    if count > EXACT_POINTS_MAX {
        return Proven::Unknown;
    }
    let mut search = Search { choices: &choices, tries_left: TRIES_MAX, is_over };
    let mut reached = Reached::new(count);
    let all_open: Vec<usize> = (0..choices.len()).collect();
    for (from, to) in &edges {
        reached.add(*from, *to);
    }
    match search.solve(reached, all_open) {
        Some(true) if unordered.too_many => Proven::Unknown,
        Some(true) => Proven::Order(Vec::new()),
        Some(false) => {
            let first = unordered.choices.first().into_iter().flatten().flatten();
            let mut operations: Vec<usize> = first.flat_map(|one| [one.from, one.to]).collect();
            operations.sort_unstable();
            operations.dedup();
            Proven::Impossible(operations)
        }
        None => Proven::Unknown,
    }
}

/// The points of transactions.
struct Points {
    operations: usize,
    are_snapshots: bool,
}

impl Points {
    fn count(&self, nodes: usize) -> usize {
        if self.are_snapshots { 2 * nodes } else { nodes }
    }

    /// The start of a node, or its commit.
    fn point(&self, node: usize, is_commit: bool) -> u32 {
        let is_operation = node < self.operations;
        if self.are_snapshots {
            (2 * node + usize::from(is_commit && is_operation)) as u32
        } else {
            node as u32
        }
    }

    fn edge(&self, from: usize, to: usize, link: Link) -> (u32, u32) {
        let is_read = link == Link::Rw;
        (self.point(from, !is_read), self.point(to, is_read))
    }

    /// Each transaction starts before it commits.
    fn of_transactions(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let operations = if self.are_snapshots { self.operations } else { 0 };
        (0..operations).map(|node| (self.point(node, false), self.point(node, true)))
    }

    /// The operations of an order of points, by their commits.
    fn commits(&self, order: &[u32]) -> Vec<usize> {
        let operation = |point: &u32| match (self.are_snapshots, *point as usize) {
            (false, node) => (node < self.operations).then_some(node),
            (true, point) => (point % 2 == 1 && point / 2 < self.operations).then_some(point / 2),
        };
        order.iter().filter_map(operation).collect()
    }
}

/// The points in an order that the edges agree with, the smaller ones first where they may; none if there is a cycle.
fn sorted(count: usize, edges: &[(u32, u32)]) -> Option<Vec<u32>> {
    let mut starts = vec![0_u32; count + 1];
    let mut waits_for = vec![0_u32; count];
    for (from, to) in edges {
        starts[*from as usize + 1] += 1;
        waits_for[*to as usize] += 1;
    }
    for at in 0..count {
        starts[at + 1] += starts[at];
    }
    let (mut next, mut targets) = (starts.clone(), vec![0_u32; edges.len()]);
    for (from, to) in edges {
        targets[next[*from as usize] as usize] = *to;
        next[*from as usize] += 1;
    }
    let free = (0..count as u32).filter(|point| waits_for[*point as usize] == 0).map(Reverse);
    let mut ready: BinaryHeap<Reverse<u32>> = free.collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(point)) = ready.pop() {
        order.push(point);
        let point = point as usize;
        for target in &targets[starts[point] as usize..starts[point + 1] as usize] {
            let waits_for = &mut waits_for[*target as usize];
            *waits_for -= 1;
            if *waits_for == 0 {
                ready.push(Reverse(*target));
            }
        }
    }
    (order.len() == count).then_some(order)
}

/// Makes every choice as an order says. An order that agrees with all of that, if there is one.
fn guess(
    count: usize,
    edges: &[(u32, u32)],
    choices: &[[Vec<(u32, u32)>; 2]],
    order: &[u32],
) -> Option<Vec<u32>> {
    let mut place = vec![0_u32; count];
    for (at, point) in order.iter().enumerate() {
        place[*point as usize] = at as u32;
    }
    let agrees =
        |side: &Vec<(u32, u32)>| side.iter().all(|(from, to)| place[*from as usize] < place[*to as usize]);
    let chosen = choices.iter().flat_map(|[one, two]| if agrees(one) || !agrees(two) { one } else { two });
    let all: Vec<(u32, u32)> = edges.iter().chain(chosen).copied().collect();
    sorted(count, &all)
}

/// Which points come before which: a bit for each pair.
#[derive(Clone)]
struct Reached {
    words: usize,
    bits: Vec<u64>,
}

impl Reached {
    fn new(count: usize) -> Self {
        let words = count.div_ceil(64);
        Reached { words, bits: vec![0; words * count] }
    }

    fn is_before(&self, from: u32, to: u32) -> bool {
        self.bits[from as usize * self.words + to as usize / 64] >> (to % 64) & 1 == 1
    }

    fn add(&mut self, from: u32, to: u32) {
        if self.is_before(from, to) {
            return;
        }
        let count = self.bits.len() / self.words;
        let after: Vec<u64> = self.bits[to as usize * self.words..][..self.words].to_vec();
        for point in 0..count as u32 {
            if point == from || self.is_before(point, from) {
                let row = &mut self.bits[point as usize * self.words..][..self.words];
                for (word, more) in row.iter_mut().zip(&after) {
                    *word |= more;
                }
                row[to as usize / 64] |= 1 << (to % 64);
            }
        }
    }
}

/// A search through choices.
struct Search<'a> {
    choices: &'a [[Vec<(u32, u32)>; 2]],
    tries_left: usize,
    is_over: &'a dyn Fn() -> bool,
}

impl Search<'_> {
    /// Whether the open choices can be made; none if the search gave up.
    fn solve(&mut self, mut reached: Reached, mut open: Vec<usize>) -> Option<bool> {
        loop {
            let before = open.len();
            let mut is_impossible = false;
            open.retain(|choice| {
                let sides = &self.choices[*choice];
                let holds =
                    |side: &Vec<(u32, u32)>| side.iter().all(|(from, to)| reached.is_before(*from, *to));
                if is_impossible || holds(&sides[0]) || holds(&sides[1]) {
                    return false;
                }
                let closes = |side: &Vec<(u32, u32)>| {
                    side.iter().any(|(from, to)| from == to || reached.is_before(*to, *from))
                };
                match [closes(&sides[0]), closes(&sides[1])] {
                    [true, true] => is_impossible = true,
                    [false, false] => return true,
                    [first_closes, _] => {
                        is_impossible = !made(&mut reached, &sides[usize::from(first_closes)]);
                    }
                }
                false
            });
            if is_impossible {
                return Some(false);
            }
            if open.len() == before {
                break;
            }
        }
        let Some(choice) = open.pop() else { return Some(true) };
        for side in &self.choices[choice] {
            if self.tries_left == 0 || (self.is_over)() {
                return None;
            }
            self.tries_left -= 1;
            let mut further = reached.clone();
            if made(&mut further, side) && self.solve(further, open.clone())? {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// Adds the edges of a side. Returns whether there is no cycle.
fn made(reached: &mut Reached, side: &[(u32, u32)]) -> bool {
    side.iter().all(|(from, to)| {
        let is_free = from != to && !reached.is_before(*to, *from);
        if is_free {
            reached.add(*from, *to);
        }
        is_free
    })
}
