//! What a search found, for people and for programs.

use crate::cli::out::{self, Colour};
use crate::explore::{Ending, Exploration, Growth, Lasso, Limit, Told, Violation};
use serde::Serialize;
use serde_json::{Map, Value};

/// What `explore --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Json<'a> {
    spec: &'a str,
    generated: u64,
    distinct: u64,
    depth: u32,
    wall_s: f64,
    states_per_second: f64,
    violation: Option<JsonViolation<'a>>,
    /// Why the search stopped before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    growing: Vec<String>,
    collision: f64,
    bytes_per_state: f64,
}

#[derive(Debug, Serialize)]
struct JsonViolation<'a> {
    property: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    trace: Vec<JsonState<'a>>,
    /// How it goes on for ever: `null`, or the number of the state that comes again (the last one: nothing happens).
    back_to: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back_by: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct JsonState<'a> {
    action: Option<&'a str>,
    state: Map<String, Value>,
    changed: Vec<&'a str>,
}

impl<'a> Json<'a> {
    pub(super) fn of(spec: &'a str, explored: &'a Exploration) -> Self {
        let wall_s = explored.wall.as_secs_f64();
        let (unknown, growing) = match &explored.ending {
            Ending::Unknown { limit, growing } => (Some(why(*limit)), growing.iter().map(grows).collect()),
            Ending::Holds | Ending::Violated(_) => (None, Vec::new()),
        };
        Json {
            spec,
            generated: explored.generated,
            distinct: explored.distinct,
            depth: explored.depth,
            wall_s,
            states_per_second: explored.generated as f64 / wall_s,
            violation: explored.violation().map(JsonViolation::of),
            unknown,
            growing,
            collision: explored.collision(),
            bytes_per_state: bytes_per_state(explored),
        }
    }
}

impl<'a> JsonViolation<'a> {
    fn of(violation: &'a Violation) -> Self {
        let (back_to, back_by) = match &violation.lasso {
            None => (None, None),
            Some(Lasso::Stuttering) => (Some(violation.trace.len()), None),
            Some(Lasso::Back { to, action }) => (Some(*to), Some(action.as_str())),
        };
        let trace = violation.trace.iter().map(JsonState::of).collect();
        let (property, message) = (violation.property.as_str(), violation.message.as_deref());
        JsonViolation { property, message, trace, back_to, back_by }
    }
}

impl<'a> JsonState<'a> {
    fn of(told: &'a Told) -> Self {
        let changed = told.variables.iter().zip(&told.changed).filter(|(_, changed)| **changed);
        JsonState {
            action: told.action.as_deref(),
            state: told.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
            changed: changed.map(|((name, _), _)| name.as_str()).collect(),
        }
    }
}

/// Prints it for people.
pub(super) fn print(spec: &str, explored: &Exploration, next: &str) -> miette::Result<()> {
    let (word, colour, what) = match &explored.ending {
        Ending::Holds => ("holds", Colour::Good, String::new()),
        Ending::Violated(violation) => ("violation", Colour::Bad, format!("{}  ", violation.property)),
        Ending::Unknown { limit, .. } => ("unknown", Colour::Odd, format!("{}  ", why(*limit))),
    };
    let [generated, distinct, queue] = [explored.generated, explored.distinct, explored.queue].map(grouped);
    out::say(&format!(
        "{}  {}  {what}{generated} states generated, {distinct} distinct, {queue} on the queue, depth {}, in {}",
        out::paint(spec, Colour::Bold),
        out::paint(word, colour),
        explored.depth,
        out::micros(explored.wall.as_micros() as u64),
    ))?;
    match &explored.ending {
        Ending::Holds => {}
        Ending::Violated(violation) => print_violation(violation)?,
        Ending::Unknown { growing, .. } => {
            growing.iter().try_for_each(|growth| out::say(&format!("  grows        {}", grows(growth))))?;
        }
    }
    let rate = explored.generated as f64 / explored.wall.as_secs_f64() / 1e6;
    out::say(&format!(
        "  rate         {rate:.2} M states/s, {:.1} bytes a state",
        bytes_per_state(explored)
    ))?;
    out::say(&format!(
        "  fingerprints {:.1E} is the chance that one state was taken for another (TLC's estimate)",
        explored.collision()
    ))?;
    match explored.ending {
        Ending::Holds => Ok(()),
        Ending::Violated(_) | Ending::Unknown { .. } => out::say(&format!("  next: {next}")),
    }
}

fn print_violation(violation: &Violation) -> miette::Result<()> {
    if let Some(message) = &violation.message {
        out::say(&format!("  it said: {message}"))?;
    }
    for (number, told) in (1..).zip(&violation.trace) {
        let action = told.action.as_deref().unwrap_or("initial");
        out::say(&format!("  State {number}: {}", out::paint(action, Colour::Bold)))?;
        for ((name, value), changed) in told.variables.iter().zip(&told.changed) {
            let line = format!("/\\ {name} = {value}");
            let (mark, line) = if *changed { ("*", out::paint(&line, Colour::Odd)) } else { (" ", line) };
            out::say(&format!("  {mark} {line}"))?;
        }
    }
    match &violation.lasso {
        None => Ok(()),
        Some(Lasso::Stuttering) => out::say("  and so for ever: nothing more happens"),
        Some(Lasso::Back { to, action }) => {
            out::say(&format!("  and so for ever: back to state {to} by {action}"))
        }
    }
}

/// The arguments with which a search goes further.
pub(super) fn further(limit: Limit) -> String {
    match limit {
        Limit::Depth(depth) => format!(" --depth-limit {}", u64::from(depth) * 2),
        Limit::Time(time) => format!(" --time-limit {}s", time.as_secs().max(1) * 4),
        Limit::Memory(bytes) => format!(" --memory-limit {}MiB", (bytes >> 20).max(1) * 4),
        Limit::Walks(walks) => format!(" --simulate {}", walks.max(1) * 10),
        Limit::States => " --simulate 100000".to_owned(),
        Limit::Interrupted => String::new(),
    }
}

fn why(limit: Limit) -> String {
    match limit {
        Limit::Depth(depth) => format!("stopped at the limit of {depth} levels"),
        Limit::Time(time) => format!("stopped at the limit of {}", humantime::format_duration(time)),
        Limit::Memory(bytes) => format!("stopped at the limit of {} MiB", bytes >> 20),
        Limit::States => "stopped, with more states than have numbers".to_owned(),
        Limit::Interrupted => "interrupted".to_owned(),
        Limit::Walks(walks) => format!("nothing wrong in {} walks at random", grouped(walks)),
    }
}

fn grows(growth: &Growth) -> String {
    let Growth { variable, before, before_depth, now } = growth;
    format!("{variable}: {before} at level {before_depth}, {now} where it stopped (a number, or characters)")
}

fn bytes_per_state(explored: &Exploration) -> f64 {
    explored.bytes_max as f64 / explored.distinct as f64
}

/// A number as people read it: 1,782,413.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 1_782_413].map(grouped), ["0", "999", "1,000", "1,782,413"]);
    }
}
