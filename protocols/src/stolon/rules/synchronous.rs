//! Whom the writes of a master wait for.
//!
//! They wait for every standby that is specified. Which of those hold all that was acknowledged is known only once the
//! master has said that they have caught up; therefore the specification changes in two steps, first to the old and the
//! new, and then to the new: at any time some standby is in what was specified *and* in what was reported, and that one
//! may be elected.

use super::super::message::{ClusterData, DbUid, Synchronous};
use std::collections::BTreeSet;

/// Replaces standbys that are not good by the best, when the master has said that those it waits for are in sync.
pub(super) fn arrange(after: &mut ClusterData, master: DbUid, good: &BTreeSet<DbUid>, best: &[DbUid]) {
    let min = after.options.min_synchronous_standbys as usize;
    let max = after.options.max_synchronous_standbys as usize;
    let there: BTreeSet<DbUid> = after.dbs.keys().copied().collect();
    let Some(db) = after.dbs.get_mut(&master) else { return };
    let mut specified = db.spec.synchronous.clone().unwrap_or_default().standbys;
    let known = &mut db.status.synchronous;
    if *known != specified {
        known.retain(|uid| specified.contains(uid));
        known.extend(&db.status.in_sync & &specified);
        // One that will not catch up is waited for no longer, and another may take its place.
        if specified.difference(known).any(|uid| !there.contains(uid) || !good.contains(uid)) {
            specified.clone_from(known);
        }
    }
    if *known != specified {
        return;
    }
    let mut wanted: BTreeSet<DbUid> = &specified & good;
    while wanted.len() > max {
        wanted.pop_first();
    }
    for uid in best {
        if wanted.len() < max {
            wanted.insert(*uid);
        }
    }
    // Too few are good: those of before may come back.
    for uid in &specified & &there {
        if wanted.len() < min {
            wanted.insert(uid);
        }
    }
    if !wanted.is_subset(&specified) {
        wanted.extend(&specified & &there);
    }
    known.retain(|uid| wanted.contains(uid));
    db.spec.synchronous = Some(Synchronous { blocked: wanted.len() < min, standbys: wanted });
}
