//! Where one event ends and the next begins: brackets, strings, comments and characters, read once from the front.
//!
//! Events stand one after the other, over one line or several, or all of them in one vector, list or JSON array. Each is
//! handed on as its text, so that what reads it (`json.rs`, `edn.rs`) meets balanced brackets and bounded nesting: a
//! deeper one is refused here, before a recursive reader is asked.

use super::HistoryError;
use super::read::Unread;
use crate::budget::Meter;
use std::io::Read;

/// The longest event, in bytes: beyond it a bracket is missing, and the rest of the file would be gathered for nothing.
const EVENT_BYTES_MAX: usize = 64 << 20;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// How deep brackets may stand in each other.
pub(super) const NESTING_MAX: usize = 100;

/// The forms of a text.
#[derive(Debug)]
pub(super) struct Forms<R> {
    source: R,
    /// What was read last, and how much of it was taken in.
    read: Vec<u8>,
    at: usize,
    line: usize,
    /// The closing brackets to come, of the form at hand.
    open: Vec<u8>,
    /// The closing brackets of what holds all events.
    around: Vec<u8>,
    text: Vec<u8>,
    begun: usize,
    state: State,
}

/// A form as it is written.
#[derive(Debug)]
pub(super) struct Form {
    /// The line it begins on.
    pub line: usize,
    pub text: String,
    /// Whether the source ended before the form did.
    pub is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between forms.
    Between,
    /// After a bracket that holds all events, or begins an event that is written as a vector.
    Opened,
    /// In a form that ends with its last bracket.
    Inside,
    /// In a word that stands alone.
    Word,
    /// In a string; whether the next character is escaped.
    Text(bool),
    /// After a backslash outside of strings: the next character stands for itself.
    Character,
    /// In a comment, and what goes on after it.
    Comment { inside: bool, opened: bool },
}

impl<R: Read> Forms<R> {
    pub(super) fn new(source: R) -> Self {
        Forms {
            source,
            read: Vec::new(),
            at: 0,
            line: 1,
            open: Vec::new(),
            around: Vec::new(),
            text: Vec::new(),
            begun: 1,
            state: State::Between,
        }
    }

    /// The next form; none at the end.
    pub(super) fn next(&mut self, meter: &mut Meter) -> Result<Option<Form>, Unread> {
        loop {
            while let Some(byte) = self.read.get(self.at).copied() {
                self.at += 1;
                let is_done = self.take(byte)?;
                self.line += usize::from(byte == b'\n');
                if is_done {
                    return Ok(Some(self.form(false)?));
                }
            }
            if let Some(out_of) = meter.reading(self.line, self.text.capacity()) {
                return Err(Unread::OutOf(out_of));
            }
            self.read.resize(READ_BYTES, 0);
            let read = self.source.read(&mut self.read);
            let read = read.map_err(|why| HistoryError::Unreadable { line: self.line, why })?;
            self.read.truncate(read);
            self.at = 0;
            if read == 0 {
                return Ok(self.end()?);
            }
        }
    }

    /// Takes one byte in. Returns whether it ended a form.
    fn take(&mut self, byte: u8) -> Result<bool, HistoryError> {
        match self.state {
            State::Between => self.between(byte),
            State::Opened => self.opened(byte),
            State::Inside => self.inside(byte),
            State::Word if is_space(byte) => Ok(true),
            State::Word => self.inside(byte),
            State::Text(is_escaped) => {
                self.text.push(byte);
                self.state = match byte {
                    b'"' if !is_escaped => State::Inside,
                    _ => State::Text(byte == b'\\' && !is_escaped),
                };
                Ok(self.state == State::Inside && self.open.is_empty())
            }
            State::Character => {
                self.text.push(byte);
                self.state = State::Inside;
                Ok(false)
            }
            State::Comment { inside, opened } => {
                if byte == b'\n' {
                    self.state = match (inside, opened) {
                        (true, _) => self.push(byte, State::Inside)?,
                        (false, true) => State::Opened,
                        (false, false) => State::Between,
                    };
                }
                Ok(false)
            }
        }
    }

    fn between(&mut self, byte: u8) -> Result<bool, HistoryError> {
        match byte {
            _ if is_space(byte) => {}
            b';' => self.state = State::Comment { inside: false, opened: false },
            b'[' | b'(' => {
                self.around.push(closing(byte));
                self.begun = self.line;
                self.state = State::Opened;
            }
            b']' | b')' | b'}' if self.around.last() == Some(&byte) => {
                self.around.pop();
            }
            b']' | b')' | b'}' => return Err(self.stray(byte)),
            _ => {
                self.begun = self.line;
                self.state = if matches!(byte, b'{' | b'#' | b'^') { State::Inside } else { State::Word };
                return self.inside(byte);
            }
        }
        Ok(false)
    }

    /// What follows a bracket tells whether it holds events, or is one.
    fn opened(&mut self, byte: u8) -> Result<bool, HistoryError> {
        match byte {
            _ if is_space(byte) => Ok(false),
            b';' => {
                self.state = State::Comment { inside: false, opened: true };
                Ok(false)
            }
            b'{' | b'[' | b'(' | b'#' | b'^' | b']' | b')' => {
                if self.around.len() > NESTING_MAX {
                    return Err(self.too_deep());
                }
                self.state = State::Between;
                self.between(byte)
            }
            _ => {
                let closing = self.around.pop().expect("a bracket was opened");
                self.text.push(if closing == b']' { b'[' } else { b'(' });
                self.open.push(closing);
                self.state = State::Inside;
                self.inside(byte)
            }
        }
    }

    fn inside(&mut self, byte: u8) -> Result<bool, HistoryError> {
        let state = match byte {
            b'"' => State::Text(false),
            b'\\' => State::Character,
            b';' => {
                self.state = State::Comment { inside: true, opened: false };
                return Ok(false);
            }
            b'{' | b'[' | b'(' => {
                self.open.push(closing(byte));
                if self.open.len() > NESTING_MAX {
                    return Err(self.too_deep());
                }
                State::Inside
            }
            b'}' | b']' | b')' => {
                if self.open.pop() != Some(byte) {
                    return Err(self.stray(byte));
                }
                self.push(byte, State::Inside)?;
                return Ok(self.open.is_empty());
            }
            _ => self.state,
        };
        self.state = self.push(byte, state)?;
        Ok(false)
    }

    /// Keeps a byte of the form, and the state after it.
    fn push(&mut self, byte: u8, state: State) -> Result<State, HistoryError> {
        self.text.push(byte);
        if self.text.len() <= EVENT_BYTES_MAX {
            return Ok(state);
        }
        let why = format!("the event has more than {} MiB: is a bracket missing?", EVENT_BYTES_MAX >> 20);
        Err(HistoryError::Shape { line: self.begun, why })
    }

    fn form(&mut self, is_cut: bool) -> Result<Form, HistoryError> {
        self.state = State::Between;
        self.open.clear();
        let line = self.begun;
        let why = "this is not UTF-8, as JSON and EDN are".to_owned();
        let text = std::mem::take(&mut self.text);
        // The next event is likely as long.
        self.text.reserve(text.len());
        let text = String::from_utf8(text).map_err(|_| HistoryError::Shape { line, why })?;
        Ok(Form { line, text, is_cut })
    }

    fn end(&mut self) -> Result<Option<Form>, HistoryError> {
        if self.text.is_empty() && self.around.is_empty() {
            return Ok(None);
        }
        if self.text.is_empty() {
            let why = "what holds the events is not closed: the history may have been cut off".to_owned();
            return Err(HistoryError::Shape { line: self.line, why });
        }
        let is_cut = self.state != State::Word;
        self.form(is_cut).map(Some)
    }

    fn stray(&self, byte: u8) -> HistoryError {
        let expected = self.open.last().map(|expected| format!(", where `{}` is due", char::from(*expected)));
        let why = format!("there is a `{}`{}", char::from(byte), expected.unwrap_or(" too many".to_owned()));
        HistoryError::Shape { line: self.line, why }
    }

    fn too_deep(&self) -> HistoryError {
        let why = format!("brackets stand more than {NESTING_MAX} deep in each other");
        HistoryError::Shape { line: self.line, why }
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

fn closing(byte: u8) -> u8 {
    match byte {
        b'{' => b'}',
        b'[' => b']',
        _ => b')',
    }
}
