//! The search, level by level.

use super::arena::Arena;
use super::codec::Encoder;
use super::expand::{Expansion, Part, Trouble, Wrong};
use super::growth::Samples;
use super::seen::{SHARDS, Seen, shard_of};
use super::trail::{Behaviour, Trail};
use super::work::on_each;
use super::{Ending, Exploration, Limit, Options, Progress, Violation, dot, liveness};
use crate::spec::Spec;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many states of a level are expanded before their successors are absorbed.
const BATCH: usize = 1 << 15;
/// A batch is cut into no more parts than this,
const PARTS: usize = 16;
/// and a part has no fewer states than this, unless the batch ends.
const PART_MIN: usize = 64;
/// As long as all fingerprints take no more than this they are near every core, and it costs less to look one up at once
/// than to hand a state on that is known.
const NEAR_BYTES: usize = 2 << 20;
/// How often progress is told.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Searches every state that a specification can reach, until something is violated.
///
/// # Panics
///
/// Panics if the specification has no initial state, or panics when it tells them.
pub fn explore<S: Spec>(spec: &S, options: &Options<'_>) -> Exploration {
    let mut search = Search::new(spec, options);
    let ending = search.run();
    let drawing = search.kept.as_ref().zip(options.draw_max).and_then(|(states, most)| {
        (states.len() <= most as usize).then(|| dot::draw(spec, states, search.initial))
    });
    Exploration {
        generated: search.generated,
        distinct: search.trail.len() as u64,
        depth: match &ending {
            Ending::Violated(violation) if violation.lasso.is_none() => violation.trace.len() as u32,
            _ => search.depth,
        },
        queue: search.queue(),
        bytes_max: search.bytes_max,
        wall: search.start.elapsed(),
        ending,
        drawing,
    }
}

struct Search<'s, S: Spec> {
    spec: &'s S,
    options: &'s Options<'s>,
    expansion: Expansion<'s, S>,
    shards: Vec<Shard>,
    trail: Trail,
    /// The level that is expanded, and the number of its first state.
    level: Arena,
    first: u32,
    /// How many of it are.
    expanded: usize,
    next: Arena,
    /// All states, if they are needed.
    kept: Option<Arena>,
    initial: usize,
    parts: Vec<Part>,
    /// New states: predecessor, which of its steps, shard, place there.
    order: Vec<(u32, u16, u16, u32)>,
    samples: Samples,
    generated: u64,
    depth: u32,
    bytes_max: usize,
    start: Instant,
    told: Instant,
}

/// The fingerprints that begin alike, and the states of a batch that are new among them.
struct Shard {
    seen: Seen,
    origins: Vec<(u32, u16)>,
    fresh: Arena,
}

impl Shard {
    /// Takes in what the parts have for this shard, in their order.
    fn absorb(&mut self, index: usize, parts: &[Part]) {
        self.origins.clear();
        self.fresh.clear();
        for part in parts {
            part.bundles[index].for_each(|fingerprint, from, ordinal, state| {
                if self.seen.insert(fingerprint) {
                    self.origins.push((from, ordinal));
                    self.fresh.push(state);
                }
            });
        }
    }
}

impl<'s, S: Spec> Search<'s, S> {
    fn new(spec: &'s S, options: &'s Options<'s>) -> Self {
        let has_properties = !spec.properties().is_empty();
        let shard = |_| Shard { seen: Seen::new(), origins: Vec::new(), fresh: Arena::default() };
        let mut search = Search {
            spec,
            options,
            expansion: Expansion {
                spec,
                invariants: spec.invariants(),
                is_deadlock_judged: options.is_deadlock_judged,
                is_symmetric: !has_properties,
            },
            shards: (0..SHARDS).map(shard).collect(),
            trail: Trail::default(),
            level: Arena::default(),
            first: 0,
            expanded: 0,
            next: Arena::default(),
            kept: (has_properties || options.draw_max.is_some()).then(Arena::default),
            initial: 0,
            parts: (0..PARTS).map(|_| Part::new()).collect(),
            order: Vec::new(),
            samples: Samples::default(),
            generated: 0,
            depth: 0,
            bytes_max: 0,
            start: Instant::now(),
            told: Instant::now(),
        };
        search.begin();
        search
    }

    /// The first level.
    fn begin(&mut self) {
        let mut encoder = Encoder::new();
        for (ordinal, state) in self.spec.initial().into_iter().enumerate() {
            self.generated += 1;
            let encoded = encoder.encode(&state);
            let fingerprint = self.expansion.fingerprint(&state, encoded);
            if self.spec.within(&state) && self.shards[shard_of(fingerprint)].seen.insert(fingerprint) {
                self.trail.begin(u16::try_from(ordinal).expect("there are more than 65,536 initial states"));
                self.next.push(encoded);
                if let Some(kept) = &mut self.kept {
                    kept.push(encoded);
                }
            }
        }
        self.initial = self.next.len();
        assert!(self.initial > 0, "the specification has no initial state");
    }

    fn run(&mut self) -> Ending {
        while self.next.len() > 0 {
            if self.options.depth_max.is_some_and(|most| self.depth >= most) {
                return self.unknown(Limit::Depth(self.depth));
            }
            self.first += self.level.len() as u32;
            std::mem::swap(&mut self.level, &mut self.next);
            self.next.clear();
            self.depth += 1;
            self.expanded = 0;
            self.samples.take(self.depth, &self.level);
            while self.expanded < self.level.len() {
                if let Some(trouble) = self.batch() {
                    return self.violated(&trouble);
                }
                if let Some(limit) = self.limit() {
                    return self.unknown(limit);
                }
            }
        }
        let states = self.kept.as_ref().filter(|_| !self.spec.properties().is_empty());
        let violation =
            states.and_then(|states| liveness::violation(self.spec, states, self.initial, &self.trail));
        violation.map_or(Ending::Holds, |violation| Ending::Violated(Box::new(violation)))
    }

    /// Expands the next states of the level, and numbers what is new.
    fn batch(&mut self) -> Option<Trouble> {
        let from = self.expanded;
        let to = (from + BATCH).min(self.level.len());
        let size = (to - from).div_ceil(PARTS).max(PART_MIN);
        let used = (to - from).div_ceil(size);
        // Few states are expanded sooner than a thread is started.
        let threads = if to - from < 4 * PART_MIN { 1 } else { self.options.threads };

        let (expansion, level, first, shards) = (&self.expansion, &self.level, self.first, &self.shards);
        let are_near = shards.iter().map(|shard| shard.seen.heap_bytes()).sum::<usize>() <= NEAR_BYTES;
        let is_known = |fingerprint| are_near && shards[shard_of(fingerprint)].seen.contains(fingerprint);
        let parts = &mut self.parts[..used];
        on_each(threads, parts, |index, part| {
            part.clear();
            let start = from + index * size;
            part.fill(expansion, is_known, level, first, start..(start + size).min(to));
        });
        let parts = &self.parts[..used];
        on_each(threads, &mut self.shards, |index, shard| shard.absorb(index, parts));
        self.number();
        self.generated += self.parts[..used].iter().map(|part| part.generated).sum::<u64>();
        self.expanded = to;
        self.parts[..used].iter_mut().find_map(|part| part.trouble.take())
    }

    /// Numbers the states that are new, in the order in which one core with one queue would have met them.
    fn number(&mut self) {
        self.order.clear();
        for (shard, fresh) in (0..).zip(&self.shards) {
            let new =
                (0..).zip(&fresh.origins).map(|(place, (from, ordinal))| (*from, *ordinal, shard, place));
            self.order.extend(new);
        }
        // Each shard's are in order already, which a stable sort makes use of.
        self.order.sort();
        for (from, ordinal, shard, place) in &self.order {
            let state = self.shards[usize::from(*shard)].fresh.get(*place as usize);
            self.trail.push(*from, *ordinal);
            self.next.push(state);
            if let Some(kept) = &mut self.kept {
                kept.push(state);
            }
        }
    }

    fn limit(&mut self) -> Option<Limit> {
        let elapsed = self.start.elapsed();
        let bytes = self.heap_bytes();
        self.bytes_max = self.bytes_max.max(bytes);
        if let Some(progress) = self.options.progress.filter(|_| self.told.elapsed() >= PROGRESS_EVERY) {
            self.told = Instant::now();
            let (depth, generated, distinct) = (self.depth, self.generated, self.trail.len() as u64);
            progress(&Progress { depth, generated, distinct, queue: self.queue(), elapsed });
        }
        if self.options.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Some(Limit::Interrupted);
        }
        // A batch has at most so many successors to number.
        if self.trail.len() + (BATCH << u16::BITS) > Trail::STATES_MAX {
            return Some(Limit::States);
        }
        let over = |most: &Duration| elapsed > *most;
        let time = self.options.time_max.filter(over).map(Limit::Time);
        time.or_else(|| self.options.memory_max.filter(|most| bytes > *most).map(Limit::Memory))
    }

    fn queue(&self) -> u64 {
        (self.level.len() - self.expanded + self.next.len()) as u64
    }

    fn heap_bytes(&self) -> usize {
        let shards = self.shards.iter().map(|shard| {
            shard.seen.heap_bytes()
                + shard.fresh.heap_bytes()
                + shard.origins.capacity() * size_of::<(u32, u16)>()
        });
        shards.sum::<usize>()
            + self.parts.iter().map(Part::heap_bytes).sum::<usize>()
            + self.trail.heap_bytes()
            + self.level.heap_bytes()
            + self.next.heap_bytes()
            + self.kept.as_ref().map_or(0, Arena::heap_bytes)
    }

    fn unknown(&self, limit: Limit) -> Ending {
        let newest = if self.next.len() > 0 { &self.next } else { &self.level };
        Ending::Unknown { limit, growing: self.samples.growing(self.spec, self.depth, newest) }
    }

    fn violated(&self, trouble: &Trouble) -> Ending {
        let mut behaviour = Behaviour::along(self.spec, &self.trail.steps_to(trouble.state));
        if let Some(ordinal) = trouble.step {
            behaviour.take(ordinal);
        }
        let (property, message) = match &trouble.wrong {
            Wrong::Invariant(index) => (self.expansion.invariants[*index].name.clone(), None),
            Wrong::Deadlock => ("deadlock".to_owned(), None),
            Wrong::Panic(message) => ("panic".to_owned(), Some(message.clone())),
        };
        Ending::Violated(Box::new(Violation { property, message, trace: behaviour.told(), lasso: None }))
    }
}
