//! Systems without their types, so that one command line can hold many, and one run of any of them.

use crate::configuration::Format;
use crate::history;
use crate::run::{self, Attention, Recording, Report, Reseed};
use crate::scenario::{Scenario, Tolerated, Vocabulary};
use crate::system::{Mix, Operation, System};
use host::world::{Draw, Stream};

/// So many operations are drawn to find different ones,
const DRAWN: u32 = 64;
/// of which so many are samples.
const SAMPLES_MAX: usize = 3;

/// A [`System`] without its types.
pub trait AnySystem: Send + Sync + 'static {
    /// The name that scenarios use.
    fn name(&self) -> &'static str;

    /// What a scenario may name of it.
    fn vocabulary(&self) -> Vocabulary;

    /// What it does not promise under these options, which it can read.
    fn tolerates(&self, options: &toml::Table) -> Vec<Tolerated>;

    /// The configuration files that it reads.
    fn formats(&self) -> &'static [Format];

    /// The plan with the operations listed that it would draw, as far as is known before it is run: a client begins some ns
    /// after the workload.
    fn listing(&'static self, plan: &Scenario, seed: u64) -> Scenario;

    /// Of each operation of the scenario's mix some that a client may be told to do, by name and argument.
    fn samples(&self, scenario: &Scenario) -> Vec<(String, serde_json::Value)>;

    /// Runs a resolved plan on the calling thread, which must be fresh and seeded: see [`run::on_fresh_thread`].
    /// If it is to be `reseed`ed, from then on with other chance.
    fn run(
        &'static self,
        plan: &Scenario,
        seed: u64,
        attention: Attention,
        reseed: Option<Reseed>,
    ) -> (Report, Option<Recording>);
}

impl<S: System> AnySystem for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn vocabulary(&self) -> Vocabulary {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Vocabulary {
            operations: S::operations().iter().map(|Operation(name, _)| (*name).to_owned()).collect(),
            check_operation: |name, argument| {
                history::operation::<S::Op>(name, argument).map(drop).map_err(|error| error.to_string())
            },
            probes: owned(&S::probes()),
            choices: S::choices().to_vec(),
            processes: owned(S::PROCESSES),
            checkers: self.checkers().names().map(str::to_owned).collect(),
            ..Vocabulary::with_options::<S::Options>()
        }
    }

    fn tolerates(&self, options: &toml::Table) -> Vec<Tolerated> {
        let options = options.clone().try_into().expect("a validated scenario has readable options");
        System::tolerates(self, &options)
    }

    fn formats(&self) -> &'static [Format] {
        <S as System>::formats()
    }

    fn listing(&'static self, plan: &Scenario, seed: u64) -> Scenario {
        run::listing(self, plan, seed)
    }

    fn samples(&self, scenario: &Scenario) -> Vec<(String, serde_json::Value)> {
        let mix = Mix::new(scenario, 1);
        let mixed =
            S::operations().iter().filter(|Operation(name, _)| scenario.workload.mix.contains_key(*name));
        let mut samples = Vec::new();
        for Operation(name, make) in mixed {
            let mut draw = Draw::new(0, Stream::Other { purpose: "samples", entity: name });
            let first = samples.len();
            for _ in 0..DRAWN {
                let sample = history::function_and_value(&make(&mix, &mut draw));
                if samples.len() < first + SAMPLES_MAX && !samples[first..].contains(&sample) {
                    samples.push(sample);
                }
            }
        }
        samples
    }

    fn run(
        &'static self,
        plan: &Scenario,
        seed: u64,
        attention: Attention,
        reseed: Option<Reseed>,
    ) -> (Report, Option<Recording>) {
        run::run(self, plan, seed, attention, reseed)
    }
}

/// What opened it was no task of a node's, or it does so once in a process.
const SOCKET_UNCONFIRMED: &str =
    "a real socket was opened in the first run, and by no poll of a task in the second, closely watched one";

/// Runs a scenario once, on a fresh thread. A node that never gives its thread back ends the run with a violation; the
/// thread goes on until the process ends.
pub fn once(
    system: &'static dyn AnySystem,
    scenario: &Scenario,
    seed: u64,
    attention: Attention,
) -> (Report, Option<Recording>) {
    once_unless(system, scenario, seed, attention, &|| false).expect("somebody waits for it")
}

/// The same, as long as it is wanted: none if it was not ended when `unwanted` said so. Its thread goes on until it ends.
pub fn once_unless(
    system: &'static dyn AnySystem,
    scenario: &Scenario,
    seed: u64,
    attention: Attention,
    unwanted: &dyn Fn() -> bool,
) -> Option<(Report, Option<Recording>)> {
    let plan = scenario.resolve(seed);
    let run = |attention| {
        let plan = plan.clone();
        move || system.run(&plan, seed, attention, None)
    };
    let found = run::watched(seed, unwanted, run(attention), run(Attention::QUICK))?;
    if !found.0.opened_socket {
        return Some(found);
    }
    let (named, recording) =
        run::watched(seed, unwanted, run(attention.naming_sockets()), run(Attention::QUICK))?;
    if !named.violations.is_empty() {
        return Some((named, recording));
    }
    let (mut report, recording) = found;
    report.unconfirmed.get_or_insert_with(|| SOCKET_UNCONFIRMED.to_owned());
    Some((report, recording))
}

/// Runs a scenario once, on a fresh thread, and from an instant on with other chance; none if it was not ended when
/// `unwanted` said so.
pub fn once_reseeded(
    system: &'static dyn AnySystem,
    scenario: &Scenario,
    seed: u64,
    attention: Attention,
    reseed: Reseed,
    unwanted: &dyn Fn() -> bool,
) -> Option<(Report, Option<Recording>)> {
    let plan = scenario.resolve(seed);
    let run = || {
        let plan = plan.clone();
        move || system.run(&plan, seed, attention, Some(reseed))
    };
    run::watched(seed, unwanted, run(), run())
}
