//! The graph of dependencies, and the cycles in it.

use super::anomaly::{Anomaly, Found, Link, Step};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Why one operation comes before another: the link, and the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Edge {
    link: Link,
    key: Option<String>,
}

/// Who depends on whom. Nodes are operations.
#[derive(Debug)]
pub(super) struct Dependencies {
    graph: DiGraph<(), Edge>,
    known: HashSet<(usize, usize, Link)>,
    /// The bytes that edges may still take up.
    bytes_left: usize,
    is_full: bool,
}

/// What an edge takes up at most, in the graph and among those known; both double as they grow.
const EDGE_BYTES: usize = 3 * (size_of::<petgraph::graph::Edge<Edge>>() + size_of::<(usize, usize, Link)>());

/// A walk so far: where it is, whether it came there by rw, and whether it took any rw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    node: NodeIndex,
    by_rw: bool,
    any_rw: bool,
}

impl Dependencies {
    /// A graph without edges, which may take up so many bytes.
    pub(super) fn new(operations: usize, bytes_allowed: usize) -> Self {
        let mut graph = DiGraph::with_capacity(operations, operations);
        for _ in 0..operations {
            graph.add_node(());
        }
        Dependencies { graph, known: HashSet::new(), bytes_left: bytes_allowed, is_full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.graph.edge_count()
    }

    /// Whether an edge was left out for want of memory. What is found without it is certain none the less.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// One comes before another. The first reason of each kind is kept.
    pub(super) fn add(&mut self, from: usize, to: usize, link: Link, key: Option<&str>) {
        if from == to || self.is_full || self.known.contains(&(from, to, link)) {
            return;
        }
        match self.bytes_left.checked_sub(EDGE_BYTES + key.map_or(0, str::len)) {
            Some(left) => self.bytes_left = left,
            None => self.is_full = true,
        }
        if !self.is_full {
            self.known.insert((from, to, link));
            let key = key.map(str::to_owned);
            self.graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), Edge { link, key });
        }
    }

    /// The shortest cycle of each kind that there is; and whether the search came to its end.
    pub(super) fn cycles(&self, is_over: &dyn Fn() -> bool) -> (Vec<Found>, bool) {
        let no_rw = |link| link != Link::Rw;
        // Process and real-time edges may be in any cycle.
        let only_ww = |link| no_rw(link) && link != Link::Wr;
        let searches = [
            Hunt { allowed: &only_ww, first: Link::Ww, target: Target::Any },
            Hunt { allowed: &no_rw, first: Link::Wr, target: Target::Any },
            Hunt { allowed: &no_rw, first: Link::Rw, target: Target::Any },
            Hunt { allowed: &|_| true, first: Link::Rw, target: Target::Nonadjacent },
            Hunt { allowed: &|_| true, first: Link::Rw, target: Target::Any },
        ];
        let mut found: Vec<Found> = Vec::new();
        for Hunt { allowed, first, target } in searches {
            let mut shortest: BTreeMap<Anomaly, Vec<EdgeIndex>> = BTreeMap::new();
            for edge in self.in_cycles(&|link| allowed(link) || link == first) {
                if is_over() {
                    return (found, false);
                }
                if self.graph[edge].link != first {
                    continue;
                }
                let Some(cycle) = self.back(edge, allowed, target) else { continue };
                let anomaly = self.name(&cycle);
                let is_known = found.iter().any(|found| found.anomaly == anomaly);
                let is_shorter = shortest.get(&anomaly).is_none_or(|best| cycle.len() < best.len());
                if is_shorter && !is_known {
                    shortest.insert(anomaly, cycle);
                }
            }
            found.extend(shortest.into_iter().map(|(anomaly, cycle)| self.found(anomaly, &cycle)));
        }
        (found, true)
    }

    fn found(&self, anomaly: Anomaly, cycle: &[EdgeIndex]) -> Found {
        let steps = cycle.iter().map(|edge| {
            let (from, _) = self.graph.edge_endpoints(*edge).expect("an edge of this graph");
            let Edge { link, key } = self.graph[*edge].clone();
            Step { operation: from.index(), link: Some((link, key)) }
        });
        Found { anomaly, steps: steps.collect(), says: String::new() }
    }

    /// The edges within strongly connected components: all that can be part of a cycle.
    fn in_cycles(&self, allowed: &dyn Fn(Link) -> bool) -> Vec<EdgeIndex> {
        let filtered = EdgeFiltered::from_fn(&self.graph, |edge| allowed(edge.weight().link));
        let mut component = vec![usize::MAX; self.graph.node_count()];
        for (number, nodes) in tarjan_scc(&filtered).into_iter().enumerate() {
            for node in nodes {
                component[node.index()] = number;
            }
        }
        let is_inside = |edge: &EdgeIndex| {
            let (from, to) = self.graph.edge_endpoints(*edge).expect("an edge of this graph");
            allowed(self.graph[*edge].link) && component[from.index()] == component[to.index()]
        };
        self.graph.edge_indices().filter(is_inside).collect()
    }

    /// The shortest cycle that begins with an edge and goes on over allowed ones.
    fn back(
        &self,
        first: EdgeIndex,
        allowed: &dyn Fn(Link) -> bool,
        target: Target,
    ) -> Option<Vec<EdgeIndex>> {
        let (home, start) = self.graph.edge_endpoints(first)?;
        let start = Place { node: start, by_rw: true, any_rw: false };
        let mut came_from: HashMap<Place, (Place, EdgeIndex)> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(here) = queue.pop_front() {
            let is_home = here.node == home && (target == Target::Any || (here.any_rw && !here.by_rw));
            if is_home {
                let mut cycle = Vec::new();
                let mut place = here;
                while let Some((before, edge)) = came_from.get(&place) {
                    cycle.push(*edge);
                    place = *before;
                }
                cycle.push(first);
                cycle.reverse();
                let nodes: HashSet<_> =
                    cycle.iter().filter_map(|edge| self.graph.edge_endpoints(*edge)).collect();
                let simple = nodes.iter().map(|(from, _)| from).collect::<HashSet<_>>().len() == cycle.len();
                return simple.then_some(cycle);
            }
            for edge in self.graph.edges(here.node) {
                let is_rw = edge.weight().link == Link::Rw;
                if !allowed(edge.weight().link) || (target == Target::Nonadjacent && is_rw && here.by_rw) {
                    continue;
                }
                // Where rw may be anywhere, it makes no difference where it was.
                let remembers = target == Target::Nonadjacent;
                let next = Place {
                    node: edge.target(),
                    by_rw: !remembers || is_rw,
                    any_rw: remembers && (here.any_rw || is_rw),
                };
                if next != start && !came_from.contains_key(&next) {
                    came_from.insert(next, (here, edge.id()));
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// What a cycle is called.
    fn name(&self, cycle: &[EdgeIndex]) -> Anomaly {
        let links: Vec<Link> = cycle.iter().map(|edge| self.graph[*edge].link).collect();
        let is_rw = |at: usize| links[at % links.len()] == Link::Rw;
        let rw = links.iter().filter(|link| **link == Link::Rw).count();
        let adjacent = (0..links.len()).any(|at| is_rw(at) && is_rw(at + 1));
        match rw {
            0 if links.contains(&Link::Wr) => Anomaly::G1c,
            0 => Anomaly::G0,
            1 if self.is_lost_update(cycle) => Anomaly::LostUpdate,
            1 => Anomaly::GSingle,
            _ if adjacent => Anomaly::G2Item,
            2 if links.len() == 4 && links.iter().filter(|link| **link == Link::Wr).count() == 2 => {
                Anomaly::LongFork
            }
            _ => Anomaly::GNonadjacent,
        }
    }

    /// Two transactions, each of which read what was before the other's write of one key, as far as the order tells.
    fn is_lost_update(&self, cycle: &[EdgeIndex]) -> bool {
        let [one, two] = cycle else { return false };
        let (one, two) = (&self.graph[*one], &self.graph[*two]);
        let links = [one.link, two.link];
        one.key.is_some() && one.key == two.key && links.contains(&Link::Rw) && links.contains(&Link::Ww)
    }
}

/// A search for cycles: each begins with an edge of one kind, and goes on over those that are allowed.
struct Hunt<'a> {
    allowed: &'a dyn Fn(Link) -> bool,
    first: Link,
    target: Target,
}

/// Which cycles are searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// The shortest.
    Any,
    /// The shortest with several rw, none next to another.
    Nonadjacent,
}
