//! Jepsen's log, as Porcupine's etcd histories are kept in: `INFO  jepsen.util - 0 :invoke :write 4`.

use super::event::{RawEvent, of_parts};
use super::{HistoryError, edn};

/// What comes before an event in a line.
const MARKS: [&str; 2] = ["jepsen.util - ", "jepsen.util: "];

/// Whether a history's first line is one of a log.
pub(super) fn looks_like_log(line: &str) -> bool {
    let is_data = line.trim_start().starts_with(['{', '[', '(', '#', ';', '"', '^']);
    !is_data && (line.contains("INFO") || MARKS.iter().any(|mark| line.contains(mark)))
}

/// The event of a line; none if it tells of something else.
pub(super) fn of_line(number: usize, line: &str) -> Result<Option<RawEvent>, HistoryError> {
    let event = MARKS.iter().find_map(|mark| Some(line.split_once(mark)?.1));
    let is_event = |text: &&str| text.trim_start().starts_with(|c: char| c == ':' || c.is_ascii_digit());
    match event.filter(is_event) {
        Some(text) => of_parts(number, edn::all(number, text)?),
        None => Ok(None),
    }
}
