//! A value that only grows, and whoever waits for it.
//!
//! Tokio's `watch` draws whom it wakes first, so that whoever begins to wait for one thing changes what happens next to all
//! the others; this draws nothing.

use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

pub(super) struct Latest<T> {
    value: Mutex<T>,
    grown: Notify,
}

impl<T: Copy + PartialOrd> Latest<T> {
    pub fn new(value: T) -> Self {
        Latest { value: Mutex::new(value), grown: Notify::new() }
    }

    pub fn get(&self) -> T {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it this, unless it is as much already.
    pub fn raise(&self, to: T) {
        {
            let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
            if *value >= to {
                return;
            }
            *value = to;
        }
        self.grown.notify_waiters();
    }

    /// Waits until it is so.
    pub async fn until(&self, is_so: impl Fn(T) -> bool) -> T {
        loop {
            // Who grows it from here on is heard.
            let grown = self.grown.notified();
            let value = self.get();
            if is_so(value) {
                return value;
            }
            grown.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn who_waits_is_told_when_it_is_so_and_not_before() {
        let latest = Latest::new(3);
        let mut waits = Box::pin(latest.until(|value| value > 4));
        assert_eq!(waits.as_mut().now_or_never(), None);
        latest.raise(4);
        latest.raise(2);
        assert_eq!((waits.as_mut().now_or_never(), latest.get()), (None, 4));
        latest.raise(6);
        assert_eq!(waits.now_or_never(), Some(6));
    }
}
