//! The processes of a machine that runs several: which are down, and which stand still.
//!
//! A process is known while [`run`] runs it. Whatever befalls it befalls the future in [`run`], which is woken to look.
//! The death of its machine takes all of them, and what befell them: the machine starts them again itself.

use super::MachineId;
use crate::world::{try_with, with};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker, ready};

/// The processes of one machine, by name.
#[derive(Debug, Default)]
pub(super) struct Processes {
    by_name: BTreeMap<&'static str, Process>,
    /// How many there were.
    count: u64,
}

impl Processes {
    /// Their machine dies. Their futures are dropped later, and the next ones may be known by then.
    pub(super) fn all_die(&mut self) {
        self.by_name.clear();
    }

    fn forget(&mut self, name: &str, number: u64) {
        if self.by_name.get(name).is_some_and(|process| process.number == number) {
            self.by_name.remove(name);
        }
    }
}

#[derive(Debug)]
struct Process {
    /// Which [`run`] it belongs to: the one before may be dropped late.
    number: u64,
    down: bool,
    paused: bool,
    /// How often it crashed. It may be up again when its future comes to see that it was down.
    crashes: u64,
    waker: Option<Waker>,
}

/// How a process fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs.
    Runs,
    /// It stands still.
    Paused,
    /// It has crashed.
    Down,
}

/// Ends one process of a machine: its future is dropped, its sockets close. Does nothing if the machine runs none of
/// this name.
pub fn crash_process(host: MachineId, name: &str) {
    change(host, name, |process| {
        // There is nothing left that could stand still.
        (process.down, process.paused) = (true, false);
        process.crashes += 1;
    });
}

/// Starts a process that crashed again.
pub fn restart_process(host: MachineId, name: &str) {
    change(host, name, |process| process.down = false);
}

/// Stops one process of a machine where it stands.
pub fn pause_process(host: MachineId, name: &str) {
    change(host, name, |process| process.paused = true);
}

/// Lets a process that stands still go on.
pub fn resume_process(host: MachineId, name: &str) {
    change(host, name, |process| process.paused = false);
}

/// How a process of a machine fares; none if the machine runs none of this name.
pub fn process_state(host: MachineId, name: &str) -> Option<ProcessState> {
    with(|world| {
        let process = world.ground.machines.processes(host).by_name.get(name)?;
        Some(match process {
            Process { down: true, .. } => ProcessState::Down,
            Process { paused: true, .. } => ProcessState::Paused,
            Process { .. } => ProcessState::Runs,
        })
    })
}

fn change(host: MachineId, name: &str, change: impl FnOnce(&mut Process)) {
    with(|world| {
        let Some(process) = world.ground.machines.processes(host).by_name.get_mut(name) else { return };
        change(process);
        if let Some(waker) = process.waker.take() {
            waker.wake();
        }
    });
}

/// See [`crate::process::run`].
pub(crate) async fn run<Life: Future>(name: &'static str, mut make: impl FnMut() -> Life) -> Life::Output {
    let known = Known::new(name);
    loop {
        poll_fn(|context| known.poll(context.waker(), |process| (!process.down).then_some(()))).await;
        let born = known.with(|process| process.crashes);
        let mut life = pin!(make());
        // Not within the look: the process runs code of its own, and the world is lent there.
        let ended = poll_fn(|context| {
            let has_crashed = known.poll(context.waker(), |process| {
                let has_crashed = process.crashes != born;
                (has_crashed || !process.paused).then_some(has_crashed)
            });
            if ready!(has_crashed) { Poll::Ready(None) } else { life.as_mut().poll(context).map(Some) }
        });
        if let Some(output) = ended.await {
            return output;
        }
    }
}

/// A process that the world knows, until this is dropped.
struct Known {
    host: MachineId,
    name: &'static str,
    number: u64,
}

impl Known {
    fn new(name: &'static str) -> Self {
        with(|world| {
            let host = world.current_host().expect("processes belong to nodes");
            let processes = world.ground.machines.processes(host);
            processes.count += 1;
            let number = processes.count;
            let process = Process { number, down: false, paused: false, crashes: 0, waker: None };
            let other = processes.by_name.insert(name, process);
            assert!(other.is_none(), "{} runs a process {name} already", world.name(host));
            Known { host, name, number }
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Process) -> T) -> T {
        with(|world| {
            let process = world.ground.machines.processes(self.host).by_name.get_mut(self.name);
            look(process.expect("a process is known while it runs"))
        })
    }

    /// Looks at what has befallen the process. Where the answer is none yet, the next change wakes.
    fn poll<T>(&self, waker: &Waker, look: impl FnOnce(&Process) -> Option<T>) -> Poll<T> {
        self.with(|process| {
            match &mut process.waker {
                Some(kept) => kept.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            look(process).map_or(Poll::Pending, Poll::Ready)
        })
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        try_with(|world| world.ground.machines.processes(self.host).forget(self.name, self.number));
    }
}
