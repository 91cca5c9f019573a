//! A planned change of leaders: whom the leader may hand over to, and who takes over then.

use super::{Act, Known, Others, Told, Why, healthiest, synchronous, votes};
use crate::database::Role;
use crate::patroni::message::Switchover;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What an operator's wish means for the leader; none if there is none.
pub(super) fn from_leader(known: &Known<'_>, others: Option<&Others>) -> Option<Act> {
    let wish = known.cluster.failover.value.as_ref()?;
    let elsewhere = wish.leader.is_some_and(|leader| leader != known.me);
    let unnamed = wish.candidate.is_none() && known.paused();
    if elsewhere || unnamed || wish.candidate == Some(known.me) {
        return Some(Act::ForgetSwitchover);
    }
    let mut asked = candidates(known);
    asked.retain(|id, _| wish.candidate.is_none_or(|candidate| candidate == *id));
    Some(match others {
        None => Act::AskOthers(asked),
        Some(others) if can_take_over(known, others, None, wish.candidate) => Act::HandOver,
        Some(_) => Act::ForgetSwitchover,
    })
}

/// The leader before has handed the lock over, and this one is not the candidate.
pub(super) fn race(known: &Known<'_>, wish: &Switchover, others: &Others) -> Act {
    // A candidate that needs votes does not get them from who is ahead.
    let comes_first = |told: &Told| {
        is_standby(told)
            && (votes::by_quorum(known).is_none() || (told.timeline, told.lsn) >= known.position())
    };
    if let Some(candidate) = wish.candidate
        && others.get(&candidate).is_some_and(|told| told.as_ref().is_some_and(comes_first))
    {
        return Act::Wait(Why::NotTheCandidate);
    }
    if wish.leader == Some(known.me) && wish.candidate != Some(known.me) {
        // It takes the lock back if there is nobody else.
        return match votes::by_quorum(known) {
            _ if can_take_over(known, others, wish.candidate, None) => Act::Wait(Why::NotTheCandidate),
            Some(_) => healthiest(known, others, None, false),
            None => Act::TakeLock,
        };
    }
    healthiest(known, others, wish.leader, false)
}

/// The first if another member could take over, otherwise the second.
pub(super) fn if_others_can(known: &Known<'_>, others: Option<&Others>, then: Act, otherwise: Act) -> Act {
    match others {
        None => Act::AskOthers(candidates(known)),
        Some(others) if can_take_over(known, others, None, None) => then,
        Some(_) => otherwise,
    }
}

/// The members that this leader could hand over to.
fn candidates(known: &Known<'_>) -> BTreeMap<u32, SocketAddr> {
    let members = known.cluster.members.iter().filter(|(_, member)| member.tags.may_lead());
    let members = members.map(|(id, member)| (*id, member.health));
    let sync = synchronous(known);
    members.filter(|(id, _)| *id != known.me && sync.is_none_or(|sync| sync.names(*id))).collect()
}

/// Whether one of the members that were asked could take over: it does not lag, and where votes are counted there are
/// enough of them for one. `wanted`: the only one that matters.
fn can_take_over(known: &Known<'_>, others: &Others, but: Option<u32>, wanted: Option<u32>) -> bool {
    let sync = synchronous(known);
    let able = others.iter().filter(|(id, _)| Some(**id) != but && **id != known.me).filter(|(id, told)| {
        let fits = |told: &Told| {
            is_standby(told)
                && sync.is_none_or(|sync| sync.names(**id))
                && told.tags.may_lead()
                && !known.lags(told.lsn)
                && (!known.options.check_timeline || told.timeline >= known.cluster.timeline())
        };
        told.as_ref().is_some_and(fits)
    });
    // Who is wanted is the only one that was asked; the leader, which stops in good order, can vote for it.
    let quorum = votes::by_quorum(known).filter(|_| wanted.is_none()).map_or(0, |sync| sync.quorum);
    able.count() > quorum as usize
}

fn is_standby(told: &Told) -> bool {
    told.role == Some(Role::Standby)
}
