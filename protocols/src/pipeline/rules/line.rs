//! A line of a load balancer's log: columns between blanks, of which some are quoted.

use crate::pipeline::message::{Arrival, Entry, Unreadable};
use csv::{ByteRecord, ReaderBuilder};

/// The columns that are read. What newer balancers write behind them is ignored.
const COLUMNS: usize = 12;

/// The lines of an object, with their numbers from 1. An end of line at the end of the object begins none.
pub(in crate::pipeline) fn lines(body: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let lines = body.strip_suffix(b"\n").unwrap_or(body).split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..).zip(lines).take(if body.is_empty() { 0 } else { usize::MAX })
}

/// What a line says, or the report that takes its place.
pub(in crate::pipeline) fn parse(line: &[u8]) -> Arrival {
    match entry(line) {
        Ok(entry) => Arrival::Event(entry),
        Err(why) => Arrival::Report { why, raw: String::from_utf8_lossy(line).into_owned() },
    }
}

fn entry(line: &[u8]) -> Result<Entry, Unreadable> {
    std::str::from_utf8(line).map_err(|error| Unreadable::Text { at: error.valid_up_to() })?;
    // The parser takes the end of its input for the missing quote, and all behind the first for one column.
    if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        return Err(Unreadable::Quote);
    }
    let mut reader = ReaderBuilder::new().delimiter(b' ').has_headers(false).flexible(true).from_reader(line);
    let mut columns = ByteRecord::new();
    let was_read = reader.read_byte_record(&mut columns);
    let found = if was_read.is_ok() { columns.len() } else { 0 };
    if found < COLUMNS {
        return Err(Unreadable::Short { found, expected: COLUMNS });
    }
    let text = |index: usize| String::from_utf8_lossy(&columns[index]).into_owned();
    let seconds = |index: usize| number(index, &text(index), 1e6);
    let count = |index: usize| number(index, &text(index), 1.0);
    Ok(Entry {
        received: text(0),
        balancer: text(1),
        client: text(2),
        backend: Some(text(3)).filter(|backend| backend != "-"),
        forward_us: seconds(4)?,
        backend_us: seconds(5)?,
        response_us: seconds(6)?,
        status: count(7)?,
        backend_status: count(8)?,
        received_bytes: count(9)?,
        sent_bytes: count(10)?,
        request: text(11),
    })
}

/// A number in units of which `scale` make one of the log's; none where the log says `-` or -1, for what did not
/// happen. JavaScript's `parseFloat`, which the seed of this protocol used, makes of anything else a silent NaN.
fn number(index: usize, found: &str, scale: f64) -> Result<Option<u64>, Unreadable> {
    if found == "-" || found == "-1" {
        return Ok(None);
    }
    match found.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some((number * scale).round() as u64)),
        _ => Err(Unreadable::Number { column: index + 1, found: found.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "2017-02-20T03:59:59.6Z web 10.0.0.1:2817 10.0.1.2:80 0.000073 0.001048 0.000057 200 200 0 29 \
                        \"GET https://example.com:443/a b HTTP/1.1\" \"Mozilla/5.0 (X11; Linux)\" - -";

    fn why(line: &str) -> Unreadable {
        entry(line.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_quoted_column_keeps_its_blanks_and_loses_its_quotes() {
        let entry = entry(LINE.as_bytes()).unwrap();
        assert_eq!(entry.request, "GET https://example.com:443/a b HTTP/1.1");
        assert_eq!((entry.forward_us, entry.backend_us, entry.status), (Some(73), Some(1048), Some(200)));
        assert_eq!(entry.backend.as_deref(), Some("10.0.1.2:80"));
    }

    #[test]
    fn what_did_not_happen_is_none_and_no_number() {
        let line = LINE.replace("10.0.1.2:80 0.000073 0.001048", "- -1 -1").replace("200 200", "504 -");
        let entry = entry(line.as_bytes()).unwrap();
        assert_eq!((entry.backend, entry.forward_us, entry.backend_status), (None, None, None));
        assert_eq!(entry.status, Some(504));
    }

    #[test]
    fn a_line_that_cannot_be_read_says_why() {
        assert_eq!(why("a b c"), Unreadable::Short { found: 3, expected: 12 });
        assert_eq!(why(""), Unreadable::Short { found: 0, expected: 12 });
        assert_eq!(why(&LINE.replace("HTTP/1.1\"", "HTTP/1.1")), Unreadable::Quote);
        let of_column_8 = Unreadable::Number { column: 8, found: "ok".to_owned() };
        assert_eq!(why(&LINE.replace("200 200", "ok 200")), of_column_8);
        assert!(matches!(why(&LINE.replace("200 200", "NaN 200")), Unreadable::Number { column: 8, .. }));
        assert_eq!(entry(b"a b\xff").unwrap_err(), Unreadable::Text { at: 3 });
    }

    #[test]
    fn the_report_has_the_line_as_it_is() {
        let Arrival::Report { raw, .. } = parse(b"a \xff c") else { panic!("it is short, and no text") };
        assert_eq!(raw, "a \u{fffd} c");
    }

    #[test]
    fn lines_are_counted_from_one_and_an_end_of_line_begins_none() {
        let of = |body: &'static str| lines(body.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("a\r\nb\n"), [(1, &b"a"[..]), (2, b"b")]);
        assert_eq!(of("a\n\nb"), [(1, &b"a"[..]), (2, b""), (3, b"b")]);
        assert_eq!(of("\n"), [(1, &b""[..])]);
        assert_eq!(of(""), []);
    }
}
