//! **one-writable**: no two databases would take a write at the same time, whether or not a router leads to them.
//!
//! Where the routers are the fence, as stolon's proxies are, two may: it is not promised there.

use protocols::database::View;
use sim::check::{Broken, Views};

pub(super) fn check(views: &Views<View>) -> Result<(), Broken> {
    let writable: Vec<u32> = views.up().filter(|(_, view)| view.writable).map(|(node, _)| node).collect();
    if writable.len() < 2 {
        return Ok(());
    }
    let names: Vec<String> = writable.iter().map(|node| format!("n{node}")).collect();
    let why = Broken::new(format!("{} would take writes", names.join(" and ")));
    Err(writable.into_iter().fold(why, Broken::node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example;
    use protocols::database::Role;

    fn view(id: u32, writable: bool) -> Option<View> {
        Some(View { writable, ..example::view(id, Role::Primary) })
    }

    #[test]
    fn a_primary_whose_watchdog_has_fired_is_none_too_many() {
        assert_eq!(check(&Views::new(vec![None, view(2, true), view(3, false)])), Ok(()));
    }

    #[test]
    fn two_that_would_take_writes_are() {
        let why = check(&Views::new(vec![view(1, true), view(2, true)])).unwrap_err();
        assert_eq!(why.to_string(), "n1 and n2 would take writes");
        assert_eq!(why.about.len(), 2);
    }
}
