//! Watches a run's thread, for a node that spins: one that computes without ever awaiting anything.
//!
//! Such a node never gives its thread back, so nothing inside of the run can notice. From outside it looks like a run
//! in which nothing is observed any more. After [`PATIENCE`] looks at a run that stands still, it is given up: its
//! thread cannot be ended, and spins on until the process ends. To name the node, the same run is started once more
//! with every task's begin noted down, which is too slow to do always; the seed makes it spin at the same place.
//!
//! This is the one place where the real clock has a say: only over runs that would otherwise never end.

use super::thread;
use host::world;
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// How often a run is looked at. Where the whole machine sleeps, one look passes and not many.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so many looks at which nothing had happened since the one before, a run is given up.
const PATIENCE: u32 = 10;
/// The same for the second run, of which it is known.
const PATIENCE_KNOWING: u32 = 3;

thread_local! {
    static HEARTBEAT: RefCell<Option<Arc<AtomicU64>>> = const { RefCell::new(None) };
}

/// What the heartbeat shows when the run is over and is being judged, which has limits of its own.
const JUDGING: u64 = u64::MAX;

/// The run of this thread is over: from now on it is judged, and no longer watched.
pub(super) fn judging() {
    if let Some(heartbeat) = HEARTBEAT.take() {
        heartbeat.store(JUDGING, Ordering::Relaxed);
    }
}

/// A run in which a node spins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spin {
    /// The machine that spins, if the second run told.
    pub(super) machine: Option<String>,
}

/// Calls `run` on a fresh thread prepared for `seed`, and waits for it as long as it gets anywhere.
pub(super) fn on_fresh_thread<T, F>(seed: u64, run: F) -> Result<T, Spin>
where
    T: Send + 'static,
    F: FnOnce() -> T + Clone + Send + 'static,
{
    let again = run.clone();
    attempt(seed, PATIENCE, run).ok_or_else(|| {
        let current = Arc::new(Mutex::new(None));
        let layer = Names(current.clone());
        let named =
            move || tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), again);
        let spins = attempt(seed, PATIENCE_KNOWING, named).is_none();
        let machine = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Spin { machine: machine.filter(|_| spins) }
    })
}

fn attempt<T: Send + 'static>(
    seed: u64,
    patience: u32,
    run: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let heartbeat = Arc::new(AtomicU64::new(0));
    let beats = heartbeat.clone();
    let (sender, result) = sync_channel(1);
    let whole = move || {
        world::beat(heartbeat.clone());
        HEARTBEAT.set(Some(heartbeat));
        // Nobody waits any more for a run that was given up.
        let _ = sender.send(run());
    };
    let running = thread::start(seed, whole);
    let (mut seen, mut looks) = (0, 0);
    loop {
        match result.recv_timeout(LOOK_EVERY) {
            Ok(done) => return Some(done),
            // It panicked, and joining tells how.
            Err(RecvTimeoutError::Disconnected) => thread::finish(running),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = beats.load(Ordering::Relaxed);
        looks = if now == seen && now != JUDGING { looks + 1 } else { 0 };
        seen = now;
        if looks >= patience {
            return None;
        }
    }
}

/// Notes down the machine whose task runs.
struct Names(Arc<Mutex<Option<String>>>);

/// The machine that a span of madsim's belongs to.
struct Machine(String);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Names {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = Name(None);
        if attributes.metadata().name() == "node" {
            attributes.record(&mut name);
        }
        if let (Some(span), Some(name)) = (context.span(id), name.0) {
            span.extensions_mut().insert(Machine(name));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let machine = span.scope().find_map(|span| Some(span.extensions().get::<Machine>()?.0.clone()));
        if machine.is_some() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = machine;
        }
    }
}

struct Name(Option<String>);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "name" {
            self.0 = Some(format!("{value:?}").trim_matches('"').to_owned());
        }
    }
}
