//! What nodes copy of each other's claims on names: forward only, and from the moment on at which they found each other.
//! The registry that is run follows it, whichever of its rules it has.
//!
//! An owner claims a name again and again, each time with a new number, and withdraws it. A node that is connected has a
//! copy, which lags behind: it may skip a claim, and have one that is withdrawn by now. It never goes back. A connection
//! begins at both ends, and no snapshot of it is older than that: where the owner's end is the first, than that end, whose
//! owner may be gone by the time that the node finds it; where the node's is, than the node's. So what was withdrawn by
//! then is never copied by it, from the snapshot on with which it begins. A copy ends when its claim is withdrawn, or when
//! another owner's takes its place, or with the connection.
//!
//! Who keeps its copies and lets a snapshot add to them (`union=yes`) has what nobody claims any more. Where a snapshot
//! may come behind what is newer than it (`overtaken=yes`) a copy of what is still claimed ends. That all is copied
//! sooner or later is not specified here: see `converged`.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec, Traced, tla};
use std::collections::BTreeSet;
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "copies",
    title: "Copies of an owner's claims on names, in the registry: forward only",
    settings: &[
        Setting::number("nodes", 2, 1, 3, "nodes that copy what one owner claims"),
        Setting::number("names", 1, 1, 2, "names"),
        Setting::number("claims", 2, 1, 5, "claims on each name, one after the other"),
        Setting::switch("union", false, "copies outlive their connection, and a snapshot only adds to them"),
        Setting::switch("overtaken", false, "a snapshot may be older than what came before it"),
    ],
    build: |values| {
        let nodes = u32::from(values.number("nodes"));
        let names = vec![0; values.number("names").into()];
        Box::new(Copies {
            nodes: nodes + 1,
            names,
            claims: values.number("claims").into(),
            keeps: values.is_on("union"),
            is_overtaken: values.is_on("overtaken"),
        })
    },
};

/// The registry's copies, in sizes that are explored. What a run does may be larger.
#[derive(Debug)]
pub struct Copies {
    nodes: u32,
    /// Each name's owner.
    names: Vec<u32>,
    claims: u32,
    keeps: bool,
    is_overtaken: bool,
}

impl Copies {
    /// As a run of so many nodes is held against it: a name at an owner is one from when it is first claimed there.
    pub fn of_a_run(nodes: u32) -> Self {
        Copies { nodes, names: Vec::new(), claims: u32::MAX, keeps: false, is_overtaken: false }
    }
}

/// A step, of nodes and names by their numbers from 0. The same name at two owners is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A name that an owner never claimed before.
    Name { owner: u32 },
    /// The owner claims it.
    Claim { name: u32 },
    /// The owner claims it no more.
    Withdraw { name: u32 },
    /// The owner's end of a connection begins.
    Offer { owner: u32, node: u32 },
    /// The node's end of it begins.
    Find { node: u32, owner: u32 },
    /// The owner's snapshot has come.
    Snapshot { node: u32, owner: u32 },
    /// The node's end of a connection ends, and all copies with it.
    Lose { node: u32, owner: u32 },
    /// All copies go, and the connection stays: another snapshot is to come.
    Forget { node: u32, owner: u32 },
    /// A node has a copy of a claim.
    Copy { node: u32, name: u32, claim: u32 },
    /// It has a copy no more.
    Drop { node: u32, name: u32 },
    /// Another owner's claim takes its place, for as long as that one is there or for good.
    Overrule { node: u32, name: u32 },
}

/// A name at its owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Name {
    owner: u32,
    /// The number of the latest claim.
    latest: u32,
    is_claimed: bool,
    copies: Vec<Copy>,
}

/// What a node has of a name at an owner.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Copy {
    /// Claims up to this one were withdrawn when the owner's end of the connection that is to be found began.
    offered: u32,
    /// Claims up to this one were withdrawn before the connection that was found.
    gone: u32,
    /// The latest that it copied.
    latest: u32,
    is_there: bool,
}

/// A node's end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Default, Serialize, Deserialize)]
enum Link {
    #[default]
    Down,
    /// Before the owner's.
    Early,
    Up,
    /// And the snapshot has come.
    Copied,
}

/// Names, and each node's end of the connection to each owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    names: Vec<Name>,
    links: Vec<Vec<Link>>,
    /// Owners' ends of connections that no node has found so far, by owner and node.
    offers: Vec<Vec<bool>>,
    /// A copy ended that its owner claimed.
    has_lost: bool,
}

impl State {
    /// How many names there were.
    pub fn names(&self) -> u32 {
        self.names.len() as u32
    }

    /// The latest claim on a name.
    pub fn latest(&self, name: u32) -> u32 {
        self.names[name as usize].latest
    }

    /// Whether its owner claims a name.
    pub fn is_claimed(&self, name: u32) -> bool {
        self.names[name as usize].is_claimed
    }

    /// The latest claim on a name that a node has copied over its connection, and whether it still has it.
    pub fn copy(&self, node: u32, name: u32) -> (u32, bool) {
        let copy = self.names[name as usize].copies[node as usize];
        (copy.latest, copy.is_there)
    }

    /// Claims up to this one were withdrawn before a node's connection.
    pub fn gone(&self, node: u32, name: u32) -> u32 {
        self.names[name as usize].copies[node as usize].gone
    }

    /// Whose name it is.
    pub fn owner(&self, name: u32) -> u32 {
        self.names[name as usize].owner
    }

    /// Whether a node's end of a connection is there.
    pub fn is_up(&self, node: u32, owner: u32) -> bool {
        self.link(node, owner) != Link::Down
    }

    /// The names of an owner of which a node has a claim that was withdrawn before their connection.
    pub fn stale(&self, node: u32, owner: u32) -> impl Iterator<Item = u32> + '_ {
        let is_stale = move |name: &Name| name.owner == owner && name.copies[node as usize].is_stale();
        self.names.iter().zip(0..).filter(move |(name, _)| is_stale(name)).map(|(_, number)| number)
    }

    fn link(&self, node: u32, owner: u32) -> Link {
        self.links[node as usize][owner as usize]
    }

    fn of(&mut self, owner: u32) -> impl Iterator<Item = &mut Name> {
        self.names.iter_mut().filter(move |name| name.owner == owner)
    }
}

impl Copy {
    fn is_stale(&self) -> bool {
        self.is_there && self.latest <= self.gone
    }
}

impl Name {
    /// Claims up to this one are withdrawn.
    fn gone(&self) -> u32 {
        if self.is_claimed { self.latest - 1 } else { self.latest }
    }
}

impl Spec for Copies {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        let nodes = self.nodes as usize;
        let name = |owner: &u32| Name {
            owner: *owner,
            latest: 0,
            is_claimed: false,
            copies: vec![Copy::default(); nodes],
        };
        vec![State {
            names: self.names.iter().map(name).collect(),
            links: vec![vec![Link::Down; nodes]; nodes],
            offers: vec![vec![false; nodes]; nodes],
            has_lost: false,
        }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        let others = |owner: u32| (0..self.nodes).filter(move |node| *node != owner);
        let owners: BTreeSet<u32> = state.names.iter().map(|name| name.owner).collect();
        for (owner, node) in owners.into_iter().flat_map(|owner| others(owner).map(move |node| (owner, node)))
        {
            let ends = [
                Step::Offer { owner, node },
                Step::Find { node, owner },
                Step::Snapshot { node, owner },
                Step::Lose { node, owner },
                Step::Forget { node, owner },
            ];
            self.each(state, ends, step);
        }
        for name in 0..state.names() {
            self.each(state, [Step::Claim { name }, Step::Withdraw { name }], step);
            for node in others(state.names[name as usize].owner) {
                let copies = (1..=state.latest(name)).map(|claim| Step::Copy { node, name, claim });
                self.each(state, copies, step);
                self.each(state, [Step::Drop { node, name }, Step::Overrule { node, name }], step);
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let comes_back = |s: &State| {
            s.names.iter().any(|name| {
                let copies = name.copies.iter().zip(0..);
                let mut copied = copies.filter(|(_, node)| s.link(*node, name.owner) == Link::Copied);
                copied.any(|(copy, _)| copy.is_stale())
            })
        };
        vec![
            Invariant::new("NothingComesBack", move |s: &State| !comes_back(s)),
            Invariant::new("NothingClaimedIsDropped", |s: &State| !s.has_lost),
        ]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let names = s.names.iter().map(shown_name);
        let links = s.links.iter().map(|of| tla::function('n', of.iter().map(|link| format!("{link:?}"))));
        vec![("names".to_owned(), tla::function('x', names)), ("links".to_owned(), tla::function('n', links))]
    }
}

impl Traced for Copies {
    fn take(&self, state: &mut State, action: Step) -> bool {
        match action {
            Step::Name { owner } => {
                let copies = vec![Copy::default(); self.nodes as usize];
                state.names.push(Name { owner, latest: 0, is_claimed: false, copies });
            }
            Step::Claim { name } => {
                let name = &mut state.names[name as usize];
                if name.is_claimed || name.latest >= self.claims {
                    return false;
                }
                (name.latest, name.is_claimed) = (name.latest + 1, true);
            }
            Step::Withdraw { name } => return std::mem::take(&mut state.names[name as usize].is_claimed),
            Step::Offer { owner, node } => offer(state, owner, node),
            Step::Find { node, owner } => return self.find(state, node, owner),
            Step::Snapshot { node, owner } => {
                let is_clean = self.keeps || state.stale(node, owner).next().is_none();
                if !state.is_up(node, owner) || !is_clean {
                    return false;
                }
                state.links[node as usize][owner as usize] = Link::Copied;
            }
            Step::Lose { node, owner } => return self.forget(state, node, owner, Link::Down),
            Step::Forget { node, owner } => return self.forget(state, node, owner, Link::Up),
            Step::Copy { node, name, claim } => return self.copy(state, node, name, claim),
            Step::Drop { node, name } => {
                let name = &mut state.names[name as usize];
                let copy = &mut name.copies[node as usize];
                let is_claimed = name.is_claimed && copy.latest == name.latest;
                if !copy.is_there || (is_claimed && !self.is_overtaken) {
                    return false;
                }
                copy.is_there = false;
                state.has_lost |= is_claimed;
            }
            Step::Overrule { node, name } => {
                let copy = &mut state.names[name as usize].copies[node as usize];
                if !std::mem::take(&mut copy.is_there) {
                    return false;
                }
                // It may come to the front again.
                copy.latest -= 1;
            }
        }
        true
    }

    fn is_akin(&self, action: Step, refused: Step) -> bool {
        action.name() == refused.name() && action.node() == refused.node()
    }

    fn about(&self, state: &State, refused: Step) -> Vec<(String, String)> {
        let stale = match refused {
            Step::Snapshot { node, owner } => state.stale(node, owner).collect(),
            _ => Vec::new(),
        };
        let shown = |name: u32| (format!("x{}", name + 1), shown_name(&state.names[name as usize]));
        stale.into_iter().chain(refused.name()).map(shown).collect()
    }
}

impl Copies {
    /// A node's end of a connection begins: what was withdrawn before the first of both ends began is gone.
    fn find(&self, state: &mut State, node: u32, owner: u32) -> bool {
        if state.is_up(node, owner) {
            return false;
        }
        let is_offered = std::mem::take(&mut state.offers[owner as usize][node as usize]);
        state.links[node as usize][owner as usize] = if is_offered { Link::Up } else { Link::Early };
        for name in state.of(owner) {
            let gone = name.gone();
            let copy = &mut name.copies[node as usize];
            copy.gone = if is_offered { copy.offered } else { gone };
        }
        true
    }

    /// All copies of an owner's claims go.
    fn forget(&self, state: &mut State, node: u32, owner: u32, link: Link) -> bool {
        if !state.is_up(node, owner) {
            return false;
        }
        state.links[node as usize][owner as usize] = link;
        for name in state.of(owner).filter(|_| !self.keeps) {
            name.copies[node as usize] = Copy { is_there: false, latest: 0, ..name.copies[node as usize] };
        }
        true
    }

    fn copy(&self, state: &mut State, node: u32, name: u32, claim: u32) -> bool {
        let owner = state.names[name as usize].owner;
        let link = state.link(node, owner);
        let name = &mut state.names[name as usize];
        let copy = &mut name.copies[node as usize];
        let is_gone = link == Link::Copied && claim <= copy.gone;
        if link == Link::Down || claim > name.latest || claim <= copy.latest || is_gone {
            return false;
        }
        (copy.latest, copy.is_there) = (claim, true);
        true
    }
}

impl Step {
    /// The name that it is about.
    pub fn name(self) -> Option<u32> {
        match self {
            Step::Claim { name }
            | Step::Withdraw { name }
            | Step::Copy { name, .. }
            | Step::Drop { name, .. }
            | Step::Overrule { name, .. } => Some(name),
            _ => None,
        }
    }

    fn node(self) -> Option<u32> {
        match self {
            Step::Copy { node, .. }
            | Step::Drop { node, .. }
            | Step::Overrule { node, .. }
            | Step::Offer { node, .. }
            | Step::Find { node, .. }
            | Step::Snapshot { node, .. }
            | Step::Lose { node, .. }
            | Step::Forget { node, .. } => Some(node),
            _ => None,
        }
    }
}

/// The owner's end of a connection begins; the node's may have begun before it.
fn offer(state: &mut State, owner: u32, node: u32) {
    let link = &mut state.links[node as usize][owner as usize];
    if *link == Link::Early {
        *link = Link::Up;
        return;
    }
    state.offers[owner as usize][node as usize] = true;
    for name in state.of(owner) {
        name.copies[node as usize].offered = name.gone();
    }
}

/// Whose it is, the number of the claim that is claimed, and of those that nodes have copies of.
fn shown_name(name: &Name) -> String {
    let claimed = if name.is_claimed { name.latest } else { 0 };
    let there = (1..).zip(&name.copies).filter(|(_, copy)| copy.is_there);
    let copies: Vec<String> = there.map(|(node, copy)| format!("n{node} :> {}", copy.latest)).collect();
    let (owner, copies) = (name.owner + 1, copies.join(" @@ "));
    format!("[owner |-> n{owner}, claimed |-> {claimed}, copies |-> ({copies})]")
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Name { owner } => write!(f, "Name(n{})", owner + 1),
            Step::Claim { name } => write!(f, "Claim(x{})", name + 1),
            Step::Withdraw { name } => write!(f, "Withdraw(x{})", name + 1),
            Step::Offer { owner, node } => write!(f, "Offer(n{}, n{})", owner + 1, node + 1),
            Step::Find { node, owner } => write!(f, "Find(n{}, n{})", node + 1, owner + 1),
            Step::Snapshot { node, owner } => write!(f, "Snapshot(n{}, n{})", node + 1, owner + 1),
            Step::Lose { node, owner } => write!(f, "Lose(n{}, n{})", node + 1, owner + 1),
            Step::Forget { node, owner } => write!(f, "Forget(n{}, n{})", node + 1, owner + 1),
            Step::Copy { node, name, claim } => write!(f, "Copy(n{}, x{}, {claim})", node + 1, name + 1),
            Step::Drop { node, name } => write!(f, "Drop(n{}, x{})", node + 1, name + 1),
            Step::Overrule { node, name } => write!(f, "Overrule(n{}, x{})", node + 1, name + 1),
        }
    }
}
