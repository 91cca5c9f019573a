//! How many functions may run at once.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The places of a runner.
#[derive(Debug, Clone)]
pub(in crate::pipeline) struct Slots {
    taken: Arc<AtomicU32>,
    limit: u32,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(in crate::pipeline) struct Slot(Arc<AtomicU32>);

impl Slots {
    pub fn new(limit: u32) -> Slots {
        Slots { taken: Arc::default(), limit }
    }

    /// A place, if one is free.
    pub fn take(&self) -> Option<Slot> {
        let take = |taken| (taken < self.limit).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|_| Slot(Arc::clone(&self.taken)))
    }

    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_function_has_ended() {
        let slots = Slots::new(2);
        let (first, second) = (slots.take(), slots.take());
        assert!(first.is_some() && second.is_some() && slots.take().is_none());
        drop(first);
        assert_eq!(slots.taken(), 1);
        assert!(slots.take().is_some());
    }
}
