//! Transactions: whether a history is serializable, or snapshot-isolated, in the spirit of Elle.
//!
//! Searching for an order of whole transactions is hopeless, but where every value is written once, a read tells whose
//! write it saw. So the history itself says who depends on whom, and the dependencies are a graph of transactions:
//!
//! | edge | from | to |
//! |---|---|---|
//! | ww | who wrote a version | who wrote the next one |
//! | wr | who wrote a version | who read it |
//! | rw | who read a version | who wrote the next one |
//! | process | a transaction | the next of the same process |
//! | real-time | a transaction | one that began after it ended |
//!
//! In a serial order every edge points forwards, so a cycle is a proof that there is none. Which edges it has names the
//! anomaly (Adya 1999; Cerone and Gotsman 2018 for what snapshots allow):
//!
//! | anomaly | what was seen |
//! |---|---|
//! | G0 | a cycle of ww: writes interleave |
//! | G1a | a read of a value whose transaction failed |
//! | G1b | a read of a value that its own transaction overwrote |
//! | G1c | a cycle of ww and wr: information flows in a circle |
//! | G-single | a cycle with one rw: a transaction saw another in part |
//! | lost update | G-single of two that read one version of a key and both wrote the next |
//! | G-nonadjacent | a cycle with several rw, none next to another |
//! | long fork | G-nonadjacent of two readers that saw two writes in opposite orders |
//! | G2-item | a cycle with rw next to rw: write skew. Snapshot isolation allows it |
//! | fractured read | a reader that saw one write of a transaction and missed another |
//! | causality violation | a reader that saw something, and missed what that came after |
//!
//! A cycle is a proof that there is no order. That there is one needs a proof, too: `valid` is said only where an order
//! was found, or where no cycle means that there is one.
//!
//! * `list-append` (`list_append.rs`): a list tells its own history, and committed appends that no list shows come after
//!   all of it. If the graph has no cycle, any order that agrees with it explains every read. Under snapshot isolation
//!   the order among unread appends is open, for those who wrote one key must not overlap; `proof.rs` closes it.
//! * `rw-register` (`read_write.rs`): the order of versions is open but for what updates, the clock of the level and the
//!   initial value tell. `replay.rs` tries to run everything, `proof.rs` to choose an order of writes: exactly, for
//!   histories of up to some hundred transactions; beyond, what neither decides is *unknown*.
//! * `bank-audit` (`audits.rs`): balances are what a set of transfers made, which is looked for.
//!
//! Levels below snapshot isolation (`level.rs`) are judged by the cycles that they forbid, as far as the graph shows them.
//!
//! Sources: A. Adya: *Weak Consistency*, 1999. P. Alvaro, K. Kingsbury: *Elle: Inferring Isolation Anomalies from
//! Experimental Observations*, VLDB 2020. A. Cerone, A. Gotsman: *Analysing Snapshot Isolation*, JACM 2018. A. Bouajjani
//! et al.: *On Verifying Causal Consistency*, POPL 2017. C. Tan et al.: *Cobra*, OSDI 2020.

mod anomaly;
mod audit_search;
mod audits;
mod cycles;
mod graph;
mod infer;
mod level;
mod list_append;
mod monotonic;
mod names;
mod proof;
mod read_write;
mod replay;
#[cfg(test)]
mod tests;
mod time;
mod transaction;
mod workload;

pub use anomaly::{Anomaly, Found, Link, Step};
pub use level::Level;
pub use workload::{Judged, NAMES, Workload};
