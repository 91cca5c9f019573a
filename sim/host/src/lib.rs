//! All that a node may touch besides tokio's tasks and channels.
//!
//! A node written on this crate runs unchanged in two worlds:
//!
//! | | simulated (`--cfg madsim`) | real (`RUSTFLAGS=""`) |
//! |---|---|---|
//! | [`net`] | sockets on a simulated network with latency, loss and cuts | tokio's sockets |
//! | [`disk`] | a disk that loses what was not synced, tears, fails, and takes its time | the system's files, in a folder |
//! | [`clock`] | one wall clock a machine, with offset and drift | the system's clock |
//! | [`time`] | sleeps and instants by the machine's own monotonic clock, with its drift | tokio's |
//! | [`entropy`] | a stream of the run's seed, one a machine | the system's entropy |
//! | [`process`] | the processes of a machine that runs several; a fault may strike one of them | awaited |
//! | [`mod@probe`] | reaches checkers, triggers and the timeline | compiles to nothing |
//! | [`view`] | read by checkers directly, without a message | served as JSON on a debug port |
//! | [`trace`] | what messages say, in the trace of a recorded run | compiles to nothing |
//!
//! Start with [`net`]. The testbed steers the simulated half through `world`, which a node never names. A test that wants
//! machines and links without a system, a scenario and a verdict drives them by hand, with `lab`.
//!
//! What is absent: no file here knows a protocol, and nothing here decides *when* a fault happens.

pub mod clock;
pub mod disk;
pub mod entropy;
pub mod net;
pub mod probe;
pub mod process;
pub mod time;
pub mod trace;
pub mod view;

#[cfg(madsim)]
pub mod world;
#[cfg(madsim)]
pub use world::lab;
