//! One run, from a resolved plan to its verdict.
//!
//! 1. **Boot.** Machines are created, every node starts, and has a second to find the others.
//! 2. **Fault phase.** Clients work and the nemesis strikes, for as long as the workload says. Invariants are
//!    evaluated after each step that published a probe.
//! 3. **Heal phase.** All faults end (what is permanent stays), clients stop, and within `settle` the system must have
//!    converged: the convergence checker holds at every look for a second, every 100 ms.
//! 4. **Verdict.**
//!
//! The digest is taken at the verdict; then everything is dismantled, so that no future leaks.

mod nemesis;
mod report;
mod thread;
mod tracing_layer;
mod watch;
mod workload;

pub use report::{Json, Met, Operations, Recording, Report, Verdict, Violation};
pub use thread::on_fresh_thread;

use crate::check::{self, Checkers, Seen, Views};
use crate::history::History;
use crate::latency::Sample;
use crate::scenario::{Name, Network, Nodes, Scenario};
use crate::system::{AnySystem, NodeContext, System};
use host::world::lab::{self, Lab};
use host::world::{self, Config, Digest, Draw, Machine, MachineId, Observed, Phase, Stream};
use nemesis::Nemesis;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use workload::Workload;

/// How long nodes have to find each other before clients and faults begin.
const BOOT: Duration = Duration::from_secs(1);
/// How often convergence is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long convergence must hold without break.
const STABLE: Duration = Duration::from_secs(1);
/// The port that nodes listen on.
const PORT: u16 = 7000;

/// Runs a scenario once, on a fresh thread. A node that spins ends the run with a violation; its thread goes on until
/// the process ends.
pub fn once(
    system: &'static dyn AnySystem,
    scenario: &Scenario,
    seed: u64,
    recording: bool,
) -> (Report, Option<Recording>) {
    let start = Instant::now();
    let plan = scenario.resolve(seed);
    let run = move || system.run(&plan, seed, recording);
    let (mut report, recording) = watch::on_fresh_thread(seed, run)
        .unwrap_or_else(|spin| (Report::of_a_spin(seed, spin.machine), None));
    report.wall = start.elapsed();
    (report, recording)
}

/// What the tasks of a run share with its end.
struct Shared<S: System>(Mutex<Progress<S>>);

struct Progress<S: System> {
    history: History<S::Op, S::Ret>,
    operations: Operations,
    latencies: Vec<Sample>,
    clients_done: u32,
    faults_active: usize,
    faults_struck: u64,
    violations: Vec<Violation>,
}

impl<S: System> Shared<S> {
    fn new() -> Self {
        Shared(Mutex::new(Progress {
            history: History::default(),
            operations: Operations::default(),
            latencies: Vec::new(),
            clients_done: 0,
            faults_active: 0,
            faults_struck: 0,
            violations: Vec::new(),
        }))
    }

    /// A panic elsewhere leaves the progress as it was: every update is complete or has not begun.
    fn update<T>(&self, f: impl FnOnce(&mut Progress<S>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the first violation of each checker: the rest is its consequence.
    fn violated(&self, checker: &str, message: String) {
        let at_ms = world::with(|world| world.now_ns()) / 1_000_000;
        self.update(|progress| {
            if progress.violations.iter().all(|violation| violation.checker != checker) {
                progress.violations.push(Violation { checker: checker.to_owned(), at_ms, message });
            }
        });
    }
}

/// What the world says at the verdict.
struct Ending {
    digest: Digest,
    simulated: Duration,
    events: u64,
    messages: u64,
    probes: BTreeMap<&'static str, u64>,
    converged_after: Option<Duration>,
    views: Vec<Option<serde_json::Value>>,
    trace: Vec<world::TraceEvent>,
}

impl Ending {
    fn take(nodes: u32, converged_after: Option<Duration>) -> Self {
        let recording = world::with(|world| world.recording());
        let views = if recording {
            MachineId::first(nodes as usize).map(world::view_json).collect()
        } else {
            Vec::new()
        };
        world::with(|world| Ending {
            digest: world.digest(),
            simulated: Duration::from_nanos(world.now_ns()),
            events: world.events(),
            messages: world.messages(),
            probes: world.probe_hits().clone(),
            converged_after,
            views,
            trace: world.take_trace(),
        })
    }
}

/// Runs a resolved plan on this thread. See [`AnySystem::run`].
pub(crate) fn run<S: System>(
    system: &'static S,
    plan: &Scenario,
    seed: u64,
    recording: bool,
) -> (Report, Option<Recording>) {
    let shared = Arc::new(Shared::<S>::new());
    let everything = || {
        let config = Config {
            seed,
            machines: machines(plan, seed),
            latency: plan.network.latency.in_the_world(),
            loss: plan.network.loss,
            buggify: plan.cluster.buggify,
            recording,
        };
        lab::simulate(config, |lab| phases(system, plan, seed, lab, &shared))
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if recording { tracing_layer::collect(everything) } else { everything() }
    }));
    let ending = outcome.unwrap_or_else(|payload| {
        let Some(panic) = thread::take_panic() else { std::panic::resume_unwind(payload) };
        let evidence = format!("{} panicked at {}: {}", panic.machine, panic.location, panic.message);
        shared.violated(check::PANIC, evidence);
        world::with(|world| world.note(Observed::Phase, "panic", || panic.backtrace, &[]));
        Ending::take(0, None)
    });
    watch::judging();
    shared.update(|progress| {
        let (mut violations, mut unknown) = (std::mem::take(&mut progress.violations), None);
        for ruling in check::at_the_end(system, plan.check.linearizable.as_deref(), &progress.history) {
            let at_ms = ruling.at_ns.unwrap_or_default() / 1_000_000;
            match ruling.verdict {
                Verdict::Valid => {}
                Verdict::Violation => {
                    let checker = check::LINEARIZABLE.to_owned();
                    violations.push(Violation { checker, at_ms, message: ruling.summary });
                }
                Verdict::Unknown => unknown = Some(ruling.summary),
            }
        }
        let report = Report {
            seed,
            violations,
            unknown,
            digest: ending.digest,
            simulated: ending.simulated,
            converged_after: ending.converged_after,
            events: ending.events,
            messages: ending.messages,
            operations: progress.operations,
            latencies: std::mem::take(&mut progress.latencies),
            probes: ending.probes,
            wall: Duration::ZERO,
        };
        let recording = recording.then(|| Recording {
            history: progress.history.lines(),
            trace: ending.trace,
            machines: machines(plan, seed).into_iter().map(|machine| machine.name).collect(),
            views: ending.views,
            plan: plan.clone(),
        });
        (report, recording)
    })
}

async fn phases<S: System>(
    system: &'static S,
    plan: &Scenario,
    seed: u64,
    lab: Lab,
    shared: &Arc<Shared<S>>,
) -> Ending {
    let nodes = node_count(plan);
    let (all, node_addresses) = world::with(|world| {
        let nodes = MachineId::first(nodes as usize);
        (world.machines(), nodes.map(|node| SocketAddr::new(world.ip(node), PORT)).collect::<Vec<_>>())
    });
    let options: S::Options =
        plan.cluster.options.clone().try_into().expect("a validated scenario has readable options");
    set_links(&plan.network, all);
    if let Some(disk) = &plan.disk {
        let set = |host| world::with(|world| world.set_disk(host, disk.in_the_world()));
        MachineId::first(nodes as usize)
            .try_for_each(set)
            .expect("a validated scenario has only disks that can be");
    }

    let start_ns = BOOT.as_nanos() as u64;
    let until_ns = start_ns + plan.workload.duration.as_nanos() as u64;
    let workload =
        Workload::new(system, plan, seed, options.clone(), node_addresses.clone(), until_ns, shared.clone());
    for id in 1..=nodes {
        let context = NodeContext { id, nodes: node_addresses.clone(), options: options.clone() };
        let shared = shared.clone();
        let boot = move || {
            let (node, shared) = (system.node(context.clone()), shared.clone());
            async move {
                let end = node.await;
                let why =
                    end.err().map_or_else(|| "without an error".to_owned(), |error| format!("with: {error}"));
                shared.violated(check::NODE, format!("n{id} stopped by itself, {why}"));
            }
        };
        lab.boot(boot);
    }
    let mut run = Run::new(system, plan, seed, start_ns, shared.clone());
    run.until(start_ns).await;

    phase(Phase::Faults);
    let workload = Arc::new(workload);
    for id in 1..=plan.workload.clients {
        let workload = workload.clone();
        lab.boot(move || workload.clone().client(id));
    }
    run.until(until_ns).await;

    phase(Phase::Heal);
    run.nemesis.heal();
    let converged_after = run.settle(plan.check.settle.get()).await;
    run.judge(None);
    phase(Phase::Verdict);
    Ending::take(nodes, converged_after)
}

/// Sets every link up as the plan says.
fn set_links(network: &Network, machines: usize) {
    let others = network.in_the_world();
    let all =
        MachineId::first(machines).flat_map(|from| MachineId::first(machines).map(move |to| (from, to)));
    let mut links: Vec<_> = all.map(|link| (link, others.clone())).collect();
    world::with(|world| {
        for link in &network.links {
            let settings = link.in_the_world(&others);
            let hosts = |names: &[Name]| -> Vec<_> {
                names.iter().filter_map(|name| world.host_named(&name.to_string())).collect()
            };
            for from in hosts(&link.from) {
                let to = hosts(&link.to).into_iter();
                links.extend(to.map(|to| ((from, to), settings.clone())));
            }
        }
        for ((from, to), settings) in links {
            world.set_link(from, to, settings).expect("a validated scenario has only links that can be");
        }
    });
}

/// A run under way: the nemesis and the checkers, at the pace of simulated time.
struct Run<S: System> {
    nodes: u32,
    clients: u32,
    nemesis: Nemesis,
    checkers: Checkers<S>,
    listens: bool,
    shared: Arc<Shared<S>>,
}

impl<S: System> Run<S> {
    fn new(system: &'static S, plan: &Scenario, seed: u64, start_ns: u64, shared: Arc<Shared<S>>) -> Self {
        let (nemesis, checkers) = (Nemesis::new(plan, seed, node_count(plan), start_ns), system.checkers());
        let listens = nemesis.listens() || !checkers.invariants.is_empty();
        Run { nodes: node_count(plan), clients: plan.workload.clients, nemesis, checkers, listens, shared }
    }

    /// Lets the world go on until an instant, in ns since the run began.
    async fn until(&mut self, deadline_ns: u64) {
        loop {
            let now = now_ns();
            self.nemesis.act(now);
            let (active, strikes) = self.nemesis.active_and_strikes();
            self.shared
                .update(|progress| (progress.faults_active, progress.faults_struck) = (active, strikes));
            self.judge_load();
            if now >= deadline_ns {
                return;
            }
            let next = self.nemesis.next_ns().map_or(deadline_ns, |next| next.min(deadline_ns));
            let sleep = tokio::time::sleep(Duration::from_nanos(next.saturating_sub(now)));
            if !self.listens {
                sleep.await;
                continue;
            }
            tokio::select! {
                biased;
                probes = world::next_probes() => {
                    for probe in &probes {
                        self.nemesis.on_probe(probe);
                        self.judge(Some(probe));
                    }
                }
                () = sleep => {}
            }
        }
    }

    /// Where too many messages are under way the world loses some, so nothing that follows can be judged.
    fn judge_load(&self) {
        if let Some(overload) = world::with(|world| world.overload().cloned()) {
            self.shared.violated(check::OVERLOAD, overload.to_string());
        }
    }

    /// Waits until everything that must hold eventually does, and stays so. Returns how long it took.
    async fn settle(&mut self, settle: Duration) -> Option<Duration> {
        let healed = now_ns();
        let mut holds_since = None;
        loop {
            let now = now_ns();
            match self.unmet() {
                None => {
                    let since = *holds_since.get_or_insert(now);
                    if now - since >= STABLE.as_nanos() as u64 {
                        return Some(Duration::from_nanos(since - healed));
                    }
                }
                Some((checker, reason)) => {
                    holds_since = None;
                    if now - healed >= settle.as_nanos() as u64 {
                        let reason =
                            format!("{} after the last fault: {reason}", humantime::format_duration(settle));
                        match self.beyond_recovery() {
                            None => self.shared.violated(checker, reason),
                            Some(why) => {
                                let evidence = format!("{why}; so {checker} is not judged ({reason})");
                                self.shared.violated(check::RECOVERABILITY, evidence);
                            }
                        }
                        return None;
                    }
                }
            }
            self.until(now + LOOK_EVERY.as_nanos() as u64).await;
            self.judge(None);
        }
    }

    /// Why the system need not recover from what was done to it.
    fn beyond_recovery(&self) -> Option<String> {
        self.checkers.recoverable.as_ref()?(&self.nemesis.harm()).err()
    }

    /// The first reason why the run cannot end well yet.
    fn unmet(&self) -> Option<(&'static str, String)> {
        let done = self.shared.update(|progress| progress.clients_done);
        if done < self.clients {
            let reason = format!("{} of {} clients still wait", self.clients - done, self.clients);
            return Some((check::ANSWERED, reason));
        }
        self.checkers.unmet(&Views::read(self.nodes))
    }

    fn judge(&mut self, probe: Option<&world::Probe>) {
        if self.checkers.invariants.is_empty() {
            return;
        }
        let views = Views::read(self.nodes);
        for (name, check) in &mut self.checkers.invariants {
            if let Err(evidence) = check(&Seen { probe, views: &views }) {
                self.shared.violated(name, evidence);
            }
        }
    }
}

fn now_ns() -> u64 {
    world::with(|world| world.now_ns())
}

fn phase(phase: Phase) {
    world::with(|world| world.phase(phase));
}

/// The number of nodes of a resolved plan.
fn node_count(plan: &Scenario) -> u32 {
    match plan.cluster.nodes {
        Nodes::Exactly(count) => count,
        Nodes::Between { .. } => unreachable!("resolving a scenario draws the number of nodes"),
    }
}

/// The machines of a plan: nodes, then clients.
fn machines(plan: &Scenario, seed: u64) -> Vec<Machine> {
    let skew = plan.clock.skew.as_nanos() as u64;
    let drift = u64::from(plan.clock.drift_ppm) * 1000;
    let machine = |prefix: &str, net: u8, id: u32| {
        let name = format!("{prefix}{id}");
        let mut draw = Draw::new(seed, Stream::Clock(&name));
        let mut around_zero = |most: u64| draw.between(0, 2 * most) as i64 - most as i64;
        let (clock_offset_ns, clock_drift_ppb) = (around_zero(skew), around_zero(drift));
        let ip = IpAddr::V4(Ipv4Addr::new(10, net, (id >> 8) as u8, id as u8));
        Machine { name, ip, clock_offset_ns, clock_drift_ppb }
    };
    let nodes = (1..=node_count(plan)).map(|id| machine("n", 0, id));
    nodes.chain((1..=plan.workload.clients).map(|id| machine("c", 1, id))).collect()
}
