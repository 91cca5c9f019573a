#!/usr/bin/env bash
# madsim 0.2.34, tokio's Sleep by its side.
#
# Guess: a `Sleep` that is polled many times before its deadline, as one beside a busy branch of `select!` is, has one
# timer, as tokio's has; it wakes its task once.
#
# Behaviour: each poll arms a timer of its own, and none can be cancelled. After 1,000 polls by one waker the deadline wakes
# it 1,000 times, and a `Sleep` that was dropped after 1,000 polls does, too. So a loop that waits for messages "or 10
# seconds" leaves an entry in the heap for every message of the last 10 seconds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "sleep"
version = "0.0.0"
edition = "2024"

[dependencies]
madsim = "=0.2.34"
real-tokio = { package = "tokio", version = "=1.48.0", features = ["rt", "time", "test-util"] }
TOML
cat > "$folder/src/main.rs" <<'RUST'
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const POLLS: u32 = 1000;

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls a sleep so often, and drops it where asked to; returns what counts how often its waker is woken, and the rest.
fn poll_it<S: Future<Output = ()>>(sleep: S, keep: bool) -> (Arc<Count>, Option<Pin<Box<S>>>) {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut sleep = Box::pin(sleep);
    for _ in 0..POLLS {
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    (count, keep.then_some(sleep))
}

/// How often a sleep wakes that was kept, and one that was dropped.
async fn wakes<S: Future<Output = ()>>(sleep: impl Fn(Duration) -> S) -> [u32; 2] {
    let second = Duration::from_secs(1);
    let (kept, dropped) = (poll_it(sleep(second), true), poll_it(sleep(second), false));
    sleep(2 * second).await;
    [&kept, &dropped].map(|(count, _)| count.0.load(Ordering::Relaxed))
}

fn main() {
    let of_madsim = madsim::runtime::Runtime::with_seed_and_config(1, Default::default())
        .block_on(wakes(madsim::time::sleep));
    let runtime = real_tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let of_tokio = runtime.block_on(wakes(real_tokio::time::sleep));
    println!("woken after {POLLS} polls, kept and dropped: madsim {of_madsim:?}, tokio {of_tokio:?}");
    assert_eq!((of_madsim, of_tokio), ([POLLS; 2], [1, 0]), "the behaviour has changed");
}
RUST
cd "$folder"
RUSTFLAGS="--cfg madsim" cargo run --quiet
