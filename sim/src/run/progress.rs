//! How far a run has come.

use super::Operations;
use crate::check::Broken;
use crate::history::History;
use crate::latency::Sample;
use crate::scenario::ListedOperation;
use crate::system::System;
use crate::time::told_ms;
use crate::verdict::Violation;
use host::world;
use std::sync::{Mutex, PoisonError};

/// What the tasks of a run share with its end.
pub(super) struct Shared<S: System>(Mutex<Progress<S>>);

pub(super) struct Progress<S: System> {
    pub(super) history: History<S::Op, S::Ret>,
    pub(super) operations: Operations,
    pub(super) latencies: Vec<Sample>,
    pub(super) clients_done: u32,
    pub(super) faults_active: usize,
    pub(super) faults_struck: u64,
    pub(super) violations: Vec<Violation>,
    /// What clients were to do, if that is recorded.
    pub(super) due: Vec<ListedOperation>,
    /// The seed that clients draw from instead.
    pub(super) reseeded: Option<u64>,
}

impl<S: System> Shared<S> {
    pub(super) fn new() -> Self {
        Shared(Mutex::new(Progress {
            history: History::default(),
            operations: Operations::default(),
            latencies: Vec::new(),
            clients_done: 0,
            faults_active: 0,
            faults_struck: 0,
            violations: Vec::new(),
            due: Vec::new(),
            reseeded: None,
        }))
    }

    /// A panic elsewhere leaves the progress as it was: every update is complete or has not begun.
    pub(super) fn update<T>(&self, f: impl FnOnce(&mut Progress<S>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the first violation of each checker: the rest is its consequence.
    pub(super) fn violated(&self, checker: &str, broken: impl Into<Broken>) {
        let at_ms = told_ms(world::with(|world| world.now_ns()));
        self.update(|progress| {
            if progress.violations.iter().all(|violation| violation.checker != checker) {
                progress.violations.push(broken.into().violates(checker, at_ms));
            }
        });
    }
}
