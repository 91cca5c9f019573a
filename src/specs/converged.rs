//! The registry's `converged` rules, for one name: what a node has of another is a copy of what that one claims, in its
//! order, from a snapshot on; what the name points at is the greatest claim there is a copy of.
//!
//! A claim is a rank, greater than all that its node has seen, and by that a process. Who hears of a greater claim than
//! its own withdraws: its process dies, and nothing is told but the withdrawal. When a connection is lost both ends drop
//! their copy, and what was on its way is lost; a new one begins with a snapshot each way. Who keeps the copy and lets a
//! snapshot only add to it (`drop=no`) shows what nobody claims any more.
//!
//! Both ends see a connection come and go at once: how long that takes is not specified.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Each, Invariant, Queue, Spec, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "converged",
    title: "The registry's converged rules: claims, copies and netsplits",
    settings: &[
        Setting::number("nodes", 3, 2, 3, "nodes"),
        Setting::number("claims", 2, 1, 4, "claims on the name, one after the other"),
        Setting::number("splits", 1, 0, 3, "times that two nodes lose each other"),
        Setting::switch("drop", true, "a copy is dropped with its connection"),
    ],
    build: |values| {
        let (claims, splits) = (values.number("claims"), values.number("splits"));
        let drops = values.is_on("drop");
        match values.number("nodes") {
            2 => Box::new(Converged::<2> { claims, splits, drops }),
            _ => Box::new(Converged::<3> { claims, splits, drops }),
        }
    },
};

struct Converged<const N: usize> {
    claims: u8,
    splits: u8,
    drops: bool,
}

/// What a node says to another: its claim, or that it has none. A claim is a rank and its node, in one number that orders
/// claims; 0 is none.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Word {
    claim: u8,
    is_snapshot: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct State<const N: usize> {
    /// What each node claims and has a copy of, by owner.
    copies: Each<Each<u8, N>, N>,
    /// The words that are on their way to each node, by sender.
    words: Each<Each<Queue<Word>, N>, N>,
    /// Whether two nodes are connected; of each pair both places.
    linked: Each<Each<bool, N>, N>,
    /// The greatest claim that each node has seen.
    seen: Each<u8, N>,
    claims: u8,
    splits: u8,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Claim(usize),
    Withdraw(usize),
    Hear { node: usize, from: usize },
    Lose(usize, usize),
    Find(usize, usize),
}

impl<const N: usize> State<N> {
    /// What the name points at, as a node sees it.
    fn visible(&self, node: usize) -> u8 {
        self.copies[node].iter().copied().max().unwrap_or_default()
    }

    fn tell(&mut self, from: usize) {
        let word = Word { claim: self.copies[from][from], is_snapshot: false };
        for node in (0..N).filter(|node| *node != from) {
            if self.linked[from][node] {
                self.words[node][from].push(word);
            }
        }
    }

    fn claim(&mut self, node: usize, claim: u8) {
        self.copies[node][node] = claim;
        self.tell(node);
    }

    fn is_settled(&self) -> bool {
        let is_whole = |node: usize| (0..N).all(|other| other == node || self.linked[node][other]);
        (0..N).all(is_whole) && self.words.iter().flat_map(|words| words.iter()).all(Queue::is_empty)
    }
}

impl<const N: usize> Converged<N> {
    /// A node takes in the next word of another.
    fn hear(&self, state: &mut State<N>, node: usize, from: usize) -> bool {
        let Some(Word { claim, is_snapshot }) = state.words[node][from].pop() else { return false };
        if claim != 0 || !is_snapshot || self.drops {
            state.copies[node][from] = claim;
        }
        state.seen[node] = state.seen[node].max(claim);
        if claim > state.copies[node][node] && state.copies[node][node] != 0 {
            state.claim(node, 0);
        }
        true
    }

    fn lose(&self, state: &mut State<N>, node: usize, other: usize) {
        for (node, other) in [(node, other), (other, node)] {
            state.linked[node][other] = false;
            state.words[node][other] = Queue::new();
            if self.drops {
                state.copies[node][other] = 0;
            }
        }
        state.splits += 1;
    }
}

impl<const N: usize> Spec for Converged<N> {
    type State = State<N>;
    type Action = Step;

    fn initial(&self) -> Vec<State<N>> {
        vec![State {
            copies: Each::default(),
            words: Each::default(),
            linked: Each([Each([true; N]); N]),
            seen: Each::default(),
            claims: 0,
            splits: 0,
        }]
    }

    fn next(&self, state: &State<N>, step: &mut impl FnMut(Step, State<N>)) {
        for node in 0..N {
            if state.claims < self.claims && state.visible(node) == 0 {
                let mut then = state.clone();
                then.claims += 1;
                // The next rank, of this node.
                let claim = (state.seen[node] / N as u8 + 1) * N as u8 + node as u8;
                then.seen[node] = claim;
                then.claim(node, claim);
                step(Step::Claim(node), then);
            }
            if state.copies[node][node] != 0 {
                let mut then = state.clone();
                then.claim(node, 0);
                step(Step::Withdraw(node), then);
            }
            for other in (0..N).filter(|other| *other != node) {
                let mut then = state.clone();
                if self.hear(&mut then, node, other) {
                    step(Step::Hear { node, from: other }, then);
                }
                if other < node {
                    continue;
                }
                let mut then = state.clone();
                if !state.linked[node][other] {
                    for (node, other) in [(node, other), (other, node)] {
                        then.linked[node][other] = true;
                        let word = Word { claim: state.copies[other][other], is_snapshot: true };
                        then.words[node][other].push(word);
                    }
                    step(Step::Find(node, other), then);
                } else if state.splits < self.splits {
                    self.lose(&mut then, node, other);
                    step(Step::Lose(node, other), then);
                }
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State<N>>> {
        let all_agree = |s: &State<N>| {
            let claimed = (0..N).map(|node| s.copies[node][node]).max().unwrap_or_default();
            !s.is_settled() || (0..N).all(|node| s.visible(node) == claimed)
        };
        let one_owner =
            |s: &State<N>| !s.is_settled() || (0..N).filter(|node| s.copies[*node][*node] != 0).count() <= 1;
        vec![Invariant::new("AllAgree", all_agree), Invariant::new("OneOwner", one_owner)]
    }

    fn may_end(&self, state: &State<N>) -> bool {
        state.is_settled()
    }

    fn variables(&self, s: &State<N>) -> Vec<(String, String)> {
        let copies = s.copies.iter().map(|copies| tla::function('n', copies.iter()));
        let words = s.words.iter().map(|words| tla::function('n', words.iter().map(shown_words)));
        let linked = s.linked.iter().enumerate().map(|(node, linked)| {
            tla::set(
                (0..N)
                    .filter(|other| *other != node && linked[*other])
                    .map(|other| format!("n{}", other + 1)),
            )
        });
        vec![
            ("copies".to_owned(), tla::function('n', copies)),
            ("words".to_owned(), tla::function('n', words)),
            ("linked".to_owned(), tla::function('n', linked)),
        ]
    }
}

fn shown_words(words: &Queue<Word>) -> String {
    let shown =
        |word: &Word| if word.is_snapshot { format!("all: {}", word.claim) } else { word.claim.to_string() };
    tla::sequence(words.as_slice().iter().map(shown))
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Claim(node) => write!(f, "Claim(n{})", node + 1),
            Step::Withdraw(node) => write!(f, "Withdraw(n{})", node + 1),
            Step::Hear { node, from } => write!(f, "Hear(n{}, n{})", node + 1, from + 1),
            Step::Lose(node, other) => write!(f, "Lose(n{}, n{})", node + 1, other + 1),
            Step::Find(node, other) => write!(f, "Find(n{}, n{})", node + 1, other + 1),
        }
    }
}
