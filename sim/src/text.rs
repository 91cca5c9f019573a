//! Text that comes from protocols and files, on a terminal.

use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longer texts are cut before anything else is done to them, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A text without anything that a terminal obeys: controls, and what turns or hides letters, are spelt out. What is
/// longer than a screen is cut.
pub fn plain(text: &str) -> String {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut plain = String::with_capacity(end);
    for c in text[..end].chars() {
        // Writing to a String does not fail.
        let _ = match c {
            '\n' => write!(plain, "\\n"),
            '\t' => write!(plain, " "),
            c if c.is_control() || is_invisible(c) => write!(plain, "{}", c.escape_unicode()),
            c => write!(plain, "{c}"),
        };
    }
    if end < text.len() {
        plain.push('…');
    }
    plain
}

/// Whether a letter shows nothing, and changes how others are shown.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The begin of a text that takes so many columns; where something is cut off, it ends with `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut short, mut used) = (String::new(), 0);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        short.push(c);
        used += width;
    }
    if columns > 0 {
        short.push('…');
    }
    short
}

/// A text in lines of so many columns, so many lines at most; what does not fit into the last of them is cut off.
pub(crate) fn wrapped(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let (mut wrapped, mut rest) = (Vec::new(), text);
    while wrapped.len() + 1 < lines && rest.width() > columns {
        let mut used = 0;
        let end = rest.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > columns
        });
        let end = end.map_or(rest.len(), |(at, _)| at);
        if end == 0 {
            break;
        }
        // Between words, if there is a place not too far from the end.
        let blank = rest[..end].rfind(' ').map(|at| at + 1).filter(|at| 2 * at > end);
        let (line, more) = rest.split_at(blank.unwrap_or(end));
        wrapped.push(line.trim_end().to_owned());
        rest = more;
    }
    wrapped.push(cut(rest, columns));
    wrapped
}

/// A text as a word of a POSIX shell's.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,@%+".contains(letter);
    let plain = !text.is_empty() && text.chars().all(is_plain);
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// A text with blanks after it, up to so many columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// An instant as it is told: `7.127 s`.
pub fn seconds(ns: i64) -> String {
    format!("{:.3} s", ns.div_euclid(1_000_000) as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("registry/swarm"), "registry/swarm");
        assert_eq!(quoted("cluster.nodes={from=2, to=3}"), "'cluster.nodes={from=2, to=3}'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_long_text_goes_on_in_the_next_line_and_is_cut_in_the_last() {
        assert_eq!(wrapped("one two three", 8, 3), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 8, 1), ["one two…"]);
        assert_eq!(wrapped("abcdefghij", 4, 2), ["abcd", "efg…"]);
        assert_eq!(wrapped("漢字漢字", 4, 3), ["漢字", "漢字"]);
        assert_eq!(wrapped("ab", 0, 3), [""]);
        assert_eq!(wrapped("", 4, 3), [""]);
    }
}
