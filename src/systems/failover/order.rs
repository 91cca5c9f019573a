//! **order**: what Agrajag publishes never gets older. Each promotion that is published is later than those before it,
//! in the order of the store; and each that an application takes is no older than what it took before.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeMap;

/// Whose promotions became known, and of when they are.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// What was published at which change of the store.
    published: BTreeMap<u64, (MachineId, u64)>,
    /// What each application has taken last.
    taken: BTreeMap<MachineId, (MachineId, u64)>,
}

impl Order {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((host, Fact::Published { of, promoted_ns, change })) => {
                self.published(host, *change, (*of, *promoted_ns))
            }
            Some((host, Fact::Told { of, promoted_ns })) => self.told(host, (*of, *promoted_ns)),
            _ => Ok(()),
        }
    }

    /// An application that begins has taken nothing: what it says then is of when nobody was promoted.
    fn told(&mut self, host: MachineId, of: (MachineId, u64)) -> Result<(), Broken> {
        match self.taken.insert(host, of) {
            Some(before) if before.1 > of.1 && of.1 > 0 => {
                let (first, then) = (name(before.0), name(of.0));
                let why = format!(
                    "{} is led to {then} after {first}, and {then} was promoted before it",
                    name(host)
                );
                Err(Broken::new(why).node(host.number()).node(of.0.number()))
            }
            _ => Ok(()),
        }
    }

    fn published(&mut self, host: MachineId, change: u64, of: (MachineId, u64)) -> Result<(), Broken> {
        self.published.insert(change, of);
        let older = self.published.range(..change).next_back().filter(|(_, before)| before.1 > of.1);
        let newer = self.published.range(change + 1..).next().filter(|(_, after)| after.1 < of.1);
        let (first, then) = match (older, newer) {
            (Some((_, before)), _) => (before.0, of.0),
            (None, Some((_, after))) => (of.0, after.0),
            (None, None) => return Ok(()),
        };
        let why = format!("{} is published after {}, and was promoted before it", name(then), name(first));
        Err(Broken::new(why).node(host.number()).node(then.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promotions as they become known: at which change, whose, and of when.
    fn judge(published: &[(u64, u32, u64)]) -> Result<(), String> {
        let mut order = Order::default();
        let mut published = published.iter().copied();
        let judged = published.try_for_each(|(change, of, promoted_ns)| {
            order.published(MachineId::numbered(4), change, (MachineId::numbered(of), promoted_ns))
        });
        judged.map_err(|why| why.to_string())
    }

    #[test]
    fn later_promotions_follow_earlier_ones_in_whichever_order_they_become_known() {
        assert_eq!(judge(&[(3, 4, 10), (7, 5, 20), (9, 6, 30)]), Ok(()));
        assert_eq!(judge(&[(9, 6, 30), (3, 4, 10), (7, 5, 20), (9, 6, 30)]), Ok(()));
    }

    /// Promotions as n7 takes them: whose, and of when.
    fn take(told: &[(u32, u64)]) -> Result<(), String> {
        let mut order = Order::default();
        let mut told = told.iter().copied();
        let judged =
            told.try_for_each(|(of, ns)| order.told(MachineId::numbered(7), (MachineId::numbered(of), ns)));
        judged.map_err(|why| why.to_string())
    }

    #[test]
    fn an_application_takes_later_promotions_the_same_again_and_begins_anew() {
        assert_eq!(take(&[(4, 0), (4, 10), (5, 20), (5, 20), (4, 0), (4, 10)]), Ok(()));
    }

    #[test]
    fn one_that_is_led_back_is_found() {
        let why = "n7 is led to n4 after n5, and n4 was promoted before it";
        assert_eq!(take(&[(4, 0), (5, 20), (4, 10)]).unwrap_err(), why);
    }

    #[test]
    fn an_earlier_promotion_after_a_later_one_is_found() {
        let why = "n4 is published after n5, and was promoted before it";
        assert_eq!(judge(&[(3, 4, 10), (7, 5, 20), (9, 4, 10)]).unwrap_err(), why);
        assert_eq!(judge(&[(9, 4, 10), (7, 5, 20)]).unwrap_err(), why);
    }
}
