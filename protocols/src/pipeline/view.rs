//! What a process of the pipeline knows, for checkers and debuggers.

use super::message::{Arrival, LineId, ObjectId};
use super::node::Durable;
use super::rules::{Kept, Objects, Slots};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One process, as it is when it is looked at. Nothing is copied: checkers look after every step.
///
/// As JSON it is a [`Summary`].
#[derive(Clone)]
pub struct View(Of);

#[derive(Clone)]
enum Of {
    Bucket(Arc<Durable<Objects>>),
    Runner(Slots),
    Collector(Arc<Durable<Kept>>),
}

/// A view in plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    /// How many objects the bucket has or had, and which are not done.
    Bucket {
        /// All of them, deleted ones too.
        objects: usize,
        /// Those that are still announced.
        open: Vec<ObjectId>,
    },
    /// How many functions run.
    Runner {
        /// Now.
        running: u32,
    },
    /// How many lines of each object the collector has, reports included.
    Collector {
        /// By object.
        lines: BTreeMap<ObjectId, usize>,
    },
}

impl View {
    pub(super) fn bucket(objects: &Arc<Durable<Objects>>) -> View {
        View(Of::Bucket(Arc::clone(objects)))
    }

    pub(super) fn runner(slots: &Slots) -> View {
        View(Of::Runner(slots.clone()))
    }

    pub(super) fn collector(kept: &Arc<Durable<Kept>>) -> View {
        View(Of::Collector(Arc::clone(kept)))
    }

    /// Of a bucket: calls back with every object that it ever took, its body (none: it was deleted), and whether it is
    /// done. Of another process: whether it is a bucket.
    pub fn each_object(&self, mut seen: impl FnMut(ObjectId, Option<&[u8]>, bool)) -> bool {
        let Of::Bucket(objects) = &self.0 else { return false };
        let inner = objects.lock();
        inner.state.all().for_each(|(id, object)| seen(id, object.body.as_deref(), object.done));
        true
    }

    /// Of a collector: calls back with every line that it has. Of another process: whether it is a collector.
    pub fn each_line(&self, mut seen: impl FnMut(LineId, &Arrival)) -> bool {
        let Of::Collector(kept) = &self.0 else { return false };
        kept.lock().state.lines().for_each(|(id, arrival)| seen(id, arrival));
        true
    }

    /// Of a collector: a line that it has kept more than once.
    pub fn kept_twice(&self) -> Option<LineId> {
        match &self.0 {
            Of::Collector(kept) => kept.lock().state.twice(),
            _ => None,
        }
    }

    /// The same as plain data.
    pub fn summary(&self) -> Summary {
        match &self.0 {
            Of::Bucket(objects) => {
                let inner = objects.lock();
                let open = inner.state.open().map(|(id, _)| id).collect();
                Summary::Bucket { objects: inner.state.all().count(), open }
            }
            Of::Runner(slots) => Summary::Runner { running: slots.taken() },
            Of::Collector(kept) => {
                let mut lines = BTreeMap::new();
                for (id, _) in kept.lock().state.lines() {
                    *lines.entry(id.object).or_default() += 1;
                }
                Summary::Collector { lines }
            }
        }
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary().fmt(f)
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.summary().serialize(serializer)
    }
}
