//! Threads for runs: prepared by the recipe of [`lab`], and with an ear for panics.
//!
//! A node that panics is a finding. What is known of it is kept as evidence, with the machine whose task it was.

use super::{quiet, substrate};
use crate::check::judging;
use host::world::lab;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IN_RUN: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// A panic inside a run.
#[derive(Debug)]
pub(super) struct Panic {
    /// The machine whose task panicked, or the checker that did; `madsim-main` for the testbed.
    pub(super) machine: String,
    pub(super) message: String,
    pub(super) location: String,
    /// Its symbols are looked up where it is shown, which takes 150 MB: a node may catch its panics, and nobody looks.
    pub(super) backtrace: Backtrace,
}

impl Panic {
    /// What the violation says.
    pub(super) fn evidence(&self) -> String {
        format!("{} panicked at {}: {}", self.machine, self.location, self.message)
    }
}

/// The machine whose task runs on this thread: under madsim the host name is the machine's.
pub(super) fn machine() -> String {
    hostname::get().unwrap_or_default().to_string_lossy().into_owned()
}

/// Calls `run` on a fresh thread prepared for `seed`, and waits for it, for ever if need be.
pub fn on_fresh_thread<T: Send>(seed: u64, run: impl FnOnce() -> T + Send) -> T {
    let prepared = prepared(seed, run);
    std::thread::scope(|scope| {
        let thread = named().spawn_scoped(scope, prepared).expect(ROOM);
        thread.join().map_or_else(|payload| std::panic::resume_unwind(payload), ended)
    })
}

/// A thread that runs on its own.
pub(super) type Running = std::thread::JoinHandle<Result<(), Option<Panic>>>;

/// Starts `run` on a fresh thread prepared for `seed`.
pub(super) fn start(seed: u64, run: impl FnOnce() + Send + 'static) -> Running {
    named().spawn(prepared(seed, run)).expect(ROOM)
}

/// Waits for a thread to end.
pub(super) fn finish(running: Running) -> ! {
    match running.join() {
        Ok(result) => ended(result),
        Err(payload) => std::panic::resume_unwind(payload),
    }
    unreachable!("a run that ends without a panic sends its result")
}

const ROOM: &str = "the system has room for one more thread";

fn named() -> std::thread::Builder {
    std::thread::Builder::new().name("run".into())
}

fn prepared<T: Send>(
    seed: u64,
    run: impl FnOnce() -> T + Send,
) -> impl FnOnce() -> Result<T, Option<Panic>> + Send {
    collect_panics();
    let prepared = lab::prepared_and_told(seed, substrate::task_spawned, run);
    move || {
        IN_RUN.set(true);
        let result = catch_unwind(AssertUnwindSafe(prepared)).map_err(|_| take_panic());
        quiet::release();
        result
    }
}

/// What a thread returned. What nodes do is caught inside of the run: a panic here is the testbed's own.
fn ended<T>(result: Result<T, Option<Panic>>) -> T {
    match result {
        Ok(done) => done,
        Err(Some(Panic { message, location, backtrace, .. })) => {
            panic!("the testbed panicked at {location}: {message}\n{backtrace}")
        }
        Err(None) => panic!("the testbed panicked outside of its hook"),
    }
}

/// The panic that ended this thread's run.
pub(super) fn take_panic() -> Option<Panic> {
    quiet::release();
    PANIC.take()
}

/// From now on a panic inside a run is kept as evidence instead of being printed.
fn collect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IN_RUN.get() {
                return otherwise(info);
            }
            let message = info.payload_as_str().unwrap_or("a panic without a message").to_owned();
            let location = info.location().map(ToString::to_string).unwrap_or_default();
            let machine = judging::take().map_or_else(machine, |checker| format!("the checker {checker}"));
            let backtrace = Backtrace::force_capture();
            PANIC.set(Some(Panic { machine, message, location, backtrace }));
            quiet::hold();
        }));
    });
}
