//! Jepsen's EDN, as JSON values: keywords and symbols become strings, vectors, lists and sets arrays, records and
//! other tagged elements what they hold.

use super::HistoryError;
use super::read::event;
use super::recorded::RawEvent;
use clojure_reader::edn::{Edn, read};
use clojure_reader::error::Code;
use serde_json::Value;

/// Hands on the events that stand complete at the start of the text. Returns how many bytes they took.
pub(super) fn events(
    line: usize,
    text: &str,
    mut each: impl FnMut(RawEvent) -> Result<(), HistoryError>,
) -> Result<usize, HistoryError> {
    let mut rest = text;
    loop {
        // The events of a history may stand in one vector.
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | ','));
        if rest.is_empty() {
            return Ok(text.len());
        }
        match read(rest) {
            Ok((form, after)) => {
                if let Some(event) = of_form(line, &form)? {
                    each(event)?;
                }
                rest = after;
            }
            Err(error) if error.code == Code::UnexpectedEOF => return Ok(text.len() - rest.len()),
            Err(error) => {
                return Err(HistoryError::Syntax { line, format: "EDN", why: format!("{:?}", error.code) });
            }
        }
    }
}

fn of_form(line: usize, form: &Edn<'_>) -> Result<Option<RawEvent>, HistoryError> {
    match form {
        Edn::Tagged(_, inner) => of_form(line, inner),
        Edn::Map(fields) => event(line, |name| {
            let key = Edn::Key(name.into());
            fields.get(&key).map(to_json)
        }),
        _ => Err(HistoryError::Shape { line, why: "expected a map for each event".to_owned() }),
    }
}

fn to_json(form: &Edn<'_>) -> Value {
    match form {
        Edn::Nil => Value::Null,
        Edn::Bool(truth) => Value::Bool(*truth),
        Edn::Int(number) => Value::from(*number),
        Edn::Double(number) => Value::from(number.into_inner()),
        Edn::Rational((above, below)) => Value::String(format!("{above}/{below}")),
        Edn::Char(character) => Value::String(character.to_string()),
        Edn::Str(text) | Edn::Key(text) | Edn::Symbol(text) => Value::String(text.to_string()),
        Edn::Vector(items) | Edn::List(items) => items.iter().map(to_json).collect(),
        Edn::Set(items) => items.iter().map(to_json).collect(),
        Edn::Map(entries) => {
            let entry = |(key, value): (&Edn<'_>, &Edn<'_>)| {
                let key = match to_json(key) {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                (key, to_json(value))
            };
            Value::Object(entries.iter().map(entry).collect())
        }
        Edn::Tagged(_, inner) => to_json(inner),
        _ => Value::String(form.to_string()),
    }
}
