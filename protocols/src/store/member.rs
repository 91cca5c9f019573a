//! Members: a replica from when it is added until it is removed, and each time another one.
//!
//! As in etcd, who was removed does not come back: the replica that is added again begins anew, empty, as a member that
//! nobody has heard of, and what the old one promised binds nobody. A member's number says which replica it is and after
//! which change of the members it was added; those that a store begins with have the numbers of their replicas.

/// So many bits of a member's number are its replica's.
const REPLICA_BITS: u32 = 16;

/// Which replica a member is.
pub(super) fn replica(member: u64) -> u64 {
    member & ((1 << REPLICA_BITS) - 1)
}

/// How late a member was added: 0 with the first, otherwise one more than the index of the change before.
pub(super) fn generation(member: u64) -> u64 {
    member >> REPLICA_BITS
}

/// The member that a replica becomes when the latest change of the members is the entry at this index.
pub(super) fn next(replica: u64, latest_change: u64) -> u64 {
    (latest_change + 1) << REPLICA_BITS | replica
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_is_added_again_is_a_later_member() {
        assert_eq!((replica(3), generation(3)), (3, 0));
        let (again, later) = (next(3, 0), next(3, 17));
        assert_eq!((replica(again), generation(again)), (3, 1));
        assert_eq!((replica(later), generation(later)), (3, 18));
        assert!(3 < again && again < later);
    }
}
