//! The systems and specifications that splitbrain ships with, for its command, its tests and its benches.

pub mod specs;
pub mod systems;
