//! One trait, one file a peer.

mod bare;
mod madsim;
mod splitbrain;
mod turmoil;

use std::thread;

/// A way to simulate a cluster.
pub trait Peer {
    /// What the report calls it.
    fn name(&self) -> &'static str;

    /// One node keeps `window` frames outstanding with each of two that echo. About `frames` are sent, there and
    /// back; the number that was is returned.
    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64;

    /// The same with datagrams, over UDP.
    fn udp(&self, seed: u64, datagrams: u64, window: u64) -> u64;

    /// Boots five nodes that do nothing and takes them down again, on a thread of its own.
    fn empty_run(&self, seed: u64);
}

/// Every peer, in the order of the report.
pub fn all() -> [Box<dyn Peer>; 4] {
    [
        Box::new(bare::Bare),
        Box::new(splitbrain::Splitbrain),
        Box::new(madsim::Madsim),
        Box::new(turmoil::Turmoil),
    ]
}

/// The name that the others are compared with.
pub const SPLITBRAIN: &str = "splitbrain";

/// Runs on a new thread, as splitbrain's runs must: a peer that need not still pays for it, so that all do the same.
fn on_fresh_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(run).join().expect("the run does not panic"))
}
