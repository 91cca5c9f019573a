//! The simulated world behind [`crate::net`], [`crate::clock`] and the rest; steered by the testbed, unknown to nodes.
//!
//! One [`World`] a run, owned by the run's thread and reached with [`with`]. To drive one by hand start with [`lab`].
//! Everything in it is plain data changed by plain functions; the only task is the driver of the agenda.
//!
//! A world is made of parts, and each part is a folder or a file whose fields nobody else sees. A part that needs
//! another takes it as an argument:
//!
//! ```text
//! World
//! ├── ground      what every part stands on, and is lent
//! │   ├── clock       simulated time and timers
//! │   ├── agenda      everything rare that is to come, and whom to wake when (timer/)
//! │   ├── machines    which there are, and whether they run
//! │   └── record      digest, trace, probes, counts
//! ├── net
//! │   ├── ip          the way from machine to machine, which both kinds of socket are lent
//! │   │   ├── wire        links: is it lost, held, or does it travel, and how long
//! │   │   ├── addresses   who has which, and who believes so
//! │   │   ├── ports       the next one that is free
//! │   │   └── load        how much is under way
//! │   ├── tcp         listeners and connections
//! │   ├── udp         sockets and datagrams
//! │   └── names       the name service
//! └── disks       one a machine
//! ```
//!
//! | part | may be lent | knows nothing of |
//! |---|---|---|
//! | `clock.rs`, `agenda.rs`, `timer/`, `machine/`, `record/` | each other, rarely | sockets, links, disks |
//! | `net/wire/` | – | what it carries, and whether a machine takes it |
//! | `net/address.rs` | the ground, the wire | connections, datagrams |
//! | `net/tcp/`, `net/udp/` | the ground, `net::Ip` | each other |
//! | `net/names.rs` | the ground, the addresses | all else |
//! | `disk/` | the ground | the network |
//! | `socket/`, `timer/sleep.rs`, `disk/handle.rs` | the world, for one call | how anything is done |
//!
//! What the testbed does to a part stands in the part's folder as a method of [`World`], which is the only place where
//! all parts meet: a hold that ends wakes connections and datagrams, and a machine that dies loses its sockets, its
//! addresses and a life of its disk.
//!
//! Besides: `draw.rs` has the streams of randomness, `limits.rs` how much a run may do, `out_of_range.rs` why a setting
//! is refused.
//!
//! Re-entrancy: `with` lends the world mutably, so nothing inside it may run foreign code. Waking a task is fine
//! (madsim queues it); calling a view is not, and happens outside.

mod agenda;
mod clock;
mod disk;
mod draw;
pub mod lab;
mod limits;
mod machine;
mod net;
mod out_of_range;
mod record;
pub(crate) mod socket;
pub(crate) mod timer;

pub(crate) use disk::handle as disk_handle;
pub use disk::{Decay, DirectoryOrder, DiskFault, DiskOperation, DiskSettings, SectorSize};
pub use draw::{Draw, Stream};
pub use limits::Limits;
pub(crate) use machine::process::run as run_process;
pub(crate) use machine::register_view;
pub use machine::{
    Death, Machine, MachineId, ProcessState, crash, crash_process, is_up, pause, pause_process,
    process_state, restart, restart_process, resume, resume_process, view, view_json, view_types,
};
pub use net::{Bandwidth, Busiest, Excess, Latency, LinkFault, LinkSettings, Overload, Reorder, overloaded};
pub use out_of_range::OutOfRange;
pub use record::{
    Digest, FaultEvent, FaultLine, FaultStep, Happening, MessageEvent, MessageLine, MessageStep, Observed,
    OperationLine, Phase, Probe, TraceEvent, TraceLine, next_probes,
};
pub(crate) use record::{is_recorded, publish as publish_probe, say};
pub use timer::until_ns;

use agenda::Agenda;
use clock::Clock;
use disk::Disks;
use machine::{Machines, View};
use madsim::rand::RngCore;
use net::Net;
use record::Record;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides everything random.
    pub seed: u64,
    /// The machines, in the order in which they are made.
    pub machines: Vec<Machine>,
    /// The latency of every link, until [`World::set_link`].
    pub latency: Latency,
    /// The probability that a packet is lost on a link, until [`World::set_link`].
    pub loss: f64,
    /// Whether `buggify!` ever says yes.
    pub buggify: bool,
    /// Whether to keep a trace.
    pub recording: bool,
}

impl Config {
    /// A world of these machines whose links take 10 ms and lose nothing.
    pub fn new(seed: u64, machines: Vec<Machine>) -> Self {
        let latency = Latency::constant(Duration::from_millis(10));
        Config { seed, machines, latency, loss: 0.0, buggify: false, recording: false }
    }
}

/// One run's world.
pub struct World {
    ground: Ground,
    net: Net,
    disks: Disks,
}

/// What every part stands on.
struct Ground {
    clock: Clock,
    agenda: Agenda,
    machines: Machines,
    record: Record,
}

/// So many ways has a new seed to move the scheduler on.
const SCHEDULES: u64 = 1021;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    static HEARTBEAT: RefCell<Arc<AtomicU64>> = RefCell::default();
}

/// From the next world on this thread, the time of the last observed event is kept, in ns since the run began: another
/// thread can see by it that the run gets anywhere.
pub fn beat(heartbeat: Arc<AtomicU64>) {
    HEARTBEAT.set(heartbeat);
}

/// Lends the world of this thread's run.
///
/// # Panics
///
/// Outside a run, and from within itself.
pub fn with<T>(f: impl FnOnce(&mut World) -> T) -> T {
    lend(f).expect("host used outside a simulated run")
}

/// The same; none outside a run.
fn lend<T>(f: impl FnOnce(&mut World) -> T) -> Option<T> {
    WORLD.with_borrow_mut(|world| world.as_mut().map(f))
}

/// Lends the world if there is one: for destructors, which may run after the end, and for probes.
fn try_with(f: impl FnOnce(&mut World)) {
    // A thread that is going away, or a world being dismantled, has no sockets left to close.
    let _ = WORLD.try_with(|cell| {
        if let Ok(mut world) = cell.try_borrow_mut()
            && let Some(world) = world.as_mut()
        {
            f(world);
        }
    });
}

/// Nanoseconds since the run of this thread began, if there is one and nobody is lent its world.
pub fn now_ns() -> Option<u64> {
    let mut now = None;
    try_with(|world| now = Some(world.now_ns()));
    now
}

/// A world in its place, until it is dismantled.
#[must_use = "dismantle the world, or its driver leaks"]
struct Placed {
    driver: madsim::task::JoinHandle<()>,
}

impl Placed {
    /// Makes a world this thread's, and starts its driver: inside a madsim runtime that has the [`machine::Hook`],
    /// before nodes are created.
    fn new(config: &Config) -> Self {
        WORLD.set(Some(World::new(config)));
        Placed { driver: madsim::task::spawn_local(agenda::drive()) }
    }

    /// Ends the world, after its machines were crashed: their futures are dropped, then the world is.
    async fn dismantle(self) {
        self.driver.abort();
        // madsim drops the futures of killed nodes when it polls them next.
        madsim::time::sleep(Duration::from_millis(1)).await;
        drop(WORLD.take());
    }
}

impl World {
    fn new(config: &Config) -> Self {
        let ground = Ground {
            clock: Clock::new(),
            agenda: Agenda::default(),
            machines: Machines::new(config),
            record: Record::new(config.recording, HEARTBEAT.take()),
        };
        World { ground, net: Net::new(config), disks: Disks::new(config) }
    }

    /// Nanoseconds since the run began.
    pub fn now_ns(&self) -> u64 {
        self.ground.clock.now_ns()
    }

    /// Packets to come on the slow path, and sleeps of nodes.
    pub fn pending_events(&self) -> usize {
        self.ground.agenda.len()
    }

    /// From now on everything random is of another seed: each stream of the world begins anew, as that of the new seed,
    /// and madsim's scheduler goes on elsewhere in its own. What was drawn stays: packets on their way arrive when they
    /// were to, clocks are as wrong as they were.
    pub fn reseed(&mut self, seed: u64) {
        self.ground.machines.reseed(seed);
        self.net.reseed(seed);
        self.disks.reseed(seed);
        // It takes no other seed, so some of its numbers are left out.
        let mut scheduler = madsim::rand::thread_rng();
        for _ in 0..=seed % SCHEDULES {
            scheduler.next_u64();
        }
    }

    /// Returns the view that its node registered: it has destructors of its own, and they must not run here.
    fn machine_dies(&mut self, host: MachineId, death: Death) -> Option<View> {
        let at = self.now_ns();
        self.ground.record.keep(at, || Happening::Died { host, death });
        let view = self.ground.machines.die(host, death);
        self.net.machine_dies(&mut self.ground, host, death != Death::Process);
        self.disks.machine_dies(&mut self.ground, host, death);
        view
    }
}
