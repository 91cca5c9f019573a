//! What the auditor has seen, for checkers and debuggers.

use crate::database::Snapshot;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The latest snapshot of each database, none of one that did not answer, and the latest drill.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Of the source.
    pub source: Option<Arc<Snapshot>>,
    /// Of its replica.
    pub replica: Option<Arc<Snapshot>>,
    /// Of the target of logical replication.
    pub target: Option<Arc<Snapshot>>,
    /// What became of the latest drill, by method of backup: `works`, or why it does not.
    pub drills: BTreeMap<&'static str, String>,
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |snapshot: &Option<Arc<Snapshot>>| snapshot.as_deref().cloned();
        (of(&self.source), of(&self.replica), of(&self.target), &self.drills).serialize(serializer)
    }
}
