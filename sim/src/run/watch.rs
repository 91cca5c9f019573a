//! Watches a run's thread from outside, for a node that never gives it back.
//!
//! A node that computes without ever awaiting (*spins*), or that waits for something outside of the simulation
//! (*blocks*: a lock, a real socket, a real sleep), keeps its thread, so nothing inside of the run can notice. From
//! outside it looks like a run in which nothing is observed any more. What tells it from a run that merely does not get
//! to work, on a machine that is busy, is the thread's own account:
//!
//! - it spins if it used [`SPINS_AFTER`] of *processor time* since the last observed event;
//! - it blocks if it slept at [`BLOCKS_AFTER`] looks in a row, used no processor time meanwhile, and no other thread of
//!   the process had anything to do that it may have waited for.
//!
//! A thread that is stopped or held to a thousandth of a processor is neither. The real clock decides only how often one
//! looks. Such a run is given up: its thread cannot be ended. To name the node, the same run is started once more with
//! every task's begin noted down, which is too slow to do always; the seed makes it stand still at the same place. Where
//! the second run does not, or does so at another instant, the first proves nothing about the node: that is
//! nondeterminism, and no violation.
//!
//! Where the system does not tell what a thread used (it is read from Linux' `/proc`), [`WITHOUT_ACCOUNT`] looks decide,
//! and nobody can say which of the two it is.

use super::polled::Polled;
use super::thread;
use host::world;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often whoever waits for a run is asked whether it still wants it.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// So much processor time without an event is too much.
const SPINS_AFTER: Duration = Duration::from_secs(10);
/// The same for the second run, of which it is known.
const SPINS_AFTER_KNOWING: Duration = Duration::from_secs(3);
/// At so many looks in a row it slept.
const BLOCKS_AFTER: u32 = 10;
/// At so many looks in a row nothing had happened, where no account is kept.
const WITHOUT_ACCOUNT: u32 = 60;
/// Processor time is counted in these (`USER_HZ` is 100 on Linux).
const TICK: Duration = Duration::from_millis(10);

thread_local! {
    static HEARTBEAT: RefCell<Option<Arc<AtomicU64>>> = const { RefCell::new(None) };
}

/// What the heartbeat shows when the run is over and is being judged, which has limits of its own.
const JUDGING: u64 = u64::MAX;

/// The run of this thread is over: from now on it is judged, and no longer watched.
pub(super) fn judging() {
    if let Some(heartbeat) = HEARTBEAT.take() {
        heartbeat.store(JUDGING, Ordering::Relaxed);
    }
}

/// How a node keeps the thread of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// It computes.
    Spins,
    /// It waits for something that is not simulated.
    Blocks,
    /// Either.
    Keeps,
}

impl Stuck {
    /// What the second run did not confirm.
    pub(super) fn unconfirmed(self) -> &'static str {
        match self {
            Stuck::Spins => "a node computed for ten seconds in the first run, and not in the second",
            Stuck::Blocks => "a node blocked its thread in the first run, and not in the second",
            Stuck::Keeps => "a node kept its thread for a minute in the first run, and not in the second",
        }
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum GivenUp<T> {
    /// A node keeps the thread, in the second run too.
    Stuck {
        how: Stuck,
        /// The machine, if the second run told.
        machine: Option<String>,
        /// When the last event was observed, in ns since the run began.
        at_ns: u64,
    },
    /// The first run was given up, and the second one ended.
    Unconfirmed { how: Stuck, second: T },
    /// Both were given up, after different events: when the last one was, in ns since the run began.
    Elsewhere { at_ns: [u64; 2] },
    /// Whoever waited wants it no longer.
    Unwanted,
}

/// Calls `run` on a fresh thread prepared for `seed`, and waits for it as long as it gets anywhere and `unwanted` says
/// no. `again` is the same run, for the second time.
pub(super) fn on_fresh_thread<T: Send + 'static>(
    seed: u64,
    unwanted: &dyn Fn() -> bool,
    run: impl FnOnce() -> T + Send + 'static,
    again: impl FnOnce() -> T + Send + 'static,
) -> Result<T, GivenUp<T>> {
    let (how, at_ns) = match attempt(seed, SPINS_AFTER, unwanted, run) {
        Ended::Done(done) => return Ok(done),
        Ended::Unwanted => return Err(GivenUp::Unwanted),
        Ended::Stuck(how, at_ns) => (how, at_ns),
    };
    let polled = Polled::default();
    let layer = polled.clone();
    let named = move || tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), again);
    Err(match attempt(seed, SPINS_AFTER_KNOWING, unwanted, named) {
        Ended::Done(second) => GivenUp::Unconfirmed { how, second },
        Ended::Unwanted => GivenUp::Unwanted,
        Ended::Stuck(_, again_ns) if again_ns != at_ns => GivenUp::Elsewhere { at_ns: [at_ns, again_ns] },
        Ended::Stuck(..) => GivenUp::Stuck { how, machine: polled.machine(), at_ns },
    })
}

enum Ended<T> {
    Done(T),
    Unwanted,
    Stuck(Stuck, u64),
}

fn attempt<T: Send + 'static>(
    seed: u64,
    spins_after: Duration,
    unwanted: &dyn Fn() -> bool,
    run: impl FnOnce() -> T + Send + 'static,
) -> Ended<T> {
    let heartbeat = Arc::new(AtomicU64::new(0));
    let account = Arc::new(OnceLock::new());
    let (beats, of_thread) = (heartbeat.clone(), account.clone());
    let (sender, result) = sync_channel(1);
    let whole = move || {
        // A system that does not tell leaves it unset.
        let _ = std::fs::read_link("/proc/thread-self").map(|thread| of_thread.set(thread));
        world::beat(heartbeat.clone());
        HEARTBEAT.set(Some(heartbeat));
        // Nobody waits any more for a run that was given up.
        let _ = sender.send(run());
    };
    let running = thread::start(seed, whole);
    let mut patience = Patience::new(spins_after);
    let mut asked: u128 = 0;
    loop {
        match result.recv_timeout(ASK_EVERY) {
            Ok(done) => return Ended::Done(done),
            // It panicked, and joining tells how.
            Err(RecvTimeoutError::Disconnected) => thread::finish(running),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if unwanted() {
            return Ended::Unwanted;
        }
        asked += 1;
        if asked.is_multiple_of(LOOK_EVERY.as_millis() / ASK_EVERY.as_millis()) {
            let beat = beats.load(Ordering::Relaxed);
            let account = account.get().and_then(|thread| Account::read(thread));
            if let Some(how) = patience.look(beat, account) {
                return Ended::Stuck(how, beat);
            }
        }
    }
}

/// What the system tells of a thread.
#[derive(Debug, Clone, Copy)]
struct Account {
    /// The processor time that it has used.
    used: Duration,
    /// It sleeps, and so does every other thread of the process: none that could be waited for has anything to do.
    all_asleep: bool,
}

impl Account {
    /// Reads it: `thread` is its place below `/proc`.
    fn read(thread: &Path) -> Option<Account> {
        let stat = |path: PathBuf| {
            let text = std::fs::read_to_string(path.join("stat")).ok()?;
            // After the name, which may hold anything: the state, and as 12th and 13th word the ticks in user and kernel.
            let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks: u32 = words.get(11)?.parse::<u32>().ok()? + words.get(12)?.parse::<u32>().ok()?;
            Some((*words.first()? == "S", TICK * ticks))
        };
        let own = std::fs::read_link("/proc/thread-self").ok()?;
        let (sleeps, used) = stat(Path::new("/proc").join(thread))?;
        let others_sleep = || {
            let threads = std::fs::read_dir("/proc/self/task").ok()?;
            let mut others = threads.flatten().filter(|thread| Some(&*thread.file_name()) != own.file_name());
            Some(others.all(|thread| stat(thread.path()).is_none_or(|(sleeps, _)| sleeps)))
        };
        Some(Account { used, all_asleep: sleeps && others_sleep()? })
    }
}

/// How much longer a run is waited for.
struct Patience {
    spins_after: Duration,
    /// The heartbeat at the last look, and what had been used when it last changed, and at the last look.
    beat: u64,
    used: Duration,
    used_last: Duration,
    /// Looks in a row at which it slept and had used nothing since the last, and at which nothing had happened.
    asleep: u32,
    silent: u32,
}

impl Patience {
    fn new(spins_after: Duration) -> Self {
        let used = Duration::ZERO;
        Patience { spins_after, beat: 0, used, used_last: used, asleep: 0, silent: 0 }
    }

    /// Another look, [`LOOK_EVERY`] or later after the last.
    fn look(&mut self, beat: u64, account: Option<Account>) -> Option<Stuck> {
        if beat != self.beat || beat == JUDGING {
            let used = account.map_or(Duration::ZERO, |account| account.used);
            *self = Patience { beat, used, used_last: used, ..Patience::new(self.spins_after) };
            return None;
        }
        self.silent += 1;
        let Some(Account { used, all_asleep }) = account else {
            return (self.silent >= WITHOUT_ACCOUNT).then_some(Stuck::Keeps);
        };
        let did_nothing = all_asleep && used == std::mem::replace(&mut self.used_last, used);
        self.asleep = if did_nothing { self.asleep + 1 } else { 0 };
        if used >= self.used + self.spins_after {
            Some(Stuck::Spins)
        } else {
            (self.asleep >= BLOCKS_AFTER).then_some(Stuck::Blocks)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(used_ms: u64, all_asleep: bool) -> Option<Account> {
        Some(Account { used: Duration::from_millis(used_ms), all_asleep })
    }

    #[test]
    fn a_run_that_gets_no_processor_is_waited_for_as_long_as_it_takes() {
        let mut patience = Patience::new(SPINS_AFTER);
        assert!((0..100_000).all(|look| patience.look(7, account(look / 1000, false)).is_none()));
    }

    #[test]
    fn a_run_that_computes_without_an_event_spins() {
        let mut patience = Patience::new(SPINS_AFTER);
        let given_up = (0..100).position(|look| patience.look(7, account(1000 * look, false)).is_some());
        // The first look sees the event.
        assert_eq!(given_up, Some(10));
    }

    #[test]
    fn a_run_in_which_something_happens_does_not_spin_however_slow_it_is() {
        let mut patience = Patience::new(SPINS_AFTER);
        assert!((0..1000).all(|look| patience.look(look / 5, account(1000 * look, false)).is_none()));
    }

    #[test]
    fn a_run_that_sleeps_while_nobody_works_blocks() {
        let mut patience = Patience::new(SPINS_AFTER);
        let given_up = (0..100).find_map(|_| patience.look(7, account(5, true)));
        assert_eq!(given_up, Some(Stuck::Blocks));
    }

    #[test]
    fn a_run_that_now_and_then_works_for_a_moment_does_not_block() {
        let mut patience = Patience::new(SPINS_AFTER);
        assert!((0..900).all(|look| patience.look(7, account(10 * (look / 9), true)).is_none()));
    }

    #[test]
    fn where_no_account_is_kept_a_minute_decides() {
        let mut patience = Patience::new(SPINS_AFTER);
        let given_up = (0..100).find_map(|look| Some((look, patience.look(7, None)?)));
        assert_eq!(given_up, Some((60, Stuck::Keeps)));
    }

    #[test]
    fn a_run_that_may_wait_for_a_working_thread_does_not_block() {
        let mut patience = Patience::new(SPINS_AFTER);
        assert!((0..1000).all(|look| patience.look(7, account(5, look % 9 != 0)).is_none()));
    }

    #[test]
    fn a_run_that_is_being_judged_is_not_watched() {
        let mut patience = Patience::new(SPINS_AFTER);
        assert!((0..1000).all(|look| patience.look(JUDGING, account(1000 * look, true)).is_none()));
    }
}
