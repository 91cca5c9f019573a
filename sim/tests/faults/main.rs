//! The laws of the faults that a scenario can name, each seen by a system that does nothing but look.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod budget;
mod events;
mod lab;
mod links;
mod machines;
mod processes;
mod triggers;
