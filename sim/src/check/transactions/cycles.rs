//! The cycles in a graph of dependencies, and what each is called.

use super::anomaly::{Anomaly, Found, Link, Step};
use super::graph::{Dependencies, Edge, NO_KEY};
use super::level::{Level, Proof};
use super::names::Names;
use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// How many edges all walks of one hunt may take: a component of everything would ask for their square.
const STEPS_MAX: usize = 20_000_000;

/// A walk so far: where it is, how it came there, and what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    node: NodeIndex,
    /// The last edge was rw; or, of a walk that follows versions, it still does.
    by_rw: bool,
    any_rw: bool,
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
    /// From a reader over later versions of what it read to a transaction that it read from.
    Fractured,
    /// The same, to one that anything led from to the reader.
    Causal,
}

/// The cycles of a graph.
pub(super) struct Cycles<'a> {
    dependencies: &'a Dependencies,
    keys: &'a Names,
    is_over: &'a dyn Fn() -> bool,
}

impl<'a> Cycles<'a> {
    pub(super) fn of(dependencies: &'a Dependencies, keys: &'a Names, is_over: &'a dyn Fn() -> bool) -> Self {
        Cycles { dependencies, keys, is_over }
    }

    /// The operations in an order that all edges agree with; none if there is a cycle.
    pub(super) fn order(&self) -> Option<Vec<usize>> {
        let nodes = toposort(&self.dependencies.graph, None).ok()?;
        let operations = nodes.into_iter().filter(|node| !self.dependencies.is_between(*node));
        Some(operations.map(NodeIndex::index).collect())
    }

    /// The shortest cycle of each kind that matters to a level; and whether the search came to its end.
    pub(super) fn find(&self, level: Level) -> (Vec<Found>, bool) {
        let no_rw = |link| link != Link::Rw;
        // Process and real-time edges may be in any cycle.
        let only_ww = |link| no_rw(link) && link != Link::Wr;
        let hunt = |allowed, first, target| Hunt { allowed, first, target };
        let mut hunts: Vec<Hunt<'_>> =
            vec![hunt(&only_ww, Link::Ww, Target::Any), hunt(&no_rw, Link::Wr, Target::Any)];
        match level.proof() {
            Proof::NoCycle => {
                hunts.push(hunt(&no_rw, Link::Rw, Target::Fractured));
                hunts.push(hunt(&no_rw, Link::Rw, Target::Causal));
            }
            Proof::Snapshots | Proof::Order => {
                hunts.push(hunt(&no_rw, Link::Rw, Target::Any));
                hunts.push(hunt(&|_| true, Link::Rw, Target::Nonadjacent));
                hunts.push(hunt(&|_| true, Link::Rw, Target::Any));
            }
        }
        let mut found: Vec<Found> = Vec::new();
        for hunt in hunts {
            let Some(cycles) = self.hunt(&hunt, &found) else { return (found, false) };
            found.extend(cycles);
        }
        (found, true)
    }

    fn hunt(&self, hunt: &Hunt<'_>, known: &[Found]) -> Option<Vec<Found>> {
        let Hunt { allowed, first, target } = *hunt;
        let mut shortest: BTreeMap<Anomaly, Vec<EdgeIndex>> = BTreeMap::new();
        let mut steps = 0;
        for edge in self.in_cycles(&|link| allowed(link) || link == first) {
            let (from, _) = self.dependencies.graph.edge_endpoints(edge)?;
            if self.dependencies.graph[edge].link != first || self.dependencies.is_between(from) {
                continue;
            }
            if (self.is_over)() {
                return None;
            }
            // Some cycle is known by then, if there is any.
            if steps > STEPS_MAX {
                break;
            }
            let Some(cycle) = self.back(edge, allowed, target, &mut steps) else { continue };
            let anomaly = self.name(&cycle, target);
            let is_known = known.iter().any(|found| found.anomaly == anomaly);
            let is_shorter = shortest.get(&anomaly).is_none_or(|best| cycle.len() < best.len());
            if is_shorter && !is_known {
                shortest.insert(anomaly, cycle);
            }
        }
        Some(shortest.into_iter().map(|(anomaly, cycle)| self.found(anomaly, &cycle)).collect())
    }

    fn found(&self, anomaly: Anomaly, cycle: &[EdgeIndex]) -> Found {
        let graph = &self.dependencies.graph;
        let steps = cycle.iter().filter_map(|edge| {
            let (from, _) = graph.edge_endpoints(*edge)?;
            let Edge { link, key } = graph[*edge];
            let key = (key != NO_KEY).then(|| self.keys.text(key).to_owned());
            let is_operation = !self.dependencies.is_between(from);
            is_operation.then(|| Step { operation: from.index(), link: Some((link, key)) })
        });
        Found { anomaly, steps: steps.collect(), says: String::new() }
    }

    /// The edges within strongly connected components: all that can be part of a cycle.
    fn in_cycles(&self, allowed: &dyn Fn(Link) -> bool) -> Vec<EdgeIndex> {
        let graph = &self.dependencies.graph;
        let filtered = EdgeFiltered::from_fn(graph, |edge| allowed(edge.weight().link));
        let mut component = vec![u32::MAX; graph.node_count()];
        for (number, nodes) in kosaraju_scc(&filtered).into_iter().enumerate() {
            for node in nodes {
                component[node.index()] = number as u32;
            }
        }
        let is_inside = |edge: &EdgeIndex| {
            let (from, to) = graph.edge_endpoints(*edge).expect("an edge of this graph");
            allowed(graph[*edge].link) && component[from.index()] == component[to.index()]
        };
        graph.edge_indices().filter(is_inside).collect()
    }

    /// The shortest cycle that begins with an edge and goes on over allowed ones.
    fn back(
        &self,
        first: EdgeIndex,
        allowed: &dyn Fn(Link) -> bool,
        target: Target,
        steps: &mut usize,
    ) -> Option<Vec<EdgeIndex>> {
        let graph = &self.dependencies.graph;
        let (home, start) = graph.edge_endpoints(first)?;
        let key = graph[first].key;
        let start = Place { node: start, by_rw: true, any_rw: false };
        let mut came_from: HashMap<Place, (Place, EdgeIndex)> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(here) = queue.pop_front() {
            let is_home = match target {
                Target::Any => true,
                Target::Nonadjacent => here.any_rw && !here.by_rw,
                Target::Fractured | Target::Causal => !here.by_rw,
            };
            if here.node == home && is_home {
                let mut cycle = Vec::new();
                let mut place = here;
                while let Some((before, edge)) = came_from.get(&place) {
                    cycle.push(*edge);
                    place = *before;
                }
                cycle.push(first);
                cycle.reverse();
                let nodes: HashSet<_> =
                    cycle.iter().filter_map(|edge| Some(graph.edge_endpoints(*edge)?.0)).collect();
                return (nodes.len() == cycle.len()).then_some(cycle);
            }
            for edge in graph.edges(here.node) {
                *steps += 1;
                let Edge { link, key: on } = *edge.weight();
                let is_rw = link == Link::Rw;
                // The way on from a node between is part of the edge that led there.
                let goes_on = self.dependencies.is_between(here.node);
                let follows = match target {
                    Target::Any => true,
                    Target::Nonadjacent => !(is_rw && here.by_rw) || goes_on,
                    // Versions of the key after the one that was read come first.
                    Target::Fractured | Target::Causal if here.by_rw => {
                        (is_rw && goes_on) || link != Link::Ww || on == key
                    }
                    Target::Fractured => false,
                    Target::Causal => link != Link::Ww,
                };
                let is_part = allowed(link) || (is_rw && goes_on);
                if !is_part
                    || !follows
                    || (target == Target::Fractured && link != Link::Ww && link != Link::Wr && !is_rw)
                {
                    continue;
                }
                let follows_versions = here.by_rw && (is_rw || (link == Link::Ww && on == key));
                // Where rw may be anywhere, it makes no difference where it was.
                let next = match target {
                    Target::Any => Place { node: edge.target(), by_rw: true, any_rw: false },
                    Target::Nonadjacent => Place {
                        node: edge.target(),
                        by_rw: is_rw,
                        any_rw: here.any_rw || (is_rw && !goes_on),
                    },
                    Target::Fractured | Target::Causal => {
                        Place { node: edge.target(), by_rw: follows_versions, any_rw: false }
                    }
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
    fn name(&self, cycle: &[EdgeIndex], target: Target) -> Anomaly {
        match target {
            Target::Fractured => return Anomaly::Fractured,
            Target::Causal => return Anomaly::Causal,
            Target::Any | Target::Nonadjacent => {}
        }
        let graph = &self.dependencies.graph;
        let from = |edge: &&EdgeIndex| {
            graph.edge_endpoints(**edge).is_some_and(|(from, _)| !self.dependencies.is_between(from))
        };
        let edges: Vec<Edge> = cycle.iter().filter(from).map(|edge| graph[*edge]).collect();
        let is_rw = |at: usize| edges[at % edges.len()].link == Link::Rw;
        let rw = edges.iter().filter(|edge| edge.link == Link::Rw).count();
        let adjacent = (0..edges.len()).any(|at| is_rw(at) && is_rw(at + 1));
        match rw {
            0 if edges.iter().any(|edge| edge.link == Link::Wr) => Anomaly::G1c,
            0 => Anomaly::G0,
            _ if is_lost_update(&edges) => Anomaly::LostUpdate,
            1 => Anomaly::GSingle,
            _ if adjacent => Anomaly::G2Item,
            2 if edges.len() == 4 && edges.iter().filter(|edge| edge.link == Link::Wr).count() == 2 => {
                Anomaly::LongFork
            }
            _ => Anomaly::GNonadjacent,
        }
    }
}

/// Two transactions, each of which read what was before the other's write of one key, as far as the order tells.
fn is_lost_update(edges: &[Edge]) -> bool {
    let [one, two] = edges else { return false };
    let links = [one.link, two.link];
    one.key != NO_KEY
        && one.key == two.key
        && links.contains(&Link::Rw)
        && links.iter().all(|link| matches!(link, Link::Ww | Link::Rw))
}
