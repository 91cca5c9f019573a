//! The election: each standby holds it for itself, from what it sees, and nobody is asked for a vote.

use crate::database::Lsn;
use crate::repmgr::options::{Flaw, Options};
use std::cmp::Reverse;
use std::time::Duration;

/// The standby that holds it.
#[derive(Debug, Clone)]
pub(in crate::repmgr) struct Own<'a> {
    pub id: u32,
    pub priority: u32,
    pub location: &'a str,
    /// What it has received.
    pub received: Lsn,
}

/// The primary that does not answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::repmgr) struct Upstream<'a> {
    pub id: u32,
    pub location: &'a str,
}

/// A node that had the same upstream.
#[derive(Debug, Clone, Copy)]
pub(in crate::repmgr) struct Sibling<'a> {
    pub id: u32,
    pub priority: u32,
    pub location: &'a str,
    pub is_witness: bool,
    /// What it said; none if it did not answer.
    pub said: Option<Said>,
}

/// What a sibling said.
#[derive(Debug, Clone, Copy)]
pub(in crate::repmgr) struct Said {
    /// Its daemon runs.
    pub daemon: bool,
    /// It is a primary, and may be followed from here or not.
    pub primary: Option<bool>,
    /// Whom it monitors, and how long ago it saw that one.
    pub saw: Option<(u32, Duration)>,
    /// What it has received.
    pub received: Lsn,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repmgr) enum Election {
    /// This standby promotes itself.
    Won,
    /// Another will.
    Lost,
    /// This one is not to be elected; another may be.
    NotCandidate,
    /// Nobody is promoted by this one, for this reason: it waits for its upstream, or for another primary.
    Cancelled(&'static str),
    /// A sibling is a primary already.
    Follow(u32),
}

/// Counts what a standby sees.
pub(in crate::repmgr) fn elect(
    own: &Own<'_>,
    upstream: Upstream<'_>,
    siblings: &[Sibling<'_>],
    options: &Options,
) -> Election {
    if own.priority == 0 {
        return Election::Lost;
    }
    let is_here = own.location == upstream.location;
    if siblings.is_empty() {
        // The flaw: no place is another one.
        let wins = is_here || options.flaw == Some(Flaw::WinByDefault);
        return if wins { Election::Won } else { Election::NotCandidate };
    }
    let visible = || siblings.iter().filter_map(|sibling| Some((sibling, sibling.said.as_ref()?)));
    if let Some(primary) = visible().find_map(|(sibling, said)| {
        let is_one = said.daemon && said.primary == Some(true) && !sibling.is_witness;
        is_one.then_some(sibling.id)
    }) {
        return Election::Follow(primary);
    }
    if !is_here && !visible().any(|(sibling, _)| sibling.location == upstream.location) {
        return Election::Cancelled("nobody in the primary's location is seen");
    }
    let ignored = options.flaw == Some(Flaw::WitnessIgnored);
    if options.primary_visibility_consensus
        && !ignored
        && last_sight(upstream, siblings).is_some_and(|ago| ago < sight(options))
    {
        return Election::Cancelled("somebody sees the primary");
    }
    // The witness counts, and so do nodes that are not to be elected.
    if 2 * (1 + visible().count()) <= 1 + siblings.len() {
        return Election::Cancelled("half of the nodes or more are not seen");
    }
    let candidates = visible().filter(|(sibling, said)| {
        said.daemon && said.primary.is_none() && !sibling.is_witness && sibling.priority > 0
    });
    let candidates = candidates.map(|(sibling, said)| (said.received, sibling.priority, Reverse(sibling.id)));
    let best = candidates.max();
    if best > Some((own.received, own.priority, Reverse(own.id))) { Election::Lost } else { Election::Won }
}

/// Whoever has seen the primary within so long sees it.
pub(in crate::repmgr) fn sight(options: &Options) -> Duration {
    2 * options.monitor_interval_secs
}

/// How long ago a sibling that answers, and whose daemon runs, saw the primary.
pub(in crate::repmgr) fn last_sight(upstream: Upstream<'_>, siblings: &[Sibling<'_>]) -> Option<Duration> {
    let said = siblings.iter().filter_map(|sibling| sibling.said.as_ref()).filter(|said| said.daemon);
    let saw = said.filter(|said| said.primary.is_none()).filter_map(|said| said.saw);
    saw.filter(|(id, _)| *id == upstream.id).map(|(_, ago)| ago).min()
}

#[cfg(test)]
mod tests;
