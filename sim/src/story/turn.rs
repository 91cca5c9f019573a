//! When a node came to believe something else of what the evidence is about.

use crate::cause::{Trace, words};
use crate::verdict::Subject;
use std::collections::BTreeMap;

/// What nodes believe, by their names; none for one that believes nothing of it. One that is down is not there.
type Held = BTreeMap<String, Option<String>>;

/// A node believes something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When that was seen first, in ns since the workload began.
    pub at_ns: i64,
    /// Which node.
    pub node: String,
    /// What it believes now, in words; none for nothing.
    pub believes: Option<String>,
}

/// What changed between looks, each with its instant, in the order of time. Before the first nobody believed anything.
pub fn turns(looks: impl IntoIterator<Item = (i64, Held)>) -> Vec<Turn> {
    let (mut last, mut turns) = (Held::new(), Vec::new());
    for (at_ns, held) in looks {
        for (node, believes) in held {
            let before = last.insert(node.clone(), believes.clone()).flatten();
            if before != believes {
                turns.push(Turn { at_ns, node, believes });
            }
        }
    }
    turns
}

/// The pairs of nodes that believe different things in the end, and of which the one never sent the other a message that
/// names a key of these subjects. Nothing where nobody describes messages.
pub fn silences(trace: &Trace<'_>, held: &Held, subjects: &[Subject]) -> Vec<(String, String)> {
    let keys: Vec<&str> = subjects
        .iter()
        .filter_map(|subject| match subject {
            Subject::Key(key) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let is_sent = |from: &str, to: &str| {
        trace.lines.iter().any(|line| {
            line.message.as_ref().is_some_and(|message| message.step == "sent")
                && line.from.as_deref() == Some(from)
                && line.to.as_deref() == Some(to)
                && words(line.text.as_deref().unwrap_or_default()).any(|word| keys.contains(&word))
        })
    };
    let is_described = trace.lines.iter().any(|line| line.message.is_some());
    if keys.is_empty() || !is_described {
        return Vec::new();
    }
    let pairs = held.iter().flat_map(|one| held.iter().map(move |other| (one, other)));
    let parted = pairs.filter(|((_, believes), (_, other))| believes.is_some() && believes != other);
    let silent = parted.filter(|((from, _), (to, _))| !is_sent(from, to));
    silent.map(|((from, _), (to, _))| (from.clone(), to.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::made::{self, message};

    fn held(of: &[(&str, Option<&str>)]) -> Held {
        of.iter().map(|(node, believes)| ((*node).to_owned(), believes.map(str::to_owned))).collect()
    }

    #[test]
    fn a_turn_is_told_when_it_is_seen_and_one_who_was_down_has_not_changed() {
        let looks = [
            (1, held(&[("n1", None), ("n2", Some("a"))])),
            (2, held(&[("n1", Some("a"))])),
            (3, held(&[("n1", Some("a")), ("n2", Some("a"))])),
            (4, held(&[("n1", None), ("n2", Some("b"))])),
        ];
        let turn = |at_ns, node: &str, believes: Option<&str>| Turn {
            at_ns,
            node: node.to_owned(),
            believes: believes.map(str::to_owned),
        };
        let expected = [
            turn(1, "n2", Some("a")),
            turn(2, "n1", Some("a")),
            turn(4, "n1", None),
            turn(4, "n2", Some("b")),
        ];
        assert_eq!(turns(looks), expected);
    }

    #[test]
    fn who_never_told_another_is_named_and_who_did_is_not() {
        let lines = [(1, message(1, "sent", ("n1", "n2"), "Sync { name: \"a\" }"))];
        let trace = made::trace(1, lines);
        let told = |keys: &[&str]| {
            let keys: Vec<Subject> = keys.iter().map(|key| Subject::Key((*key).to_owned())).collect();
            silences(&trace, &held(&[("n1", Some("x")), ("n2", None), ("n3", None)]), &keys)
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(told(&["a"]), [pair("n1", "n3")]);
        assert_eq!(told(&["b"]), [pair("n1", "n2"), pair("n1", "n3")]);
        assert!(told(&[]).is_empty());
    }
}
