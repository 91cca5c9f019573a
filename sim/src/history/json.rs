//! JSON, as `serde_json` reads it, but for whole numbers beyond 64 bits: those keep their digits.

use super::HistoryError;
use super::event::{RawEvent, event, of_parts};
use super::forms::Form;
use serde_json::Value;

/// As many digits as a number of 64 bits has, less one: no shorter one is beyond them.
const DIGITS_SURE: usize = 18;

/// Whether a first event is JSON: its first key is a string, and a colon, not a keyword, follows.
pub(super) fn looks_like_json(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('{').map(str::trim_start) else { return false };
    let Some(rest) = rest.strip_prefix('"') else { return rest.starts_with('}') };
    let mut is_escaped = false;
    let end = rest.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    let Some(end) = end else { return true };
    let after = rest[end + 1..].trim_start();
    let is_keyword = |after: &str| {
        after.starts_with(char::is_alphabetic)
            && !["true", "false", "null"].iter().any(|word| after.starts_with(word))
    };
    after.is_empty() || after.strip_prefix(':').is_some_and(|after| !is_keyword(after))
}

/// The event of a form; none if no client did it.
pub(super) fn of_form(form: &Form) -> Result<Option<RawEvent>, HistoryError> {
    let syntax = |error: serde_json::Error| {
        // To serde the event is the whole file; the column is right.
        let why = error.to_string();
        let what = why.split(" at line ").next().unwrap_or(&why);
        let line = form.line + error.line().saturating_sub(1);
        HistoryError::Syntax { line, format: "JSON", why: format!("{what} at column {}", error.column()) }
    };
    let longest = form.text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let value = if longest > DIGITS_SURE {
        serde_json::from_str(&with_all_digits(&form.text))
    } else {
        serde_json::from_str(&form.text)
    };
    match value.map_err(syntax)? {
        Value::Object(mut fields) => event(form.line, |name| fields.remove(name)),
        Value::Array(parts) => of_parts(form.line, parts),
        _ => Err(HistoryError::Shape { line: form.line, why: "expected an object for each line".to_owned() }),
    }
}

/// A whole number as a value. Beyond 64 bits it is a text of its digits, with the `N` that EDN marks such numbers with.
pub(super) fn whole_number(digits: &str) -> Value {
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if let Ok(number) = digits.parse::<i64>() {
        return Value::from(number);
    }
    digits.parse::<u64>().map_or_else(|_| Value::String(format!("{digits}N")), Value::from)
}

/// The text with every whole number beyond 64 bits as a string.
fn with_all_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = if from.starts_with('"') { string_length(from) } else { number_length(from) };
        let (token, after) = from.split_at(length);
        match token.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()).then(|| whole_number(token)) {
            Some(Value::String(digits)) => out.extend(["\"", &digits, "\""]),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out + rest
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text[1..].find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

fn number_length(text: &str) -> usize {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}
