//! **published**: in the end the master that Agrajag has published is a primary.
//!
//! Where there is none, or two, that is another's to say: of two, either will do.

use super::fact::name;
use host::world::MachineId;
use protocols::database::{Role, View};
use sim::check::{Broken, Views};
use std::collections::BTreeSet;

/// What is known of the store, and of those that follow it.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// The last change of the store that published a master, and which.
    latest: Option<(u64, MachineId)>,
}

impl Published {
    /// A machine's promotion is what is in the store after this change.
    pub(super) fn hear(&mut self, change: u64, of: MachineId) {
        self.latest = self.latest.max(Some((change, of)));
    }

    /// Who is published; none where nobody publishes.
    pub(super) fn master(&self) -> Option<MachineId> {
        self.latest.map(|(_, of)| of)
    }
}

pub(super) fn check(published: &Published, views: &Views<View>) -> Result<(), Broken> {
    let Some(master) = published.master() else { return Ok(()) };
    let primaries: BTreeSet<u32> =
        views.up().filter(|(_, view)| view.role == Role::Primary).map(|(node, _)| node).collect();
    match primaries.first() {
        Some(primary) if !primaries.contains(&master.number()) => {
            let why = format!("{} is published, and n{primary} is the primary", name(master));
            Err(Broken::new(why).node(master.number()).node(*primary))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example::view;

    /// n4 was published, then n5; n4 to n6 have these roles.
    fn judge(roles: [Role; 3]) -> Result<(), String> {
        let mut published = Published::default();
        published.hear(7, MachineId::numbered(5));
        published.hear(3, MachineId::numbered(4));
        let databases = (4..).zip(roles).map(|(id, role)| Some(view(id, role)));
        let views = Views::new([None, None, None].into_iter().chain(databases).collect());
        check(&published, &views).map_err(|why| why.to_string())
    }

    #[test]
    fn the_last_that_was_published_is_a_primary() {
        assert_eq!(judge([Role::Standby, Role::Primary, Role::Standby]), Ok(()));
        assert_eq!(judge([Role::Primary, Role::Primary, Role::Standby]), Ok(()), "two are another's to say");
        assert_eq!(judge([Role::Standby, Role::Standby, Role::Standby]), Ok(()), "and so is none");
    }

    #[test]
    fn one_that_is_none_is_found() {
        let why = judge([Role::Primary, Role::Standby, Role::Standby]).unwrap_err();
        assert_eq!(why, "n5 is published, and n4 is the primary");
    }

    #[test]
    fn where_nobody_publishes_there_is_nothing_to_judge() {
        assert_eq!(check(&Published::default(), &Views::new(Vec::new())), Ok(()));
    }
}
