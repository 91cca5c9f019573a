//! stolon, after the families of its integration tests.

mod cluster;
mod families;
mod fence;
mod synchronous;
