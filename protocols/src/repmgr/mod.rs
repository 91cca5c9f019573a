//! repmgr: a daemon beside each database, each of which decides for itself whether it promotes its own.
//!
//! # The algorithm
//!
//! *Metadata.* A table, `repmgr.nodes`, says of each node what it is, whom it follows and whether it is active. The
//! primary writes it, and it comes to the others as all data do. So does `repmgr.events`: who was promoted, or registered
//! as a primary, and when by its wall clock. Besides, a node's shared memory says whom its daemon
//! has seen when, and takes what it is told; others read it through the node's database, and it begins empty with that.
//!
//! *Monitoring.* The daemon of a standby asks its upstream every 2 s whether it answers, a new connection each time. If
//! not, it asks again 6 times, 10 s apart; an answer that does not come in 2 s is none. The daemon of a primary looks
//! after its own database, and after nobody else.
//!
//! *The election.* Then each standby asks its *siblings*, the active nodes with the same upstream, and decides alone
//! (`rules/election.rs`). Without siblings it has won, if it is where the primary was (`location`). Nobody promotes
//! himself who sees half of the nodes or fewer; the *witness*, a node without data, counts. Of those that are seen, and
//! whose daemons run, the one wins that has received most, then the one of higher priority, then of the lower number;
//! priority 0 never. Whether somebody still sees the primary matters with `primary_visibility_consensus` alone.
//!
//! *Promotion.* The winner runs `promote_command`, a script (`rules/script.rs`): `repmgr standby promote`, which
//! refuses where it sees a primary, and commands to each PgBouncer. In one order it promotes first, in the other it
//! pauses all of them before. Where applications have endpoints ([`Push`]) it tells them too: each before the promotion,
//! or all after it, without waiting. It stops at the first error. Then the siblings are told, and follow without
//! rewinding, if their logs allow it.
//!
//! *Degraded monitoring.* Whoever was not told within 60 s, whose script failed, or who called the election off waits
//! for his upstream, or for a sibling that is a primary, and holds no other election.
//!
//! *The witness* copies the table every 15 s, and follows whoever is the primary as it is told, or finds out.
//!
//! # The source
//!
//! `EnterpriseDB/repmgr` 5 (`repmgrd-physical.c`, its documentation), and what 5.5.0 was seen to do. What surprises, and
//! is kept:
//!
//! * Death and a cut look the same: detected after 4 s, decided at 66 s, promoted at 68 s.
//! * With two nodes and no witness both sides of a cut have a primary, for good. A witness that sees the primary makes
//!   the majority with which the other side promotes; that it sees it is noted.
//! * A primary that comes back is one: nobody tells it of the other, and its daemon does not look.
//! * A daemon whose script failed does not try again, and nor does any other.
//! * A daemon that does not reach its upstream when it begins ends.
//!
//! Where this is another:
//!
//! * Nodes read shared memory on a port of its own, not through SQL; a witness's table is in its daemon's memory.
//! * The system starts a daemon that ended after 5 s, and a database that stopped as what its folder says. It makes and
//!   registers one where there is none (`standby clone`, `register`). `rejoin` is what an operator's own script does.
//! * Missing: cascaded standbys as upstreams, `failover = manual`, `switchover`,
//!   `failover_validation_command` and its reruns, `connection_check_type` other than `ping`, `election_rerun_interval`,
//!   `child_nodes_disconnect_command`, `degraded_monitoring_timeout`, `failover_delay`, replication slots, other events.
//!
//! # Invariants
//!
//! * Nobody promotes itself who sees half of its siblings or fewer, or whose priority is 0.
//! * With `primary_visibility_consensus` nobody does while a sibling that answers sees the primary.
//! * A database that was told to follow is not rewound.
//!
//! # What it gives up
//!
//! One primary: the documentation calls fencing the operator's. Whoever was the primary and is cut off, or comes back,
//! stays one, and clients whose PgBouncer was not told stay with it. What it acknowledges meanwhile is on one side
//! only, and lost if that side is given up; replication is asynchronous besides.
//!
//! # Where to look
//!
//! * the rules: elections (`rules/election.rs`), the script (`rules/script.rs`), how a database is started
//!   (`rules/service.rs`)
//! * the daemon: [`run`] (`node.rs`), day by day (`node/monitor.rs`), once a primary is given up (`node/failover.rs`),
//!   its script (`node/promote.rs`), the tables (`table.rs`); [`memory()`] (`node/memory.rs`) and [`service`]
//!   (`node/service.rs`, with the folder in `node/folder.rs`)
//! * what is said (`message.rs`), who asks (`client.rs`), [`Config`] and options (`options.rs`)

mod client;
mod message;
mod node;
mod options;
mod rules;
mod table;

pub use client::{NotTold, Operator, Shown, cluster_show, latest_promotion};
pub use message::Event;
pub use node::{Memory, memory, run, service};
pub use options::{Config, First, Flaw, Node, Options, Promote, Push};

/// Every probe of a node: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // whose database a daemon looks after, and as what: "primary", "standby" or "witness"
    "monitors",
    // the number of a primary that has not answered once too often
    "upstream given up",
    // "won", "lost", "no candidate", "cancelled" or "follow"; how many nodes were seen, of how many
    "election",
    // why
    "election cancelled",
    // the number of the primary that this one replaces, and how long ago a node that it sees saw that, in ms
    "takes over",
    // the number of the primary that this standby follows now
    "follows",
    // the step at which the script of a promotion ended
    "script stops",
    "a daemon finds another primary in degraded state",
    "a daemon is started again",
    "a daemon waits in degraded state",
    "a paused daemon holds no election",
    "a pooler that fails is passed over",
    "an application has not heard of a promotion",
    "a primary's own daemon does not reach it",
    "a promotion is finished after a restart",
    "a promotion is refused as a primary is seen",
    "a sibling could not be told whom to follow",
    "a standby cannot follow without a rewind",
    "a standby wins while another node sees the primary",
    "an upstream answers again",
    "the primary reappears before another is promoted",
    "what was the primary rejoins",
];
