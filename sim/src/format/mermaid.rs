//! Mermaid: a sequence diagram of the slice, as issue trackers draw it.
//!
//! A message is an arrow where it arrives, and one with a cross where it is lost or refused. What else happens is a note
//! over its machine, or over all.

use super::{Subject, short};
use crate::text::{cut, seconds};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

/// A longer text makes a diagram that nobody can read.
const LABEL_COLUMNS: usize = 80;

/// Writes the diagram.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(Subject { trace, slice, .. }: Subject<'_>, out: &mut dyn Write) -> io::Result<()> {
    let place = |name: &Option<std::borrow::Cow<'_, str>>| trace.machine(name.as_deref()?);
    let lines = || slice.iter().filter_map(|event| trace.lines.get(*event));
    let part: BTreeSet<usize> =
        lines().flat_map(|line| [place(&line.from), place(&line.to)]).flatten().collect();
    writeln!(out, "sequenceDiagram")?;
    for machine in &part {
        writeln!(out, "    participant m{machine} as {}", label(&trace.machines[*machine]))?;
    }
    let (Some(first), Some(last)) = (part.first(), part.last()) else { return Ok(()) };
    let all = if first == last { format!("m{first}") } else { format!("m{first},m{last}") };
    let mut said: BTreeMap<u64, &str> = BTreeMap::new();
    for line in lines() {
        let text = line.text.as_deref().unwrap_or_default();
        let time = seconds(line.time);
        match (&line.message, place(&line.from), place(&line.to)) {
            (Some(message), Some(from), Some(to)) => {
                said.insert(message.id, text);
                let arrow = match &*message.step {
                    "delivered" => "->>",
                    "lost" | "refused" => "-x",
                    "held" => "--)",
                    _ => continue,
                };
                writeln!(out, "    m{from}{arrow}m{to}: {time} {}", label(text))?;
            }
            (_, Some(machine), _) => writeln!(out, "    Note over m{machine}: {time} {}", label(text))?,
            _ => writeln!(out, "    Note over {all}: {time} {}", label(text))?,
        }
    }
    Ok(())
}

/// A text that is only text: everything but plain letters and digits that means something to Mermaid, HTML or Markdown is
/// written as its number.
fn label(text: &str) -> String {
    let mut label = String::new();
    for c in cut(&short(text), LABEL_COLUMNS).chars() {
        // Writing to a String does not fail.
        let _ = if c.is_alphanumeric() || matches!(c, ' ' | ',' | '.' | '-' | '_' | '→' | '…' | '/' | '=')
        {
            write!(label, "{c}")
        } else {
            write!(label, "#{};", u32::from(c))
        };
    }
    // A word that would end the diagram.
    let words: Vec<String> = label
        .split(' ')
        .map(|word| if word.eq_ignore_ascii_case("end") { format!("{word}_") } else { word.to_owned() })
        .collect();
    if label.trim().is_empty() { "-".to_owned() } else { words.join(" ") }
}
