//! What is left, for people: as a title, in words, and as a file with both on top.

use super::{Shrunk, Size};
use crate::scenario::{Moment, Scenario};
use crate::text::{cut, plain};
use serde::Serialize;
use std::fmt;

/// A line of a comment, or a title, is cut here.
const COLUMNS_MAX: usize = 160;

/// In how many schedules something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Robust {
    /// It fails in so many
    pub fails: usize,
    /// of so many.
    pub of: usize,
}

impl Shrunk {
    /// What happens, a line each, in the order of time; last what waits for a probe.
    pub fn story(&self) -> Vec<String> {
        lines(&self.plan)
    }

    /// How it fails.
    pub fn title(&self) -> String {
        line(&self.violation.message)
    }

    /// In a sentence: what is left, and of what.
    pub fn summary(&self) -> String {
        let Shrunk { scenario, origin, before, after, .. } = self;
        let left = counted(*after);
        format!(
            "{left} left of {scenario} seed {origin}, which had {} and {}",
            before.faults, before.operations
        )
    }

    /// In a sentence: under which seed it fails, and how surely.
    pub fn robustness(&self) -> String {
        let Shrunk { seed, robust: Robust { fails, of }, class, violation, .. } = self;
        let seconds = violation.at_ms as f64 / 1e3;
        let others = match of {
            0 => "other schedules were not tried".to_owned(),
            _ => format!("and in {fails} of {of} other schedules"),
        };
        format!("under seed {seed} it violates {} at {seconds:.3} s, {others}", class.checker)
    }

    /// The plan as a file that says on top what it is.
    pub fn to_file(&self) -> String {
        let mut file = String::new();
        let mut comment = |text: &str| file += &format!("# {}\n", line(text));
        comment(&format!("{}:", self.summary()));
        for told in self.story() {
            comment(&format!("  {told}"));
        }
        let robustness = self.robustness();
        let mut letters = robustness.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        comment(&format!("{first}{}.", letters.as_str()));
        file + &self.plan.to_short_toml()
    }
}

/// What the file is called: how it fails.
pub(super) fn title(shrunk: &Shrunk) -> String {
    line(&format!("{}: {}", shrunk.class.checker, shrunk.violation.message))
}

fn lines(plan: &Scenario) -> Vec<String> {
    let faults = plan.faults.iter().map(|fault| {
        let at = match fault.moment {
            Moment::At { at, .. } => Some(at),
            Moment::Probe { .. } => None,
        };
        (at, fault.to_string())
    });
    let operations = plan.operations.iter().map(|operation| (Some(operation.at), operation.to_string()));
    let mut all: Vec<_> = faults.chain(operations).collect();
    all.sort_by_key(|(at, _)| (at.is_none(), *at));
    all.into_iter().map(|(_, told)| line(&told)).collect()
}

/// `1 fault and 3 operations are`
fn counted(size: Size) -> String {
    let count = |number: usize, one: &str| match number {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    let verb = if size.faults + size.operations == 1 { "is" } else { "are" };
    format!("{} and {} {verb}", count(size.faults, "fault"), count(size.operations, "operation"))
}

/// On one line, without anything that a terminal would obey, and no longer than people read.
fn line(text: &str) -> String {
    cut(&plain(text), COLUMNS_MAX)
}

impl fmt::Display for Robust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.fails, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_printed_and_a_megabyte_is_cut() {
        assert_eq!(line("a\u{1b}[2Jb\nc\u{85}"), r"a\u{1b}[2Jb\nc\u{85}");
        assert_eq!(line(&"x".repeat(1 << 20)).chars().count(), COLUMNS_MAX);
    }

    #[test]
    fn what_happens_is_told_in_the_order_of_time() {
        let plan = r#"
            title = ""
            system = ""
            workload = { clients = 2, for = "9s" }
            operation = [{ at = "2s", client = "c2", name = "get", argument = "k" }, { at = "1s", client = "c1", name = "audit" }]
            [[fault]]
            when = { probe = "role" }
            pause = "that"
            [[fault]]
            at = "1500ms"
            crash = "n1"
            restart_after = "1s"
        "#;
        let told = [
            "1s: c1 audit",
            "1s 500ms: crash n1, for 1s",
            "2s: c2 get \"k\"",
            "0s after any node publishes \"role\": pause that node, until the heal phase",
        ];
        assert_eq!(lines(&toml::from_str(plan).unwrap()), told);
    }

    #[test]
    fn what_is_left_is_counted_in_words() {
        let size = |faults, operations| counted(Size { faults, operations, ..Size::default() });
        assert_eq!(size(0, 1), "no fault and 1 operation is");
        assert_eq!(size(2, 3), "2 faults and 3 operations are");
    }
}
