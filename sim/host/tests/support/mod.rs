//! A simulated run without the testbed: a few machines, and a test that plays the supervisor.

use host::world::lab::{self, Lab};
use host::world::{Config, MachineId};
use madsim::task::JoinHandle;
use std::time::Duration;

/// No test takes longer than this in simulated time; what does hangs.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The machines of a run, and the tasks that a test starts on them.
#[derive(Clone)]
pub struct Cluster(Lab);

impl Cluster {
    /// Starts a task on a machine, in its present life.
    pub fn on<F>(&self, machine: MachineId, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.on(machine, task)
    }
}

/// A world of `count` machines n1, n2, … whose links take 10 ms.
pub fn machines(seed: u64, count: u8) -> Config {
    Config::new(seed, lab::machines(count))
}

/// Runs a test in a world whose machines are all made.
pub fn simulate<T, F>(config: Config, test: impl FnOnce(Cluster) -> F + Send) -> T
where
    T: Send,
    F: Future<Output = T>,
{
    let machines = config.machines.len();
    lab::run(config, |lab| {
        for _ in 0..machines {
            lab.machine();
        }
        let test = test(Cluster(lab));
        async { tokio::time::timeout(PATIENCE, test).await.expect("the test hangs") }
    })
}
