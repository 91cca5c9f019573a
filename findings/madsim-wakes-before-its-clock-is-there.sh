#!/usr/bin/env bash
# madsim 0.2.34, tokio 1.48's paused clock by its side.
#
# Guess: who is woken by a timer and looks at the clock, sees the timer's deadline or later.
#
# Behaviour: madsim runs what is due and sets its clock afterwards. A waker that does its work at once, in place of queueing
# a task (as one of `FuturesUnordered`, or of a simulated network, may), sees the instant of the event before: here less than
# 100 ns at a deadline of 1 s. Tokio's clock stands at the deadline by then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "clock"
version = "0.0.0"
edition = "2024"

[dependencies]
madsim = "=0.2.34"
real-tokio = { package = "tokio", version = "=1.48.0", features = ["rt", "time", "test-util"] }
TOML
cat > "$folder/src/main.rs" <<'RUST'
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// Looks at a clock when it is woken.
struct Look<C> {
    clock: C,
    saw: Mutex<Option<Duration>>,
}

impl<C: Fn() -> Duration + Send + Sync> Wake for Look<C> {
    fn wake(self: Arc<Self>) {
        *self.saw.lock().unwrap() = Some((self.clock)());
    }
}

/// What the clock shows to who is woken after a second.
async fn seen<S: Future<Output = ()>, C: Fn() -> Duration + Send + Sync + 'static>(
    sleep: impl Fn(Duration) -> S,
    clock: C,
) -> Duration {
    let look = Arc::new(Look { clock, saw: Mutex::default() });
    let waker = Waker::from(look.clone());
    let mut second = Box::pin(sleep(Duration::from_secs(1)));
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    sleep(Duration::from_secs(2)).await;
    look.saw.lock().unwrap().expect("it was woken")
}

fn main() {
    let of_madsim = madsim::runtime::Runtime::with_seed_and_config(1, Default::default()).block_on(async {
        let time = madsim::time::TimeHandle::current();
        seen(madsim::time::sleep, move || time.elapsed()).await
    });
    let runtime = real_tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let of_tokio = runtime.block_on(async {
        let start = real_tokio::time::Instant::now();
        seen(real_tokio::time::sleep, move || start.elapsed()).await
    });
    println!("at a deadline of 1 s the clock shows: madsim {of_madsim:?}, tokio {of_tokio:?}");
    let second = Duration::from_secs(1);
    assert!(of_madsim < second && of_tokio >= second, "the behaviour has changed");
}
RUST
cd "$folder"
RUSTFLAGS="--cfg madsim" cargo run --quiet
