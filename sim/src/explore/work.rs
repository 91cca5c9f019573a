//! Work on all cores.

use std::sync::Mutex;

/// Does the work on each item, on so many threads; which thread does which is left to them.
pub(super) fn on_each<T: Send>(threads: usize, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    if threads <= 1 || items.len() <= 1 {
        return items.iter_mut().enumerate().for_each(|(index, item)| work(index, item));
    }
    let waiting = Mutex::new(items.iter_mut().enumerate());
    let take = || waiting.lock().expect("whoever holds it only takes the next item").next();
    std::thread::scope(|scope| {
        let run = || {
            while let Some((index, item)) = take() {
                work(index, item);
            }
        };
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
}
