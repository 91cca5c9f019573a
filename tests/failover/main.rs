//! Failover managers around the database in the simulation, driven step by step, after the tests that they have
//! themselves.
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

mod bouncer;
mod patroni;
mod router;
mod stolon;
mod support;
mod vrrp;
