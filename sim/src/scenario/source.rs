//! The text of a scenario, and where in it each value stands. The types know nothing of places: whoever finds a
//! mistake names the value by its [`Path`].

use super::error::{Place, ScenarioError};
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The path of a value: keys, and positions in arrays counted from 0. `fault.0.partition`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

/// A parsed text that still knows where everything stood.
pub(super) struct Source<'t> {
    name: String,
    text: &'t str,
    root: Spanned<DeTable<'t>>,
}

impl Path {
    /// A path of keys without dots in them.
    pub(super) fn of(dotted: &str) -> Self {
        Path(dotted.split('.').map(str::to_owned).collect())
    }

    /// One step further down.
    pub(super) fn then(&self, step: impl fmt::Display) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_string());
        Path(steps)
    }

    /// Some steps further down, dotted.
    pub(super) fn dotted(&self, steps: &str) -> Self {
        steps.split('.').fold(self.clone(), |path, step| path.then(step))
    }

    /// Whether it leads to this key of a section, or below it.
    pub(super) fn starts_with(&self, section: &str, key: &str) -> bool {
        matches!(self.0.as_slice(), [first, second, ..] if first == section && second == key)
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl<'t> Source<'t> {
    /// Parses a text. The name is what errors call it, a path usually.
    pub(super) fn parse(name: &str, text: &'t str) -> Result<Self, ScenarioError> {
        let root =
            DeTable::parse(text).map_err(|error| ScenarioError::Syntax(Place::syntax(name, text, &error)))?;
        Ok(Source { name: name.to_owned(), text, root })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn root(&self) -> &Spanned<DeTable<'t>> {
        &self.root
    }

    /// The value at a path.
    pub(super) fn get(&self, path: &Path) -> Option<&Spanned<DeValue<'t>>> {
        let (first, rest) = path.0.split_first()?;
        rest.iter().try_fold(self.root.get_ref().get(first.as_str())?, |value, step| child(value, step))
    }

    /// Where a value stands, or, if it is not in the text, what is nearest around it.
    pub(super) fn span(&self, path: &Path) -> Range<usize> {
        (1..=path.0.len())
            .rev()
            .find_map(|depth| self.get(&Path(path.0[..depth].to_vec())))
            .map_or(0..0, |value| self.trimmed(value.span()))
    }

    /// Where the key of a value stands.
    pub(super) fn key_span(&self, path: &Path) -> Range<usize> {
        let key = path.0.split_last().and_then(|(key, above)| {
            let table = if above.is_empty() {
                self.root.get_ref()
            } else {
                self.get(&Path(above.to_vec()))?.get_ref().as_table()?
            };
            table.get_key_value(key.as_str()).map(|(key, _)| key.span())
        });
        key.unwrap_or_else(|| self.span(path))
    }

    /// The path of whatever stands at a span: the innermost value or key that covers it.
    pub(super) fn path_at(&self, span: &Range<usize>) -> Path {
        let mut found = (usize::MAX, Path::default());
        for (key, value) in self.root.get_ref() {
            search(key.get_ref(), Some(key.span()), value, &Path::default(), span, &mut found);
        }
        found.1
    }

    /// A multi-line span cut to its first line: a label under a whole table says nothing.
    pub(super) fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        let line = self.text.get(span.clone()).and_then(|text| text.lines().next());
        line.map_or(span.clone(), |line| span.start..span.start + line.trim_end().len())
    }
}

fn child<'v, 't>(value: &'v Spanned<DeValue<'t>>, step: &str) -> Option<&'v Spanned<DeValue<'t>>> {
    match value.get_ref() {
        DeValue::Table(table) => table.get(step),
        DeValue::Array(array) => array.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Depth first for the smallest span that covers the target. The parser bounds the depth.
fn search(
    step: &str,
    key: Option<Range<usize>>,
    value: &Spanned<DeValue<'_>>,
    above: &Path,
    target: &Range<usize>,
    found: &mut (usize, Path),
) {
    let path = above.then(step);
    for span in key.into_iter().chain([value.span()]) {
        if span.start <= target.start && target.end <= span.end && span.len() < found.0 {
            *found = (span.len(), path.clone());
        }
    }
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                search(key.get_ref(), Some(key.span()), value, &path, target, found);
            }
        }
        DeValue::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                search(&index.to_string(), None, value, &path, target, found);
            }
        }
        _ => {}
    }
}
