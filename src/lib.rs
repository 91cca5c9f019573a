//! The systems that splitbrain ships with, for its command, its tests and its benches.

pub mod systems;
