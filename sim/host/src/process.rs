//! A machine's processes.
//!
//! A node that is several processes on one machine, as a database and the agent that manages it, runs each of them with
//! [`run`]. They meet as real ones do: over sockets of the machine's own address.
//!
//! In a real build each is a process of the system, and [`run`] only awaits it. In the simulation a fault may strike
//! one of them by its name, while the others go on:
//!
//! - it crashes: its future is dropped, so that its sockets close. When the fault ends it is made anew. A process must
//!   therefore own its tasks: one that it leaves behind would outlive it.
//! - it stands still: its future is not polled, and finds what came meanwhile when it goes on. A task that it has
//!   spawned would not stand still; a process that is to be paused as a whole is one future.

use std::future::Future;

/// Runs one process of this machine, until it ends by itself.
///
/// # Panics
///
/// In the simulation: if this machine runs a process of this name already.
#[cfg(madsim)]
pub async fn run<Life: Future>(name: &'static str, make: impl FnMut() -> Life) -> Life::Output {
    crate::world::run_process(name, make).await
}

/// Runs one process of this machine, until it ends by itself.
#[cfg(not(madsim))]
pub async fn run<Life: Future>(_name: &'static str, mut make: impl FnMut() -> Life) -> Life::Output {
    make().await
}
