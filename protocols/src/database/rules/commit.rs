//! When a write is visible.

use crate::database::message::Sync;
use crate::database::rules::timeline::Lsn;
use std::collections::BTreeMap;

/// The last entry that may be visible on a primary: it is durable there, and with as many standbys of the list as are
/// required.
pub(in crate::database) fn visible_upto(durable: Lsn, sync: &Sync, confirmed: &BTreeMap<u32, Lsn>) -> Lsn {
    let Some(needed) = (sync.required as usize).checked_sub(1) else { return durable };
    let mut of_list: Vec<Lsn> =
        confirmed.iter().filter(|(id, _)| sync.of.contains(id)).map(|(_, lsn)| *lsn).collect();
    of_list.sort_unstable_by(|a, b| b.cmp(a));
    of_list.get(needed).map_or(Lsn(0), |lsn| (*lsn).min(durable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upto(required: u32, of: &[u32]) -> Lsn {
        let sync = Sync { required, of: of.iter().copied().collect() };
        visible_upto(Lsn(9), &sync, &BTreeMap::from([(2, Lsn(8)), (3, Lsn(5)), (4, Lsn(10))]))
    }

    #[test]
    fn without_a_list_what_is_durable_is_visible() {
        assert_eq!(upto(0, &[]), Lsn(9));
    }

    #[test]
    fn a_write_waits_for_as_many_of_the_list_as_are_required() {
        assert_eq!(upto(1, &[2, 3]), Lsn(8));
        assert_eq!(upto(2, &[2, 3]), Lsn(5));
        assert_eq!(upto(2, &[2, 4]), Lsn(8));
    }

    #[test]
    fn a_standby_that_is_ahead_of_the_primarys_disk_does_not_make_it_durable() {
        assert_eq!(upto(1, &[4]), Lsn(9));
    }

    #[test]
    fn a_standby_that_is_not_there_confirms_nothing() {
        assert_eq!(upto(1, &[5]), Lsn(0));
        assert_eq!(upto(3, &[2, 3]), Lsn(0));
    }
}
