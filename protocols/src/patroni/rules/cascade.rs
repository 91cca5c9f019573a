//! Cascading replication: a standby that streams from another standby, as its tags say.
//!
//! It does so only if that one's stream begins at the leader, as far as member keys tell: each standby that others are
//! to stream from says in its key whom it streams from. Otherwise it streams from the leader itself. Tags that name
//! each other in a circle name nobody. What member keys say may be a look old, so for that long two standbys may be in
//! a circle all the same, when leaders change; they have nothing to tell each other then.
//!
//! Nothing is cut or copied for the sake of a standby: it may itself be about to. Who has diverged turns to the leader.

use crate::database::{Replication, Role, Status};
use crate::patroni::message::{Cluster, Member};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The standby whose stream `me` is to take part in, by its tag; none: that of the leader, whose database this is.
pub(in crate::patroni) fn upstream(
    me: u32,
    replicatefrom: Option<u32>,
    members: &BTreeMap<u32, Member>,
    leader: SocketAddr,
) -> Option<SocketAddr> {
    let first = replicatefrom?;
    if is_circle(me, first, members) {
        return None;
    }
    let mut next = first;
    // A chain has no more links than there are members.
    for _ in 0..members.len() {
        let member = members.get(&next).filter(|member| next != me && member.role == Some(Role::Standby))?;
        let beyond = member.upstream?;
        if beyond == leader {
            return members.get(&first).map(|member| member.database);
        }
        next = *members.iter().find(|(_, member)| member.database == beyond)?.0;
    }
    None
}

/// Whether a standby follows the one that its tag names, and nothing streams.
pub(in crate::patroni) fn has_failed(
    replicatefrom: Option<u32>,
    cluster: &Cluster,
    status: Option<&Status>,
) -> bool {
    let leads = |id: u32| cluster.leader.as_ref().is_some_and(|leader| leader.id == id);
    let named = replicatefrom.filter(|id| !leads(*id)).and_then(|id| cluster.members.get(&id));
    named.zip(status).is_some_and(|(named, status)| {
        let comes = matches!(status.replication, Replication::Streaming | Replication::Cloning);
        status.role == Role::Standby && status.upstream == Some(named.database) && !comes
    })
}

/// Where a standby's entries stream from.
pub(in crate::patroni) fn streams_from(status: &Status) -> Option<SocketAddr> {
    let streams = (status.role, status.replication) == (Role::Standby, Replication::Streaming);
    status.upstream.filter(|_| streams)
}

/// Whether others are to stream from `id`, or it from another, so that it says whom it streams from.
pub(in crate::patroni) fn says_upstream(
    id: u32,
    replicatefrom: Option<u32>,
    members: &BTreeMap<u32, Member>,
) -> bool {
    replicatefrom.is_some() || members.values().any(|member| member.tags.replicatefrom == Some(id))
}

/// Whether `id` is to stream from another standby, and there is one that streams from the primary, so that no write can
/// wait for it. `streams`: whether one streams from the primary now.
pub(in crate::patroni) fn is_to_cascade(
    id: u32,
    replicatefrom: impl Fn(u32) -> Option<u32>,
    streams: impl Fn(u32) -> bool,
    members: usize,
) -> bool {
    let mut next = replicatefrom(id);
    for _ in 0..members {
        match next {
            Some(named) if named == id => return false,
            Some(named) => match replicatefrom(named) {
                Some(beyond) => next = Some(beyond),
                None => return streams(named),
            },
            None => return false,
        }
    }
    false
}

/// Whether the tags lead from `first` back to `me`.
fn is_circle(me: u32, first: u32, members: &BTreeMap<u32, Member>) -> bool {
    let mut next = Some(first);
    for _ in 0..=members.len() {
        match next {
            Some(id) if id == me => return true,
            Some(id) => next = members.get(&id).and_then(|member| member.tags.replicatefrom),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{History, Lsn, Sync};
    use crate::patroni::Tags;
    use crate::patroni::message::Leader;

    const LEADER: u32 = 4;

    fn database(id: u32) -> SocketAddr {
        ([10, 0, 0, id as u8], 7000).into()
    }

    /// Standbys: each with whom its tag names, and whom it streams from.
    fn members(standbys: &[(u32, Option<u32>, Option<u32>)]) -> BTreeMap<u32, Member> {
        let standbys = standbys.iter().map(|(id, replicatefrom, upstream)| {
            let member = Member {
                database: database(*id),
                health: ([10, 0, 0, *id as u8], 7001).into(),
                role: Some(Role::Standby),
                timeline: Some(1),
                lsn: Lsn(9),
                tags: Tags { replicatefrom: *replicatefrom, ..Tags::default() },
                upstream: upstream.map(database),
            };
            (*id, member)
        });
        standbys.collect()
    }

    fn upstream_of_6(replicatefrom: u32, members: &BTreeMap<u32, Member>) -> Option<SocketAddr> {
        upstream(6, Some(replicatefrom), members, database(LEADER))
    }

    #[test]
    fn it_streams_from_the_standby_that_its_tag_names() {
        let members = members(&[(5, None, Some(LEADER)), (6, Some(5), Some(LEADER))]);
        assert_eq!(upstream_of_6(5, &members), Some(database(5)));
        assert_eq!(upstream(6, None, &members, database(LEADER)), None);
        assert_eq!(upstream_of_6(LEADER, &members), None, "the leader it follows anyway");
    }

    #[test]
    fn a_chain_may_have_several_links() {
        let chain = members(&[(5, None, Some(LEADER)), (6, Some(7), None), (7, Some(5), Some(5))]);
        assert_eq!(upstream_of_6(7, &chain), Some(database(7)));
        let broken = members(&[(5, None, None), (6, Some(7), None), (7, Some(5), Some(5))]);
        assert_eq!(upstream_of_6(7, &broken), None);
    }

    #[test]
    fn a_standby_that_is_gone_stopped_or_follows_an_old_leader_is_not_followed() {
        assert_eq!(upstream_of_6(5, &members(&[(6, Some(5), None)])), None);
        assert_eq!(upstream_of_6(5, &members(&[(5, None, None)])), None);
        assert_eq!(upstream_of_6(5, &members(&[(5, None, Some(8))])), None);
        let mut stopped = members(&[(5, None, Some(LEADER))]);
        stopped.get_mut(&5).unwrap().role = Some(Role::Stopped);
        assert_eq!(upstream_of_6(5, &stopped), None);
    }

    #[test]
    fn circles_lead_to_the_leader() {
        let each_other = members(&[(5, Some(6), Some(LEADER)), (6, Some(5), Some(LEADER))]);
        assert_eq!(upstream_of_6(5, &each_other), None);
        assert_eq!(upstream_of_6(6, &each_other), None);
        // 6 led until now, and 5 has not found out.
        let stale = members(&[(5, None, Some(6)), (6, Some(5), None)]);
        assert_eq!(upstream_of_6(5, &stale), None);
        // 6 follows the new leader already.
        let stale = members(&[(5, None, Some(6)), (6, Some(5), Some(LEADER))]);
        assert_eq!(upstream_of_6(5, &stale), None);
        let beside = members(&[(5, Some(7), Some(7)), (6, Some(5), None), (7, Some(5), Some(5))]);
        assert_eq!(upstream_of_6(5, &beside), None);
    }

    #[test]
    fn what_does_not_stream_from_the_standby_it_follows_has_failed() {
        let status = |upstream: u32, replication| Status {
            id: 6,
            role: Role::Standby,
            history: History::default(),
            durable: Lsn(9),
            visible: Lsn(9),
            upstream: Some(database(upstream)),
            replication,
            standbys: Vec::new(),
            sync: Sync::default(),
        };
        let leader = |id| Some(Leader { id, lease: None });
        let members = members(&[(5, None, None), (6, Some(5), None)]);
        let mut cluster = Cluster { members, leader: leader(LEADER), ..Cluster::default() };
        let failed = |cluster: &Cluster, status: &Status| has_failed(Some(5), cluster, Some(status));
        let unreachable = status(5, Replication::Unreachable);
        assert!(failed(&cluster, &unreachable));
        assert!(!failed(&cluster, &status(5, Replication::Streaming)));
        assert!(!failed(&cluster, &status(LEADER, Replication::Unreachable)));
        for role in [Role::Starting, Role::Primary, Role::Stopped] {
            assert!(!failed(&cluster, &Status { role, ..unreachable.clone() }), "it is no standby");
        }
        cluster.leader = leader(5);
        assert!(!failed(&cluster, &unreachable), "it is the leader that it follows");
        assert_eq!(streams_from(&unreachable), None);
        assert_eq!(streams_from(&status(5, Replication::Streaming)), Some(database(5)));
    }

    #[test]
    fn who_is_in_a_cascade_says_whom_it_streams_from() {
        let members = members(&[(5, None, None), (6, Some(5), None), (7, None, None)]);
        let says = [5, 6, 7].map(|id| says_upstream(id, members[&id].tags.replicatefrom, &members));
        assert_eq!(says, [true, true, false]);
    }

    #[test]
    fn who_is_to_cascade_is_known_by_what_streams_from_the_primary() {
        let tags = |id| [(6, 5), (7, 6), (8, 9), (9, 8)].iter().find(|(of, _)| *of == id).map(|(_, to)| *to);
        let cascades = |id, streaming: u32| is_to_cascade(id, tags, |id| id == streaming, 5);
        assert!(cascades(6, 5) && cascades(7, 5));
        assert!(!cascades(6, 4) && !cascades(7, 6), "5 does not stream");
        assert!(!cascades(5, 5) && !cascades(8, 9), "by its tags or for a circle");
    }
}
