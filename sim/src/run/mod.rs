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

mod attention;
mod duties;
mod ending;
mod look;
mod machines;
mod nemesis;
mod polled;
mod progress;
mod quiet;
mod report;
mod reseed;
mod substrate;
mod thread;
mod tracing_layer;
mod watch;
mod workload;

pub use crate::verdict::{Verdict, Violation};
pub use attention::Attention;
pub(crate) use duties::listing;
pub(crate) use machines::machine_names;
pub use report::{Json, Met, Operations, Recording, Report};
pub use reseed::Reseed;
pub use thread::on_fresh_thread;

use crate::check::{self, Broken, Checkers, Judged, Views};
use crate::scenario::{Name, Network, Scenario};
use crate::system::{NodeContext, System};
use crate::time::{BOOT, told_ms};
use crate::verdict::Lack;
use ending::Ending;
use host::world::lab::{self, Lab};
use host::world::{self, Config, Draw, MachineId, Observed, Overload, Phase, Stream};
use look::Look;
use machines::{machines, node_count};
use nemesis::Nemesis;
use progress::Shared;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use watch::GivenUp;
use workload::Workload;

/// How often convergence is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long convergence must hold without break.
const STABLE: Duration = Duration::from_secs(1);
/// The port that nodes listen on.
const PORT: u16 = 7000;

/// What a run on a fresh thread finds, or that it got nowhere; `again` is the same run, for a second time where the
/// first was given up. None if `unwanted` says so first.
pub(crate) fn watched<R>(
    seed: u64,
    unwanted: &dyn Fn() -> bool,
    run: R,
    again: R,
) -> Option<(Report, Option<Recording>)>
where
    R: FnOnce() -> (Report, Option<Recording>) + Send + 'static,
{
    let start = Instant::now();
    let (mut report, recording) = match watch::on_fresh_thread(seed, unwanted, run, again) {
        Ok(done) => done,
        Err(GivenUp::Unwanted) => return None,
        Err(GivenUp::Stuck { how, machine, at_ns }) => {
            (Report::of_a_stuck_run(seed, how, machine, at_ns), None)
        }
        Err(GivenUp::Elsewhere { at_ns }) => (Report::of_runs_stuck_elsewhere(seed, at_ns), None),
        Err(GivenUp::Unconfirmed { how, second: (report, _) }) => {
            (Report { unconfirmed: Some(how.unconfirmed().to_owned()), ..report }, None)
        }
    };
    report.wall = start.elapsed();
    Some((report, recording))
}

/// Runs a resolved plan on this thread. See [`crate::AnySystem::run`].
pub(crate) fn run<S: System>(
    system: &'static S,
    plan: &Scenario,
    seed: u64,
    attention: Attention,
    reseed: Option<Reseed>,
) -> (Report, Option<Recording>) {
    let recording = attention.records();
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
        lab::simulate(&config, |lab| phases(system, plan, seed, attention, reseed, lab, &shared))
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| attention.to(everything)));
    let ending = outcome.unwrap_or_else(|payload| {
        let Some(panic) = thread::take_panic() else { std::panic::resume_unwind(payload) };
        match substrate::refused(&panic) {
            Some(evidence) => shared.violated(check::SUBSTRATE, evidence),
            None => shared.violated(check::PANIC, panic.evidence()),
        }
        world::with(|world| world.note(Observed::Phase, "panic", || panic.backtrace.to_string(), &[]));
        Ending::take(0, None, Judged::default())
    });
    watch::judging();
    shared.update(|progress| {
        let (mut violations, mut unknown) = (std::mem::take(&mut progress.violations), None);
        if let Some(foreign) = substrate::take() {
            // What came of it is its consequence.
            violations
                .insert(0, Broken::from(foreign.evidence).violates(check::SUBSTRATE, told_ms(foreign.at_ns)));
        }
        let judge = || {
            let by_type = system.checkers().into_linearizable();
            check::at_the_end(by_type, plan.check.linearizable.as_deref(), &progress.history)
        };
        let rulings = catch_unwind(AssertUnwindSafe(judge));
        let rulings = rulings.unwrap_or_else(|payload| {
            let Some(panic) = thread::take_panic() else { std::panic::resume_unwind(payload) };
            let at_ms = told_ms(ending.simulated.as_nanos() as u64);
            violations.push(Broken::from(panic.evidence()).violates(check::PANIC, at_ms));
            Vec::new()
        });
        for ruling in rulings {
            match ruling.verdict {
                Verdict::Valid => {}
                Verdict::Violation => {
                    // A history has the time that is told.
                    let at_ms = ruling.at_ns.unwrap_or_default() as i64 / 1_000_000;
                    violations.push(Broken::from(ruling.summary).violates(check::LINEARIZABLE, at_ms));
                }
                Verdict::Unknown => unknown = Some(ruling.summary),
            }
        }
        let declared = S::probes();
        let undeclared = ending.probes.keys().copied().filter(|probe| !declared.contains(probe));
        let mut vacuities =
            check::lacks_of_run(&system.checkers(), &ending.judged, progress.operations.ok, undeclared);
        let is_lacking = |lack| match lack {
            Lack::NoChecker => plan.check.linearizable.is_none(),
            _ => true,
        };
        vacuities.retain(|vacuity| is_lacking(vacuity.lack) && !plan.check.allows.contains(&vacuity.lack));
        let reaches = plan.check.expect.reaches.iter();
        let unreached =
            reaches.filter(|probe| !ending.probes.contains_key(probe.as_str())).cloned().collect();
        let report = Report {
            seed,
            violations,
            unknown,
            vacuities,
            unreached,
            opened_socket: substrate::opened_socket(),
            unconfirmed: None,
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
            plan: plan.listing(std::mem::take(&mut progress.due)),
            backtrace: ending.backtrace,
        });
        (report, recording)
    })
}

async fn phases<S: System>(
    system: &'static S,
    plan: &Scenario,
    seed: u64,
    attention: Attention,
    reseed: Option<Reseed>,
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
    if let Some(event) = attention.backtrace_at() {
        world::with(|world| world.take_backtrace_at(event));
    }
    world::with(|world| world.set_limits(plan.check.overload.in_the_world()));
    set_links(&plan.network, all);
    if let Some(disk) = &plan.disk {
        let set = |host| world::with(|world| world.set_disk(host, disk.in_the_world()));
        MachineId::first(nodes as usize)
            .try_for_each(set)
            .expect("a validated scenario has only disks that can be");
    }

    let start_ns = BOOT.as_nanos() as u64;
    let until_ns = start_ns + plan.workload.duration.as_nanos() as u64;
    let (nodes_there, records) = (node_addresses.clone(), attention.records());
    let workload = Workload::new(system, plan, seed, options.clone(), nodes_there, records, shared.clone());
    for id in 1..=nodes {
        let context = NodeContext { id, nodes: node_addresses.clone(), options: options.clone() };
        let shared = shared.clone();
        let delay = Mutex::new(first_boot(plan, seed, id));
        let boot = move || {
            let (node, shared) = (system.node(context.clone()), shared.clone());
            let delay = delay.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                if let Some(delay) = delay {
                    tokio::time::sleep(delay).await;
                }
                let end = node.await;
                let why =
                    end.err().map_or_else(|| "without an error".to_owned(), |error| format!("with: {error}"));
                shared.violated(check::NODE, Broken::new(format!("n{id} stopped by itself, {why}")).node(id));
            }
        };
        lab.boot(boot);
    }
    let look = Look::at(attention.views_at_ns());
    let mut run = Run { reseed, look, ..Run::new(system, plan, seed, start_ns, shared.clone()) };
    let workload = Arc::new(workload);
    let converged_after = async {
        run.until(start_ns).await?;
        phase(Phase::Faults);
        for id in 1..=plan.clients() {
            let workload = workload.clone();
            lab.boot(move || workload.clone().client(id));
        }
        run.until(until_ns).await?;
        phase(Phase::Heal);
        run.nemesis.heal();
        let converged_after = run.settle(plan.check.settle.get()).await?;
        run.judge(None, &[]);
        Ok(converged_after)
    };
    let converged_after = converged_after.await.unwrap_or_else(|overload: Overload| {
        // The world has lost messages, and nothing that follows could be judged.
        shared.violated(check::OVERLOAD, overload.to_string());
        None
    });
    phase(Phase::Verdict);
    run.judged.ended(&run.checkers);
    let ending = Ending::take(nodes, converged_after, run.judged);
    run.look.of(ending)
}

/// How late a node boots for the first time, where boots are staggered. A crash before that leaves nothing to wait for.
fn first_boot(plan: &Scenario, seed: u64, id: u32) -> Option<Duration> {
    let most = Some(plan.cluster.stagger.get()).filter(|most| !most.is_zero())?;
    Some(Draw::new(seed, Stream::Boot(&format!("n{id}"))).duration(Duration::ZERO, most))
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
    checkers: Checkers<S::Op, S::Ret, S::View>,
    listens: bool,
    judged: Judged,
    /// What is to come of it.
    reseed: Option<Reseed>,
    look: Look,
    shared: Arc<Shared<S>>,
}

impl<S: System> Run<S> {
    fn new(system: &'static S, plan: &Scenario, seed: u64, start_ns: u64, shared: Arc<Shared<S>>) -> Self {
        let (nemesis, checkers) = (Nemesis::new(plan, seed, node_count(plan), start_ns), system.checkers());
        let listens = nemesis.listens() || checkers.listen();
        let (nodes, clients, judged) = (node_count(plan), plan.clients(), Judged::default());
        let look = Look::at(None);
        Run { nodes, clients, nemesis, checkers, listens, judged, reseed: None, look, shared }
    }

    /// Lets the world go on until an instant, in ns since the run began.
    async fn until(&mut self, deadline_ns: u64) -> Result<(), Overload> {
        loop {
            let now = now_ns();
            self.reseed(now);
            self.look.take(now, self.nodes);
            self.nemesis.act(now);
            let (active, strikes) = self.nemesis.active_and_strikes();
            self.shared
                .update(|progress| (progress.faults_active, progress.faults_struck) = (active, strikes));
            if now >= deadline_ns {
                return Ok(());
            }
            let reseed = self.reseed.map(|reseed| reseed.at_ns);
            let next = [self.nemesis.next_ns(), reseed, self.look.next_ns()]
                .into_iter()
                .flatten()
                .fold(deadline_ns, u64::min);
            tokio::select! {
                biased;
                overload = world::overloaded() => return Err(overload),
                probes = world::next_probes(), if self.listens => {
                    let mut later = &probes[..];
                    while let Some((probe, rest)) = later.split_first() {
                        later = rest;
                        self.nemesis.on_probe(probe);
                        self.judge(Some(probe), later);
                    }
                }
                () = world::until_ns(next) => {}
            }
        }
    }

    /// Waits until everything that must hold eventually does, and stays so. Returns how long it took.
    async fn settle(&mut self, settle: Duration) -> Result<Option<Duration>, Overload> {
        let healed = now_ns();
        let mut holds_since = None;
        loop {
            let now = now_ns();
            match self.unmet() {
                None => {
                    let since = *holds_since.get_or_insert(now);
                    if now - since >= STABLE.as_nanos() as u64 {
                        return Ok(Some(Duration::from_nanos(since - healed)));
                    }
                }
                Some((checker, reason)) => {
                    holds_since = None;
                    if now - healed >= settle.as_nanos() as u64 {
                        let settle = humantime::format_duration(settle);
                        let reason = reason.said(|why| format!("{settle} after the last fault: {why}"));
                        match self.beyond_recovery() {
                            None => self.shared.violated(checker, reason),
                            Some(why) => {
                                let why =
                                    why.said(|why| format!("{why}; so {checker} is not judged ({reason})"));
                                self.shared.violated(check::RECOVERABILITY, why);
                            }
                        }
                        return Ok(None);
                    }
                }
            }
            self.until(now + LOOK_EVERY.as_nanos() as u64).await?;
            self.judge(None, &[]);
        }
    }

    /// Why the system need not recover from what was done to it.
    fn beyond_recovery(&self) -> Option<Broken> {
        self.checkers.beyond_recovery(&self.nemesis.harm())
    }

    /// The first reason why the run cannot end well yet.
    fn unmet(&mut self) -> Option<(&'static str, Broken)> {
        let done = self.shared.update(|progress| progress.clients_done);
        if done < self.clients {
            let reason = format!("{} of {} clients still wait", self.clients - done, self.clients);
            return Some((check::ANSWERED, reason.into()));
        }
        let views = self.views();
        self.checkers.unmet(&views)
    }

    /// Asks the checkers, now that nodes may have published a probe, and others later that were not looked at yet.
    fn judge(&mut self, probe: Option<&world::Probe>, later: &[world::Probe]) {
        if !self.checkers.listen() {
            return;
        }
        let views = self.views();
        for (name, evidence) in self.checkers.broken(probe, later, &views) {
            self.shared.violated(name, evidence);
        }
    }

    fn views(&mut self) -> Views<S::View> {
        let views = Views::read(self.nodes);
        self.judged.read(&views);
        views
    }
}

fn now_ns() -> u64 {
    world::with(|world| world.now_ns())
}

fn phase(phase: Phase) {
    substrate::look();
    world::with(|world| world.phase(phase));
}
