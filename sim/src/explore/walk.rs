//! Behaviours at random, where there are too many states for all.

use super::codec::{Encoder, fingerprint};
use super::expand::{Expansion, said};
use super::search::PROGRESS_EVERY;
use super::seen::Seen;
use super::trail::Behaviour;
use super::{Ending, Exploration, Limit, Options, Progress, Violation};
use crate::spec::Spec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How many behaviours, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Walks {
    /// So many behaviours.
    pub walks: u64,
    /// No behaviour has more states.
    pub states_max: u32,
}

/// Walks at random, every step of a state as likely as any other, until something is violated; properties that take
/// for ever are not judged. `pick` chooses a number below a bound.
pub fn walk<S: Spec>(
    spec: &S,
    walks: &Walks,
    options: &Options<'_>,
    pick: &mut dyn FnMut(u64) -> u64,
) -> Exploration {
    let expansion = Expansion {
        spec,
        invariants: spec.invariants(),
        is_deadlock_judged: options.is_deadlock_judged,
        is_symmetric: false,
    };
    let mut walker = Walker { expansion, pick, seen: Seen::new(), distinct: 0, generated: 0, depth: 0 };
    let (start, mut told) = (Instant::now(), Instant::now());
    let mut ending = None;
    for _ in 0..walks.walks {
        ending = walker.once(walks.states_max).map(|violation| Ending::Violated(Box::new(violation)));
        let elapsed = start.elapsed();
        if let Some(progress) = options.progress.filter(|_| told.elapsed() >= PROGRESS_EVERY) {
            told = Instant::now();
            let Walker { depth, generated, distinct, .. } = walker;
            progress(&Progress { depth, generated, distinct, queue: 0, elapsed });
        }
        let limit = match options {
            _ if options.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed)) => {
                Some(Limit::Interrupted)
            }
            _ => options.time_max.filter(|most| elapsed > *most).map(Limit::Time),
        };
        ending = ending.or(limit.map(|limit| Ending::Unknown { limit, growing: Vec::new() }));
        if ending.is_some() {
            break;
        }
    }
    let nothing = Ending::Unknown { limit: Limit::Walks(walks.walks), growing: Vec::new() };
    Exploration {
        generated: walker.generated,
        distinct: walker.distinct,
        depth: walker.depth,
        queue: 0,
        bytes_max: walker.seen.heap_bytes(),
        wall: start.elapsed(),
        ending: ending.unwrap_or(nothing),
        drawing: None,
    }
}

struct Walker<'w, S: Spec> {
    expansion: Expansion<'w, S>,
    pick: &'w mut dyn FnMut(u64) -> u64,
    seen: Seen,
    distinct: u64,
    generated: u64,
    depth: u32,
}

impl<S: Spec> Walker<'_, S> {
    /// One behaviour; what it violates.
    fn once(&mut self, states_max: u32) -> Option<Violation> {
        let spec = self.expansion.spec;
        let mut initial = spec.initial();
        let first = (self.pick)(initial.len() as u64) as usize;
        let mut state = initial.swap_remove(first);
        let mut steps = vec![first as u16];
        loop {
            self.generated += 1;
            self.depth = self.depth.max(steps.len() as u32);
            self.distinct += u64::from(self.seen.insert(fingerprint(Encoder::new().encode(&state))));
            let judged = catch_unwind(AssertUnwindSafe(|| {
                let mut then = Vec::new();
                let broken = self.expansion.broken(&state);
                spec.next(&state, &mut |_, next| then.push(next));
                (broken, then, spec.may_end(&state))
            }));
            let (broken, mut then, may_end) = match judged {
                Ok(judged) => judged,
                Err(panic) => return Some(self.violation("panic", Some(said(&*panic)), &steps)),
            };
            if let Some(broken) = broken {
                return Some(self.violation(&self.expansion.invariants[broken].name, None, &steps));
            }
            if then.is_empty() {
                let is_deadlock = self.expansion.is_deadlock_judged && !may_end;
                return is_deadlock.then(|| self.violation("deadlock", None, &steps));
            }
            let ordinal = (self.pick)(then.len() as u64) as usize;
            let next = then.swap_remove(ordinal);
            if steps.len() as u32 >= states_max || !spec.within(&next) {
                return None;
            }
            state = next;
            steps.push(u16::try_from(ordinal).expect("a state has more than 65,536 successors"));
        }
    }

    fn violation(&self, property: &str, message: Option<String>, steps: &[u16]) -> Violation {
        let trace = Behaviour::along(self.expansion.spec, steps).told();
        Violation { property: property.to_owned(), message, trace, lasso: None }
    }
}
