//! Who may lead where writes wait for a quorum: whoever has seen enough voters, and is behind none of them.
//!
//! Of the voters in the `sync` key at most so many as its quorum says lack a write ([`super::quorum`]). A candidate
//! that has all that one more of them has, itself included, has every acknowledged write. It need not be a voter. A
//! voter that is ahead gives no vote, and neither does one that is silent or has nothing.
//!
//! Patroni compares positions, and that is not enough: of two that were promoted from the same timeline, one in vain,
//! the longer log may be the one in which an acknowledged write is missing. So agents say the tag of their timeline,
//! and a vote is counted if the candidate's log *contains* the voter's last entry. A voter on an older timeline votes,
//! too: what it was told of was told of before the candidate's timeline began, whose first leader had all of it.

use super::{Known, Others, Told};
use crate::database::{Role, Timeline};
use crate::patroni::message::SyncState;
use crate::patroni::options::Flaw;

/// The key that votes are counted by, if writes wait for a quorum and a leader has said of whom.
pub(super) fn by_quorum<'a>(known: &Known<'a>) -> Option<&'a SyncState> {
    known.cluster.synchronous().filter(|_| known.options.synchronous_mode.is_quorum())
}

/// Whether this one has all that enough voters have. The leader before needs no votes: it has all that it acknowledged,
/// and the key names its successor before that one is promoted.
pub(super) fn are_enough(known: &Known<'_>, sync: &SyncState, others: &Others) -> bool {
    let votes = others
        .iter()
        .filter(|(id, told)| sync.names(**id) && told.as_ref().is_some_and(|told| votes_for(known, told)));
    let needed = if sync.names(known.me) { sync.quorum } else { sync.quorum + 1 };
    let counts = known.options.flaw != Some(Flaw::QuorumNotCounted);
    !counts || sync.leader == known.me || votes.count() >= needed as usize
}

/// Whether another has more than this one: not only a longer log, but one that goes on where this one ends.
pub(super) fn is_ahead(known: &Known<'_>, told: &Told) -> bool {
    let Some(database) = known.database else { return false };
    let (mine, theirs) = (database.timeline().unwrap_or_default(), told_timeline(told));
    told.timeline > mine.number || (theirs == Some(mine) && told.lsn > database.durable)
}

fn votes_for(known: &Known<'_>, told: &Told) -> bool {
    let Some(database) = known.database.filter(|_| told.role == Some(Role::Standby)) else { return false };
    let (mine, theirs) = (database.timeline().unwrap_or_default(), told_timeline(told));
    let is_contained =
        theirs.is_some() && told.lsn <= database.durable && database.history.at(told.lsn) == theirs;
    told.timeline > 0 && (is_contained || told.timeline < mine.number)
}

fn told_timeline(told: &Told) -> Option<Timeline> {
    told.tag.map(|tag| Timeline { number: told.timeline, tag })
}
