//! A lab: a world to drive by hand, and what makes a run of it repeat to the byte.
//!
//! Start here. [`run`] makes a world, hands it to a test, and takes it down afterwards. The test is the supervisor: it
//! boots machines, starts tasks on them, cuts links, pulls plugs, and looks at what comes of it. Whoever has a run of
//! their own, with phases and a verdict, drops to [`on_fresh_thread`] (or [`prepared`], for a thread of their own) and
//! [`simulate`], which [`run`] is made of.
//!
//! ```
//! use host::net::{TcpListener, TcpStream};
//! use host::world::{self, Config, Death, lab};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let lines = lab::run(Config::new(7, lab::machines(2)), async |lab| {
//!     let server = lab.boot(async || {
//!         let listener = TcpListener::bind("0.0.0.0:7000").await?;
//!         loop {
//!             let (mut stream, _) = listener.accept().await?;
//!             stream.write_all(b"hello").await?;
//!         }
//!         # #[expect(unreachable_code, reason = "it gives the block its type")]
//!         # std::io::Result::Ok(())
//!     });
//!     let client = lab.machine();
//!     let ask = || async move {
//!         let mut text = String::new();
//!         TcpStream::connect("n1:7000").await?.read_to_string(&mut text).await?;
//!         std::io::Result::Ok(text)
//!     };
//!     let hello = lab.on(client, ask()).await.unwrap();
//!     world::crash(server, Death::Process);
//!     let refused = lab.on(client, ask()).await.unwrap();
//!     (hello.unwrap(), refused.unwrap_err().kind())
//! });
//! assert_eq!(lines, ("hello".to_owned(), std::io::ErrorKind::ConnectionRefused));
//! ```
//!
//! # The recipe
//!
//! madsim alone does not repeat `select!`, the wake order of `watch`, or the order of hash maps when several runs share
//! a process. So every run gets
//!
//! 1. a real tokio runtime with a seeded RNG, built *outside* of the run's thread (it drives nothing, but `select!` and
//!    `watch` take their randomness from it),
//! 2. a fresh thread,
//! 3. hash keys primed by a throw-away madsim runtime of the same seed (it answers the thread's first `getrandom`),
//! 4. no cooperative budget, which the whole run would otherwise share.
//!
//! `docs/decisions/determinism.md` has the evidence.
//!
//! # Set-up and dismantling
//!
//! The runtime learns of the world before any machine is made; the world is there before its driver; machines are made
//! in the order of [`Config::machines`]. At the end every machine loses its power, since what a dropped runtime has not
//! finished leaks; their futures go at the next instant, and the world after them, whose sockets they close.

use super::machine::Hook;
use super::{Config, Death, Machine, MachineId, Placed, crash, with};
use madsim::runtime::{Handle, Runtime};
use madsim::task::JoinHandle;
use real_tokio::runtime::{Builder, RngSeed};
use std::collections::hash_map::RandomState;
use std::hint::black_box;
use std::panic::Location;
use std::pin::Pin;

/// Whether this crate was compiled with optimisation. Without it a run takes many times as long.
pub const OPTIMISED: bool = !matches!(env!("SPLITBRAIN_OPT_LEVEL").as_bytes(), b"0" | b"");

/// Runs a test in a world, on a fresh thread, and waits for it. A panic of the test's is the caller's.
pub fn run<T, F>(config: Config, test: impl FnOnce(Lab) -> F + Send) -> T
where
    T: Send,
    F: Future<Output = T>,
{
    on_fresh_thread(config.seed, move || simulate(&config, test))
}

/// Machines n1, n2, … at 10.0.0.1, 10.0.0.2, …, whose clocks are right.
pub fn machines(count: u8) -> Vec<Machine> {
    (1..=count).map(|number| Machine::new(format!("n{number}"), [10, 0, 0, number])).collect()
}

/// A world under way, for the one who drives it. [`with`] lends the world itself.
#[derive(Debug, Clone, Copy)]
pub struct Lab(());

impl Lab {
    /// Makes the next machine of [`Config::machines`], which runs this from now on, and again after each
    /// [restart](super::restart).
    ///
    /// # Panics
    ///
    /// When all machines are made.
    pub fn boot<F: Future + 'static>(self, start: impl Fn() -> F + Send + Sync + 'static) -> MachineId {
        let (machine, name) = next();
        Handle::current().create_node().name(name).init(start).build();
        machine
    }

    /// Makes the next machine of [`Config::machines`], without a task of its own.
    ///
    /// # Panics
    ///
    /// When all machines are made.
    pub fn machine(self) -> MachineId {
        let (machine, name) = next();
        Handle::current().create_node().name(name).build();
        machine
    }

    /// Starts a task on a machine, in its present life. It gives none where the machine dies first.
    ///
    /// # Panics
    ///
    /// When the machine is not made yet.
    pub fn on<F>(self, machine: MachineId, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // Boxed: an executor for each would take minutes to compile.
        let task: Pin<Box<dyn Future<Output = F::Output> + Send>> = Box::pin(task);
        let node = with(|world| world.ground.machines.node(machine));
        Handle::current().get_node(node).expect("the world knows those that were made").spawn(task)
    }
}

/// The machine that is made next, and its name.
fn next() -> (MachineId, String) {
    with(|world| {
        let machine = MachineId::new(world.ground.machines.made());
        assert!(
            machine.index() < world.machines(),
            "there are {} machines, and all are made",
            world.machines()
        );
        (machine, world.name(machine).to_owned())
    })
}

/// Runs a test in a world, on the calling thread, which must be [prepared] for the seed.
pub fn simulate<T, F: Future<Output = T>>(config: &Config, test: impl FnOnce(Lab) -> F) -> T {
    let mut outcome = None;
    let filled = &mut outcome;
    // Boxed, too.
    in_world(config, Box::new(move |lab| Box::pin(async move { *filled = Some(test(lab).await) })));
    outcome.expect("the test is done")
}

/// A test without its types.
trait Test<'t>: FnOnce(Lab) -> Pin<Box<dyn Future<Output = ()> + 't>> {}

impl<'t, F: FnOnce(Lab) -> Pin<Box<dyn Future<Output = ()> + 't>>> Test<'t> for F {}

fn in_world<'t>(config: &Config, test: Box<dyn Test<'t> + 't>) {
    let runtime = Runtime::with_seed_and_config(config.seed, madsim::Config::default());
    runtime.add_simulator::<Hook>();
    runtime.block_on(async {
        let placed = Placed::new(config);
        test(Lab(())).await;
        let made = with(|world| world.ground.machines.made());
        MachineId::first(made).for_each(|machine| crash(machine, Death::Power));
        placed.dismantle().await;
    });
}

/// Calls `run` on a fresh thread prepared for `seed`, and waits for it, for ever if need be.
pub fn on_fresh_thread<T: Send>(seed: u64, run: impl FnOnce() -> T + Send) -> T {
    let prepared = prepared(seed, run);
    let ended = std::thread::scope(|scope| scope.spawn(prepared).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What a fresh thread has to do first of all and alone, so that `run` sees nothing but its seed there.
pub fn prepared<T: Send>(seed: u64, run: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    prepared_and_told(seed, |_| {}, run)
}

/// The same; `told` hears on that thread of each task that is spawned on the *real* tokio, which is never polled.
pub fn prepared_and_told<T: Send>(
    seed: u64,
    told: impl Fn(&Location<'_>) + Send + Sync + 'static,
    run: impl FnOnce() -> T + Send,
) -> impl FnOnce() -> T + Send {
    let tokio = Builder::new_current_thread()
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .on_task_spawn(move |task| told(task.spawned_at()))
        .build()
        .expect("a runtime without drivers asks nothing of the system");
    move || {
        Runtime::with_seed_and_config(seed, madsim::Config::default()).block_on(async {
            black_box(RandomState::new());
        });
        // Through the handle: the seeded RNG without a scheduler, whose list of yielded tasks nobody would serve.
        tokio.handle().block_on(real_tokio::task::unconstrained(async { run() }))
    }
}
