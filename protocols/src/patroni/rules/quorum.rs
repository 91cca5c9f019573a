//! Quorum commit: writes wait for any so many of all standbys, and a candidate is voted for.
//!
//! A write that is acknowledged has *holders*: the leader, and any `required` of the standbys `of` the database's list.
//! The `sync` key has *voters*, its standbys, and a number, its *quorum*: **of the voters, at most `quorum` lack any
//! one acknowledged write.** So of `quorum + 1` of them, or of the leader and them, one has it; who is behind none of
//! so many has it, too, and may lead (`rules/votes.rs`).
//!
//! Two lists that cannot change at once, then, and this must hold in between, whoever comes and goes and wherever an
//! agent dies. Three facts say how low a quorum may be:
//!
//! * A write that is acknowledged from now on is with so many of the list as are required. Those of the list that are
//!   no voters may be among them, but no more than there are: the others of the required are voters ([`lack_at_most`]).
//! * A write from before the database was last told is with whoever has since confirmed all that it then had.
//! * Any write at all is with so many voters as the key says that it is, for the key is right; at worst each new voter
//!   lacks it.
//!
//! A database is told only what is right with the key; otherwise the key is changed first, to one that is right with
//! both. In the end all active standbys are voters and on the list, so many are required as are wanted, and the quorum
//! is the difference: Patroni's optimum.

use crate::database::{Lsn, Status, Sync};
use crate::patroni::message::SyncState;
use crate::patroni::options::Options;
use crate::patroni::rules::sync::Step;
use std::collections::BTreeSet;

/// The next step of a leader, if there is one. `active`: the standbys that may be waited for. `since`: what the
/// database had when it was last told; none if that is not known.
pub(in crate::patroni) fn next_step(
    me: u32,
    options: &Options,
    key: Option<&SyncState>,
    status: &Status,
    active: &BTreeSet<u32>,
    since: Option<Lsn>,
) -> Option<Step> {
    let Some(key) = key.filter(|key| key.leader == me) else {
        return Some(Step::Key(Some(take_over(me, options, key).0)));
    };
    if active.is_empty() && options.synchronous_mode.is_strict() {
        let kept = waits_for_voters(options, key);
        return (status.sync != kept).then_some(Step::Database(kept));
    }
    let has_all = |id: &u32| {
        let confirmed = status.standbys.iter().find(|standby| standby.id == *id).map(|it| it.confirmed);
        confirmed.zip(since).is_some_and(|(confirmed, since)| confirmed >= since)
    };
    let wanted =
        Sync { required: options.synchronous_node_count.min(active.len() as u32), of: active.clone() };
    let lacking = |voters: &BTreeSet<u32>| voters.iter().filter(|id| !has_all(id)).count();
    let change = |voters: BTreeSet<u32>| {
        let quorum = least_quorum(key, &voters, &status.sync, &wanted, lacking(&voters))?;
        let changed = SyncState { leader: me, standbys: voters, quorum };
        (changed != *key).then_some(Step::Key(Some(changed)))
    };
    if status.sync == wanted {
        return change(active.clone());
    }
    if key.quorum as usize >= lack_at_most(&key.standbys, &wanted) {
        return Some(Step::Database(wanted));
    }
    let (all, common) = (&key.standbys | active, &key.standbys & active);
    [active.clone(), all, common, BTreeSet::new()].into_iter().find_map(change)
}

/// What the key is and whom the database waits for before `me` is promoted: the leader before is a voter as the others
/// are, and the quorum stays. In Patroni the key follows the promotion: between the two, the leader before counts as
/// one that has everything.
pub(in crate::patroni) fn take_over(
    me: u32,
    options: &Options,
    key: Option<&SyncState>,
) -> (SyncState, Sync) {
    let mut taken = key.cloned().unwrap_or_else(|| SyncState { leader: me, ..SyncState::default() });
    taken.standbys.insert(taken.leader);
    taken.standbys.remove(&me);
    taken.leader = me;
    let waits_for = waits_for_voters(options, &taken);
    (taken, waits_for)
}

/// So many of the voters that a key is right.
fn waits_for_voters(options: &Options, key: &SyncState) -> Sync {
    let least = u32::from(options.synchronous_mode.is_strict());
    let required = (key.standbys.len() as u32).saturating_sub(key.quorum).max(least);
    Sync { required, of: key.standbys.clone() }
}

/// How many of the voters may lack a write that the database acknowledges while it waits like that.
fn lack_at_most(voters: &BTreeSet<u32>, sync: &Sync) -> usize {
    let others = sync.of.difference(voters).count();
    voters.len().saturating_sub((sync.required as usize).saturating_sub(others))
}

/// The least quorum that is right for these voters with what was written, with what the database does now, and with
/// what it is to do. `lacking`: how many of them have not confirmed what it had when it was last told. None if nobody
/// could ever be elected with it.
fn least_quorum(
    key: &SyncState,
    voters: &BTreeSet<u32>,
    now: &Sync,
    wanted: &Sync,
    lacking: usize,
) -> Option<u32> {
    let by_key = key.quorum as usize + voters.difference(&key.standbys).count();
    let written = lacking.max(lack_at_most(voters, now)).min(by_key);
    let quorum = written.max(lack_at_most(voters, wanted));
    (quorum < voters.len() || voters.is_empty()).then_some(quorum as u32)
}

#[cfg(test)]
mod tests;
