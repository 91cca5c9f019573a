//! A simulated run without the testbed: a few machines, and a test that plays the supervisor.
//!
//! The recipe is that of `sim/src/run/thread.rs`: a seeded tokio under a fresh thread, with primed hash keys.

use futures::future::{BoxFuture, LocalBoxFuture};
use host::world::{self, Config, Death, Latency, Machine, MachineId, Machines};
use madsim::runtime::{Handle, Runtime};
use madsim::task::{JoinHandle, NodeId};
use real_tokio::runtime::{Builder, RngSeed};
use std::collections::hash_map::RandomState;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// No test takes longer than this in simulated time; what does hangs.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The machines of a run, and the tasks that a test starts on them.
#[derive(Clone)]
pub struct Cluster {
    nodes: Vec<NodeId>,
}

impl Cluster {
    /// Starts a task on a machine, in its present life.
    pub fn on<F>(&self, machine: MachineId, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task: BoxFuture<'static, F::Output> = Box::pin(task);
        Handle::current().get_node(self.nodes[machine.index()]).expect("it was created").spawn(task)
    }
}

/// A world of `count` machines n1, n2, … whose links take 10 ms.
pub fn machines(seed: u64, count: u8) -> Config {
    let machine = |id: u8| Machine {
        name: format!("n{id}"),
        ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, id)),
        clock_offset_ns: 0,
        clock_drift_ppb: 0,
    };
    Config {
        seed,
        machines: (1..=count).map(machine).collect(),
        latency: Latency::constant(Duration::from_millis(10)),
        loss: 0.0,
        buggify: false,
        recording: false,
    }
}

/// A test, boxed: an executor for each would take minutes to compile.
struct Test<'a>(Box<dyn FnOnce(Cluster) -> LocalBoxFuture<'a, ()> + Send + 'a>);

/// Runs a test in a world.
pub fn simulate<T, F>(config: Config, test: impl FnOnce(Cluster) -> F + Send) -> T
where
    T: Send,
    F: Future<Output = T>,
{
    let mut outcome = None;
    let filled = &mut outcome;
    let test = move |cluster| -> LocalBoxFuture<'_, ()> {
        Box::pin(async move { *filled = Some(test(cluster).await) })
    };
    run(config, Test(Box::new(test)));
    outcome.expect("the test is done")
}

fn run(config: Config, test: Test<'_>) {
    let seed = config.seed;
    let tokio = Builder::new_current_thread()
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .build()
        .expect("a runtime without drivers asks nothing of the system");
    let run = move || {
        Runtime::with_seed_and_config(seed, madsim::Config::default()).block_on(async {
            black_box(RandomState::new());
        });
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.add_simulator::<Machines>();
        let run = async { runtime.block_on(phases(config, test)) };
        // Through the handle: a scheduler of tokio's own would keep the wakers of `yield_now`, and never return them.
        tokio.handle().block_on(real_tokio::task::unconstrained(run));
    };
    std::thread::scope(|scope| {
        scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

async fn phases(config: Config, Test(test): Test<'_>) {
    let names: Vec<String> = config.machines.iter().map(|machine| machine.name.clone()).collect();
    let installed = world::install(config);
    let handle = Handle::current();
    let nodes = names.iter().map(|name| handle.create_node().name(name).build().id()).collect();
    tokio::time::timeout(PATIENCE, test(Cluster { nodes })).await.expect("the test hangs");
    for machine in MachineId::first(names.len()) {
        world::crash(machine, Death::Power);
    }
    installed.dismantle().await;
}
