//! keepalived and UCARP: an address that moves between machines, and scripts that promote a database where it is.
//!
//! # The algorithm
//!
//! *Adverts.* Of the machines of a group one is the *master*: it has the virtual addresses, and says once an interval
//! that it is there. Nobody answers, nobody votes, and nothing is written down. A *backup* that has heard nothing for
//! three intervals and its *skew* takes over; the stronger, the shorter the skew. A master that hears a stronger one
//! becomes a backup.
//!
//! *The address.* A new master says that it is there, adds the addresses to its machine, and announces them by
//! gratuitous ARP, five at once and five more 5 s later: whoever remembers another owner is told. Then it runs its
//! notify script, and does not wait for it. A master that a weaker one dares to answer says at once that it is there,
//! and announces again.
//!
//! *Scripts.* `notify_master` promotes the database of its machine. `notify_backup` stops a primary, and lets the
//! database follow whoever is behind the virtual address, rewound or copied where that must be. `notify_fault` stops
//! it. They run one after the other; one that cannot do what it is for tries again until the next is due. A database
//! that stops by itself is started by the system, as what it was; a standby that has streamed nothing for 15 s is
//! copied anew.
//!
//! *Checks* (keepalived): whether the database's process answers. With a weight, the priority moves with the result;
//! without one, whoever fails is in `FAULT` until the check passes again.
//!
//! *An operator* restarts the master's daemon (keepalived), which says goodbye with priority 0: then a backup waits for
//! its skew alone. UCARP is told to step back (`SIGUSR2`), and is deaf for 3 s.
//!
//! # The source
//!
//! RFC 3768, RFC 5798, `acassen/keepalived` and `jedisct1/UCarp`, and what keepalived 2.3.3 and ucarp 1.5.2 were seen
//! to do on one machine with network namespaces. What surprises, and is kept:
//!
//! * keepalived: `state MASTER` has no effect below priority 255, and clears `nopreempt`. The skew of VRRPv2 does not
//!   scale with the interval, that of VRRPv3 does. A backup that is stronger than the master drops its adverts and does
//!   not wait longer for them. Wrong passwords, and in VRRPv2 other intervals, are dropped by master and backup alike:
//!   then there are two masters for good. VRRPv3 takes the master's interval. Which addresses a master has is not said.
//!   What is queued while a daemon stands still is handled one by one, before its timers, and a master that is stronger
//!   answers each.
//! * UCARP: a timer is looked at when something comes, or once an interval; what comes is handed over by libpcap up to
//!   a second late. Of equals the one with the lower address leads, as a little-endian machine reads it: 10.77.1.2
//!   before 10.77.0.9. Nobody says goodbye, and without `-z` the address stays where it was. The down script runs at
//!   each start.
//!
//! Where this is another:
//!
//! * Adverts go to each peer, as with `unicast_peer`, as datagrams; the group's number is their port. A password stands
//!   for UCARP's digest.
//! * A check counts as passed until its first result. Real instances wait for that before they begin.
//! * UCARP waits for its scripts. Here it waits for the address, and not for the database.
//! * Missing: sync groups, `preempt_delay`, tracked interfaces, files and processes, `garp_master_refresh`, UCARP's
//!   counters and its stepping back where it cannot send.
//!
//! # Invariants
//!
//! * A daemon that is a master has claimed the addresses; one that is a backup has not.
//! * Masters that hear each other do not stay two.
//! * With `nopreempt`, who hears a master takes over from none.
//! * With `notify_backup` that follows, the database of a machine is a primary where its daemon is the master, soon.
//!
//! # What it gives up
//!
//! One owner: RFC 5798, 6.4.2, lets each backup become a master that hears none, so that a partition has one on each
//! side, each with a primary that takes writes. When it heals, what the weaker one had acknowledged is cut from its
//! log. Nobody compares logs either: the backup that takes over may be the one that lacks most. All that holds without a
//! partition, too, where the master stands still and goes on; and replication is asynchronous, for nobody is told whom
//! to wait for.
//!
//! # Where to look
//!
//! * the rules: keepalived (`rules/keepalived.rs`), UCARP (`rules/ucarp.rs`), tracked checks (`rules/check.rs`), what
//!   scripts do (`rules/script.rs`)
//! * the daemon: [`run`] (`node.rs`); its [`scripts`] (`node/scripts.rs`), told by [`notify`]
//! * [`Operator`] (`client.rs`), datagrams (`message.rs`), [`Config`] and options (`options.rs`)

mod client;
mod message;
mod node;
mod options;
mod rules;

pub use client::{Operator, OperatorError};
pub use message::Order;
pub use node::{Notify, Scripts, notify, run, scripts};
pub use options::{Check, Config, Flaw, Initial, Keepalived, OnBackup, Ucarp, Variant, Version};

/// Every probe of a daemon: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // "stopped", "backup", "master" or "fault", its priority (UCARP: its advskew)
    "state",
    // "claimed" or "released", the address
    "address",
    // the address: it was announced, several times or once
    "announced",
    // the number of another master, whom this one has heard: before anything follows from that
    "another master",
    // the number of whom it heard last as the master, and how long ago, in ms: it becomes the master
    "takes over",
    "a database that stopped is started again",
    "a standby that does not stream is copied anew",
    "a master is told to go",
    "malformed datagram dropped",
];
