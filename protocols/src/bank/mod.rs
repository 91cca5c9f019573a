//! A bank: accounts on several branches, and transfers between them that never lose a penny.
//!
//! # The algorithm
//!
//! An account belongs to the *branch* that its hash says. A branch has books (accounts, requests and their answers,
//! what is held and what has arrived), and a log; the books are the fold of the log. What happens is decided on the
//! books, appended, and applied, at once and in order; what follows from it *leaves* when it is durable (`gate.rs`):
//! answers, messages to other branches, and reads too, for they may have seen what is not durable yet.
//!
//! *Requests* carry an id that their client made up. A branch writes down what became of each, a refusal too, so that
//! an id has one answer for ever, whenever and however often it arrives. Clients ask until they are answered.
//!
//! *Transfers* within a branch are one record. Between branches:
//!
//! | step | where | record | then |
//! |---|---|---|---|
//! | 1 | source | `Reserved`: the amount is held; available = balance − holds | ask the destination |
//! | 2 | destination | `Credited`, or `Declined` if the account cannot take it | answer |
//! | 3 | source | `Captured`: the hold is gone; or `Released`: it is available again | answer the client |
//!
//! The source asks until it is answered, over as many connections and crashes as it takes; the destination knows the
//! id, and gives the same answer again. A decline is final, also when the account is opened again: the hold may be
//! gone. An account with holds cannot be closed, so what comes back always has a place. The client is not needed after
//! step 1.
//!
//! *Audits* are consistent cuts by epochs that every message carries (`audit.rs`).
//!
//! *Disks.* A full one: what is new is refused (definitely: nothing was appended); what was appended before, and what
//! is read after it, waits for room. One that fails or does not answer: the branch is crash-only; it drops all it knows
//! and begins anew from its log, which `common::wal` reads as if nothing in the page cache could be trusted. A corrupt
//! log: [`run`] ends with an error that names file and offset, for there is no other copy.
//!
//! # The source
//!
//! The account is that of "Specifying a state machine with TLA+" and "TLA+ with concurrency": open, close, reopen,
//! deposits below a limit, and transfers that are atomic or *queued*; the queued one, a cheque that is cashed without a
//! check, is [`Flaw::UncheckedCheque`]. `rules/tests.rs` explores both, and finds TLC's numbers and its five states.
//! Holds that are captured or released by id are how card payments are settled. Output commit: Strom and Yemini,
//! *Optimistic Recovery in Distributed Systems*, 1985. The cut: Lai and Yang, 1987.
//!
//! # Invariants
//!
//! * No account has less than nothing available, and none that is closed moves.
//! * On accounts and in flight is what was deposited less what was withdrawn, in every consistent cut.
//! * A request is decided once, a transfer arrives once and ends once, each in one record.
//! * What anybody was told survives every crash.
//! * Each account is linearizable. Healed ⇒ every transfer completes or comes back.
//!
//! # What it gives up
//!
//! Availability: an account has one branch, and one copy. A transfer is not atomic to see: between steps 2 and 3 both
//! ends may be read, and the money is at neither or, held, at the source. Ids are remembered for ever. The number of
//! branches is fixed.
//!
//! # Where to look
//!
//! * the account (`account.rs`), the rules of a branch (`rules.rs`), why it says no ([`Refusal`])
//! * the branch: [`run`] and [`serve`] (`node.rs`), other branches (`link.rs`), clients (`client_port.rs`), `gate.rs`,
//!   `audit.rs`
//! * [`Client`] (`client.rs`); wire types (`message.rs`); [`Config`], [`Options`], [`Flaw`] (`options.rs`)
//! * what a checker sees: [`View`] (`view.rs`), [`PROBES`] (here)
//!
//! What is absent: interest, currencies, overdrafts, and who may do what.

mod account;
mod audit;
mod client;
mod client_port;
mod gate;
mod link;
mod message;
mod node;
mod options;
mod refusal;
mod rules;
mod view;

pub use account::{Account, Limits};
pub use client::{Client, ClientError};
pub use message::{AccountId, Act, Answer, Audit, BranchId, Id, Part, Transfer};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub use refusal::Refusal;
pub use view::{Summary, View};

/// Every probe of the bank: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // the last record of the log that was found: a branch begins a life
    "recovered",
    // what, id, and of what is done at once or held: act, from, to, amount. A record was appended, and is not durable
    "writing",
    // what, id, its place in the log: a record is durable, and what follows from it leaves
    "written",
    // id: the same request had another answer
    "answer changed",
    // account: money was moved although it is closed
    "closed account moved",
    // available, in flight, deposited, withdrawn
    "audit",
    "audit given up",
    "audit with money in flight",
    "branch begins anew after its disk failed",
    "late answer about a transfer",
    "log corrupt",
    "malformed frame dropped",
    "no room for a snapshot",
    "refused as the disk is full",
    "retry of a transfer under way",
    "silent branch given up",
    "snapshot written",
    "torn tail cut",
    "transfer arrived again",
    "transfer declined",
    "transfer sent again",
];

#[cfg(test)]
mod tests {
    use super::PROBES;
    use std::collections::BTreeSet;

    /// Those that the system around the protocol publishes.
    const OF_THE_SYSTEM: [&str; 2] = ["answer changed", "log corrupt"];

    #[test]
    fn every_probe_is_declared_and_every_declared_probe_is_used() {
        let sources = [
            include_str!("audit.rs"),
            include_str!("link.rs"),
            include_str!("node.rs"),
            include_str!("rules.rs"),
            include_str!("../common/transport.rs"),
        ];
        let published = sources
            .iter()
            .flat_map(|source| source.split("probe!(\"").skip(1).chain(source.split("sometimes!(\"").skip(1)))
            .filter_map(|rest| rest.split('"').next());
        let used: BTreeSet<&str> = published.chain(OF_THE_SYSTEM).collect();
        let declared: BTreeSet<&str> = PROBES.iter().copied().collect();
        assert_eq!(used, declared);
        assert_eq!(declared.len(), PROBES.len(), "a probe is declared twice");
    }
}
