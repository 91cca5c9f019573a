//! A part of a level: its states judged, their successors in bundles by shard.

use super::arena::Arena;
use super::codec::{Encoder, decode, fingerprint};
use super::seen::{SHARDS, shard_of};
use crate::spec::{Invariant, Spec};
use serde::Serialize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was generated of some states, in their order.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bundles: Vec<Bundle>,
    pub(super) generated: u64,
    /// Fingerprints that went into a bundle lately, each where its last bits say: what is here is known or will be.
    recent: Vec<u64>,
    made: Made,
    /// What is wrong with the first state with which something is.
    pub(super) trouble: Option<Trouble>,
}

/// So many fingerprints are remembered by a part: what fits next to a core. Neighbours have most successors in common.
const RECENT: usize = 1 << 11;

/// The successors of one state, and which of them are not known.
#[derive(Debug)]
struct Made {
    encoder: Encoder,
    successors: Vec<Successor>,
    /// The first of these are the places and fingerprints of those that are not known.
    unknown: Vec<(usize, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Successor {
    end: usize,
    /// The fingerprint of the state that stands for it; 0: it stands for itself.
    represented: u64,
    ordinal: u16,
}

/// Successors for one shard.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    heads: Vec<Head>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    fingerprint: u64,
    from: u32,
    ordinal: u16,
    len: u16,
}

/// Something is wrong with a state.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Its number.
    pub(super) state: u32,
    /// It is the successor at this place, beyond the constraint.
    pub(super) step: Option<u16>,
    pub(super) wrong: Wrong,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The invariant at this place does not hold.
    Invariant(usize),
    Deadlock,
    Panic(String),
}

/// How states are expanded.
pub(super) struct Expansion<'s, S: Spec> {
    pub(super) spec: &'s S,
    pub(super) invariants: Vec<Invariant<'s, S::State>>,
    pub(super) is_deadlock_judged: bool,
    pub(super) is_symmetric: bool,
}

impl Part {
    pub(super) fn new() -> Self {
        let bundles = (0..SHARDS).map(|_| Bundle::default()).collect();
        Part { bundles, generated: 0, recent: vec![0; RECENT], made: Made::new(), trouble: None }
    }

    /// Expands states of a level whose first has this number. A successor of which it is known that it is not new goes
    /// into no bundle.
    pub(super) fn fill<S: Spec>(
        &mut self,
        with: &Expansion<'_, S>,
        is_known: impl Fn(u64) -> bool,
        level: &Arena,
        first: u32,
        range: Range<usize>,
    ) {
        let mut at = first;
        let expanded = catch_unwind(AssertUnwindSafe(|| {
            for index in range {
                at = first + index as u32;
                self.expand(with, &is_known, level.get(index), at);
                if self.trouble.is_some() {
                    break;
                }
            }
        }));
        if let Err(panic) = expanded {
            self.trouble = Some(Trouble { state: at, step: None, wrong: Wrong::Panic(said(&*panic)) });
        }
    }

    fn expand<S: Spec>(
        &mut self,
        with: &Expansion<'_, S>,
        is_known: &impl Fn(u64) -> bool,
        bytes: &[u8],
        number: u32,
    ) {
        let spec = with.spec;
        let state: S::State = decode(bytes);
        if let Some(broken) = with.broken(&state) {
            self.trouble = Some(Trouble { state: number, step: None, wrong: Wrong::Invariant(broken) });
            return;
        }
        self.made.successors.clear();
        let mut steps = 0usize;
        spec.next(&state, &mut |_, then| {
            let ordinal = u16::try_from(steps).expect("a state has more than 65,536 successors");
            steps += 1;
            if spec.within(&then) {
                self.made.push(&then, ordinal, with.represented(&then));
            } else if let Some(broken) = with.broken(&then).filter(|_| self.trouble.is_none()) {
                let wrong = Wrong::Invariant(broken);
                self.trouble = Some(Trouble { state: number, step: Some(ordinal), wrong });
            }
        });
        let unknown = self.made.look_up(is_known);
        // A step that changes nothing leads nowhere new.
        self.remember(fingerprint(bytes));
        for place in 0..unknown {
            let (index, fingerprint) = self.made.unknown[place];
            if self.remember(fingerprint) {
                let (ordinal, state) = self.made.get(index);
                self.bundles[shard_of(fingerprint)].push(fingerprint, number, ordinal, state);
            }
        }
        self.generated += steps as u64;
        if steps == 0 && with.is_deadlock_judged && !spec.may_end(&state) {
            self.trouble = Some(Trouble { state: number, step: None, wrong: Wrong::Deadlock });
        }
    }

    /// Whether a fingerprint did not go into a bundle lately.
    fn remember(&mut self, fingerprint: u64) -> bool {
        std::mem::replace(&mut self.recent[fingerprint as usize % RECENT], fingerprint) != fingerprint
    }

    pub(super) fn clear(&mut self) {
        for bundle in &mut self.bundles {
            bundle.heads.clear();
            bundle.bytes.clear();
        }
        self.generated = 0;
        self.trouble = None;
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let of = |bundle: &Bundle| bundle.heads.capacity() * size_of::<Head>() + bundle.bytes.capacity();
        self.bundles.iter().map(of).sum()
    }
}

impl Made {
    fn new() -> Self {
        Made { encoder: Encoder::new(), successors: Vec::new(), unknown: Vec::new() }
    }

    fn push(&mut self, state: &impl Serialize, ordinal: u16, represented: u64) {
        let start = self.successors.last().map_or(0, |before| before.end);
        let end = self.encoder.encode_behind(start, state);
        self.successors.push(Successor { end, represented, ordinal });
    }

    /// Which of the steps led to one, and that one.
    fn get(&self, index: usize) -> (u16, &[u8]) {
        let start = index.checked_sub(1).map_or(0, |before| self.successors[before].end);
        let Successor { end, ordinal, .. } = self.successors[index];
        (ordinal, self.encoder.bytes(start..end))
    }

    /// Finds those that are not known, and tells how many. A core does this for several at once: nothing is read that
    /// was written just before, and what is found is no branch.
    fn look_up(&mut self, is_known: impl Fn(u64) -> bool) -> usize {
        let most = self.successors.len().max(self.unknown.len());
        self.unknown.resize(most, (0, 0));
        let (mut start, mut len) = (0, 0);
        for (index, successor) in self.successors.iter().enumerate() {
            let fingerprint = match successor.represented {
                0 => fingerprint(self.encoder.bytes(start..successor.end)),
                represented => represented,
            };
            start = successor.end;
            self.unknown[len] = (index, fingerprint);
            len += usize::from(!is_known(fingerprint));
        }
        len
    }
}

impl<S: Spec> Expansion<'_, S> {
    /// The fingerprint of the state that stands for this one; 0 if it stands for itself.
    fn represented(&self, state: &S::State) -> u64 {
        let representative = self.spec.representative(state).filter(|_| self.is_symmetric);
        representative.map_or(0, |state| fingerprint(Encoder::new().encode(&state)))
    }

    /// The fingerprint by which a state is known that is encoded so.
    pub(super) fn fingerprint(&self, state: &S::State, encoded: &[u8]) -> u64 {
        match self.represented(state) {
            0 => fingerprint(encoded),
            represented => represented,
        }
    }

    /// The place of the first invariant that does not hold of a state.
    pub(super) fn broken(&self, state: &S::State) -> Option<usize> {
        self.invariants.iter().position(|invariant| !invariant.condition.holds(state))
    }
}

impl Bundle {
    fn push(&mut self, fingerprint: u64, from: u32, ordinal: u16, state: &[u8]) {
        // No state is longer than its encoding may be.
        self.heads.push(Head { fingerprint, from, ordinal, len: state.len() as u16 });
        self.bytes.extend_from_slice(state);
    }

    /// Calls back with each successor: fingerprint, predecessor, which of its steps, encoded.
    pub(super) fn for_each(&self, mut call: impl FnMut(u64, u32, u16, &[u8])) {
        let mut start = 0;
        for head in &self.heads {
            let end = start + usize::from(head.len);
            call(head.fingerprint, head.from, head.ordinal, &self.bytes[start..end]);
            start = end;
        }
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
