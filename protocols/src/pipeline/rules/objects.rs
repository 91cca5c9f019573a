//! What a bucket has, and which of it is still to be announced: the fold of its log.

use crate::pipeline::message::{ObjectId, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(in crate::pipeline) const KEY_BYTES_MAX: usize = 1024;
pub(in crate::pipeline) const BODY_BYTES_MAX: usize = 1 << 20;

/// A record of the bucket's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) enum Record {
    Stored {
        key: String,
        body: Vec<u8>,
    },
    Deleted(ObjectId),
    /// Every line has arrived.
    Done(ObjectId),
}

/// An object, as long as anything is to be told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Object {
    pub key: String,
    /// None: it was deleted.
    pub body: Option<Vec<u8>>,
    pub done: bool,
}

/// What a bucket has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Objects {
    objects: BTreeMap<ObjectId, Object>,
    by_key: BTreeMap<String, ObjectId>,
}

/// What follows from a request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Decision {
    /// It is so already.
    Is(ObjectId),
    /// It becomes so with this record.
    Write(ObjectId, Record),
}

impl Objects {
    /// Puts an object under a key. The same again is the same object.
    pub fn put(&self, key: String, body: Vec<u8>) -> Result<Decision, Refusal> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Refusal::Key { bytes: key.len(), max: KEY_BYTES_MAX });
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(Refusal::Body { bytes: body.len(), max: BODY_BYTES_MAX });
        }
        match self.by_key.get(&key) {
            Some(id) if self.objects[id].body.as_ref() == Some(&body) => Ok(Decision::Is(*id)),
            Some(id) => Err(Refusal::Exists(*id)),
            None => Ok(Decision::Write(self.next(), Record::Stored { key, body })),
        }
    }

    pub fn get(&self, key: &str) -> Result<(ObjectId, &[u8]), Refusal> {
        let id = self.by_key.get(key).ok_or(Refusal::NoSuchKey)?;
        let body = self.objects[id].body.as_deref();
        body.map(|body| (*id, body)).ok_or(Refusal::NoSuchKey)
    }

    /// Deletes what is under a key. Its number stays: it may have been announced.
    pub fn delete(&self, key: &str) -> Result<Decision, Refusal> {
        let id = *self.by_key.get(key).ok_or(Refusal::NoSuchKey)?;
        match self.objects[&id].body {
            Some(_) => Ok(Decision::Write(id, Record::Deleted(id))),
            None => Ok(Decision::Is(id)),
        }
    }

    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Stored { key, body } => {
                let id = self.next();
                self.by_key.insert(key.clone(), id);
                self.objects.insert(id, Object { key, body: Some(body), done: false });
            }
            Record::Deleted(id) => {
                if let Some(object) = self.objects.get_mut(&id) {
                    object.body = None;
                }
            }
            Record::Done(id) => {
                if let Some(object) = self.objects.get_mut(&id) {
                    object.done = true;
                }
            }
        }
    }

    /// What is to be announced, the oldest first.
    pub fn open(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.all().filter(|(_, object)| !object.done)
    }

    pub fn all(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.objects.iter().map(|(id, object)| (*id, object))
    }

    /// Numbers come from the log, and none is ever given twice: nothing is ever removed.
    fn next(&self) -> ObjectId {
        ObjectId(self.objects.last_key_value().map_or(0, |(id, _)| id.0) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(objects: &mut Objects, key: &str, body: &str) -> Result<ObjectId, Refusal> {
        match objects.put(key.to_owned(), body.into())? {
            Decision::Is(id) => Ok(id),
            Decision::Write(id, record) => {
                objects.apply(record);
                Ok(id)
            }
        }
    }

    #[test]
    fn the_same_again_is_the_same_object_and_another_is_refused() {
        let mut objects = Objects::default();
        assert_eq!(put(&mut objects, "a", "1"), Ok(ObjectId(1)));
        assert_eq!(put(&mut objects, "a", "1"), Ok(ObjectId(1)));
        assert_eq!(put(&mut objects, "a", "2"), Err(Refusal::Exists(ObjectId(1))));
        assert_eq!(put(&mut objects, "b", "1"), Ok(ObjectId(2)));
        assert_eq!(objects.get("a"), Ok((ObjectId(1), &b"1"[..])));
    }

    #[test]
    fn what_is_deleted_is_gone_and_still_to_be_announced() {
        let mut objects = Objects::default();
        put(&mut objects, "a", "1").unwrap();
        let Ok(Decision::Write(id, record)) = objects.delete("a") else { panic!("it was there") };
        objects.apply(record);
        assert_eq!(objects.get("a"), Err(Refusal::NoSuchKey));
        assert_eq!(objects.delete("a"), Ok(Decision::Is(id)));
        assert_eq!(objects.open().count(), 1);
        objects.apply(Record::Done(id));
        assert_eq!(objects.open().count(), 0);
        assert_eq!(put(&mut objects, "a", "1"), Err(Refusal::Exists(id)), "a number is not used twice");
    }

    #[test]
    fn keys_and_bodies_have_bounds() {
        let objects = Objects::default();
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        assert!(matches!(objects.put(String::new(), Vec::new()), Err(Refusal::Key { bytes: 0, .. })));
        assert!(matches!(objects.put(long, Vec::new()), Err(Refusal::Key { .. })));
        let body = vec![0; BODY_BYTES_MAX + 1];
        assert!(matches!(objects.put("a".to_owned(), body), Err(Refusal::Body { .. })));
        assert_eq!(objects.get("a"), Err(Refusal::NoSuchKey));
        assert_eq!(objects.delete("a"), Err(Refusal::NoSuchKey));
    }
}
