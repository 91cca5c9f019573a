//! A recorded run in the forms that other people's viewers read.
//!
//! | form | file | read by | has |
//! |---|---|---|---|
//! | [`perfetto`] | `perfetto.json` | ui.perfetto.dev, chrome://tracing | everything, with arrows for messages |
//! | [`shiviz`] | `shiviz.log` | ShiViz | what is in the [graph](crate::cause::Graph), with vector clocks |
//! | [`mermaid`] | `slice.mmd` | issue trackers, in a block of `mermaid` | the slice |
//!
//! A form is a file here and a line in [`FORMATS`]. What protocols and files say is escaped as the form asks for, and cut.

pub mod mermaid;
pub mod perfetto;
pub mod shiviz;

use crate::cause::{Graph, Trace};
use std::io::{self, Write};

/// How much of a text any form keeps, in letters.
const TEXT_LETTERS_MAX: usize = 500;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'t> {
    /// The run.
    pub trace: &'t Trace<'t>,
    /// What led to what.
    pub graph: &'t Graph,
    /// The events that matter, by their places, in order.
    pub slice: &'t [usize],
}

/// A form.
#[derive(Clone, Copy)]
pub struct Format {
    /// How it is called.
    pub name: &'static str,
    /// The file that a replay writes.
    pub file: &'static str,
    /// Writes it.
    pub write: fn(Subject<'_>, &mut dyn Write) -> io::Result<()>,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All forms.
pub const FORMATS: &[Format] = &[
    Format { name: "perfetto", file: "perfetto.json", write: perfetto::write },
    Format { name: "shiviz", file: "shiviz.log", write: shiviz::write },
    Format { name: "mermaid", file: "slice.mmd", write: mermaid::write },
];

impl Format {
    /// The form of this name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().copied().find(|format| format.name == name)
    }
}

/// The begin of a text, in plain letters.
fn short(text: &str) -> String {
    let plain = crate::text::plain(text);
    match plain.char_indices().nth(TEXT_LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests;
