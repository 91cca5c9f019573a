//! Why something does not hold: a sentence for people, and what it is about as data.

use crate::verdict::{Subject, Violation};
use std::fmt;

/// What a checker says of what does not hold. A bare sentence will do; whoever reads why it came to that begins with what
/// the sentence is *about*, and has to guess at that where nobody says it:
///
/// ```
/// use sim::check::Broken;
///
/// let broken = Broken::new("n2 has no name-3").node(2).key("name-3");
/// assert_eq!(broken.about.len(), 2);
/// assert!(Broken::from("there is no leader".to_owned()).about.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The evidence, in a sentence.
    pub evidence: String,
    /// What it is about.
    pub about: Vec<Subject>,
}

impl Broken {
    /// A sentence, about nothing yet.
    pub fn new(evidence: impl Into<String>) -> Self {
        Broken { evidence: evidence.into(), about: Vec::new() }
    }

    /// It is about the machine of this node, counted from 1.
    #[must_use]
    pub fn node(self, number: u32) -> Self {
        self.of(Subject::Machine(format!("n{number}")))
    }

    /// It is about this process of the system's own, or whatever goes by such a name in what nodes say.
    #[must_use]
    pub fn process(self, process: impl fmt::Display) -> Self {
        self.of(Subject::Process(process.to_string()))
    }

    /// It is about this key, name or account: what operations are about.
    #[must_use]
    pub fn key(self, key: impl fmt::Display) -> Self {
        self.of(Subject::Key(key.to_string()))
    }

    /// It is about this item among many: a request, a record, a write.
    #[must_use]
    pub fn item(self, item: impl fmt::Display) -> Self {
        self.of(Subject::Item(item.to_string()))
    }

    /// The violation that it is of a checker, at an instant in ms since the workload began.
    #[must_use]
    pub fn violates(self, checker: &str, at_ms: i64) -> Violation {
        let Broken { evidence: message, about: subjects } = self;
        Violation { checker: checker.to_owned(), at_ms, message, subjects }
    }

    fn of(mut self, subject: Subject) -> Self {
        self.about.push(subject);
        self
    }

    /// The same, said in other words.
    pub(crate) fn said(self, say: impl FnOnce(&str) -> String) -> Self {
        Broken { evidence: say(&self.evidence), ..self }
    }
}

impl From<String> for Broken {
    fn from(evidence: String) -> Self {
        Broken::new(evidence)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.evidence)
    }
}
