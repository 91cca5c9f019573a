//! A process registry: names for processes, on every node of a cluster. Syn 3, and a protocol that holds where it does
//! not.
//!
//! # The algorithm
//!
//! Every node keeps the whole table: name → process, metadata, stamp. The node that *runs* a process is the authority
//! for its registrations, and numbers them by nothing but its wall clock.
//!
//! *Calls.* To register or unregister, a node asks the node that runs the process. The owner checks (is the process
//! alive? has another process the name?), writes its own table, broadcasts to all peers it knows but the asking node,
//! and answers. The asking node's own table is written by the *calling task*, once the answer has arrived, over
//! whatever is there. A call is given up after a while, and an answer that comes later is dropped. A lookup asks
//! nobody.
//!
//! *Deaths.* A process is watched while it has names. When it dies its node removes all of them and broadcasts each.
//!
//! *Subcluster.* Nodes that are connected are not yet acquainted. On a new connection each says `discover`; who hears
//! it answers `ack_sync`, a snapshot of all that it *owns*, and remembers the peer. Who gets a snapshot drops what that
//! peer owned and no longer does, applies the rest, and, if the peer was new, answers with a snapshot of its own. Until
//! then the peer's broadcasts are ignored. When a known peer's connection is lost its entries are purged and the peer
//! is forgotten.
//!
//! *Applying an entry* that its owner announced: no such name → insert. The same process → overwrite, since it comes
//! from the same owner in the owner's order. A process of ours has the name → conflict. Else the strictly newer stamp
//! wins. An announced removal removes exactly (name, pid).
//!
//! *Conflict.* The owners of both processes decide, alike: the later stamp is kept, of equal ones the greater pid. The
//! loser's node puts the winner in its place, kills the loser and broadcasts its removal. The winner's node gives its
//! entry a new stamp and broadcasts it.
//!
//! *Scopes.* All of this is so for each scope by itself: a node may take part in several, each with a table, groups and
//! known peers of its own. Only processes are shared.
//!
//! # The source
//!
//! `ostinelli/syn` at 807efaf (after 3.4.1): `syn_registry.erl` and `syn_gen_scope.erl`; the road to it in "It's a
//! Syn", parts 1 to 5, is where most of [`Flaw`] comes from. Erlang's parts are played so: a scope process is a lock
//! under which each event is handled whole; distribution is one TCP connection for each pair of nodes, with heartbeats,
//! and the scope's sender process is its one queue; `DOWN` is an event that follows the death; the calling process is
//! the task that serves a client. OTP's rule against partitions that overlap, and processes that trap exit signals, are
//! options; a connection that was lost is dialled again by itself, where Erlang waits until somebody sends. Two more
//! things differ: answers to calls go through the ordered queue too (Syn's go from
//! the scope process straight), and a call to a peer that is not connected is refused (Erlang would try to connect).
//!
//! # Invariants
//!
//! * A node has at most one entry for a name.
//! * Quiescent and connected ⇒ every table is the union of what the owners own, and every process in it is alive.
//! * Resolving a conflict of k processes kills at most k − 1.
//! * Healed and without new operations ⇒ quiescent.
//!
//! # What it gives up
//!
//! One owner for a name, while the cluster is split: each side may register it, and the heal kills one. "Later" is by
//! wall clocks of different machines. And the second invariant is a hope: the calling task's write is not ordered with
//! the scope's, a third node that ignored an older entry is not told again when the newer one goes, and a stamp can go
//! backwards with its clock.
//!
//! # The protocol that holds
//!
//! [`Protocol::Converged`] is what we made of it, and stays valid where Syn's rules do not: `rules/converged.rs` has
//! the algorithm, why it converges, and what it gives up. Both are sets of rules (`rules.rs`) for the same node.
//!
//! # Where to look
//!
//! * the rules (Syn's in `rules/syn.rs`, `rules/converged.rs`), on tables (`table.rs`) and processes (`process.rs`)
//! * scopes, each with rules and groups of its own (`scope.rs`); what they share (`local.rs`); custom resolvers
//!   (`resolver.rs`)
//! * the node: [`run`] and [`serve`] (`node.rs`), a peer's connection (`link.rs`), a client's (`client_port.rs`)
//! * [`Client`] (`client.rs`)
//! * wire types and their bounds (`message.rs`), frames and the ordered queue (`../common/transport.rs`)
//! * [`Config`], [`Options`], [`Flaw`] (`options.rs`); what a checker sees: [`View`] (`view.rs`), [`PROBES`] (here)
//!
//! * process groups (`groups.rs`), messages to processes (`mailbox.rs`) and to their readers ([`Inbox`]), [`watch`] and
//!   its [`Event`]s
//!
//! Nothing is written to disk: a node that restarts has neither processes nor entries.

mod client;
mod client_port;
mod events;
mod groups;
mod inbox;
mod link;
mod local;
mod mailbox;
mod message;
mod node;
mod options;
mod process;
mod resolver;
mod rules;
mod scope;
mod table;
mod view;

use crate::common::{Tasks, transport};

pub use client::{Client, ClientError, InScope};
pub use events::Event;
pub use inbox::{Inbox, Message, watch, watch_scope};
pub use message::{META_BYTES_MAX, NAME_BYTES_MAX, Refusal};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options, Protocol};
pub use process::{NodeId, Pid};
pub use resolver::{Resolve, Resolver};
pub use scope::DEFAULT_SCOPE;
pub use table::Entry;
pub use view::{ScopeView, View};

/// Every probe of the registry: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // name, pid: a lookup has shown a process of its own node that is dead
    "dead process shown",
    // name, the pid that is kept, the pid that is lost
    "conflict",
    // pid: the loser of a conflict, at its own node
    "killed",
    // peer
    "node-down",
    // peer
    "node-up",
    // peer, number of entries
    "purge",
    // peer, number of entries
    "snapshot",
    "call timed out",
    "conflict: local kept",
    "conflict: neither kept",
    "conflict: remote kept",
    "conflict: tie",
    "dead local process hidden",
    "late reply dropped",
    "malformed frame dropped",
    "older entry ignored",
    "peer left so that partitions do not overlap",
    "race condition answered",
    "remote registration",
    "scope crashed",
    "snapshot dropped an entry",
    "sync from unknown peer ignored",
];

#[cfg(test)]
mod tests {
    use super::PROBES;
    use std::collections::BTreeSet;

    #[test]
    fn every_probe_is_declared_and_every_declared_probe_is_used() {
        let sources = [
            include_str!("client.rs"),
            include_str!("client_port.rs"),
            include_str!("rules/converged.rs"),
            include_str!("link.rs"),
            include_str!("node.rs"),
            include_str!("rules/syn.rs"),
            include_str!("../common/transport.rs"),
        ];
        let used: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.split("probe!(\"").skip(1).chain(source.split("sometimes!(\"").skip(1)))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let declared: BTreeSet<&str> = PROBES.iter().copied().collect();
        assert_eq!(used, declared);
        assert_eq!(declared.len(), PROBES.len(), "a probe is declared twice");
    }
}
