//! EDN, as Clojure writes it, as JSON values.
//!
//! Keywords, symbols and characters become strings; vectors, lists and sets arrays (a set's in the order of their
//! texts, for it has none); `##NaN` and ratios their text. Whole numbers beyond 64 bits and decimals that are not whole
//! keep their digits as texts, with Clojure's `N` and `M`. A namespaced map has its keys in full. A tagged element is an
//! object of its tag, for two that differ in it differ; but a record that is an event, and a tuple, are what they hold.
//!
//! The reader is recursive; `forms.rs` has bounded the nesting of brackets, and this bounds what else may nest.

use super::HistoryError;
use super::event::{RawEvent, event, of_parts};
use super::forms::{Form, NESTING_MAX};
use super::json::whole_number;
use serde_json::{Map, Value};
use std::iter::Peekable;
use std::str::CharIndices;

/// The event of a form; none if no client did it, or the form is discarded.
pub(super) fn of_form(form: &Form) -> Result<Option<RawEvent>, HistoryError> {
    let mut reader = Reader::new(&form.text, form.line);
    match reader.form(0) {
        Ok(None) => Ok(None),
        Ok(Some(_)) if form.is_cut => Err(reader.ends_too_early()),
        Ok(Some(Read::Map(mut fields) | Read::Tagged(_, Value::Object(mut fields)))) => {
            event(form.line, |name| fields.remove(name))
        }
        Ok(Some(Read::Other(Value::Array(parts)))) => of_parts(form.line, parts),
        Ok(Some(_)) => {
            Err(HistoryError::Shape { line: form.line, why: "expected a map for each event".to_owned() })
        }
        Err(why) if form.is_cut && why.is_none() => Err(HistoryError::Syntax {
            line: form.line,
            format: "EDN",
            why: "the event ends too early".into(),
        }),
        Err(why) => Err(reader.error(why)),
    }
}

/// All forms of a line of text.
pub(super) fn all(line: usize, text: &str) -> Result<Vec<Value>, HistoryError> {
    let mut reader = Reader::new(text, line);
    let mut values = Vec::new();
    loop {
        match reader.form(0) {
            Ok(Some(read)) => values.push(read.value()),
            Ok(None) => return Ok(values),
            Err(why) => return Err(reader.error(why)),
        }
    }
}

/// What was read: a map is kept apart, for an event is one.
enum Read {
    Map(Map<String, Value>),
    Tagged(String, Value),
    Other(Value),
}

impl Read {
    fn value(self) -> Value {
        match self {
            Read::Map(fields) => Value::Object(fields),
            // A tuple is how Jepsen marks a key and its value.
            Read::Tagged(tag, inner) if tag.ends_with("tuple") || tag.ends_with("MapEntry") => inner,
            Read::Tagged(tag, inner) => Value::Object(Map::from_iter([(format!("#{tag}"), inner)])),
            Read::Other(value) => value,
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    line: usize,
}

/// Why a form cannot be read; none if it ends too early.
type Wrong = Option<String>;

impl<'t> Reader<'t> {
    fn new(text: &'t str, line: usize) -> Self {
        Reader { text, rest: text.char_indices().peekable(), line }
    }

    fn next(&mut self) -> Option<char> {
        let (_, c) = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn error(&self, why: Wrong) -> HistoryError {
        match why {
            Some(why) => HistoryError::Syntax { line: self.line, format: "EDN", why },
            None => self.ends_too_early(),
        }
    }

    fn ends_too_early(&self) -> HistoryError {
        HistoryError::Syntax { line: self.line, format: "EDN", why: "the event ends too early".to_owned() }
    }

    fn skip_space(&mut self) {
        while let Some(c) = self.peek() {
            if c == ';' {
                while self.next().is_some_and(|c| c != '\n') {}
            } else if c.is_whitespace() || c == ',' {
                self.next();
            } else {
                return;
            }
        }
    }

    /// The next form; none at the end of the text or of what holds it.
    fn form(&mut self, depth: usize) -> Result<Option<Read>, Wrong> {
        if depth > 2 * NESTING_MAX {
            return Err(Some("tags and brackets stand too deep in each other".to_owned()));
        }
        loop {
            self.skip_space();
            let other = |value| Ok(Some(Read::Other(value)));
            let Some(first) = self.peek() else { return Ok(None) };
            return match first {
                ')' | ']' | '}' => Ok(None),
                '{' => self.map(None, depth).map(Some),
                '[' | '(' => other(Value::Array(self.items(depth)?)),
                '"' => other(Value::String(self.string()?)),
                '\\' => other(Value::String(self.character()?)),
                '^' => {
                    self.next();
                    self.needed(depth + 1)?;
                    continue;
                }
                '#' => match self.dispatch(depth)? {
                    Some(read) => Ok(Some(read)),
                    None => continue,
                },
                _ => {
                    let word = self.word();
                    other(of_word(word).map_err(Some)?)
                }
            };
        }
    }

    /// A form that must be there.
    fn needed(&mut self, depth: usize) -> Result<Read, Wrong> {
        match self.form(depth)? {
            Some(read) => Ok(read),
            None => Err(self.peek().map(|closing| format!("there is a `{closing}` where a value is due"))),
        }
    }

    /// What begins with `#`; none if it is discarded.
    fn dispatch(&mut self, depth: usize) -> Result<Option<Read>, Wrong> {
        self.next();
        match self.peek() {
            Some('{') => {
                let mut items = self.items(depth)?;
                items.sort_by_cached_key(Value::to_string);
                items.dedup();
                Ok(Some(Read::Other(Value::Array(items))))
            }
            Some('_') => {
                self.next();
                self.needed(depth + 1)?;
                Ok(None)
            }
            Some('#') => {
                self.next();
                Ok(Some(Read::Other(Value::String(format!("##{}", self.word())))))
            }
            Some('"') => Ok(Some(Read::Tagged("regex".to_owned(), Value::String(self.raw_string()?)))),
            Some(':') => {
                let namespace = self.word().trim_start_matches(':');
                self.skip_space();
                match self.peek() {
                    Some('{') => self.map(Some(namespace), depth).map(Some),
                    _ => Err(Some(format!("`#:{namespace}` stands before no map"))),
                }
            }
            None => Err(None),
            Some(_) => {
                let tag = self.word();
                match self.needed(depth + 1)? {
                    // A record has its fields as a map.
                    Read::Map(fields) => Ok(Some(Read::Tagged(tag.to_owned(), Value::Object(fields)))),
                    inner => Ok(Some(Read::Tagged(tag.to_owned(), inner.value()))),
                }
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, Wrong> {
        self.next();
        let mut items = Vec::new();
        while let Some(item) = self.form(depth + 1)? {
            items.push(item.value());
        }
        self.next().map(|_| items).ok_or(None)
    }

    fn map(&mut self, namespace: Option<&str>, depth: usize) -> Result<Read, Wrong> {
        self.next();
        let mut fields = Map::new();
        loop {
            self.skip_space();
            let is_word = self.peek().is_some_and(|c| c == ':' || c.is_alphabetic() || c == '_');
            let Some(key) = self.form(depth + 1)? else {
                return self.next().map(|_| Read::Map(fields)).ok_or(None);
            };
            let key = match key.value() {
                Value::String(key) if is_word => in_namespace(namespace, key),
                Value::String(key) => key,
                other => other.to_string(),
            };
            let value = self.needed(depth + 1)?.value();
            fields.insert(key, value);
        }
    }

    /// A keyword, a symbol or a number: up to the next space or bracket.
    fn word(&mut self) -> &'t str {
        let from = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        let ends =
            |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '(' | ')' | '[' | ']' | '{' | '}');
        while self.peek().is_some_and(|c| !ends(c)) {
            self.next();
        }
        let to = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        &self.text[from..to]
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next().ok_or(None)? {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    /// A regular expression's text: backslashes are its own.
    fn raw_string(&mut self) -> Result<String, Wrong> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next().ok_or(None)? {
                '"' => return Ok(text),
                '\\' => text.extend(['\\', self.next().ok_or(None)?]),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Wrong> {
        Ok(match self.next().ok_or(None)? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            c @ ('"' | '\\' | '/' | '\'') => c,
            'u' => {
                let unit = self.digits(16, 4)?;
                // Java writes what lies beyond 16 bits as two halves.
                let is_high = (0xd800..0xdc00).contains(&unit);
                let unit = if is_high && self.next() == Some('\\') && self.next() == Some('u') {
                    let low = self.digits(16, 4)?;
                    0x1_0000 + ((unit - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff)
                } else {
                    unit
                };
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            first @ '0'..='7' => {
                let mut code = first.to_digit(8).unwrap_or(0);
                while let Some(digit) = self.peek().and_then(|c| c.to_digit(8)).filter(|_| code < 0o40) {
                    code = code * 8 + digit;
                    self.next();
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            c => return Err(Some(format!("`\\{c}` is no escape"))),
        })
    }

    fn digits(&mut self, radix: u32, count: usize) -> Result<u32, Wrong> {
        let mut number = 0;
        for _ in 0..count {
            let c = self.next().ok_or(None)?;
            let digit = c.to_digit(radix).ok_or_else(|| Some(format!("`{c}` is no digit of a character")))?;
            number = number * radix + digit;
        }
        Ok(number)
    }

    fn character(&mut self) -> Result<String, Wrong> {
        self.next();
        let first = self.next().ok_or(None)?;
        // A bracket or a space stands for itself; a word names a character or is one.
        if !first.is_alphanumeric() {
            return Ok(first.to_string());
        }
        let word = format!("{first}{}", self.word());
        let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        let named = match word.as_str() {
            "newline" => Some('\n'),
            "return" => Some('\r'),
            "space" => Some(' '),
            "tab" => Some('\t'),
            "backspace" => Some('\u{8}'),
            "formfeed" => Some('\u{c}'),
            _ if word.chars().count() == 1 => Some(first),
            _ if first == 'u' => code(&word[1..], 16),
            _ if first == 'o' => code(&word[1..], 8),
            _ => None,
        };
        named.map(String::from).ok_or_else(|| Some(format!("`\\{word}` is no character")))
    }
}

/// A key of a namespaced map: `_` is the way to say that it has no namespace after all.
fn in_namespace(namespace: Option<&str>, key: String) -> String {
    match (namespace, key.split_once('/')) {
        (None, _) => key,
        (Some(_), Some(("_", name))) => name.to_owned(),
        (Some(_), Some((_, name))) if !name.is_empty() => key,
        (Some(namespace), _) => format!("{namespace}/{key}"),
    }
}

fn of_word(word: &str) -> Result<Value, String> {
    match word {
        "nil" | "null" => return Ok(Value::Null),
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Some(keyword) = word.strip_prefix(':') {
        let name = keyword.strip_prefix(':').unwrap_or(keyword);
        return if name.is_empty() { Err("`:` is no keyword".to_owned()) } else { Ok(Value::from(name)) };
    }
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return number(word).ok_or_else(|| format!("`{word}` is no number"));
    }
    Ok(Value::from(word))
}

fn number(word: &str) -> Option<Value> {
    let (sign, unsigned) = match word.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    let is_whole = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let signed = |digits: &str| whole_number(&format!("{sign}{}", without_zeros(digits)));
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return i64::from_str_radix(&format!("{sign}{digits}"), 16).ok().map(Value::from);
    }
    let whole = unsigned.strip_suffix('N').unwrap_or(unsigned);
    if is_whole(whole) {
        return Some(signed(whole));
    }
    if let Some((radix, digits)) = unsigned.split_once(['r', 'R']) {
        let radix = radix.parse().ok().filter(|radix| (2..=36).contains(radix))?;
        return i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Value::from);
    }
    if let Some((above, below)) = unsigned.split_once('/') {
        return (is_whole(above) && is_whole(below)).then(|| Value::from(word));
    }
    if let Some(decimal) = unsigned.strip_suffix('M') {
        return decimal_digits(sign, decimal);
    }
    word.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
}

/// A decimal without the zeros that say nothing: one that is whole is a whole number.
fn decimal_digits(sign: &str, decimal: &str) -> Option<Value> {
    /// An exponent that would be written out as more zeros than this is none that people count with.
    const ZEROS_MAX: i64 = 1000;
    let (mantissa, exponent) = decimal.split_once(['e', 'E']).unwrap_or((decimal, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let zeros = (digits.len() - significant.len()) as i64;
    // The value is `significant` times ten to this.
    let power = exponent - fraction.len() as i64 + zeros;
    let significant = without_zeros(significant);
    if significant == "0" {
        return Some(Value::from(0));
    }
    if !(-ZEROS_MAX..=ZEROS_MAX).contains(&power) {
        return Some(Value::from(format!("{sign}{significant}E{power}M")));
    }
    let zeros = "0".repeat(power.unsigned_abs() as usize);
    if power >= 0 {
        return Some(whole_number(&format!("{sign}{significant}{zeros}")));
    }
    let padded = format!("{zeros}{significant}");
    let (whole, fraction) = padded.split_at(padded.len() - zeros.len());
    Some(Value::from(format!("{sign}{}.{fraction}M", without_zeros(whole))))
}

/// Digits without leading zeros; one, if there is nothing else.
fn without_zeros(digits: &str) -> &str {
    let rest = digits.trim_start_matches('0');
    if rest.is_empty() { "0" } else { rest }
}
