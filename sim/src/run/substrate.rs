//! What a node used that is not simulated: it does nothing, or it leaves the simulation, and either way a verdict would
//! say more than was shown.
//!
//! Noticed in every run, at no cost to what is simulated:
//!
//! - a task spawned with the *real* tokio, as every dependency spawns: it would never be polled (tokio's own hook);
//! - the real tokio's timers and sockets, and threads, which are refused with a panic that says nothing of the way out.
//!
//! Noticed in a run that is [closely attended to](super::Attention) (`run`, and the first seed of every sweep):
//!
//! - madsim's own network, where nobody listens (by its spans);
//! - where no other run shares the process and the system tells (Linux), real sockets that are open as a phase of the run
//!   ends. The run is then repeated, with a look after each poll, to name the machine.
//!
//! What a thread waits for in the kernel is noticed from outside, in `watch.rs`. A file read from the real disk, or a
//! socket that is closed soon, is not.

use super::polled::Polled;
use super::thread::Panic;
use host::world;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Where users read what a node may use.
pub(super) const PAGE: &str = "docs/your-own-protocol.md, \"What node code must not use\"";

/// A use of something that is not simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    /// In ns since the run began.
    pub(super) at_ns: u64,
    /// Who used what, and what to use in its place.
    pub(super) evidence: String,
}

thread_local! {
    static FIRST: RefCell<Option<Foreign>> = const { RefCell::new(None) };
    static SOCKETS: RefCell<Option<Sockets>> = const { RefCell::new(None) };
    static OPENED: Cell<bool> = const { Cell::new(false) };
}

/// The first such use on this thread, if there was one.
pub(super) fn take() -> Option<Foreign> {
    FIRST.take()
}

fn noticed(machine: &str, what: &str, instead: &str) {
    let at_ns = world::now_ns().unwrap_or_default();
    let evidence = format!("{machine} used {what}: {instead} (see {PAGE})");
    FIRST.with_borrow_mut(|first| {
        first.get_or_insert(Foreign { at_ns, evidence });
    });
}

/// A task was spawned on the real runtime, which drives nothing.
pub(super) fn task_spawned(at: &std::panic::Location<'_>) {
    noticed(
        &super::thread::machine(),
        &format!("the real tokio's spawn at {at}"),
        "such a task never runs here; node code and its dependencies spawn through madsim-tokio, renamed to `tokio`",
    );
}

/// What a panic says of the substrate, if it is one of those with which something real is refused.
pub(super) fn refused(panic: &Panic) -> Option<String> {
    const REFUSALS: [(&str, &str, &str); 4] = [
        ("timers are disabled", "the real tokio's timers", "use `tokio::time` of madsim-tokio"),
        ("IO is disabled", "the real tokio's sockets", "use `host::net`"),
        ("/sys/thread/", "a thread", "use a task"),
        (
            "OS can't spawn worker thread",
            "a thread of the real tokio's pool",
            "use a task, and `host::disk` for files",
        ),
    ];
    let (_, what, instead) =
        REFUSALS.iter().find(|(sign, ..)| panic.message.contains(sign) || panic.location.contains(sign))?;
    let Panic { machine, location, .. } = panic;
    Some(format!("{machine} used {what} at {location}: {instead} (see {PAGE})"))
}

/// What is said of a machine that blocks its thread.
pub(super) fn blocks(machine: &str) -> String {
    format!(
        "{machine} blocks its thread: one of its tasks waits for something that is not simulated (a lock, a real socket, \
         a real sleep), and awaits nothing (see {PAGE})"
    )
}

/// Notices madsim's own network, beside whatever else listens.
pub(super) fn attend<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    NetworkLayer.with_filter(filter_fn(is_of_network))
}

fn is_of_network(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("madsim::sim::net")
}

fn network_used(attributes: &Attributes<'_>) {
    let what = format!("`{}` of madsim's own network, where nobody listens", attributes.metadata().name());
    noticed(&super::thread::machine(), &what, "use `host::net`");
}

struct NetworkLayer;

impl<S: Subscriber> Layer<S> for NetworkLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        network_used(attributes);
    }
}

/// Notices madsim's own network, and nothing else: every other call of `tracing` knows once and for all that it is not
/// wanted, which a layer cannot say. So it costs next to nothing.
pub(super) struct Network;

impl Subscriber for Network {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_of_network(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_of_network(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        network_used(attributes);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// From now on [`look`] notices sockets of this process.
pub(super) fn watch_sockets() {
    SOCKETS.set(Sockets::new());
}

/// A phase of the run ends.
pub(super) fn look() {
    if SOCKETS.with_borrow(|sockets| sockets.as_ref().and_then(Sockets::look).is_some()) {
        OPENED.set(true);
    }
}

/// Whether a real socket was open as a phase ended, and not before the run.
pub(super) fn opened_socket() -> bool {
    OPENED.get()
}

/// Looks after each poll, and names the machine.
pub(super) fn name_sockets<S>(polled: Polled) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    SocketsOf { polled, sockets: Sockets::new() }
}

struct SocketsOf {
    polled: Polled,
    sockets: Option<Sockets>,
}

impl<S: Subscriber> Layer<S> for SocketsOf {
    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        if let Some(socket) = self.sockets.as_ref().and_then(Sockets::look) {
            let machine = self.polled.machine().unwrap_or_default();
            noticed(&machine, &format!("a real socket ({socket})"), "use `host::net`");
        }
    }
}

/// The process' open sockets, as Linux tells them.
struct Sockets(Mutex<Known>);

struct Known {
    sockets: BTreeSet<PathBuf>,
    /// The number that the next file to be opened gets: it grows with whatever is opened and stays open.
    next: i32,
}

impl Sockets {
    /// What is open now; none where the system does not tell.
    fn new() -> Option<Sockets> {
        Some(Sockets(Mutex::new(Known { sockets: open_sockets()?, next: next_number()? })))
    }

    /// A socket that was not open at the last look.
    fn look(&self) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A look at all open files after each poll would cost more than the poll.
        let next = next_number()?;
        if std::mem::replace(&mut known.next, next) == next {
            return None;
        }
        let open = open_sockets()?;
        let new = open.difference(&known.sockets).next().map(|socket| socket.display().to_string());
        known.sockets = open;
        new
    }
}

fn next_number() -> Option<i32> {
    use std::os::fd::AsRawFd;
    Some(std::fs::File::open("/dev/null").ok()?.as_raw_fd())
}

fn open_sockets() -> Option<BTreeSet<PathBuf>> {
    let files = std::fs::read_dir("/proc/self/fd").ok()?;
    let targets = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    Some(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).collect())
}
