//! Patroni: agents that keep one of several databases the primary, with a lock in a store.
//!
//! # The algorithm
//!
//! An *agent* runs beside every database. It looks every `loop_wait` of its wall clock, and when the lock changes: at the
//! store, and at its database. The agent that has the *lock*, a key that goes with a lease of `ttl`, has the primary.
//!
//! *With the lock*: renew it, then see to the rest. If that is refused the database is stopped at once. If the store
//! has not answered for `retry_timeout` it is stopped too, for the store cannot tell a cut from its own death; unless
//! in *failsafe mode* every member that the leader knew of agrees that it goes on.
//!
//! *Without a leader*: a standby steps aside if it lacks too much of what the leader had, if (`check_timeline`) its
//! timeline is not the last one, if any primary is alive, if another is ahead, or, where writes wait for standbys, if they need not have
//! waited for it. It asks the other agents over HTTP; who does not answer does not count. Otherwise it takes the lock,
//! if it is still free, and is promoted.
//!
//! *With another leader*: the database follows it. A primary is stopped first. What it has that the leader has not, it
//! cuts once the leader is promoted; if that is not possible it is cloned.
//!
//! *A crashed primary* is started again as one, on its timeline, while its agent keeps the lock: for
//! `primary_start_timeout`, then the lock is given up, if there is another to take it. A start that fails gives it up.
//!
//! *Synchronous standbys* are in two lists, the database's and the store's (`rules/sync.rs`). `on`: with no standby
//! left, writes no longer wait. `strict`: they wait. `quorum`, `quorum-strict`: they wait for any so many of all
//! standbys, and a number in the store says of how many voters a candidate must know that it is behind none
//! (`rules/quorum.rs`, `rules/votes.rs`); any standby may race.
//!
//! *Tags* say what is different about one member ([`Tags`]). One that may not lead does not race, and nobody defers or
//! hands over to it; of those that have equally much the one with the highest priority takes over; for one that is not
//! to be waited for no write waits; one that replicates from another standby streams from it as long as that one
//! streams (`rules/cascade.rs`).
//!
//! *The watchdog* is petted when the lock was renewed, so that it fires `safety_margin` before the lock is free. It is
//! the database's here: it stops, where a machine would be reset.
//!
//! *A standby cluster* follows a primary elsewhere (`rules/standby_cluster.rs`): whoever has its lock lets its database
//! stream from there, and the others follow that one. It is promoted as a whole when an operator lets it go.
//!
//! *A new cluster*: whoever creates `initialize` begins the first timeline, the others are its copies. *An operator*
//! asks for a planned change of leaders, or for a pause, by a key ([`Operator`]).
//!
//! # The source
//!
//! Patroni's `ha.py`, `dcs/etcd3.py`, `api.py` and its documentation. Where it is another:
//!
//! * An agent's lease is over when its own clock says so, counted from when it asked; then its database is stopped
//!   before the store is asked. Patroni asks first, and after a pause without a failover goes on with its lock.
//! * With `check_timeline` a log on an older timeline is behind any on a newer one. In Patroni positions alone are
//!   compared, then too.
//! * An operator writes keys, which agents watch. In Patroni he asks the leader's agent.
//! * A started database belongs to a cluster by its first timeline, where PostgreSQL has a system identifier. One of
//!   another cluster is left alone.
//! * In quorum mode the `sync` key names the new leader before it is promoted, a vote is counted if the candidate's log
//!   contains the voter's last entry, a candidate that an operator named needs votes, too, and the lock is taken only
//!   if the key is still what votes were counted by. In Patroni the key follows the promotion, positions are compared,
//!   and who is named takes the lock. Whom to wait for is worked out anew after each step, from what must hold, where
//!   Patroni plans several steps; both end where all active standbys vote.
//! * A voter that may not lead votes. Patroni asks it, and does not count what it says.
//! * A standby that is to stream from another does so while that one streams, and for `ttl` no more when it has not. In
//!   Patroni it does as long as that one has a member key.
//! * A standby cluster follows one address. Patroni takes several, and the settings of copies and slots.
//! * Lag is counted in entries. No slots, no copies from standbys (`clonefrom`), no order among standbys to wait for
//!   (`sync_priority`).
//!
//! # Invariants
//!
//! * A database takes writes ⇒ its agent has the lock, as long as clocks run at one rate and the watchdog is on.
//! * Whoever is in `sync` has every acknowledged write; with a quorum there, at most so many of its standbys lack one.
//! * A primary that has lost the lock never goes on: it comes back as a standby, and has been rewound before it
//!   streams.
//! * Primary dead, a majority of the store and one standby that may race are up ⇒ within `ttl` + `loop_wait` and the
//!   promotion there is a primary.
//!
//! # What it gives up
//!
//! Without a watchdog, the first of these: the database takes writes without asking its agent, and does so until an
//! agent that was paused wakes up. (With one, it does for as long as it takes to arm it in a primary that has just been
//! started again after a crash.) Without synchronous mode, acknowledged writes: up to `maximum_lag_on_failover`, and
//! more, for the leader says only now and then what it has. In failsafe mode, takeover, while the store is down.
//! Everywhere, availability without the store: all standbys may be well and no one takes over.
//!
//! # Where to look
//!
//! * what is in the store: `message.rs`, with who writes which key
//! * the rules: what an agent does (`rules.rs`), whom writes wait for (`rules/sync.rs`, `rules/quorum.rs`), who has
//!   votes (`rules/votes.rs`), which standby streams from which (`rules/cascade.rs`)
//! * the agent: [`run`] and [`serve`] (`node.rs`), its lock (`node/lock.rs`), its database (`node/database.rs`), the
//!   standbys that it sees to (`node/standbys.rs`), its lease and its keys (`node/session.rs`), what it answers
//!   (`node/health.rs`)
//! * [`Operator`] (`client.rs`); [`Config`], [`Options`], [`Flaw`] (`options.rs`), [`Tags`] (`tags.rs`)
//!
//! What is absent: a view. What a cluster is, its databases say.

mod client;
mod message;
mod node;
mod options;
mod rules;
mod tags;

pub use client::{Operator, OperatorError};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options, StandbyCluster, Synchronous, Watchdog};
pub use tags::Tags;

/// Every probe of the agents: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // "acquired", "released" or "lost": what this agent believes of the lock
    "lock",
    // the LSN that a leader has written down in the store: who takes over is measured by it
    "position kept",
    "a crashed primary is given up",
    "a standby follows a standby",
    "a standby is reinitialised",
    "a standby that is followed does not stream",
    "a primary goes on without the store",
    "a synchronous standby is no longer named",
    "an operator's options are taken over",
    "another was faster to take the lock",
    "crashed primary started again",
    "demoted as the cluster is to follow another",
    "demoted as the lock is lost",
    "demoted as the store does not answer",
    "malformed request dropped",
    "planned switchover",
    // ttl, loop_wait, retry_timeout: those that were said contradict each other, and an agent takes these
    "timers adjusted",
    "stepped aside for a primary that is alive",
    "stepped aside for one that is ahead",
    "stepped aside as it lags",
    "stepped aside as it may not lead",
    "stepped aside as no failsafe member",
    "stepped aside as it is not synchronous",
    "stepped aside for a higher priority",
    "stepped aside on an old timeline",
    "stepped aside for want of votes",
    "strict mode: writes wait for a standby that is not there",
    "the database belongs to another cluster",
    "the lock was over before it was renewed",
    "the required watchdog cannot be armed",
];

#[cfg(test)]
mod tests {
    use super::PROBES;
    use std::collections::BTreeSet;

    #[test]
    fn every_probe_is_declared_and_every_declared_probe_is_used() {
        let sources = [
            include_str!("node.rs"),
            include_str!("node/database.rs"),
            include_str!("node/health.rs"),
            include_str!("node/lock.rs"),
            include_str!("node/standbys.rs"),
        ];
        let used: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.split("probe!(\"").skip(1).chain(source.split("sometimes!(\"").skip(1)))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(used, PROBES.iter().copied().collect());
    }
}
