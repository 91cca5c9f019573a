//! A YAML file as a list of what it says: each value with the path of keys that leads to it, and its line.
//!
//! An alias is followed to a single value, never to more: so a file says no more than it is long.

use saphyr_parser::{Event, Parser};
use sim::configuration::Broken;
use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The keys, with dots; an item of a list is `[]`.
    pub(super) path: String,
    pub(super) line: usize,
    /// None for a whole section that an alias stands for.
    pub(super) value: Option<String>,
}

/// Deeper nesting is no configuration.
const DEPTH_MAX: usize = 32;

/// A mapping or list that is being read.
struct Open {
    is_map: bool,
    /// In a mapping, what was said of a value to come: its key and line.
    key: Option<(String, usize)>,
}

/// All values of a document.
///
/// # Errors
///
/// Where the text is no YAML, or several documents.
pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, Broken> {
    let mut leaves = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: BTreeMap<usize, String> = BTreeMap::new();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Broken::at(error.marker().line(), format!("this is no YAML: {}", error.info()))
        })?;
        let line = span.start.line();
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(Broken::at(line, "a second document begins"));
                }
            }
            Event::Scalar(value, _, anchor, _) => {
                if anchor > 0 {
                    anchors.insert(anchor, value.to_string());
                }
                said(&mut open, &mut leaves, line, Some(value.into_owned()));
            }
            Event::Alias(anchor) => said(&mut open, &mut leaves, line, anchors.get(&anchor).cloned()),
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if open.len() == DEPTH_MAX {
                    return Err(Broken::at(line, format!("this is nested more than {DEPTH_MAX} deep")));
                }
                // What is a key, and no text, has no name.
                if let Some(Open { is_map: true, key: key @ None }) = open.last_mut() {
                    *key = Some(("?".to_owned(), line));
                }
                open.push(Open { is_map: matches!(event, Event::MappingStart(..)), key: None });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                if let Some(above) = open.last_mut() {
                    above.key = None;
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    Ok(leaves)
}

/// A key, or a value.
fn said(open: &mut [Open], leaves: &mut Vec<Leaf>, line: usize, value: Option<String>) {
    if let Some(Open { is_map: true, key: key @ None }) = open.last_mut() {
        *key = Some((value.unwrap_or_else(|| "*".to_owned()), line));
        return;
    }
    let keys = open.iter().map(|of| of.key.as_ref().map_or("[]", |(key, _)| key.as_str()));
    let path = keys.collect::<Vec<_>>().join(".");
    // A key's line says more than that of a value that goes on below.
    let line = open.last().and_then(|of| of.key.as_ref()).map_or(line, |(_, line)| *line);
    leaves.push(Leaf { path, line, value });
    if let Some(of) = open.last_mut() {
        of.key = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, usize, Option<String>)> {
        leaves(text).unwrap().into_iter().map(|Leaf { path, line, value }| (path, line, value)).collect()
    }

    fn leaf(path: &str, line: usize, value: &str) -> (String, usize, Option<String>) {
        (path.to_owned(), line, Some(value.to_owned()))
    }

    #[test]
    fn every_value_has_its_path_and_line() {
        let text = "a: 1\nb:\n  c: [x, y]\n  # a comment\n  d:\n  - e: '2'\nf: |\n  long\n  text\ng:\n";
        assert_eq!(
            told(text),
            [
                leaf("a", 1, "1"),
                leaf("b.c.[]", 3, "x"),
                leaf("b.c.[]", 3, "y"),
                leaf("b.d.[].e", 6, "2"),
                leaf("f", 7, "long\ntext\n"),
                leaf("g", 10, ""),
            ]
        );
    }

    #[test]
    fn an_alias_is_a_value_and_of_a_section_it_is_not_followed() {
        assert_eq!(told("a: &x 10\nb: *x\n"), [leaf("a", 1, "10"), leaf("b", 2, "10")]);
        let mut bomb = "a0: &a0 [x, x, x, x]\n".to_owned();
        for n in 1..40 {
            let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
            bomb += &format!("a{n}: &a{n} [{aliases}]\n");
        }
        assert_eq!(leaves(&bomb).unwrap().len(), 4 + 39 * 9);
    }

    #[test]
    fn what_is_no_yaml_is_refused_where_it_is_none() {
        let refused = |text: &str| {
            let broken = leaves(text).unwrap_err();
            (broken.line.unwrap(), broken.message)
        };
        let (line, message) = refused("a:\n  b: 1\n c: 2\n");
        assert!(line >= 2 && message.starts_with("this is no YAML: "), "{line} {message}");
        assert_eq!(refused("a: [1, 2\nb: 3\n").0, 2);
        assert_eq!(refused("a: 1\n---\nb: 1\n"), (2, "a second document begins".to_owned()));
        assert_eq!(refused(&"[".repeat(200)), (1, "this is nested more than 32 deep".to_owned()));
        assert!(leaves("a: *nobody\n").is_err());
    }
}
