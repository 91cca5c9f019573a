//! stolon, after the families of its integration tests.

mod changed_address;
mod cluster;
mod families;
mod fence;
mod standby_cluster;
mod synchronous;
