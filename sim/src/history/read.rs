//! Reading histories that something else recorded: JSON, Jepsen's EDN, or Porcupine's logs; packed with gzip or not.
//!
//! The events are read one by one, and may stand in any way that `forms.rs` knows. Those of a process without a number
//! that begins nothing (Jepsen's nemesis, a log) are not operations, and are passed over.

use super::event::{Kind, RawEvent, Time};
use super::forms::Forms;
use super::{
    EventKind, History, HistoryError, Line, Outcome, Process, Recorded, edn, json, log, order, pairing,
};
use crate::budget::{Budget, Meter, OutOf};
use flate2::bufread::MultiGzDecoder;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What UTF-8 may begin with on some systems.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Why a history was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// It is none.
    Wrong(HistoryError),
    /// A limit ended the reading at that line.
    OutOf(OutOf),
}

impl From<HistoryError> for Unread {
    fn from(error: HistoryError) -> Self {
        Unread::Wrong(error)
    }
}

/// Reads a history, however long that takes and however large it is.
///
/// # Errors
///
/// With the line of the first mistake.
pub fn read(source: impl BufRead) -> Result<Vec<Recorded>, HistoryError> {
    match read_within(source, Budget::unlimited()) {
        Ok((operations, _)) => Ok(operations),
        Err(Unread::Wrong(error)) => Err(error),
        Err(Unread::OutOf(_)) => unreachable!("there is no limit"),
    }
}

/// Reads a history within limits. Returns about how many bytes it takes up, too.
///
/// # Errors
///
/// With the line of the first mistake, or what ran out.
pub fn read_within(mut source: impl BufRead, budget: Budget) -> Result<(Vec<Recorded>, usize), Unread> {
    let start = source.fill_buf().map_err(|why| HistoryError::Unreadable { line: 1, why })?;
    let mut gathering = Gathering::new(budget);
    if start.starts_with(&GZIP) {
        gathering.read(BufReader::new(MultiGzDecoder::new(source)))?;
    } else {
        gathering.read(source)?;
    }
    let Gathering { mut events, bytes, .. } = gathering;
    order::sort(&mut events)?;
    let operations = pairing::paired(events)?;
    if operations.is_empty() { Err(HistoryError::Empty.into()) } else { Ok((operations, bytes)) }
}

/// The events read so far.
struct Gathering {
    events: Vec<RawEvent>,
    /// About what they take up.
    bytes: usize,
    /// The names of functions: there are few.
    functions: HashSet<Arc<str>>,
    meter: Meter,
}

impl Gathering {
    fn new(budget: Budget) -> Self {
        Gathering { events: Vec::new(), bytes: 0, functions: HashSet::new(), meter: Meter::new(budget) }
    }

    fn read(&mut self, mut source: impl BufRead) -> Result<(), Unread> {
        let start = source.fill_buf().map_err(|why| HistoryError::Unreadable { line: 1, why })?;
        if start.starts_with(&BYTE_ORDER_MARK) {
            source.consume(BYTE_ORDER_MARK.len());
        }
        let start = source.fill_buf().map_err(|why| HistoryError::Unreadable { line: 1, why })?;
        let start = String::from_utf8_lossy(start);
        let first = start.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if log::looks_like_log(first) { self.log(source) } else { self.forms(source) }
    }

    fn log(&mut self, source: impl BufRead) -> Result<(), Unread> {
        for (at, text) in source.lines().enumerate() {
            let line = at + 1;
            let text = text.map_err(|why| HistoryError::Unreadable { line, why })?;
            let event = log::of_line(line, &text)?;
            self.keep(line, event)?;
        }
        Ok(())
    }

    fn forms(&mut self, source: impl Read) -> Result<(), Unread> {
        let mut forms = Forms::new(source);
        let mut is_json = None;
        while let Some(form) = forms.next(&mut self.meter)? {
            let is_json = *is_json.get_or_insert_with(|| json::looks_like_json(&form.text));
            let event = if is_json { json::of_form(&form)? } else { edn::of_form(&form)? };
            self.keep(form.line, event)?;
        }
        Ok(())
    }

    fn keep(&mut self, line: usize, event: Option<RawEvent>) -> Result<(), Unread> {
        if let Some(mut event) = event {
            match self.functions.get(&event.f) {
                Some(known) => event.f = known.clone(),
                None => _ = self.functions.insert(event.f.clone()),
            }
            event.number = self.events.len();
            self.bytes += size_of::<RawEvent>() + heap_bytes(&event.value);
            self.events.push(event);
        }
        self.meter.reading(line, self.bytes).map_or(Ok(()), |out_of| Err(Unread::OutOf(out_of)))
    }
}

/// About what a value takes up beside itself.
fn heap_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => {
            items.capacity() * size_of::<Value>() + items.iter().map(heap_bytes).sum::<usize>()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| size_of::<(String, Value)>() * 2 + key.capacity() + heap_bytes(value))
            .sum(),
    }
}

/// The operations of a run's own history.
pub(crate) fn paired(lines: &[Line]) -> Vec<Recorded> {
    let event = |(number, line): (usize, &Line)| RawEvent {
        number,
        line: line.index + 1,
        index: Some(line.index as u64),
        time: Some(Time::of_ns(line.time)),
        process: Process::Number(line.process.into()),
        kind: Kind::parse(line.kind).expect("a line's kind is one of the four"),
        f: line.f.as_str().into(),
        value: line.value.clone(),
    };
    let events = lines.iter().enumerate().map(event).collect();
    pairing::paired(events).expect("a run's clients do one thing at a time")
}

/// The operations of a run's own history, without what they are: when each was, and whether it ended well. That is all
/// that judging needs, and the JSON of everything costs more than most histories take to judge.
pub(crate) fn paired_bare<Op: Serialize, Ret: Serialize>(history: &History<Op, Ret>) -> Vec<Recorded> {
    let f: Arc<str> = Arc::from("");
    let event = |(number, event): (usize, &super::Event<Op, Ret>)| RawEvent {
        number,
        line: number + 1,
        index: Some(number as u64),
        time: Some(Time::of_ns(event.at_ns)),
        process: Process::Number(event.process.into()),
        kind: match &event.kind {
            EventKind::Invoke(_) => Kind::Invoke,
            EventKind::Complete(_, Outcome::Ok(_)) => Kind::Ok,
            EventKind::Complete(_, Outcome::Fail(_)) => Kind::Fail,
            EventKind::Complete(_, Outcome::Unknown(_)) => Kind::Info,
        },
        f: f.clone(),
        value: Value::Null,
    };
    let events: Vec<RawEvent> = history.events().iter().enumerate().map(event).collect();
    if events.iter().all(|event| event.kind != Kind::Invoke) {
        return Vec::new();
    }
    pairing::paired(events).expect("a run's clients do one thing at a time")
}
