//! A queue of small messages that is cheap to copy.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// So many messages are held without memory of their own: a search copies a state for each successor.
const INLINE: usize = 12;

/// First in, first out. As long as it is short, a copy costs no allocation.
#[derive(Clone)]
pub struct Queue<T>(Held<T>);

#[derive(Clone)]
enum Held<T> {
    Inline { len: u8, items: [T; INLINE] },
    Heap(Vec<T>),
}

impl<T: Copy + Default> Queue<T> {
    /// A queue without messages.
    #[must_use]
    pub fn new() -> Self {
        Queue(Held::Inline { len: 0, items: [T::default(); INLINE] })
    }

    /// Adds a message at the end.
    pub fn push(&mut self, item: T) {
        match &mut self.0 {
            Held::Inline { len, items } if usize::from(*len) < INLINE => {
                items[usize::from(*len)] = item;
                *len += 1;
            }
            Held::Inline { items, .. } => {
                let mut more = Vec::with_capacity(INLINE * 2);
                more.extend_from_slice(items);
                more.push(item);
                self.0 = Held::Heap(more);
            }
            Held::Heap(more) => more.push(item),
        }
    }

    /// Takes the first message.
    pub fn pop(&mut self) -> Option<T> {
        let first = self.first()?;
        match &mut self.0 {
            Held::Inline { len, items } => {
                items.copy_within(1.., 0);
                *len -= 1;
            }
            Held::Heap(more) => {
                more.remove(0);
            }
        }
        Some(first)
    }

    /// The first message.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.as_slice().first().copied()
    }
}

impl<T> Queue<T> {
    /// All messages, first to last.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Held::Inline { len, items } => &items[..usize::from(*len)],
            Held::Heap(more) => more,
        }
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl<T: Copy + Default> Default for Queue<T> {
    fn default() -> Self {
        Queue::new()
    }
}

impl<T: PartialEq> PartialEq for Queue<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Eq> Eq for Queue<T> {}

impl<T: fmt::Debug> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

impl<T: Serialize> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de, T: Copy + Default + Deserialize<'de>> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Messages(PhantomData))
    }
}

struct Messages<T>(PhantomData<T>);

impl<'de, T: Copy + Default + Deserialize<'de>> Visitor<'de> for Messages<T> {
    type Value = Queue<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Queue<T>, A::Error> {
        let mut queue = Queue::new();
        while let Some(item) = list.next_element()? {
            queue.push(item);
        }
        Ok(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_goes_first_short_or_long() {
        for length in [3u8, 12, 13, 40] {
            let mut queue = Queue::new();
            (0..length).for_each(|item| queue.push(item));
            assert_eq!(queue.len(), usize::from(length));
            let copy: Queue<u8> = postcard::from_bytes(&postcard::to_allocvec(&queue).unwrap()).unwrap();
            assert_eq!(copy, queue);
            assert!((0..length).all(|item| queue.pop() == Some(item)));
            assert_eq!((queue.pop(), queue.is_empty()), (None, true));
        }
    }

    #[test]
    fn how_a_queue_came_about_does_not_show() {
        let mut long: Queue<u8> = Queue::new();
        (0..20).for_each(|item| long.push(item));
        for _ in 0..19 {
            long.pop();
        }
        let mut short = Queue::new();
        short.push(19);
        assert_eq!(long, short);
        assert_eq!(postcard::to_allocvec(&long), postcard::to_allocvec(&short));
    }
}
