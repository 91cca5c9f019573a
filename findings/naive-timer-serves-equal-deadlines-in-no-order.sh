#!/usr/bin/env bash
# naive-timer 0.2.0, the timers under madsim 0.2.34.
#
# Guess: timers that were added for one instant expire in the order in which they were added.
#
# Behaviour: they are in a binary heap that compares deadlines alone, and come out in another order, which depends on all
# that was ever in it: eight equal ones come out as 1, 3, 7, 6, 8, 5, 2, 4. One more timer, for
# an earlier instant and long expired, changes the order of the others. So a simulation that rounds its deadlines has orders
# of events that nobody drew.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "order"
version = "0.0.0"
edition = "2024"

[dependencies]
naive-timer = "=0.2.0"
TOML
cat > "$folder/src/main.rs" <<'RUST'
use naive_timer::Timer;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(2);

/// The order in which eight timers of one deadline expire, after so many earlier ones have.
fn order(earlier: u64) -> Vec<u32> {
    let (mut timer, order) = (Timer::default(), Arc::new(Mutex::new(Vec::new())));
    for i in 0..earlier {
        timer.add(Duration::from_millis(i), |_| {});
    }
    for number in 1..=8 {
        let order = order.clone();
        timer.add(DEADLINE, move |_| order.lock().unwrap().push(number));
    }
    timer.expire(DEADLINE / 2);
    timer.expire(DEADLINE);
    Arc::into_inner(order).unwrap().into_inner().unwrap()
}

fn main() {
    let orders = [order(0), order(1), order(4)];
    println!("after 0, 1 and 4 earlier ones: {orders:?}");
    let in_order: Vec<u32> = (1..=8).collect();
    assert!(orders.iter().all(|order| *order != in_order), "the behaviour has changed: some are in order");
    assert!(orders[0] != orders[1] || orders[0] != orders[2], "the behaviour has changed: what was before does not matter");
}
RUST
cd "$folder"
cargo run --quiet
