//! What is wrong with a scenario: where it stands, and what would be right.

use super::source::{Path, Source};
use miette::{Diagnostic, NamedSource, SourceSpan};
use std::io;
use std::ops::Range;
use thiserror::Error;

/// Why there is no scenario. Nothing was run.
///
/// Printed by miette it shows the line; its `Display` alone is one sentence that begins with the path of the value.
#[derive(Debug, Error, Diagnostic)]
pub enum ScenarioError {
    /// The file could not be read.
    #[error("cannot read the scenario {path}: {why}")]
    #[diagnostic(help("`splitbrain list` shows the scenarios there are"))]
    Unreadable {
        /// The file's path.
        path: String,
        /// The operating system's reason; part of the message, so no `source` of its own.
        why: io::Error,
    },
    /// A `--set` could not be applied.
    #[error("--set {key}={value}: {why}")]
    #[diagnostic(help("a key is a path into the file: --set workload.rate=100/s, --set fault.0.at=5s"))]
    Override {
        /// The dotted path.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// The text is not TOML.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Syntax(Box<Place>),
    /// It is TOML, but not a scenario: an unknown key, a missing one, a value of the wrong type.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Shape(Box<Place>),
    /// It is a scenario, but could not be meant: a node that does not exist, groups that overlap.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Meaning(Box<Place>),
}

/// A mistake and its place in the file.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
pub struct Place {
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("{label}")]
    span: SourceSpan,
    label: String,
    #[help]
    help: Option<String>,
}

/// A mistake by the path of its value, before its place in the text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The value at fault.
    pub path: Path,
    /// Whether the label belongs under the key, not the value.
    pub at_key: bool,
    /// What is wrong, without the path.
    pub says: String,
    /// What stands under the value; by default what is wrong again.
    pub label: Option<String>,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(path: Path, says: impl Into<String>) -> Self {
        Problem { path, at_key: false, says: says.into(), label: None, help: None }
    }

    pub(super) fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Finds the place in the text.
    pub(super) fn place(self, source: &Source<'_>) -> Box<Place> {
        let span = if self.at_key { source.key_span(&self.path) } else { source.span(&self.path) };
        self.place_at(source, span)
    }

    /// Takes a place that is known already.
    pub(super) fn place_at(self, source: &Source<'_>, span: Range<usize>) -> Box<Place> {
        let message =
            if self.path.is_root() { self.says.clone() } else { format!("{}: {}", self.path, self.says) };
        Box::new(Place {
            message,
            text: NamedSource::new(source.name(), source.text().to_owned()),
            span: span.into(),
            label: self.label.unwrap_or(self.says),
            help: self.help,
        })
    }
}

impl Place {
    /// Where the mistake stands, in bytes of the text.
    pub fn span(&self) -> Range<usize> {
        self.span.offset()..self.span.offset() + self.span.len()
    }

    /// With a help line, unless it has one.
    pub(super) fn or_help(mut self, help: impl FnOnce() -> String) -> Self {
        self.help = self.help.or_else(|| Some(help()));
        self
    }

    /// The text is not TOML: there is no path yet, only a place.
    pub(super) fn syntax(name: &str, text: &str, error: &toml::de::Error) -> Box<Place> {
        let end = text.len();
        let span = error.span().unwrap_or(end..end);
        Box::new(Place {
            message: "this is not TOML".into(),
            text: NamedSource::new(name, text.to_owned()),
            span: (span.start.min(end)..span.end.min(end)).into(),
            label: error.message().to_owned(),
            help: None,
        })
    }
}

/// So many known words fit a screen; of more, those nearest to the one written are told.
const TOLD: usize = 24;

/// `"did you mean `…`? "` when one of the known words is near to the one written, then all of them.
pub(super) fn suggest<S: AsRef<str>>(written: &str, what: &str, known: &[S]) -> String {
    if known.is_empty() {
        return format!("there are no {what}");
    }
    let mut told: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    if told.len() > TOLD {
        told.sort_by_cached_key(|word| strsim::damerau_levenshtein(written, word));
        told.truncate(TOLD);
    }
    let mut all = told.join(", ");
    if known.len() > told.len() {
        all += &format!(", and {} more", known.len() - told.len());
    }
    match nearest(written, known) {
        Some(near) => format!("did you mean `{near}`? {what}: {all}"),
        None => format!("{what}: {all}"),
    }
}

/// The known word that differs least from the one written, if it could be a slip of the hand.
pub(crate) fn nearest<'k, S: AsRef<str>>(written: &str, known: &'k [S]) -> Option<&'k str> {
    let slips = written.chars().count().div_ceil(3);
    let distance = |word: &str| strsim::damerau_levenshtein(&written.to_lowercase(), &word.to_lowercase());
    known
        .iter()
        .map(|word| (distance(word.as_ref()), word.as_ref()))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_known_words_the_nearest_are_told() {
        let known: Vec<String> = (10..80).map(|number| format!("probe-{number}")).collect();
        let help = suggest("probe-770", "probes", &known);
        assert!(help.starts_with("did you mean `probe-70`? probes: probe-70, probe-77, "), "{help}");
        assert!(help.ends_with(", and 46 more"), "{help}");
        assert_eq!(suggest("a", "probes", &["b", "c"]), "did you mean `b`? probes: b, c");
    }

    #[test]
    fn a_slip_of_the_hand_is_suggested_and_a_stranger_is_not() {
        let known = ["register", "unregister", "lookup"];
        assert_eq!(nearest("regsiter", &known), Some("register"));
        assert_eq!(nearest("Lookup", &known), Some("lookup"));
        assert_eq!(nearest("deposit", &known), None);
        assert_eq!(suggest("x", "operations", &["put"]), "operations: put");
        assert_eq!(suggest::<&str>("x", "probes", &[]), "there are no probes");
    }
}
