//! Figures of one scenario's runs, by name: what a grid shows of each of its cells.
//!
//! | name | what |
//! |---|---|
//! | `violations`, `violations.CHECKER` | the share of runs that violated something, or this |
//! | `ok`, `failed`, `unknown` | the share of operations that ended so |
//! | `p50`, `p99`, `p999`, `max` | how long operations took that succeeded, in simulated time |
//! | `OPERATION.p50`, … | the same, of one kind of operation |
//! | `converged.p50`, … | how long runs took to converge after their last fault |
//! | `probe.NAME` | how often a run published it, on average |

use super::summary::CaseSummary;
use crate::latency::{Percentiles, Times};
use crate::run::{Operations, Report};
use crate::scenario::{Vocabulary, nearest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What is measured of one scenario's runs, where a sweep [measures](super::Plan::measures).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// How operations ended.
    operations: Operations,
    /// How long those took that succeeded, in µs, by kind.
    latencies: BTreeMap<String, Times>,
    /// How often each probe was published.
    probes: BTreeMap<String, u64>,
    /// How many runs violated each checker.
    violations: BTreeMap<String, u64>,
}

impl Measured {
    pub(super) fn release(&mut self, report: &Report) {
        self.operations.add(report.operations);
        for sample in &report.latencies {
            self.latencies.entry(sample.kind.to_owned()).or_default().record(sample.us);
        }
        for (probe, hits) in &report.probes {
            *self.probes.entry((*probe).to_owned()).or_default() += hits;
        }
        for violation in &report.violations {
            *self.violations.entry(violation.checker.clone()).or_default() += 1;
        }
    }

    pub(super) fn absorb(&mut self, other: &Measured) {
        self.operations.add(other.operations);
        for (kind, times) in &other.latencies {
            self.latencies.entry(kind.clone()).or_default().add(times);
        }
        super::merge::add_all(&mut self.probes, &other.probes);
        super::merge::add_all(&mut self.violations, &other.violations);
    }
}

/// One of the figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    name: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// Of any checker, or one.
    Violations(Option<String>),
    Operations(Ending),
    /// Of any kind of operation, or one.
    Latency(Option<String>, Quantile),
    Converged(Quantile),
    Probe(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Ok,
    Failed,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantile {
    P50,
    P99,
    P999,
    Max,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From 0 to 1.
    Share,
    /// Simulated time, in µs.
    Micros,
    /// How many, on average.
    Count,
}

/// Why there is no such figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("there is no figure {name}{why}")]
#[diagnostic(help(
    "a figure is violations, violations.CHECKER, ok, failed, unknown, p50, p99, p999, max, OPERATION.p99, \
     converged.p99 or probe.NAME"
))]
pub struct NoFigure {
    name: String,
    why: String,
}

impl Figure {
    /// Those that are shown where none is asked for.
    pub fn usual() -> Vec<Figure> {
        ["violations", "ok", "p50", "p99", "max"]
            .map(|name| name.parse().expect("these are figures"))
            .to_vec()
    }

    /// Whether a system can have it.
    ///
    /// # Errors
    ///
    /// When it has no such checker, operation or probe.
    pub fn check(&self, of: &Vocabulary) -> Result<(), NoFigure> {
        let (names, name, what) = match &self.what {
            What::Violations(Some(checker)) => (&of.checkers, checker, "checker"),
            What::Latency(Some(kind), _) => (&of.operations, kind, "operation"),
            What::Probe(probe) => (&of.probes, probe, "probe"),
            What::Violations(None) | What::Latency(None, _) | What::Operations(_) | What::Converged(_) => {
                return Ok(());
            }
        };
        if names.contains(name) {
            return Ok(());
        }
        let meant = nearest(name, names).map(|near| format!(", did you mean {near}?"));
        let why = format!(": there is no {what} {name}{}", meant.unwrap_or_default());
        Err(NoFigure { name: self.name.clone(), why })
    }

    /// What it counts.
    pub fn unit(&self) -> Unit {
        match self.what {
            What::Violations(_) | What::Operations(_) => Unit::Share,
            What::Latency(..) | What::Converged(_) => Unit::Micros,
            What::Probe(_) => Unit::Count,
        }
    }

    /// What it is of these runs; none if there is nothing to tell it of.
    pub fn of(&self, case: &CaseSummary) -> Option<f64> {
        let measured = case.measured.as_ref()?;
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        match &self.what {
            What::Violations(None) => share(case.violations, case.runs),
            What::Violations(Some(checker)) => {
                share(measured.violations.get(checker).copied().unwrap_or_default(), case.runs)
            }
            What::Operations(ending) => {
                let Operations { ok, fail, unknown } = measured.operations;
                let part = match ending {
                    Ending::Ok => ok,
                    Ending::Failed => fail,
                    Ending::Unknown => unknown,
                };
                share(part, ok + fail + unknown)
            }
            What::Latency(kind, quantile) => {
                let mut times = Times::default();
                let wanted =
                    measured.latencies.iter().filter(|(of, _)| kind.as_ref().is_none_or(|k| k == *of));
                wanted.for_each(|(_, more)| times.add(more));
                times.figures().map(|figures| quantile.of(figures))
            }
            What::Converged(quantile) => {
                case.converged_ms.figures().map(|figures| quantile.of(figures) * 1000.0)
            }
            What::Probe(probe) => share(measured.probes.get(probe).copied().unwrap_or_default(), case.runs),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Figure {
    type Err = NoFigure;

    fn from_str(name: &str) -> Result<Figure, NoFigure> {
        let what = match (name, name.split_once('.'), name.rsplit_once('.')) {
            ("violations", ..) => Some(What::Violations(None)),
            ("ok", ..) => Some(What::Operations(Ending::Ok)),
            ("failed", ..) => Some(What::Operations(Ending::Failed)),
            ("unknown", ..) => Some(What::Operations(Ending::Unknown)),
            (_, Some(("violations", checker)), _) => Some(What::Violations(Some(checker.to_owned()))),
            (_, Some(("probe", probe)), _) => Some(What::Probe(probe.to_owned())),
            (_, Some(("converged", quantile)), _) => Quantile::named(quantile).map(What::Converged),
            (_, _, Some((kind, quantile))) => {
                Quantile::named(quantile).map(|quantile| What::Latency(Some(kind.to_owned()), quantile))
            }
            (quantile, None, _) => Quantile::named(quantile).map(|quantile| What::Latency(None, quantile)),
            _ => None,
        };
        let none = || NoFigure { name: name.to_owned(), why: String::new() };
        what.map(|what| Figure { name: name.to_owned(), what }).ok_or_else(none)
    }
}

impl Quantile {
    fn named(name: &str) -> Option<Quantile> {
        match name {
            "p50" => Some(Quantile::P50),
            "p99" => Some(Quantile::P99),
            "p999" => Some(Quantile::P999),
            "max" => Some(Quantile::Max),
            _ => None,
        }
    }

    fn of(self, figures: Percentiles) -> f64 {
        (match self {
            Quantile::P50 => figures.p50,
            Quantile::P99 => figures.p99,
            Quantile::P999 => figures.p999,
            Quantile::Max => figures.max,
        }) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str) -> Figure {
        name.parse().unwrap()
    }

    fn case() -> CaseSummary {
        let operations = Operations { ok: 3, fail: 1, unknown: 0 };
        let mut measured = Measured { operations, ..Measured::default() };
        measured.latencies.entry("get".to_owned()).or_default().record(100);
        measured.latencies.entry("put".to_owned()).or_default().record(900);
        measured.probes.insert("elected".to_owned(), 6);
        measured.violations.insert("balance".to_owned(), 1);
        let mut case =
            CaseSummary { runs: 4, violations: 2, measured: Some(measured), ..CaseSummary::default() };
        case.converged_ms.record(7);
        case
    }

    #[test]
    fn each_figure_is_told_of_what_was_measured() {
        let of = |name: &str| figure(name).of(&case());
        assert_eq!(of("violations"), Some(0.5));
        assert_eq!(of("violations.balance"), Some(0.25));
        assert_eq!(of("violations.once"), Some(0.0));
        assert_eq!(of("ok"), Some(0.75));
        assert_eq!(of("failed"), Some(0.25));
        assert_eq!(of("max"), Some(900.0));
        assert_eq!(of("get.p99"), Some(100.0));
        assert_eq!(of("cas.p99"), None);
        assert_eq!(of("converged.p50"), Some(7000.0));
        assert_eq!(of("probe.elected"), Some(1.5));
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        assert_eq!(figure("violations").of(&CaseSummary { runs: 4, ..CaseSummary::default() }), None);
        let measured = Some(Measured::default());
        assert_eq!(figure("ok").of(&CaseSummary { measured, ..CaseSummary::default() }), None);
    }

    #[test]
    fn a_figure_that_there_is_not_is_refused_by_its_name_or_by_what_the_system_lacks() {
        for name in ["", "p98", "violation", "get.p98", "converged.get"] {
            assert!(name.parse::<Figure>().is_err(), "{name}");
        }
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        struct Options {}
        let words = Vocabulary {
            operations: vec!["get".to_owned()],
            probes: vec!["elected".to_owned()],
            checkers: vec!["balance".to_owned()],
            ..Vocabulary::with_options::<Options>()
        };
        for name in ["get.p99", "probe.elected", "violations.balance", "max"] {
            assert_eq!(figure(name).check(&words), Ok(()), "{name}");
        }
        let refused = |name: &str| figure(name).check(&words).unwrap_err().to_string();
        let get = refused("gett.p99");
        assert_eq!(get, "there is no figure gett.p99: there is no operation gett, did you mean get?");
        assert!(refused("probe.deposed").ends_with("there is no probe deposed"));
        assert!(refused("violations.balanced").contains("did you mean balance?"));
    }

    #[test]
    fn what_two_shards_measured_is_added() {
        let mut both = case().measured.unwrap();
        both.absorb(&case().measured.unwrap());
        let case = CaseSummary { runs: 8, measured: Some(both), ..CaseSummary::default() };
        assert_eq!(figure("ok").of(&case), Some(0.75));
        assert_eq!(figure("probe.elected").of(&case), Some(1.5));
        assert_eq!(figure("put.max").of(&case), Some(900.0));
    }
}
