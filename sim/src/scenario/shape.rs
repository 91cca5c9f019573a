//! Serde's errors in the words of whoever writes the file: keys and values, not fields and `u32`.
//!
//! Serde hands out text only, so this reads it. A text that it does not know goes through as it is.

use super::error::{Problem, suggest};
use super::source::{Path, Source};

/// What serde calls a type, and what a reader does.
const TYPES: [(&str, &str); 9] = [
    ("u32", "a whole number, 0 or above"),
    ("u64", "a whole number, 0 or above"),
    ("i64", "a whole number"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a sequence", "a list in [ ]"),
    ("a map", "a table"),
    ("struct ", "a table"),
    ("unit", "nothing"),
];

/// Keys that a scenario cannot do without, and what to write.
const NEEDED: [(&str, &str); 9] = [
    ("title", "one sentence that says what it shows: title = \"…\""),
    ("system", "the system under test: system = \"…\" (`splitbrain list` shows them)"),
    (
        "workload",
        "say what the clients do:\n[workload]\nclients = 4\nrate = \"50/s\"\nfor = \"20s\"\nmix = { … }   # operations and their weights",
    ),
    ("clients", "how many clients: clients = 4"),
    ("for", "how long clients work and faults happen: for = \"20s\""),
    ("client", "who does it: client = \"c1\""),
    ("name", "what is done: name = \"…\", as histories call it"),
    ("at", "when it is due: at = \"1s\""),
    ("every", "the mean time from one fault to the next: every = \"2s\""),
];

/// The forms of `check.expect`: serde would list the variants, but not how to write them.
const EXPECTATIONS: &str = "write \"valid\", { violation = \"<checker>\" }, { tolerates = [\"<checker>\"] }, \
     { reaches = [\"<probe>\"] } or several of these in one";

/// The problem behind an error of serde, found somewhere at or below `fallback`.
pub(super) fn problem(source: &Source<'_>, error: &toml::de::Error, fallback: &Path) -> Problem {
    let found = error.span().filter(|span| !span.is_empty()).map(|span| source.path_at(&span));
    let path = found.filter(|path| !path.is_root()).unwrap_or_else(|| fallback.clone());
    let message = error.message();

    if path.starts_with("check", "expect") {
        return Problem::new(path, "this is not an expectation")
            .label("not an expectation")
            .help(EXPECTATIONS);
    }
    if let Some((key, known)) = unknown(message, "unknown field ") {
        return Problem::new(path, format!("there is no key `{key}` here"))
            .label("unknown key")
            .help(suggest(&key, "keys", &known));
    }
    if let Some((word, known)) = unknown(message, "unknown variant ") {
        return Problem::new(path, format!("`{word}` is not known here"))
            .label("unknown")
            .help(suggest(&word, "known", &known));
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        let key = key.trim_matches('`');
        let problem = Problem::new(path, format!("`{key}` is missing")).label(format!("no `{key}`"));
        return match NEEDED.iter().find(|(needed, _)| *needed == key) {
            Some((_, help)) => problem.help(*help),
            None => problem,
        };
    }
    if let Some((found, expected)) = mistaken(message) {
        return Problem::new(path, format!("expected {expected}, found {found}"))
            .label(format!("not {expected}"));
    }
    if let Some((says, help)) = message.rsplit_once("; ") {
        // The value stands above the label: "`20` has no unit" becomes "has no unit".
        let verb = says.find(" is ").or_else(|| says.find(" has ")).map_or(says, |verb| &says[verb + 1..]);
        return Problem::new(path, says).label(verb).help(help);
    }
    match message.split_once(": ").filter(|(expected, _)| expected.starts_with("expected ")) {
        Some((expected, examples)) => Problem::new(path, expected)
            .label(expected.replacen("expected", "not", 1))
            .help(format!("for example {examples}")),
        None => Problem::new(path, message),
    }
}

/// What was found, and what was expected, of `invalid type: string "x", expected u32`.
pub(super) fn mistaken(message: &str) -> Option<(&str, &str)> {
    let rest =
        ["invalid type: ", "invalid value: "].iter().find_map(|prefix| message.strip_prefix(prefix))?;
    let (found, expected) = rest.split_once(", expected ")?;
    Some((found, in_words(expected)))
}

/// The word and the known ones of ``unknown field `x`, expected one of `a`, `b` ``.
pub(super) fn unknown(message: &str, prefix: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix(prefix)?;
    // The word comes from the file and may hold anything; what follows it is ours.
    let (word, rest) = rest.rsplit_once(", expected ").or_else(|| rest.rsplit_once(", there are no "))?;
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((word.trim_matches('`').to_owned(), known))
}

fn in_words(expected: &str) -> &str {
    TYPES.iter().find(|(serde, _)| expected.starts_with(serde)).map_or(expected, |(_, words)| words)
}
