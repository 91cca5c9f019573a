//! The two tables of a scope: entries by name, and names by pid.

use super::process::{NodeId, Pid};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a name points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The registered process; its node owns the entry.
    pub pid: Pid,
    /// Free text of whoever registered it.
    pub meta: String,
    /// When the owner wrote it: nanoseconds since the Unix epoch, by the owner's clock.
    pub time: u64,
}

/// Syn's pair of tables. The index is kept by exact (name, pid) pair and *not* cleaned when another pid is written
/// over a name with [`insert`](Table::insert): in Syn a caller's write does exactly that, and the row left behind is
/// what still cleans up after the overwritten process when it dies.
///
/// Views share the table by name until it is written again: they are taken at each probe, and most show what the last did.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_name: Arc<BTreeMap<String, Entry>>,
    by_pid: BTreeMap<Pid, BTreeSet<String>>,
}

impl Table {
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name)
    }

    /// Writes an entry over whatever the name points at, and returns that.
    pub fn insert(&mut self, name: &str, entry: Entry) -> Option<Entry> {
        let names = self.by_pid.entry(entry.pid).or_default();
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        let by_name = Arc::make_mut(&mut self.by_name);
        match by_name.get_mut(name) {
            Some(slot) => Some(std::mem::replace(slot, entry)),
            None => by_name.insert(name.to_owned(), entry),
        }
    }

    /// Removes an entry if it is exactly this pid's; `false` if the name points elsewhere or nowhere.
    pub fn remove(&mut self, name: &str, pid: Pid) -> bool {
        if let Some(names) = self.by_pid.get_mut(&pid) {
            names.remove(name);
            if names.is_empty() {
                self.by_pid.remove(&pid);
            }
        }
        let exact = self.by_name.get(name).is_some_and(|entry| entry.pid == pid);
        if exact {
            Arc::make_mut(&mut self.by_name).remove(name);
        }
        exact
    }

    /// In how many rows the pid is indexed.
    pub fn count_of(&self, pid: Pid) -> usize {
        self.by_pid.get(&pid).map_or(0, BTreeSet::len)
    }

    /// The names that the pid is indexed under.
    pub fn names_of(&self, pid: Pid) -> Vec<String> {
        self.by_pid.get(&pid).map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    /// The entries that a node owns, by name.
    pub fn owned_by(&self, node: NodeId) -> impl Iterator<Item = (&String, &Entry)> {
        self.by_name.iter().filter(move |(_, entry)| entry.pid.node == node)
    }

    /// Removes every entry that a node owns, and says how many there were.
    pub fn purge(&mut self, node: NodeId) -> usize {
        let before = self.by_name.len();
        Arc::make_mut(&mut self.by_name).retain(|_, entry| entry.pid.node != node);
        self.by_pid.retain(|pid, _| pid.node != node);
        before - self.by_name.len()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn by_name(&self) -> &Arc<BTreeMap<String, Entry>> {
        &self.by_name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_lost_its_last_name_leaves_no_row() {
        let (mut table, pid) = (Table::default(), Pid { node: NodeId(1), incarnation: 1, serial: 1 });
        for name in ["a", "b"] {
            table.insert(name, Entry { pid, meta: String::new(), time: 1 });
        }
        table.remove("a", pid);
        assert_eq!((table.by_pid.len(), table.count_of(pid)), (1, 1));
        table.remove("b", pid);
        assert_eq!((table.by_pid.len(), table.len()), (0, 0));
    }
}
