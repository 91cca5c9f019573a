//! What "the same failure" means: the same checker, about the same kind of thing.
//!
//! Two messages are about the same kind of thing if they are the same words once names, numbers and times are left out: n1
//! has name-4 for one process or n3 has name-7 for another, that is the same mistake. That two nodes do not know each
//! other is another, though the checker be the same.

use crate::check::LINEARIZABLE;
use crate::run::Report;
use crate::verdict::Violation;

/// No message is looked at further than this.
const WORDS_MAX: usize = 40;

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The checker that is violated.
    pub checker: String,
    /// Its message, folded.
    pub words: String,
}

impl Class {
    /// The class of a violation.
    pub fn of(violation: &Violation) -> Self {
        // Which operation has no place in the order any more says where it shows, not what went wrong.
        let is_history = violation.checker == LINEARIZABLE;
        let words = if is_history { String::new() } else { folded(&violation.message) };
        Class { checker: violation.checker.clone(), words }
    }

    /// The violation of a report that is of this class.
    pub fn find<'r>(&self, report: &'r Report) -> Option<&'r Violation> {
        report.violations.iter().find(|violation| Class::of(violation) == *self)
    }
}

/// A message without names, numbers and times.
fn folded(message: &str) -> String {
    let mut depth = 0;
    let mut quote = None;
    let kept = message.chars().map(|letter| {
        let is_inside = depth > 0 || quote.is_some();
        match letter {
            '"' | '`' if quote == Some(letter) => quote = None,
            '"' | '`' if quote.is_none() => quote = Some(letter),
            '(' | '[' | '{' | '<' if quote.is_none() => depth += 1,
            ')' | ']' | '}' | '>' if quote.is_none() && depth > 0 => depth -= 1,
            _ if !is_inside => return letter,
            _ => {}
        }
        ' '
    });
    let kept: String = kept.collect();
    let is_word = |word: &&str| !word.is_empty() && !word.chars().any(|letter| letter.is_ascii_digit());
    let bare = |word: &'_ str| word.trim_matches(|letter: char| !letter.is_alphabetic()).to_owned();
    let words = kept.split_whitespace().filter(is_word).map(bare).filter(|word| !word.is_empty());
    words.take(WORDS_MAX).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Broken;

    fn class(checker: &str, message: &str) -> Class {
        Class::of(&Broken::new(message).violates(checker, 7))
    }

    #[test]
    fn the_same_mistake_with_other_names_and_times_is_the_same_failure() {
        let one = "10s after the last fault: n1 has name-4 for <n1.12>, its owner for <n2.3>";
        let other = "20s 500ms after the last fault: n3 has name-0 for <n1.9>, its owner for <n1.10>";
        assert_eq!(class("convergence", one), class("convergence", other));
        let panic =
            |node: &str| class("panic", &format!("{node} panicked at src/a.rs:10:5: no entry \"k{node}\""));
        assert_eq!(panic("n1"), panic("n2"));
    }

    #[test]
    fn another_mistake_or_another_checker_is_another_failure() {
        let message = "n1 does not know n2";
        assert_ne!(class("convergence", message), class("convergence", "n1 has name-4 for <n1.12>"));
        assert_ne!(class("convergence", message), class("alive", message));
    }

    #[test]
    fn a_history_without_an_order_has_none_wherever_it_shows() {
        let one = "key 3: `get 3` (line 7 to line 9) cannot be placed after `put 3`";
        assert_eq!(
            class("linearizable", one),
            class("linearizable", "`cas 1` (line 1 to line 2) cannot be placed")
        );
    }

    #[test]
    fn hostile_messages_are_folded_like_others() {
        assert_eq!(folded("a ))) b \" c"), "a b");
        assert_eq!(folded(&"word ".repeat(1_000_000)).split(' ').count(), WORDS_MAX);
        assert_eq!(folded("\u{1b}[31mred\u{1b}[0m"), "");
    }
}
