//! ShiViz: a space-time diagram of what led to what.
//!
//! The regular expression that reads the log is its first line, as ShiViz wants it in a file that has one; the second,
//! which would tell several runs apart, is empty. Each event is a line: when, where, its vector clock, what.

use super::{Subject, short};
use std::io::{self, Write};

/// What reads a line.
pub const REGULAR_EXPRESSION: &str = r"^(?<date>\S+) (?<host>\S+) (?<clock>\{[^}]*\}) (?<event>.*)$";

/// The lane of what happens on no machine.
const TESTBED: &str = "testbed";

/// Writes the log.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(Subject { trace, graph, .. }: Subject<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{REGULAR_EXPRESSION}\n\n")?;
    let names: Vec<String> =
        trace.machines.iter().map(|name| host(name)).chain([TESTBED.to_owned()]).collect();
    for (event, line) in trace.lines.iter().enumerate() {
        let Some(lane) = graph.lane(event) else { continue };
        let clock = names.iter().zip(graph.clock(event)).filter(|(_, count)| **count > 0);
        let clock: Vec<String> = clock.map(|(name, count)| format!("\"{name}\":{count}")).collect();
        let text = short(line.text.as_deref().unwrap_or_default());
        let what = match &line.message {
            Some(message) => format!("{} message {}: {text}", message.step, message.id),
            None => format!("{}: {text}", line.event),
        };
        let date = format!("{:.6}s", line.time as f64 / 1e9);
        writeln!(out, "{date} {} {{{}}} {what}", names[lane], clock.join(","))?;
    }
    Ok(())
}

/// A name without anything that the expression, or JSON, would take for something else.
fn host(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    name.chars().take(60).map(letter).collect()
}
