//! Who keeps a name that two processes have: Syn's rule, or one of your own.
//!
//! A resolver of your own is asked by the nodes of *both* processes, each for itself, and kills nobody. The node whose
//! process is given up takes the other's entry; the node whose process is kept stamps its entry anew. If it decides for
//! neither (it fails, or names a process that is neither of the two) each node frees the name.
//!
//! Who is given up has the name no more, and lives. Most that people write stop it a moment later
//! ([`Options::kill_later`](super::Options::kill_later)): not inside of the resolution, which would hold up the scope
//! process, but by a task. Logflare (its pull request 2538) starts one at each of the two nodes, which waits up to 1.5 s,
//! at random, asks the process' node whether it is alive, and if so ends it; so the second finds it dead. Supavisor and
//! Realtime (374, 1481) have one at the process' own node, which asks it to stop and, after 30 or 5 seconds, ends it.
//!
//! So it must decide alike on both nodes, whichever of the two processes is theirs and whichever ours there, by nothing
//! but what it is given; else both are kept or both given up. And it is asked by owners only: a third node goes on
//! comparing stamps.
//!
//! [`Protocol::Converged`](super::Protocol::Converged) refuses one. There every node computes what a name points at
//! from all claims it has, so a resolver would have to be a total order on processes, the same on every node and
//! unchanged while a process has names. "Prefer this metadata" is neither: two claims may both have it, and metadata
//! changes.

use super::{process::Pid, table::Entry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Syn's rule, or a resolver that a scenario can name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resolver {
    /// Syn's rule: the later stamp is kept, of equal ones the greater pid. The only one that kills.
    #[default]
    Latest,
    /// The earlier stamp is kept, of equal ones the smaller pid: who was first, as Logflare, Supavisor and Realtime have
    /// it. The other is stopped a moment later. A stamp is new after each conflict that was won and each change of
    /// metadata, so who has been first once need not be the next time.
    Earliest,
    /// Whose metadata is `keepthis` is kept, though it be older; if neither's or both's is, it fails.
    KeepThis,
    /// It fails.
    Fails,
    /// It names a process that is neither of the two.
    NamesAStranger,
}

/// A resolver of your own: from the name, their entry and ours, the process to keep; none if it fails.
#[derive(Clone)]
pub struct Resolve(Arc<Decide>);

type Decide = dyn Fn(&str, &Entry, &Entry) -> Option<Pid> + Send + Sync;

impl Resolve {
    /// Decides by this function, on both owners' nodes alike.
    ///
    /// ```
    /// # use protocols::registry::Resolve;
    /// // The process of the smaller pid, wherever it runs.
    /// let first = Resolve::new(|_name, theirs, ours| Some(theirs.pid.min(ours.pid)));
    /// ```
    pub fn new(resolve: impl Fn(&str, &Entry, &Entry) -> Option<Pid> + Send + Sync + 'static) -> Self {
        Resolve(Arc::new(resolve))
    }

    /// The resolver that a scenario names; none is Syn's rule.
    pub(super) fn named(resolver: Resolver) -> Option<Self> {
        let keeps = |entry: &Entry| entry.meta == "keepthis";
        match resolver {
            Resolver::Latest => None,
            Resolver::Earliest => Some(Resolve::new(|_, theirs, ours| {
                Some(if (theirs.time, theirs.pid) < (ours.time, ours.pid) { theirs.pid } else { ours.pid })
            })),
            Resolver::KeepThis => {
                Some(Resolve::new(move |_, theirs, ours| match (keeps(theirs), keeps(ours)) {
                    (true, false) => Some(theirs.pid),
                    (false, true) => Some(ours.pid),
                    _ => None,
                }))
            }
            Resolver::Fails => Some(Resolve::new(|_, _, _| None)),
            Resolver::NamesAStranger => {
                Some(Resolve::new(|_, theirs, _| Some(Pid { serial: 0, ..theirs.pid })))
            }
        }
    }

    /// The process to keep, which may be neither of the two.
    pub(super) fn decide(&self, name: &str, theirs: &Entry, ours: &Entry) -> Option<Pid> {
        (self.0)(name, theirs, ours)
    }
}

impl fmt::Debug for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolve(..)")
    }
}
