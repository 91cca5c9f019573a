//! **convergence**: one primary, and all others stream from it and have what it has; those that may, by way of a
//! standby.

use super::heard::Heard;
use host::world::MachineId;
use protocols::database::{Replication, Role, View};
use sim::check::{Broken, Views};
use std::collections::BTreeSet;

/// The machine of the one primary.
pub(super) fn primary(heard: &Heard, views: &Views<View>) -> Result<u32, Broken> {
    let primaries: Vec<u32> =
        views.up().filter(|(_, view)| view.role == Role::Primary).map(|(node, _)| node).collect();
    match primaries[..] {
        [primary] => Ok(primary),
        [] => Err(heard.leaderless.tell(views, &heard.machines.databases)),
        _ => {
            let names: Vec<String> = primaries.iter().map(|node| format!("n{node}")).collect();
            let why = Broken::new(format!("{} are primaries", names.join(" and ")));
            Err(primaries.into_iter().fold(why, Broken::node))
        }
    }
}

/// What was heard says whose entries may come from another standby, and why nobody leads.
pub(super) fn converged(heard: &Heard, views: &Views<View>) -> Result<(), Broken> {
    let leader = primary(heard, views)?;
    let Some(primary) = views.get(leader) else { return Err(Broken::new("the primary is gone")) };
    if primary.visible < primary.durable {
        let why = format!("{} entries of n{leader} still wait", primary.durable.0 - primary.visible.0);
        return Err(Broken::new(why).node(leader));
    }
    let reached = reached(views, primary);
    for (node, view) in views.up().filter(|(node, _)| *node != leader) {
        let why = |why: String| Broken::new(why).node(node).node(leader);
        if view.role != Role::Standby || view.replication != Replication::Streaming {
            return Err(why(format!("n{node} is {}, and {:?}", view.role.name(), view.replication)));
        }
        let cascades = heard.may_cascade.contains(&MachineId::numbered(node)) && reached.contains(&view.id);
        if !primary.standbys.contains(&view.id) && !cascades {
            return Err(why(format!("n{node} does not stream from n{leader}, the primary")));
        }
        let shown = |view: &View| {
            let timeline = view.timeline.unwrap_or_default();
            format!("{} entries up to timeline {timeline}", view.visible)
        };
        if (view.timeline, view.durable, view.visible) != (primary.timeline, primary.durable, primary.visible)
        {
            let (ours, theirs) = (shown(view), shown(primary));
            return Err(why(format!("n{node} shows {ours}, and n{leader}, the primary, {theirs}")));
        }
    }
    Ok(())
}

/// The numbers of those that stream from the primary, or from one that does.
fn reached(views: &Views<View>, primary: &View) -> BTreeSet<u32> {
    let mut reached = BTreeSet::from([primary.id]);
    let mut open = vec![primary.id];
    while let Some(id) = open.pop() {
        for (_, view) in views.up().filter(|(_, view)| view.id == id) {
            open.extend(view.standbys.iter().filter(|standby| reached.insert(**standby)));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::database::{Lsn, Timeline};

    const ENTRIES: Lsn = Lsn(9);

    fn view(id: u32, role: Role) -> View {
        View {
            id,
            role,
            writable: role == Role::Primary,
            timeline: Some(Timeline { number: 2, tag: 7 }),
            durable: ENTRIES,
            visible: ENTRIES,
            upstream: None,
            replication: if role == Role::Standby { Replication::Streaming } else { Replication::Idle },
            standbys: if role == Role::Primary { vec![5, 6] } else { Vec::new() },
            malformed_frames: 0,
        }
    }

    /// n5 leads n4 and n6, which is changed.
    fn judge(change: impl FnOnce(&mut View)) -> Result<(), Broken> {
        let mut last = view(6, Role::Standby);
        change(&mut last);
        let primary = View { standbys: vec![4, 6], ..view(5, Role::Primary) };
        let databases = [view(4, Role::Standby), primary, last].map(Some);
        let stores = [None, None, None];
        converged(&Heard::default(), &Views::new(stores.into_iter().chain(databases).collect()))
    }

    /// n5 leads n4, n4 leads n6, and n6 leads n7. The last two may cascade, if `may`.
    fn judge_cascade(may: bool, change: impl FnOnce(&mut [View; 4])) -> Result<(), Broken> {
        let mut databases = [4, 5, 6, 7].map(|id| view(id, Role::Standby));
        databases[1] = View { standbys: vec![4], ..view(5, Role::Primary) };
        (databases[0].standbys, databases[2].standbys) = (vec![6], vec![7]);
        change(&mut databases);
        let views = [None, None, None].into_iter().chain(databases.map(Some)).collect();
        let mut heard = Heard::default();
        if may {
            heard.may_cascade.extend([6, 7].map(MachineId::numbered));
        }
        converged(&heard, &Views::new(views))
    }

    #[test]
    fn all_that_stream_and_have_the_same_have_converged() {
        assert_eq!(judge(|_| ()), Ok(()));
    }

    #[test]
    fn a_standby_that_lacks_something_or_follows_nobody_has_not() {
        let refusals = [
            judge(|view| view.visible = Lsn(8)),
            judge(|view| view.timeline = Some(Timeline { number: 1, tag: 7 })),
            judge(|view| view.replication = Replication::Diverged),
            judge(|view| view.role = Role::Stopped),
            judge(|view| view.role = Role::Primary),
            judge(|view| view.id = 7),
        ];
        let why: Vec<String> = refusals.into_iter().map(|refused| refused.unwrap_err().to_string()).collect();
        assert_eq!(
            why,
            [
                "n6 shows 8 entries up to timeline 2-00000007, and n5, the primary, 9 entries up to timeline 2-00000007",
                "n6 shows 9 entries up to timeline 1-00000007, and n5, the primary, 9 entries up to timeline 2-00000007",
                "n6 is standby, and Diverged",
                "n6 is stopped, and Streaming",
                "n5 and n6 are primaries",
                "n6 does not stream from n5, the primary",
            ]
        );
    }

    #[test]
    fn a_cascade_that_begins_at_the_primary_has_converged_if_there_may_be_one() {
        assert_eq!(judge_cascade(true, |_| ()), Ok(()));
        let not_n6 = Err(Broken::new("n6 does not stream from n5, the primary").node(6).node(5));
        assert_eq!(judge_cascade(false, |_| ()), not_n6);
        // A circle of its own.
        assert_eq!(
            judge_cascade(true, |views| {
                (views[0].standbys, views[3].standbys) = (Vec::new(), vec![6]);
            }),
            not_n6
        );
        let lacks = judge_cascade(true, |views| views[3].visible = Lsn(8)).unwrap_err().to_string();
        assert!(lacks.starts_with("n7 shows 8 entries"), "{lacks}");
    }

    #[test]
    fn there_is_one_primary() {
        let standbys = Views::new(vec![Some(view(4, Role::Standby)), Some(view(5, Role::Standby))]);
        let why = converged(&Heard::default(), &standbys).unwrap_err().to_string();
        assert_eq!(why, "there is no primary", "of nobody it is known that it has a database");
    }
}
