//! What a run lacks, of all that makes its verdict worth something.

use super::Checkers;
use crate::system::System;
use crate::verdict::{Lack, Vacuity};
use std::collections::BTreeSet;

/// What a run had to be judged by.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// A view of the system's type was there.
    pub(crate) views: bool,
    /// The types of the views that are registered.
    pub(crate) registered: BTreeSet<&'static str>,
    /// Of each invariant, in order: it had something to judge.
    pub(crate) invariants: Vec<bool>,
}

/// What it is.
pub(crate) fn of_run<S: System>(
    checkers: &Checkers<S>,
    judged: &Judged,
    succeeded: u64,
    probes: impl Iterator<Item = &'static str>,
) -> Vec<Vacuity> {
    let mut vacuities = Vec::new();
    let mut lacks = |lack, message: String| vacuities.push(Vacuity { lack, message });
    let reads_views = !checkers.invariants.is_empty() || !checkers.eventually.is_empty();
    if !reads_views && checkers.linearizable.is_none() {
        lacks(Lack::NoChecker, format!("the system {} has no checker", S::NAME));
    }
    if reads_views && !judged.views {
        let wanted = std::any::type_name::<S::View>();
        lacks(
            Lack::NoView,
            match judged.registered.iter().next() {
                None => format!("no node registered a view (`host::view::register`) of the type {wanted}"),
                Some(other) => {
                    format!("nodes registered views of the type {other}, and `System::View` is {wanted}")
                }
            },
        );
    }
    if succeeded == 0 {
        lacks(Lack::NoSuccess, "no operation of a client succeeded".to_owned());
    }
    for probe in probes.filter(|probe| !S::PROBES.contains(probe)) {
        lacks(
            Lack::UndeclaredProbe,
            format!("the probe `{probe}` was published, and `System::PROBES` has no such name"),
        );
    }
    for ((name, _), _) in checkers.invariants.iter().zip(&judged.invariants).filter(|(_, judged)| !**judged) {
        lacks(Lack::NeverJudged, format!("the checker {name} never had anything to judge"));
    }
    vacuities
}
