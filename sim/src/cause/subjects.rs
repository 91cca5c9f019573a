//! What evidence is about: as its checker says, or else as its sentence reads.

use super::{Evidence, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// A word that a greater part of all events mentions tells nothing.
const COMMON: f64 = 0.25;
/// What a number is worth beside a name: it may stand for anything.
const OF_A_NUMBER: f64 = 0.5;
/// Longer words are no names.
const WORD_BYTES_MAX: usize = 200;

/// What evidence is about: machines, and words with their weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subjects {
    /// The places of the machines that it names, itself or by a process of theirs.
    pub machines: BTreeSet<usize>,
    /// The words that tell something, each with how much: the rarer, the more.
    pub words: BTreeMap<String, f64>,
}

impl Subjects {
    /// What evidence is about, in the light of a trace.
    pub fn of(evidence: Evidence<'_>, trace: &Trace<'_>) -> Self {
        let Evidence { sentence, subjects, .. } = evidence;
        // Where nobody has said it, it is read.
        let is_read = subjects.is_empty();
        let mut wanted: BTreeSet<&str> = match is_read {
            true => words(sentence).collect(),
            false => subjects.iter().flat_map(|subject| words(subject.name())).collect(),
        };
        // A process stands for its machine, and `<n3.8018.27>` for n3, too.
        let parts: Vec<&str> = wanted.iter().flat_map(|word| word.split(['.', '/', ':'])).collect();
        let mut machines: BTreeSet<usize> =
            parts.into_iter().filter_map(|part| trace.machine(part)).collect();
        let mut mentions: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut events, mut said) = (0, BTreeSet::new());
        for line in &trace.lines {
            let Some(text) = line.text.as_deref().filter(|_| &*line.event != "log") else { continue };
            events += 1;
            let found: BTreeSet<&str> = words(text).filter_map(|word| wanted.get(word).copied()).collect();
            if let Some(operation) = &line.operation
                && found.contains(&*format!("p{}", operation.process))
            {
                machines.extend(line.from.as_deref().and_then(|name| trace.machine(name)));
            }
            if &*line.event == "probe" {
                said.extend(found.iter().copied());
            }
            found.into_iter().for_each(|word| *mentions.entry(word).or_default() += 1);
        }
        let is_telling = |word: &str| !is_read || looks_like_a_name(word) || said.contains(word);
        wanted.retain(|word| trace.machine(word).is_none() && is_telling(word));
        let weight = |word: &str| {
            let mentions = *mentions.get(word)? as f64;
            let is_number = word.chars().all(|c| c.is_ascii_digit());
            let weight = (f64::from(events) / mentions).ln() * if is_number { OF_A_NUMBER } else { 1.0 };
            (mentions <= (COMMON * f64::from(events)).max(8.0) && weight > 0.0).then_some(weight)
        };
        let words = wanted.iter().filter_map(|word| Some(((*word).to_owned(), weight(word)?))).collect();
        Subjects { machines, words }
    }

    /// How much a text has to do with them.
    pub fn weigh(&self, text: &str) -> f64 {
        let found: BTreeSet<&str> = words(text).filter(|word| self.words.contains_key(*word)).collect();
        found.into_iter().map(|word| self.words[word]).sum()
    }
}

/// The words of a text: what stands between blanks, brackets, quotes and commas.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    let words = text.split(move |c| !is_part(c)).map(|word| word.trim_matches(['.', ':', '-']));
    words.filter(|word| !word.is_empty() && word.len() <= WORD_BYTES_MAX)
}

/// Names have digits, capitals or marks in them; most words of a sentence do not.
fn looks_like_a_name(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || c.is_uppercase() || matches!(c, '-' | '_' | '/'))
}
