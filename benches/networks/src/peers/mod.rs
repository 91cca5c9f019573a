//! One trait, one file a peer.

mod madsim;
mod splitbrain;
mod turmoil;

use crate::workload::{Tally, Workload};
use std::thread;

/// A way to simulate a cluster.
pub trait Peer {
    /// What the report calls it.
    fn name(&self) -> &'static str;

    /// One run, on a thread of its own. The seed decides the workload, too.
    fn run(&self, workload: Workload, seed: u64) -> Tally;
}

/// Every peer, in the order of the report.
pub fn all() -> [Box<dyn Peer>; 3] {
    [Box::new(splitbrain::Splitbrain), Box::new(madsim::Madsim), Box::new(turmoil::Turmoil)]
}

/// The name that the others are compared with.
pub const SPLITBRAIN: &str = "splitbrain";

/// Runs on a new thread, as splitbrain's runs must: a peer that need not still pays for it, so that all do the same.
fn on_fresh_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(run).join().expect("the run does not panic"))
}
