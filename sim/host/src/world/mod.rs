//! The simulated world behind [`crate::net`], [`crate::clock`] and the rest; steered by the testbed, unknown to nodes.
//!
//! One [`World`] a run, owned by the run's thread and reached with [`with`]. It holds machines ([`Machine`]), directed
//! links between them, TCP connections, listening sockets, wall clocks, probes, views, the digest and, in a recorded
//! run, the trace. Everything in it is plain data changed by plain functions; the only task is the driver of
//! `packet.rs`.
//!
//! | file | noun |
//! |---|---|
//! | `draw.rs` | streams of randomness |
//! | `link/` | links |
//! | `tcp.rs`, `handshake.rs`, `listener.rs` | connections: their life, how they begin, and where |
//! | `keepalive.rs` | how silent peers are found out |
//! | `direction.rs`, `transmission.rs` | one way of a connection, and how its segments travel |
//! | `udp.rs`, `datagram.rs` | sockets for datagrams, and how these travel |
//! | `address.rs`, `name_service.rs` | addresses that move, and names |
//! | `packet.rs` | packets without data, and the agenda of everything rare |
//! | `timer.rs` | exact timers |
//! | `net/` | the sockets that node code holds |
//! | `machine_id.rs`, `machine.rs` | which machine; machines: power, process, clock, view |
//! | `process.rs` | the processes of a machine that runs several |
//! | `disk/` | their disks |
//! | `digest.rs`, `trace.rs` | what is remembered |
//! | `out_of_range.rs`, `overload.rs` | why a setting is refused, and why a run is |
//!
//! Re-entrancy: `with` lends the world mutably, so nothing inside it may run foreign code. Waking a task is fine
//! (madsim queues it); calling a view is not, and happens outside.

mod address;
mod datagram;
mod digest;
mod direction;
mod disk;
mod draw;
mod handshake;
mod keepalive;
pub mod lab;
mod link;
mod listener;
mod machine;
mod machine_id;
mod name_service;
pub(crate) mod net;
mod out_of_range;
mod overload;
mod packet;
pub(crate) mod process;
mod tcp;
mod timer;
mod trace;
mod transmission;
mod udp;

pub use digest::{Digest, Observed};
pub(crate) use disk::handle as disk_handle;
pub use disk::{Decay, DirectoryOrder, DiskFault, DiskOperation, DiskSettings, SectorSize};
pub use draw::{Draw, Stream};
pub use link::{Bandwidth, Latency, LinkFault, LinkSettings, Reorder};
pub use machine::{Death, Machine, crash, is_up, pause, restart, resume, view, view_json};
pub use machine_id::MachineId;
pub use out_of_range::OutOfRange;
pub use overload::{MESSAGE_LIMIT, Overload};
pub use process::{
    ProcessState, crash_process, pause_process, process_state, restart_process, resume_process,
};
pub use trace::{FaultEvent, FaultLine, FaultStep, Happening, Phase, TraceEvent, TraceLine};

use crate::probe::Value;
use datagram::Datagrams;
use digest::Hasher;
use link::Link;
use listener::{Binding, Listener};
use machine::Host;
use madsim::task::NodeId;
use madsim::time::TimeHandle;
use name_service::Record;
use overload::Load;
use packet::Agenda;
use slab::Slab;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Waker;
use std::time::Duration;
use tcp::Connection;
use timer::Timer;
use udp::Socket;

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

/// A probe as published.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// When, in ns since the run began.
    pub at_ns: u64,
    /// The machine; none for the testbed itself.
    pub host: Option<MachineId>,
    /// The probe's name.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<Value>,
}

/// One run's world.
pub struct World {
    config: Config,
    time: TimeHandle,
    timer: Timer,
    hosts: Vec<Host>,
    disks: Vec<disk::Disk>,
    nodes: Vec<NodeId>,
    links: Vec<Link>,
    connections: Slab<Connection>,
    listeners: BTreeMap<Binding, Listener>,
    sockets: Slab<Socket>,
    bound: BTreeMap<Binding, u32>,
    datagrams: Datagrams,
    names: BTreeMap<String, Record>,
    /// Addresses that some machine has claimed at some time.
    virtual_addresses: BTreeSet<IpAddr>,
    neighbour_draw: Option<Draw>,
    load: Load,
    agenda: Agenda,
    generations: u32,
    hasher: Hasher,
    messages: u64,
    bytes: u64,
    trace: Vec<TraceEvent>,
    probe_hits: BTreeMap<&'static str, u64>,
    /// Probes that the testbed has not seen yet; filled only while it listens.
    probes: Vec<Probe>,
    listener: Option<Waker>,
    listening: bool,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    static HEARTBEAT: RefCell<Arc<AtomicU64>> = RefCell::default();
}

/// From the next world on this thread, a counter grows with each observed event: another thread can see by it that
/// the run gets anywhere.
pub fn beat(heartbeat: Arc<AtomicU64>) {
    HEARTBEAT.set(heartbeat);
}

/// Lends the world of this thread's run.
///
/// # Panics
///
/// Outside a run, and from within itself.
pub fn with<T>(f: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| f(world.as_mut().expect("host used outside a simulated run")))
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

/// A world in its place, until it is dismantled.
#[must_use = "dismantle the world, or its driver leaks"]
struct Placed {
    driver: madsim::task::JoinHandle<()>,
}

impl Placed {
    /// Makes a world this thread's, and starts its driver: inside a madsim runtime that has the [`Hook`], before nodes
    /// are created.
    fn new(config: Config) -> Self {
        WORLD.set(Some(World::new(config)));
        Placed { driver: madsim::task::spawn_local(packet::drive()) }
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
    fn new(config: Config) -> Self {
        let time = TimeHandle::current();
        let count = config.machines.len();
        World {
            timer: Timer::new(&time),
            time,
            hosts: config.machines.iter().map(|machine| Host::new(machine, config.seed)).collect(),
            disks: config
                .machines
                .iter()
                .map(|machine| disk::Disk::new(config.seed, &machine.name))
                .collect(),
            nodes: Vec::with_capacity(count),
            links: (0..count * count)
                .map(|_| {
                    Link::new(LinkSettings { loss: config.loss, ..LinkSettings::new(config.latency.clone()) })
                })
                .collect(),
            connections: Slab::new(),
            listeners: BTreeMap::new(),
            sockets: Slab::new(),
            bound: BTreeMap::new(),
            datagrams: Datagrams::default(),
            names: BTreeMap::new(),
            virtual_addresses: BTreeSet::new(),
            neighbour_draw: None,
            load: Load::default(),
            agenda: Agenda::default(),
            generations: 0,
            hasher: Hasher::new(HEARTBEAT.take()),
            messages: 0,
            bytes: 0,
            trace: Vec::new(),
            probe_hits: BTreeMap::new(),
            probes: Vec::new(),
            listener: None,
            listening: false,
            config,
        }
    }
}

/// Outside a run, as in a protocol's unit tests, a probe goes nowhere.
pub(crate) fn publish_probe(name: &'static str, values: impl FnOnce() -> Vec<Value>) {
    // Outside of the borrow: what is published may come from the clock.
    let values = values();
    try_with(|world| {
        let (at_ns, host) = (world.now_ns(), world.current_host());
        world.hasher.event(
            Observed::Probe,
            at_ns,
            host.map_or(u64::MAX, |host| host.index() as u64),
            name.len() as u64,
        );
        world.hasher.bytes(name.as_bytes());
        for value in &values {
            world.hasher.bytes(value.to_string().as_bytes());
            world.hasher.bytes(&[0]);
        }
        *world.probe_hits.entry(name).or_default() += 1;
        world.record(at_ns, || Happening::Probe { host, name, values: values.clone() });
        if world.listening {
            world.probes.push(Probe { at_ns, host, name, values });
            if let Some(listener) = world.listener.take() {
                listener.wake();
            }
        }
    });
}

pub(crate) fn register_view<V: serde::Serialize + 'static>(read: Box<dyn Fn() -> V + Send + Sync>) {
    let view = machine::View::new(read);
    let before = with(|world| {
        let host = world.current_host().expect("views belong to nodes");
        world.hosts[host.index()].view.replace(view)
    });
    // Outside of the borrow: it may hold the last of what the node was before, with destructors of its own.
    drop(before);
}

/// The next probes, in the order in which they were published. The step that published them has ended.
pub async fn next_probes() -> Vec<Probe> {
    std::future::poll_fn(|context| {
        with(|world| {
            world.listening = true;
            if world.probes.is_empty() {
                world.listener = Some(context.waker().clone());
                std::task::Poll::Pending
            } else {
                std::task::Poll::Ready(std::mem::take(&mut world.probes))
            }
        })
    })
    .await
}

impl World {
    /// Nanoseconds since the run began.
    pub fn now_ns(&self) -> u64 {
        self.time.elapsed().as_nanos() as u64
    }

    /// The machine that the calling task runs on; none for the testbed's own tasks.
    pub fn current_host(&self) -> Option<MachineId> {
        self.host_of(madsim::plugin::node())
    }

    /// How many machines there are.
    pub fn machines(&self) -> usize {
        self.config.machines.len()
    }

    /// The machine with this name.
    pub fn host_named(&self, name: &str) -> Option<MachineId> {
        self.config.machines.iter().position(|machine| machine.name == name).map(MachineId::new)
    }

    /// The name of a machine.
    pub fn name(&self, host: MachineId) -> &str {
        &self.config.machines[host.index()].name
    }

    /// The address of a machine.
    pub fn ip(&self, host: MachineId) -> IpAddr {
        self.hosts[host.index()].ip
    }

    /// Connections that an application or a backlog holds an end of.
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// Packets and timers to come on the slow path.
    pub fn pending_events(&self) -> usize {
        self.agenda.len()
    }

    /// Messages delivered so far.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Bytes delivered so far, without headers.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Events observed so far.
    pub fn events(&self) -> u64 {
        self.hasher.events()
    }

    /// The digest of everything so far.
    pub fn digest(&self) -> Digest {
        self.hasher.finish()
    }

    /// How often each probe was published.
    pub fn probe_hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.probe_hits
    }

    /// Whether this run is recorded.
    pub fn recording(&self) -> bool {
        self.config.recording
    }

    /// Takes the trace out.
    pub fn take_trace(&mut self) -> Vec<TraceEvent> {
        std::mem::take(&mut self.trace)
    }

    /// Takes what happened to a fault into the digest, by its words, and into the trace of a recorded run.
    pub fn fault(&mut self, words: &str, event: impl FnOnce() -> FaultEvent) {
        self.observe(Observed::Fault, words.as_bytes(), || Happening::Fault(event()));
    }

    /// Takes the begin of a phase into the digest, and into the trace of a recorded run.
    pub fn phase(&mut self, phase: Phase) {
        self.observe(Observed::Phase, phase.name().as_bytes(), || Happening::Phase(phase));
    }

    /// Takes something else that the testbed did into the digest, and into the trace of a recorded run.
    pub fn note(&mut self, kind: Observed, name: &'static str, text: impl FnOnce() -> String, bytes: &[u8]) {
        self.observe(kind, bytes, || Happening::Note { kind: name, text: text() });
    }

    fn observe(&mut self, kind: Observed, bytes: &[u8], happening: impl FnOnce() -> Happening) {
        let at = self.now_ns();
        self.hasher.event(kind, at, 0, bytes.len() as u64);
        self.hasher.bytes(bytes);
        self.record(at, happening);
    }

    /// Takes a line that node code logged into the trace.
    pub fn log(&mut self, target: &str, text: String) {
        let (at, host) = (self.now_ns(), self.current_host());
        self.record(at, || Happening::Log { host, target: target.to_owned(), text });
    }

    fn host_of(&self, node: NodeId) -> Option<MachineId> {
        self.nodes.binary_search(&node).ok().map(MachineId::new)
    }

    fn record(&mut self, at_ns: u64, happening: impl FnOnce() -> Happening) {
        if self.config.recording {
            self.trace.push(TraceEvent { at_ns, happening: happening() });
        }
    }
}
