//! As much of `host` as the registry, the bank and the store need, on madsim's own network.
//!
//! What says nothing of a network is `host`'s own source: entropy, the wall clock, probes, views and messages. Behind
//! them is a `world` that has chance and files, and no more.
//!
//! What is absent: see `docs/performance.md`, which lists what madsim's own network cannot express.

#[path = "../../../../../sim/host/src/clock.rs"]
pub mod clock;
#[path = "../../face/disk.rs"]
pub mod disk;
#[path = "../../../../../sim/host/src/entropy.rs"]
pub mod entropy;
pub mod net;
#[path = "../../../../../sim/host/src/probe.rs"]
pub mod probe;
pub mod time;
#[path = "../../../../../sim/host/src/trace.rs"]
pub mod trace;
#[path = "../../../../../sim/host/src/view.rs"]
pub mod view;
#[path = "../../face/world.rs"]
mod world;

pub use world::begin;
