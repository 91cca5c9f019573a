//! Specifications without their types.

use super::{Exploration, Options, Walks, explore, walk};
use crate::spec::Spec;

/// Any specification: what a command needs of one.
pub trait AnySpec: Sync {
    /// Searches every state.
    fn explore(&self, options: &Options<'_>) -> Exploration;

    /// Walks at random, `pick` choosing below a bound.
    fn walk(&self, walks: &Walks, options: &Options<'_>, pick: &mut dyn FnMut(u64) -> u64) -> Exploration;
}

impl<S: Spec> AnySpec for S {
    fn explore(&self, options: &Options<'_>) -> Exploration {
        explore(self, options)
    }

    fn walk(&self, walks: &Walks, options: &Options<'_>, pick: &mut dyn FnMut(u64) -> u64) -> Exploration {
        walk(self, walks, options, pick)
    }
}
