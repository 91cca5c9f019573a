//! What the types cannot say: that what a scenario names exists, that numbers are within bounds, that a fault can
//! happen. The first mistake ends the search; each names its value and what would be right.

use super::cast::Cast;
use super::error::{Problem, ScenarioError, suggest};
use super::fault::LASTS_MIN;
use super::model::{Latency, Nodes, Scenario, Tolerated};
use super::parse::shape_error;
use super::random::{AtMost, Lasts, Random};
use super::source::{Path, Source};
use super::systems::{Systems, Vocabulary};
use super::units::Time;
use super::validate_network::out_of_range;
use crate::check::LINEARIZABLE;
use crate::check::linearizable::models::{NAMES, Named, UnknownModel};
use host::world::OutOfRange;
use std::fmt::Display;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// The largest cluster, and the most clients.
const MACHINES_MAX: u32 = 64;
/// Where a scenario says what it expects.
const EXPECT: &str = "check.expect";
/// The longest workload, settling and time-out.
const DAY: Time = Time::from_secs(24 * 60 * 60);
/// The largest clock skew or jump.
pub(super) const YEAR: Time = Time::from_secs(365 * 24 * 60 * 60);
/// The slowest link.
pub(super) const LATENCY_MAX: Time = Time::from_secs(60 * 60);
/// A tenth: no crystal is worse.
const DRIFT_PPM_MAX: u32 = 100_000;
/// The most keys: a client may have as many of its own.
const KEYS_MAX: u32 = 1_000_000;
/// The largest weight of an operation.
pub(super) const WEIGHT_MAX: u32 = 1_000_000;
/// The most random faults that a run may expect.
const FAULTS_MAX: u128 = 100_000;

/// Checks a scenario against the systems there are; the source has the places for errors. What the system does not
/// promise is then what the scenario tolerates, if it says nothing itself.
pub(super) fn validate(
    scenario: &mut Scenario,
    source: &Source<'_>,
    systems: &dyn Systems,
) -> Result<(), ScenarioError> {
    let meaning = |problem: Problem| ScenarioError::Meaning(problem.place(source));
    let words = system(scenario, systems).map_err(meaning)?;
    let checks = Checks { scenario, source, words: &words, inherited: &[], cast: Cast::of(scenario) };
    checks.cluster().map_err(meaning)?;
    options(source, &words)?;
    let inherited = systems.tolerates(&scenario.system, &scenario.cluster.options);
    Checks { inherited: &inherited, ..checks }.all_but_cluster().map_err(meaning)?;
    let expect = Path::of(EXPECT);
    let says = |path: &Path| source.get(path).is_some();
    let of_violations = says(&expect.then("violation")) || says(&expect.then("tolerates"));
    if !says(&expect) || (says(&expect.then("reaches")) && !of_violations) {
        scenario.check.expect.inherited = inherited;
    }
    if let Some(random) = &mut scenario.random {
        random.choices = words.choices;
        if random.probes.is_empty() {
            random.probes = words.probes;
        }
    }
    Ok(())
}

fn system(scenario: &Scenario, systems: &dyn Systems) -> Result<Vocabulary, Problem> {
    let name = &scenario.system;
    systems.vocabulary(name).ok_or_else(|| {
        Problem::new(Path::of("system"), format!("there is no system `{name}`"))
            .label("unknown system")
            .help(suggest(name, "systems", &systems.names()))
    })
}

/// The system reads its own options, from where they stand in the text.
fn options(source: &Source<'_>, words: &Vocabulary) -> Result<(), ScenarioError> {
    let path = Path::of("cluster.options");
    let table = match source.get(&path).map(|options| (options.span(), options.get_ref())) {
        Some((span, DeValue::Table(table))) => Spanned::new(span, table.clone()),
        // To serde a date is a table too.
        Some(_) => {
            let problem = Problem::new(path, "expected a table").help("for example { key = \"value\" }");
            return Err(ScenarioError::Shape(problem.place(source)));
        }
        None => Spanned::new(0..0, DeTable::new()),
    };
    (words.check_options)(Deserializer::from(table)).map_err(|error| {
        let names = words.option_names();
        match shape_error(source, &error, &path) {
            ScenarioError::Shape(place) if names.is_empty() => ScenarioError::Shape(place),
            ScenarioError::Shape(place) => {
                ScenarioError::Shape(Box::new(place.or_help(|| format!("options: {}", names.join(", ")))))
            }
            other => other,
        }
    })
}

pub(super) struct Checks<'s> {
    pub(super) scenario: &'s Scenario,
    /// The text: what is left out, and what is empty, is the same to the types.
    source: &'s Source<'s>,
    pub(super) words: &'s Vocabulary,
    /// What the system does not promise.
    inherited: &'s [Tolerated],
    /// The machines that every run has: those of the smallest cluster.
    pub(super) cast: Cast,
}

pub(super) type Checked = Result<(), Problem>;

impl Checks<'_> {
    fn cluster(&self) -> Checked {
        at_most(&Path::of("cluster.stagger"), self.scenario.cluster.stagger, LATENCY_MAX, "longest stagger")?;
        let path = Path::of("cluster.nodes");
        let size = |path: &Path, nodes: u32| bounded(path, nodes, 1, MACHINES_MAX, "cluster");
        match self.scenario.cluster.nodes {
            Nodes::Exactly(nodes) => size(&path, nodes),
            Nodes::Between { from, to } => {
                size(&path.then("from"), from)?;
                size(&path.then("to"), to)?;
                ordered(&path, "from", from, "to", to)
            }
        }
    }

    fn all_but_cluster(&self) -> Checked {
        if self.scenario.title.trim().is_empty() {
            return Err(Problem::new(Path::of("title"), "is empty")
                .help("write what the scenario shows, in one sentence"));
        }
        self.network()?;
        self.clock()?;
        self.workload()?;
        self.operations()?;
        self.orders()?;
        self.disk()?;
        self.budget()?;
        self.faults()?;
        if let Some(random) = &self.scenario.random {
            self.random(random)?;
        }
        self.check()
    }

    pub(super) fn latency(&self, path: &Path, latency: Latency) -> Checked {
        let most = |path: Path, time: Time| at_most(&path, time, LATENCY_MAX, "longest latency");
        match latency {
            Latency::Constant(latency) => most(path.clone(), latency),
            Latency::Uniform { from, to } => {
                most(path.then("to"), to)?;
                ordered(path, "from", from, "to", to)
            }
            Latency::LogNormal { median, p99 } | Latency::Pareto { median, p99, .. } => {
                above_zero(&path.then("median"), median, "2ms")?;
                most(path.then("p99"), p99)?;
                ordered(path, "median", median, "p99", p99)
            }
        }
    }

    fn clock(&self) -> Checked {
        let clock = &self.scenario.clock;
        at_most(&Path::of("clock.skew"), clock.skew, YEAR, "largest skew")?;
        bounded(&Path::of("clock.drift_ppm"), clock.drift_ppm, 0, DRIFT_PPM_MAX, "drift")
    }

    fn disk(&self) -> Checked {
        let Some(disk) = &self.scenario.disk else { return Ok(()) };
        self.latency(&Path::of("disk.latency"), disk.latency)?;
        self.latency(&Path::of("disk.sync"), disk.sync)?;
        disk.in_the_world().check().map_err(|OutOfRange { field, value, bound, .. }| {
            Problem::new(Path::of("disk").then(field), format!("{value} is not {bound}"))
                .label(format!("not {bound}"))
                .help(format!("write {bound}"))
        })
    }

    fn workload(&self) -> Checked {
        let workload = &self.scenario.workload;
        let path = Path::of("workload");
        // An operator is one of them.
        let most = MACHINES_MAX + workload.clients - self.scenario.clients();
        bounded(&path.then("clients"), workload.clients, 1, most, "number of clients")?;
        bounded(&path.then("keys"), workload.keys, 1, KEYS_MAX, "number of keys")?;
        if let Some(bursts) = workload.bursts {
            for (key, time) in [("on", bursts.on), ("off", bursts.off)] {
                above_zero(&path.then("bursts").then(key), time, "2s")?;
                at_most(&path.then("bursts").then(key), time, DAY, "longest burst or silence")?;
            }
        }
        for (key, time, example, most) in [
            ("for", workload.duration, "20s", "longest workload"),
            ("timeout", workload.timeout, "5s", "longest time-out"),
        ] {
            above_zero(&path.then(key), time, example)?;
            at_most(&path.then(key), time, DAY, most)?;
        }
        if self.scenario.operations.is_empty() {
            let missing = |key: &str, help: &str| {
                let says = format!("`{key}` is missing");
                Err(Problem::new(path.clone(), says).label(format!("no `{key}`")).help(help))
            };
            if workload.rate.is_none() {
                return missing("rate", "operations a second, of all clients together: rate = \"50/s\"");
            }
            if workload.mix.is_empty() && self.source.get(&path.then("mix")).is_none() {
                return missing("mix", "the operations and their weights: mix = { … }");
            }
        }
        self.mix(&path.then("mix"))
    }

    fn mix(&self, mix: &Path) -> Checked {
        let workload = &self.scenario.workload;
        for (operation, weight) in &workload.mix {
            if !self.words.operations.contains(operation) {
                let system = &self.scenario.system;
                return Err(Problem::new(
                    mix.then(operation),
                    format!("{system} has no operation `{operation}`"),
                )
                .at_key()
                .label("unknown operation")
                .help(suggest(operation, "operations", &self.words.operations)));
            }
            bounded(&mix.then(operation), *weight, 0, WEIGHT_MAX, "weight")?;
        }
        let nothing_to_do = workload.mix.values().all(|weight| *weight == 0);
        if nothing_to_do && self.scenario.operations.is_empty() {
            let says = if workload.mix.is_empty() { "is empty" } else { "has no weight above 0" };
            return Err(Problem::new(mix.clone(), format!("{says}: the clients have nothing to do"))
                .label(says)
                .help(format!("give weights to some of: {}", self.words.operations.join(", "))));
        }
        Ok(())
    }

    fn random(&self, random: &Random) -> Checked {
        let path = Path::of("random");
        if random.kinds.is_empty() {
            return Err(Problem::new(path.then("kinds"), "is empty: no fault can be drawn")
                .label("empty")
                .help("name some: [\"partition\", \"crash\"], or remove [random]"));
        }
        for (index, kind) in random.kinds.iter().enumerate() {
            if random.kinds[..index].contains(kind) {
                return Err(Problem::new(
                    path.then("kinds").then(index),
                    format!("{} is named twice", kind.name()),
                )
                .label("again")
                .help("remove one of the two: all kinds are equally likely"));
            }
        }
        let every = path.then("every");
        above_zero(&every, random.every, "2s")?;
        let faults = self.scenario.workload.duration.as_nanos() / random.every.as_nanos().max(1);
        if faults > FAULTS_MAX {
            return Err(Problem::new(every, format!("{} makes some {faults} faults a run", random.every))
                .label(format!("more than {FAULTS_MAX} faults"))
                .help(format!(
                    "write a longer time, or less than {} for workload.for",
                    self.scenario.workload.duration
                )));
        }
        if random.quiet_start >= self.scenario.workload.duration {
            return Err(Problem::new(
                path.then("quiet_start"),
                "the whole workload is quiet: no fault is drawn",
            )
            .help(format!("write less than {}, the time of the workload", self.scenario.workload.duration)));
        }
        if !(0.0..=1.0).contains(&random.strikes) {
            return Err(out_of_range(path.then("strikes"), random.strikes, "a share from 0 to 1"));
        }
        if random.lasts.from.get() < LASTS_MIN || random.lasts.to < random.lasts.from {
            let Lasts { from, to } = random.lasts;
            return Err(Problem::new(path.then("lasts"), format!("no fault lasts from {from} to {to}"))
                .label("no such time")
                .help("write `from` of 50ms at least, and `to` no less than `from`"));
        }
        for (index, process) in random.processes.iter().enumerate() {
            self.process(&path.then("processes").then(index), process)?;
        }
        for (index, probe) in random.probes.iter().enumerate() {
            self.probe(&path.then("probes").then(index), probe)?;
        }
        self.at_most(&path.then("at_most"), random.at_most)
    }

    fn budget(&self) -> Checked {
        let path = Path::of("at_most");
        match (self.scenario.at_most, &self.scenario.random) {
            (None, _) => Ok(()),
            (Some(_), Some(_)) => Err(Problem::new(path, "the budget stands in [random] as well")
                .label("said twice")
                .help("[random] has its own at_most: keep that one")),
            (Some(most), None) => self.at_most(&path, most),
        }
    }

    fn at_most(&self, path: &Path, most: AtMost) -> Checked {
        for (key, nodes) in [("down", most.down), ("disk", most.disk)] {
            if nodes > self.cast.nodes {
                let says = format!("{nodes} is above the {} nodes there are", self.cast.nodes);
                return Err(Problem::new(path.then(key), says).help(
                    "write how many nodes the system must do without; a majority protocol survives one of three",
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Checked {
        let check = &self.scenario.check;
        let settle = Path::of("check.settle");
        above_zero(&settle, check.settle, "30s")?;
        at_most(&settle, check.settle, DAY, "longest settling")?;
        check.overload.check(&Path::of("check.overload"))?;
        if let Some(model) = &check.linearizable {
            self.linearizable(&Path::of("check.linearizable"), model)?;
        }
        let known = |tolerated: &&Tolerated| self.words.checkers.iter().any(|it| it == tolerated.checker);
        if let Some(Tolerated { checker, .. }) = self.inherited.iter().find(|tolerated| !known(tolerated)) {
            let system = &self.scenario.system;
            let says = format!("{system} tolerates `{checker}`, and has no such checker");
            return Err(Problem::new(Path::of("system"), says)
                .label("a mistake of the system")
                .help(suggest(checker, "checkers", &self.words.checkers)));
        }
        let expect = Path::of(EXPECT);
        if let Some(checker) = &check.expect.violation {
            self.checker(expect.then("violation"), checker)?;
        }
        let reaches = expect.then("reaches");
        for (index, probe) in check.expect.reaches.iter().enumerate() {
            self.probe(&reaches.then(index), probe)?;
            if check.expect.reaches[..index].contains(probe) {
                return Err(Problem::new(reaches.then(index), format!("`{probe}` is named twice"))
                    .label("again")
                    .help("remove one of the two"));
            }
        }
        let tolerates = expect.then("tolerates");
        for (index, checker) in check.expect.tolerates.iter().enumerate() {
            self.checker(tolerates.then(index), checker)?;
            if check.expect.violation.as_ref() == Some(checker) {
                return Err(Problem::new(
                    tolerates.then(index),
                    format!("`{checker}` is what must be shown"),
                )
                .label("tolerated as well")
                .help("what a scenario is there to show need not be tolerated"));
            }
        }
        Ok(())
    }

    /// There is such a model, and it knows what the clients do.
    fn linearizable(&self, path: &Path, model: &str) -> Checked {
        let named: Named = model.parse().map_err(|UnknownModel { name, why }| {
            let problem = Problem::new(path.clone(), why);
            if NAMES.contains(&name.as_str()) {
                return problem
                    .label("no such initial value")
                    .help("for example \"register:0\" or \"bank:100\"");
            }
            problem.label("no such model").help(suggest(&name, "models", &NAMES))
        })?;
        let known = named.functions();
        let Scenario { workload, operations, orders, .. } = self.scenario;
        let ordered = orders.iter().map(|order| (&order.name, "that is ordered"));
        let listed = operations.iter().map(|listed| (&listed.name, "that is listed")).chain(ordered);
        let drawn = workload.mix.iter().filter(|(_, weight)| **weight > 0 && operations.is_empty());
        let mut done = listed.chain(drawn.map(|(operation, _)| (operation, "of the mix")));
        match done.find(|(operation, _)| !known.contains(&operation.as_str())) {
            None => Ok(()),
            Some((operation, which)) => {
                Err(Problem::new(path.clone(), format!("a {named} has no function `{operation}`"))
                    .label(format!("does not know `{operation}` {which}"))
                    .help(format!("functions of {named}: {}", known.join(", "))))
            }
        }
    }

    fn checker(&self, path: Path, checker: &str) -> Checked {
        let mut known: Vec<&str> = self.words.checkers.iter().map(String::as_str).collect();
        if !known.contains(&LINEARIZABLE) {
            if checker == LINEARIZABLE && self.scenario.check.linearizable.is_none() {
                return Err(Problem::new(path, "nothing judges whether the history is linearizable")
                    .label("never judged")
                    .help("name the model: linearizable = \"register\", in the same table"));
            }
            known.push(LINEARIZABLE);
        }
        if known.contains(&checker) {
            return Ok(());
        }
        let (system, mut help) = (&self.scenario.system, suggest(checker, "checkers", &known));
        if !self.inherited.is_empty() {
            let names: Vec<&str> = self.inherited.iter().map(|tolerated| tolerated.checker).collect();
            help += &format!("; without `expect`, {system} tolerates {}", names.join(", "));
        }
        Err(Problem::new(path, format!("{system} has no checker `{checker}`"))
            .label("unknown checker")
            .help(help))
    }
}

pub(super) fn above_zero(path: &Path, time: Time, example: &str) -> Checked {
    if time > Time::ZERO {
        return Ok(());
    }
    Err(Problem::new(path.clone(), format!("{time} is not above 0"))
        .label("is not above 0")
        .help(format!("for example \"{example}\"")))
}

pub(super) fn at_most(path: &Path, time: Time, most: Time, what: &str) -> Checked {
    if time <= most {
        return Ok(());
    }
    Err(Problem::new(path.clone(), format!("{time} is above {most}, the {what}"))
        .label(format!("above {most}"))
        .help(format!("write at most \"{most}\"")))
}

pub(super) fn bounded(path: &Path, number: u32, least: u32, most: u32, what: &str) -> Checked {
    let (side, bound, which) = match number {
        _ if number < least => ("below", least, "smallest"),
        _ if number > most => ("above", most, "largest"),
        _ => return Ok(()),
    };
    Err(Problem::new(path.clone(), format!("{number} is {side} {bound}, the {which} {what}"))
        .label(format!("{side} {bound}"))
        .help(format!("write a number from {least} to {most}")))
}

fn ordered<T: PartialOrd + Display + Copy>(
    path: &Path,
    low_key: &str,
    low: T,
    high_key: &str,
    high: T,
) -> Checked {
    if low <= high {
        return Ok(());
    }
    Err(Problem::new(path.clone(), format!("`{low_key}`, {low}, is above `{high_key}`, {high}"))
        .label("upside down")
        .help("swap the two"))
}
