//! The order of a node's processes among all others: a hybrid logical clock, and who has which rank.

use crate::registry::process::Pid;
use std::collections::BTreeMap;

/// The ranks of one node's processes. They belong to the node, not to a scope: a process that contends in two scopes
/// must be greater in both or in neither.
#[derive(Debug, Default)]
pub(in crate::registry) struct Ranks {
    /// The greatest rank given or seen.
    clock: u64,
    ranked: BTreeMap<Pid, Ranked>,
}

/// A process with at least one name.
#[derive(Debug)]
struct Ranked {
    rank: u64,
    /// How many names it has, in all scopes.
    names: usize,
}

impl Ranks {
    /// A process gets one more name: its rank, which the first name gives it. One more than any rank before, and no
    /// less than the wall clock.
    pub fn add_name(&mut self, pid: Pid, now: u64) -> u64 {
        let next = now.max(self.clock.saturating_add(1));
        let ranked = self.ranked.entry(pid).or_insert(Ranked { rank: next, names: 0 });
        ranked.names += 1;
        self.clock = self.clock.max(ranked.rank);
        ranked.rank
    }

    /// A process has lost a name; with the last it loses its rank.
    pub fn remove_name(&mut self, pid: Pid) {
        let Some(ranked) = self.ranked.get_mut(&pid) else { return };
        ranked.names -= 1;
        if ranked.names == 0 {
            self.ranked.remove(&pid);
        }
    }

    /// Whatever is ranked from now on comes after this.
    pub fn see(&mut self, rank: u64) {
        self.clock = self.clock.max(rank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::process::NodeId;

    fn pid(serial: u64) -> Pid {
        Pid { node: NodeId(1), incarnation: 1, serial }
    }

    #[test]
    fn a_rank_is_kept_until_the_last_name_is_lost() {
        let mut ranks = Ranks::default();
        assert_eq!([ranks.add_name(pid(1), 10), ranks.add_name(pid(1), 20)], [10, 10]);
        ranks.remove_name(pid(1));
        assert_eq!(ranks.add_name(pid(1), 30), 10);
        ranks.remove_name(pid(1));
        ranks.remove_name(pid(1));
        assert_eq!(ranks.add_name(pid(1), 40), 40);
    }

    #[test]
    fn who_is_ranked_after_having_seen_a_rank_comes_after_it_whatever_the_clock_says() {
        let mut ranks = Ranks::default();
        ranks.see(100);
        assert_eq!([ranks.add_name(pid(1), 10), ranks.add_name(pid(2), 10)], [101, 102]);
        assert_eq!(ranks.add_name(pid(3), 500), 500);
    }
}
