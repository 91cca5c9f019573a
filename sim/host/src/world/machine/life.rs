//! How machines go down and come back.

use super::MachineId;
use crate::world::record::Happening;
use crate::world::{try_with, with};
use madsim::runtime::Handle;
use madsim::task::NodeId;

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process dies; the kernel lives, closes its sockets and refuses new connections.
    Process,
    /// The power fails: nothing is sent any more, and nothing answers until it is back. What was not synced to the disk
    /// may be lost.
    Power,
    /// The power fails as the last write of each file is under way: all before it arrived, and of its sectors the first
    /// half, while the file has grown to the end of it.
    Torn,
    /// The power fails, and the machine comes back with an empty disk.
    Wiped,
}

/// madsim's hook: tells the world when nodes are created and die.
pub(in crate::world) struct Hook;

impl madsim::plugin::Simulator for Hook {
    fn new(_: &madsim::rand::GlobalRng, _: &madsim::time::TimeHandle, _: &madsim::Config) -> Self {
        Hook
    }

    fn create_node(&self, id: NodeId) {
        try_with(|world| world.ground.machines.nodes.push(id));
    }

    fn reset_node(&self, id: NodeId) {
        let mut view = None;
        try_with(|world| {
            let machines = &world.ground.machines;
            // `crash` has told the world already.
            if let Some(host) = machines.of_node(id).filter(|host| machines.runs(*host)) {
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
        (world.ground.machines.node(host), view)
    });
    // Outside of the borrow, too: a view may hold the last of what its node was.
    drop(view);
    // Outside of the borrow: madsim answers through `Hook::reset_node`, and may run destructors at once.
    Handle::current().kill(node);
}

/// Starts a machine again, from its initial task.
pub fn restart(host: MachineId) {
    with(|world| {
        let at = world.now_ns();
        world.ground.record.keep(at, || Happening::Started { host });
        world.ground.machines.start(host);
    });
    Handle::current().restart(node(host));
}

/// Stops every task of a machine where it stands; its kernel still receives.
pub fn pause(host: MachineId) {
    Handle::current().pause(node(host));
}

/// Lets a paused machine go on.
pub fn resume(host: MachineId) {
    Handle::current().resume(node(host));
}

/// Whether a machine's process runs.
pub fn is_up(host: MachineId) -> bool {
    with(|world| world.ground.machines.runs(host))
}

fn node(host: MachineId) -> NodeId {
    with(|world| world.ground.machines.node(host))
}
