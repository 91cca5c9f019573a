//! Keys and values as small numbers: a history names each of them again and again.

use serde_json::Value;
use std::collections::HashMap;

/// What was named, in order of its first mention.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<i64, u32>,
    texts: HashMap<Box<str>, u32>,
    all: Vec<Box<str>>,
}

impl Names {
    /// The number of a value; two that differ as JSON have different ones.
    pub(super) fn of(&mut self, value: &Value) -> u32 {
        let known = self.all.len() as u32;
        if let Some(number) = value.as_i64() {
            return *self.numbers.entry(number).or_insert_with(|| {
                self.all.push(number.to_string().into());
                known
            });
        }
        self.of_text(value.to_string())
    }

    /// The number of a key: a text is the key itself.
    pub(super) fn of_key(&mut self, value: &Value) -> u32 {
        self.of_text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    pub(super) fn text(&self, number: u32) -> &str {
        &self.all[number as usize]
    }

    /// About how many bytes they take up.
    pub(super) fn bytes(&self) -> usize {
        let text = |text: &str| 2 * (size_of::<Box<str>>() + text.len()) + size_of::<(i64, u32)>();
        self.all.iter().map(|name| text(name)).sum()
    }

    fn of_text(&mut self, text: String) -> u32 {
        if let Some(known) = self.texts.get(text.as_str()) {
            return *known;
        }
        let number = self.all.len() as u32;
        self.all.push(text.as_str().into());
        self.texts.insert(text.into(), number);
        number
    }
}
