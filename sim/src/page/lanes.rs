//! Names that are numbered: of lanes, of keys.

use std::collections::HashMap;

/// Names in order of their first use.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub names: Vec<String>,
    known: HashMap<String, usize>,
}

impl Names {
    /// The number of a name, which is new if nobody asked for it before.
    pub(super) fn of(&mut self, name: String) -> usize {
        *self.known.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }
}
