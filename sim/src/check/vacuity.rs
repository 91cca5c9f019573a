//! What a run lacks, of all that makes its verdict worth something.

use super::{Checkers, Views};
use crate::verdict::{Lack, Vacuity};
use std::collections::BTreeSet;

/// What a run had to be judged by.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// A view of the system's type was there.
    pub(crate) views: bool,
    /// The types of the views that are registered.
    pub(crate) registered: BTreeSet<&'static str>,
    /// The invariants that had nothing to judge.
    pub(crate) never: Vec<&'static str>,
}

impl Judged {
    /// The views of all nodes can be read.
    pub(crate) fn read<V>(&mut self, views: &Views<V>) {
        // Asked until there is one: asking costs a copy.
        self.views = self.views || views.up().next().is_some();
    }

    /// The run is over.
    pub(crate) fn ended<Op, Ret, View: 'static>(&mut self, checkers: &Checkers<Op, Ret, View>) {
        self.never = checkers.never_judged().collect();
    }
}

/// What a run lacks that had this to be judged by.
pub(crate) fn of_run<Op, Ret, View: 'static>(
    checkers: &Checkers<Op, Ret, View>,
    judged: &Judged,
    succeeded: u64,
    undeclared: impl Iterator<Item = &'static str>,
) -> Vec<Vacuity> {
    let mut vacuities = Vec::new();
    let mut lacks = |lack, about: Option<&str>, message: String| {
        vacuities.push(Vacuity { lack, about: about.map(str::to_owned), message });
    };
    if !checkers.read_views() && checkers.linearizable.is_none() {
        lacks(Lack::NoChecker, None, "the system has no checker of its own".to_owned());
    }
    if checkers.read_views() && !judged.views {
        let wanted = std::any::type_name::<View>();
        lacks(
            Lack::NoView,
            None,
            match judged.registered.iter().next() {
                None => format!("no node registered a view (`host::view::register`) of the type {wanted}"),
                Some(other) => {
                    format!("nodes registered views of the type {other}, and `System::View` is {wanted}")
                }
            },
        );
    }
    if succeeded == 0 {
        lacks(Lack::NoSuccess, None, "no operation of a client succeeded".to_owned());
    }
    for probe in undeclared {
        lacks(
            Lack::UndeclaredProbe,
            Some(probe),
            format!("the probe `{probe}` was published, and `System::probes` has no such name"),
        );
    }
    for name in &judged.never {
        lacks(Lack::NeverJudged, Some(name), format!("the checker {name} never had anything to judge"));
    }
    vacuities
}
