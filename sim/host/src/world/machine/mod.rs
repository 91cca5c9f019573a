//! Machines: which there are, whether they run, their wall clocks, their chance, their processes, and the view that
//! each node registered.
//!
//! Nothing here knows of sockets or disks: who takes a machine down ([`crash`]) tells those parts, too.
//!
//! | file | noun |
//! |---|---|
//! | `id.rs` | which machine |
//! | `life.rs` | how one goes down and comes back |
//! | `process.rs` | the processes of a machine that runs several |
//! | `view.rs` | what a node believes |
//! | `rate.rs` | how fast its clocks run |
//! | `wall_clock.rs` | what it believes the time is |

mod id;
mod life;
pub(crate) mod process;
mod rate;
mod view;
mod wall_clock;

pub use id::MachineId;
pub(super) use life::Hook;
pub use life::{Death, crash, is_up, pause, restart, resume};
pub use process::{
    ProcessState, crash_process, pause_process, process_state, restart_process, resume_process,
};
pub(super) use view::View;
pub(crate) use view::register as register_view;
pub use view::{view, view_json, view_types};

use super::{Config, Draw, Stream, World};
use madsim::task::NodeId;
use process::Processes;
use rate::Rate;
use std::net::IpAddr;
use wall_clock::WallClock;

/// How a machine is set up.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its name: n1, n2, … for nodes, c1, c2, … for clients.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// How far its wall clock is off at the start, in ns.
    pub clock_offset_ns: i64,
    /// How fast its clocks gain, the wall clock and that of [`crate::time`], in parts per billion.
    pub clock_drift_ppb: i64,
}

impl Machine {
    /// A machine whose clock is right.
    pub fn new(name: impl Into<String>, ip: impl Into<IpAddr>) -> Self {
        Machine { name: name.into(), ip: ip.into(), clock_offset_ns: 0, clock_drift_ppb: 0 }
    }
}

/// All machines of a world.
pub(super) struct Machines {
    all: Vec<Host>,
    /// madsim's numbers for those that are made, in order.
    nodes: Vec<NodeId>,
    buggify: bool,
}

struct Host {
    name: String,
    /// Whether its kernel answers packets.
    up: bool,
    /// Whether its process runs.
    running: bool,
    view: Option<View>,
    processes: Processes,
    rate: Rate,
    clock: WallClock,
    entropy: Draw,
    buggify: Draw,
}

impl Machines {
    pub(super) fn new(config: &Config) -> Self {
        let host = |machine: &Machine| Host {
            name: machine.name.clone(),
            up: true,
            running: true,
            view: None,
            processes: Processes::default(),
            rate: Rate::new(machine.clock_drift_ppb),
            clock: WallClock::new(machine.clock_offset_ns),
            entropy: Draw::new(config.seed, Stream::Entropy(&machine.name)),
            buggify: Draw::new(config.seed, Stream::Buggify(&machine.name)),
        };
        let all: Vec<Host> = config.machines.iter().map(host).collect();
        Machines { nodes: Vec::with_capacity(all.len()), all, buggify: config.buggify }
    }

    /// What is drawn from now on is of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        for host in &mut self.all {
            host.entropy = Draw::new(seed, Stream::Entropy(&host.name));
            host.buggify = Draw::new(seed, Stream::Buggify(&host.name));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn named(&self, name: &str) -> Option<MachineId> {
        self.all.iter().position(|host| host.name == name).map(MachineId::new)
    }

    pub(super) fn name(&self, machine: MachineId) -> &str {
        &self.all[machine.index()].name
    }

    /// The machine that the calling task runs on; none for the testbed's own tasks.
    pub(super) fn current(&self) -> Option<MachineId> {
        self.of_node(madsim::plugin::node())
    }

    /// How fast the clocks of the calling task's machine run; true ones for the testbed's own tasks.
    pub(super) fn rate(&self) -> Rate {
        self.current().map_or_else(Rate::default, |host| self.all[host.index()].rate)
    }

    /// How many are made: those that have a node of madsim's.
    pub(super) fn made(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, machine: MachineId) -> NodeId {
        self.nodes[machine.index()]
    }

    fn of_node(&self, node: NodeId) -> Option<MachineId> {
        self.nodes.binary_search(&node).ok().map(MachineId::new)
    }

    /// Whether a machine's kernel answers packets.
    pub(super) fn is_up(&self, machine: MachineId) -> bool {
        self.all[machine.index()].up
    }

    /// Whether a machine's process runs.
    pub(super) fn runs(&self, machine: MachineId) -> bool {
        self.all[machine.index()].running
    }

    /// A machine goes down. Returns the view that its node registered.
    pub(super) fn die(&mut self, machine: MachineId, death: Death) -> Option<View> {
        let host = &mut self.all[machine.index()];
        host.running = false;
        host.up = death == Death::Process;
        host.processes.all_die();
        host.view.take()
    }

    fn start(&mut self, machine: MachineId) {
        let host = &mut self.all[machine.index()];
        (host.up, host.running) = (true, true);
    }

    fn view(&self, machine: MachineId) -> Option<View> {
        self.all[machine.index()].view.clone()
    }

    fn replace_view(&mut self, machine: MachineId, view: View) -> Option<View> {
        self.all[machine.index()].view.replace(view)
    }

    fn processes(&mut self, machine: MachineId) -> &mut Processes {
        &mut self.all[machine.index()].processes
    }
}

/// What the testbed and nodes ask of machines.
impl World {
    /// The machine that the calling task runs on; none for the testbed's own tasks.
    pub fn current_host(&self) -> Option<MachineId> {
        self.ground.machines.current()
    }

    /// How many machines there are.
    pub fn machines(&self) -> usize {
        self.ground.machines.count()
    }

    /// The machine with this name.
    pub fn host_named(&self, name: &str) -> Option<MachineId> {
        self.ground.machines.named(name)
    }

    /// The name of a machine.
    pub fn name(&self, host: MachineId) -> &str {
        self.ground.machines.name(host)
    }

    /// A machine's wall clock jumps.
    pub fn jump_clock(&mut self, host: MachineId, by_ns: i64) {
        self.ground.machines.all[host.index()].clock.jump(by_ns);
    }

    /// A machine's wall clock stands still, until [`World::thaw_clock`].
    pub fn freeze_clock(&mut self, host: MachineId) {
        let now = self.now_ns();
        let host = &mut self.ground.machines.all[host.index()];
        host.clock.freeze(host.rate.local(now));
    }

    /// Ends one freeze. After the last, the clock is set to what it would have shown.
    pub fn thaw_clock(&mut self, host: MachineId) {
        self.ground.machines.all[host.index()].clock.thaw();
    }

    /// The wall clock of the calling task's machine, in ns since the Unix epoch.
    pub(crate) fn wall_clock_ns(&self) -> u64 {
        let (now, machines) = (self.now_ns(), &self.ground.machines);
        let host = machines.current().map(|host| &machines.all[host.index()]);
        host.map_or_else(|| wall_clock::true_ns(now), |host| host.clock.shows_ns(host.rate.local(now)))
    }

    pub(crate) fn entropy(&mut self) -> u64 {
        let host = self.current_host().expect("entropy belongs to nodes");
        self.ground.machines.all[host.index()].entropy.bits()
    }

    pub(crate) fn buggify(&mut self, probability: f64) -> bool {
        let machines = &mut self.ground.machines;
        let host = machines.current().filter(|_| machines.buggify);
        host.is_some_and(|host| machines.all[host.index()].buggify.chance(probability))
    }
}
