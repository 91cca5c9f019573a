//! Machines: power, process, wall clock, and the view that their node registered.

use super::address::Addresses;
use super::listener::EPHEMERAL;
use super::name_service::Remembered;
use super::process::Processes;
use super::{Draw, MachineId, Stream, World, try_with, with};
use madsim::task::NodeId;
use std::any::{Any, TypeId};
use std::net::IpAddr;
use std::rc::Rc;

/// 2026-01-01T00:00:00Z, when every run begins.
const EPOCH_NS: i128 = 1_767_225_600_000_000_000;

/// How a machine is set up.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its name: n1, n2, … for nodes, c1, c2, … for clients.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// How far its wall clock is off at the start, in ns.
    pub clock_offset_ns: i64,
    /// How fast its wall clock gains, in parts per billion.
    pub clock_drift_ppb: i64,
}

impl Machine {
    /// A machine whose clock is right.
    pub fn new(name: impl Into<String>, ip: impl Into<IpAddr>) -> Self {
        Machine { name: name.into(), ip: ip.into(), clock_offset_ns: 0, clock_drift_ppb: 0 }
    }
}

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process dies; the kernel lives, closes its sockets and refuses new connections.
    Process,
    /// The power fails: nothing is sent any more, and nothing answers until it is back. What was not synced to the disk
    /// may be lost.
    Power,
    /// The power fails, and the machine comes back with an empty disk.
    Wiped,
}

/// Reads a node's view.
trait ReadView {
    fn is(&self, type_id: TypeId) -> bool;
    fn any(&self) -> Box<dyn Any>;
    fn json(&self) -> serde_json::Value;
}

impl<V: serde::Serialize + 'static> ReadView for Box<dyn Fn() -> V + Send + Sync> {
    fn is(&self, type_id: TypeId) -> bool {
        type_id == TypeId::of::<V>()
    }

    fn any(&self) -> Box<dyn Any> {
        Box::new(self())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self()).unwrap_or_else(|error| error.to_string().into())
    }
}

/// The view of a node, unread.
#[derive(Clone)]
pub(super) struct View(Rc<dyn ReadView>);

impl View {
    pub(super) fn new<V: serde::Serialize + 'static>(read: Box<dyn Fn() -> V + Send + Sync>) -> Self {
        View(Rc::new(read))
    }
}

pub(super) struct Host {
    pub(super) ip: IpAddr,
    /// Whether its kernel answers packets.
    pub(super) up: bool,
    /// Whether its process runs.
    pub(super) running: bool,
    /// How it will go down next.
    pub(super) next_port: u16,
    pub(super) view: Option<View>,
    pub(super) processes: Processes,
    pub(super) addresses: Addresses,
    /// What it remembers of the name service.
    pub(super) names: Remembered,
    clock_offset_ns: i64,
    clock_drift_ppb: i64,
    /// How often its wall clock was frozen, and what it shows while it is.
    clock_frozen: u32,
    clock_shows_ns: u64,
    entropy: Draw,
    buggify: Draw,
}

impl Host {
    pub(super) fn new(machine: &Machine, seed: u64) -> Self {
        Host {
            ip: machine.ip,
            up: true,
            running: true,
            next_port: EPHEMERAL,
            view: None,
            processes: Processes::default(),
            addresses: Addresses::default(),
            names: Remembered::new(),
            clock_offset_ns: machine.clock_offset_ns,
            clock_drift_ppb: machine.clock_drift_ppb,
            clock_frozen: 0,
            clock_shows_ns: 0,
            entropy: Draw::new(seed, Stream::Entropy(&machine.name)),
            buggify: Draw::new(seed, Stream::Buggify(&machine.name)),
        }
    }
}

/// madsim's hook: tells the world when nodes are created and die.
pub(super) struct Hook;

impl madsim::plugin::Simulator for Hook {
    fn new(_: &madsim::rand::GlobalRng, _: &madsim::time::TimeHandle, _: &madsim::Config) -> Self {
        Hook
    }

    fn create_node(&self, id: NodeId) {
        try_with(|world| world.nodes.push(id));
    }

    fn reset_node(&self, id: NodeId) {
        let mut view = None;
        try_with(|world| {
            // `crash` has told the world already.
            if let Some(host) = world.host_of(id).filter(|host| world.hosts[host.index()].running) {
                view = world.machine_dies(host, Death::Process);
            }
        });
        drop(view);
    }
}

/// Takes a machine down: its tasks end and its sockets go, at once or by RST.
pub fn crash(host: MachineId, death: Death) {
    let (node, view) = with(|world| {
        // Before madsim drops any future: their destructors close sockets, which a machine without power cannot.
        let view = world.machine_dies(host, death);
        (world.nodes[host.index()], view)
    });
    // Outside of the borrow, too: a view may hold the last of what its node was.
    drop(view);
    // Outside of the borrow: madsim answers through `Hook::reset_node`, and may run destructors at once.
    madsim::runtime::Handle::current().kill(node);
}

/// Starts a machine again, from its initial task.
pub fn restart(host: MachineId) {
    let node = with(|world| {
        let machine = &mut world.hosts[host.index()];
        (machine.up, machine.running) = (true, true);
        world.nodes[host.index()]
    });
    madsim::runtime::Handle::current().restart(node);
}

/// Stops every task of a machine where it stands; its kernel still receives.
pub fn pause(host: MachineId) {
    let node = with(|world| world.nodes[host.index()]);
    madsim::runtime::Handle::current().pause(node);
}

/// Lets a paused machine go on.
pub fn resume(host: MachineId) {
    let node = with(|world| world.nodes[host.index()]);
    madsim::runtime::Handle::current().resume(node);
}

/// Whether a machine's process runs.
pub fn is_up(host: MachineId) -> bool {
    with(|world| world.hosts[host.index()].running)
}

/// What the node on this machine believes, if it is up and has registered a view of this type.
pub fn view<V: 'static>(host: MachineId) -> Option<V> {
    let view = with(|world| world.hosts[host.index()].view.clone())?;
    // A machine of another kind need not copy out what nobody wants to know.
    view.0.is(TypeId::of::<V>()).then(|| view.0.any().downcast().ok().map(|view| *view))?
}

/// What the node on this machine believes, as JSON.
pub fn view_json(host: MachineId) -> Option<serde_json::Value> {
    let view = with(|world| world.hosts[host.index()].view.clone())?;
    Some(view.0.json())
}

impl World {
    /// A machine's wall clock jumps.
    pub fn jump_clock(&mut self, host: MachineId, by_ns: i64) {
        let machine = &mut self.hosts[host.index()];
        machine.clock_offset_ns += by_ns;
        machine.clock_shows_ns = machine.clock_shows_ns.saturating_add_signed(by_ns);
    }

    /// A machine's wall clock stands still, until [`World::thaw_clock`].
    pub fn freeze_clock(&mut self, host: MachineId) {
        let shows = self.clock_of_ns(Some(host));
        let machine = &mut self.hosts[host.index()];
        (machine.clock_frozen, machine.clock_shows_ns) = (machine.clock_frozen + 1, shows);
    }

    /// Ends one freeze. After the last, the clock is set to what it would have shown.
    pub fn thaw_clock(&mut self, host: MachineId) {
        self.hosts[host.index()].clock_frozen = self.hosts[host.index()].clock_frozen.saturating_sub(1);
    }

    /// The wall clock of the calling task's machine, in ns since the Unix epoch.
    pub(crate) fn wall_clock_ns(&self) -> u64 {
        self.clock_of_ns(self.current_host())
    }

    fn clock_of_ns(&self, host: Option<MachineId>) -> u64 {
        let now = i128::from(self.now_ns());
        let Some(machine) = host.map(|host| &self.hosts[host.index()]) else {
            return (EPOCH_NS + now) as u64;
        };
        if machine.clock_frozen > 0 {
            return machine.clock_shows_ns;
        }
        let drift = now * i128::from(machine.clock_drift_ppb) / 1_000_000_000;
        (EPOCH_NS + now + i128::from(machine.clock_offset_ns) + drift).max(0) as u64
    }

    pub(crate) fn entropy(&mut self) -> u64 {
        let host = self.current_host().expect("entropy belongs to nodes");
        self.hosts[host.index()].entropy.bits()
    }

    pub(crate) fn buggify(&mut self, probability: f64) -> bool {
        let host = self.current_host().filter(|_| self.config.buggify);
        host.is_some_and(|host| self.hosts[host.index()].buggify.chance(probability))
    }

    /// Returns the view that its node registered: it has destructors of its own, and they must not run here.
    pub(super) fn machine_dies(&mut self, host: MachineId, death: Death) -> Option<View> {
        self.hosts[host.index()].running = false;
        self.hosts[host.index()].up = death == Death::Process;
        let view = self.hosts[host.index()].view.take();
        self.hosts[host.index()].processes.all_die();
        self.drop_listeners_of(host, death != Death::Process);
        self.drop_connections_of(host, death != Death::Process);
        self.drop_sockets_of(host);
        if death != Death::Process {
            self.hosts[host.index()].addresses = Addresses::default();
            self.hosts[host.index()].names.clear();
        }
        self.disk_dies(host, death);
        view
    }
}
