//! What follows from what: who is the primary, what is published, whose presence a node is, where a pool leads. Plain
//! functions, without a wait.

use super::message::Master;
use super::options::{Flaw, Proceed};
use crate::database::Role;
use crate::repmgr::{Event, Shown};
use crate::store::LeaseId;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The primary that `cluster show` names: the first that says that it is one.
pub(super) fn primary(shown: &[Shown]) -> Option<u32> {
    shown.iter().find(|row| row.role == Some(Role::Primary)).map(|row| row.node)
}

/// Of the nodes that take a write, each with the latest promotion that it knows of: the one whose own promotion is the
/// newest.
pub(super) fn newest(writable: &[(u32, Event)]) -> Option<Event> {
    let own = writable.iter().filter(|(node, event)| event.node == *node);
    own.map(|(_, event)| *event).max()
}

/// What an orchestrator does with the promotion that it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publish {
    /// It publishes it.
    Yes,
    /// It is published.
    Known,
    /// A newer one is.
    Older,
}

/// `stored_ns`: when that was promoted which is published, if anything is.
pub(super) fn publish(seen: Event, stored_ns: Option<u64>) -> Publish {
    match stored_ns {
        Some(stored) if seen.at_ns < stored => Publish::Older,
        Some(stored) if seen.at_ns == stored => Publish::Known,
        Some(_) | None => Publish::Yes,
    }
}

/// What an orchestrator does about its ephemeral node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It creates it.
    Create,
    /// It is there, and its own.
    Keep,
    /// It creates it anew, in the place of what another session has left.
    Recreate,
    /// It sets it.
    Set,
}

/// `owner`: of which session the node is that is there, if one is, and if that is an ephemeral one.
pub(super) fn presence(owner: Option<Option<LeaseId>>, own: LeaseId, flaw: Option<Flaw>) -> Presence {
    match owner {
        None => Presence::Create,
        Some(Some(owner)) if owner == own => Presence::Keep,
        // The flaw: it is there, is it not?
        Some(_) if flaw == Some(Flaw::EphemeralOverwritten) => Presence::Set,
        Some(_) => Presence::Recreate,
    }
}

/// Whether an application takes what it is told. `known_ns`: when that master was promoted of which it was told before.
pub(super) fn takes(known_ns: u64, promoted_ns: u64, flaw: Option<Flaw>) -> bool {
    // The flaw: it compares nothing.
    known_ns <= promoted_ns || flaw == Some(Flaw::OlderMasterTaken)
}

/// Where a pool leads.
pub(super) fn leads_to(
    master: Option<&Master>,
    present: &BTreeSet<u32>,
    proceed: Proceed,
) -> Option<(u32, SocketAddr)> {
    let master = master?;
    let proceeds = match proceed {
        Proceed::Always => true,
        Proceed::AnyPresent => !present.is_empty(),
        Proceed::MasterPresent => present.contains(&master.node),
    };
    proceeds.then_some((master.node, master.database))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(node: u32, at_ns: u64) -> Event {
        Event { at_ns, node }
    }

    #[test]
    fn the_first_that_says_so_is_the_primary() {
        let shown = |roles: [Option<Role>; 3]| {
            let rows = (4..).zip(roles).map(|(node, role)| Shown { node, role });
            primary(&rows.collect::<Vec<_>>())
        };
        assert_eq!(shown([None, Some(Role::Standby), Some(Role::Primary)]), Some(6));
        assert_eq!(shown([Some(Role::Primary), None, Some(Role::Primary)]), Some(4));
        assert_eq!(shown([None, Some(Role::Standby), None]), None);
    }

    #[test]
    fn of_those_that_take_a_write_the_one_promoted_last_is_the_primary() {
        assert_eq!(newest(&[(4, event(4, 1)), (5, event(5, 9))]), Some(event(5, 9)));
        assert_eq!(newest(&[(4, event(4, 1))]), Some(event(4, 1)));
        assert_eq!(newest(&[(4, event(5, 9))]), None, "it does not know itself as one");
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn only_a_newer_promotion_is_published() {
        let seen = event(5, 7);
        assert_eq!(publish(seen, None), Publish::Yes);
        assert_eq!(
            [6, 7, 8].map(|stored| publish(seen, Some(stored))),
            [Publish::Yes, Publish::Known, Publish::Older]
        );
    }

    #[test]
    fn a_presence_that_another_session_has_left_is_created_anew() {
        let (own, other) = (LeaseId(1), LeaseId(2));
        assert_eq!(presence(None, own, None), Presence::Create);
        assert_eq!(presence(Some(Some(own)), own, None), Presence::Keep);
        assert_eq!(presence(Some(Some(other)), own, None), Presence::Recreate);
        assert_eq!(presence(Some(None), own, None), Presence::Recreate, "it would never go");
        let flaw = Some(Flaw::EphemeralOverwritten);
        assert_eq!(presence(Some(Some(other)), own, flaw), Presence::Set);
        assert_eq!(presence(Some(Some(own)), own, flaw), Presence::Keep);
    }

    #[test]
    fn an_application_takes_a_later_promotion_and_the_same_again() {
        assert_eq!([6, 7, 8].map(|told| takes(7, told, None)), [false, true, true]);
        assert!(takes(7, 6, Some(Flaw::OlderMasterTaken)));
    }

    #[test]
    fn a_pool_leads_to_the_master_with_those_present_with_whom_it_was_told_to() {
        let master = Master { node: 4, database: ([10, 0, 0, 4], 7000).into(), promoted_ns: 7 };
        let leads = |present: &[u32], proceed| {
            leads_to(Some(&master), &present.iter().copied().collect(), proceed).is_some()
        };
        let with = |proceed| [&[][..], &[5], &[4, 5]].map(|present| leads(present, proceed));
        assert_eq!(with(Proceed::Always), [true, true, true]);
        assert_eq!(with(Proceed::AnyPresent), [false, true, true]);
        assert_eq!(with(Proceed::MasterPresent), [false, false, true]);
        assert_eq!(leads_to(None, &BTreeSet::from([4]), Proceed::Always), None);
    }
}
