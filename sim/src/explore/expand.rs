//! A part of a level: its states judged, their successors in bundles by shard.

use super::arena::Arena;
use super::codec::{Encoder, decode, fingerprint};
use super::seen::{SHARDS, shard_of};
use crate::spec::{Invariant, Spec};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was generated of some states, in their order.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bundles: Vec<Bundle>,
    pub(super) generated: u64,
    /// Fingerprints that went into a bundle lately, each where its last bits say: what is here is known or will be.
    recent: Vec<u64>,
    /// What is wrong with the first state with which something is.
    pub(super) trouble: Option<Trouble>,
}

/// So many fingerprints are remembered by a part: what fits next to a core. Neighbours have most successors in common.
const RECENT: usize = 1 << 11;

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
        Part { bundles, generated: 0, recent: vec![0; RECENT], trouble: None }
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
            let mut encoder = Encoder::new();
            for index in range {
                at = first + index as u32;
                self.expand(with, &is_known, level.get(index), at, &mut encoder);
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
        encoder: &mut Encoder,
    ) {
        let spec = with.spec;
        let state: S::State = decode(bytes);
        if let Some(broken) = with.broken(&state) {
            self.trouble = Some(Trouble { state: number, step: None, wrong: Wrong::Invariant(broken) });
            return;
        }
        let mut steps = 0usize;
        spec.next(&state, &mut |_, then| {
            let ordinal = u16::try_from(steps).expect("a state has more than 65,536 successors");
            steps += 1;
            if !spec.within(&then) {
                if let Some(broken) = with.broken(&then).filter(|_| self.trouble.is_none()) {
                    let wrong = Wrong::Invariant(broken);
                    self.trouble = Some(Trouble { state: number, step: Some(ordinal), wrong });
                }
                return;
            }
            let encoded = encoder.encode(&then);
            // A step that changes nothing leads nowhere new.
            if encoded == bytes {
                return;
            }
            let fingerprint = match spec.representative(&then).filter(|_| with.is_symmetric) {
                Some(representative) => fingerprint(Encoder::new().encode(&representative)),
                None => fingerprint(encoded),
            };
            let recent = &mut self.recent[fingerprint as usize % RECENT];
            if std::mem::replace(recent, fingerprint) == fingerprint || is_known(fingerprint) {
                return;
            }
            let bundle = &mut self.bundles[shard_of(fingerprint)];
            bundle.heads.push(Head { fingerprint, from: number, ordinal, len: encoded.len() as u16 });
            bundle.bytes.extend_from_slice(encoded);
        });
        self.generated += steps as u64;
        if steps == 0 && with.is_deadlock_judged && !spec.may_end(&state) {
            self.trouble = Some(Trouble { state: number, step: None, wrong: Wrong::Deadlock });
        }
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

impl<S: Spec> Expansion<'_, S> {
    /// The place of the first invariant that does not hold of a state.
    pub(super) fn broken(&self, state: &S::State) -> Option<usize> {
        self.invariants.iter().position(|invariant| !invariant.condition.holds(state))
    }
}

impl Bundle {
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
