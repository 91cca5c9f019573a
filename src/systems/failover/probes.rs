//! The probes of all that runs in the system: some are published by several of its protocols.

use super::fact::{ELSEWHERE, MAY_CASCADE, MAY_NOT_LEAD, SERVICE_WITHIN};
use protocols::{database, patroni, router, stolon, store};

/// Each once.
pub(super) const PROBES: &[&str] = ALL.0.split_at(ALL.1).0;

const ALL: ([&str; 100], usize) = union(&[
    database::PROBES,
    patroni::PROBES,
    router::PROBES,
    stolon::PROBES,
    store::PROBES,
    &[ELSEWHERE, MAY_CASCADE, MAY_NOT_LEAD, SERVICE_WITHIN],
]);

const fn union<const N: usize>(lists: &[&[&'static str]]) -> ([&'static str; N], usize) {
    let (mut all, mut count, mut list) = ([""; N], 0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            if !contains(&all, lists[list][index]) {
                all[count] = lists[list][index];
                count += 1;
            }
            index += 1;
        }
        list += 1;
    }
    (all, count)
}

const fn contains(all: &[&str], one: &str) -> bool {
    let mut index = 0;
    while index < all.len() {
        if is_same(all[index].as_bytes(), one.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    let mut index = 0;
    while index < left.len() && index < right.len() && left[index] == right[index] {
        index += 1;
    }
    index == left.len() && index == right.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_probe_is_there_once() {
        let names: BTreeSet<&str> = PROBES.iter().copied().collect();
        assert_eq!(names.len(), PROBES.len());
        assert!(
            database::PROBES
                .iter()
                .chain(store::PROBES)
                .chain(stolon::PROBES)
                .all(|probe| names.contains(probe))
        );
    }
}
