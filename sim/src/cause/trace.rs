//! A run as it is told, line by line.

use crate::run::Recording;
use host::world::TraceLine;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The longest line of a trace that is read, in bytes.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// The lines of a trace, in order, and the machines that they name: nodes, then clients.
#[derive(Debug, Clone, Default)]
pub struct Trace<'a> {
    /// What happened.
    pub lines: Vec<TraceLine<'a>>,
    /// The names of the machines.
    pub machines: Vec<String>,
}

/// Why a trace could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line is none of a trace.
    #[error("{}: line {line} is none of a trace: {why}", path.display())]
    #[diagnostic(help("a trace is the trace.jsonl that `replay` writes, of this version"))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing in it.
    #[error("{}: there is no event in this trace", .0.display())]
    Empty(PathBuf),
}

impl<'a> Trace<'a> {
    /// The trace of a recording, without what libraries logged.
    pub fn of(recording: &'a Recording) -> Self {
        Trace { lines: recording.lines().collect(), machines: recording.machines.clone() }
    }

    /// A trace of these lines.
    pub fn new(lines: Vec<TraceLine<'a>>) -> Self {
        let befallen = |line: &TraceLine<'a>| {
            let fault = line.fault.iter().flat_map(|fault| fault.machines.clone());
            fault.chain(line.from.clone()).chain(line.to.clone()).map(String::from).collect::<Vec<_>>()
        };
        let machines: BTreeSet<(bool, u64, String)> = lines
            .iter()
            .flat_map(befallen)
            .map(|name| (name.starts_with('c'), number(&name), name))
            .collect();
        Trace { lines, machines: machines.into_iter().map(|(_, _, name)| name).collect() }
    }

    /// The place of a machine among them all.
    pub fn machine(&self, name: &str) -> Option<usize> {
        self.machines.iter().position(|machine| machine == name)
    }
}

impl Trace<'static> {
    /// Reads `trace.jsonl`, or that of the folder that a replay wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is no trace.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let path = if path.is_dir() { path.join("trace.jsonl") } else { path.to_owned() };
        let failed = |error| TraceError::Io { path: path.clone(), error };
        let mut file = BufReader::new(File::open(&path).map_err(failed)?);
        let (mut lines, mut text) = (Vec::new(), Vec::new());
        for line in 1.. {
            let wrong = |why: String| TraceError::Line { path: path.clone(), line, why };
            text.clear();
            let read =
                io::Read::take(&mut file, LINE_BYTES_MAX).read_until(b'\n', &mut text).map_err(failed)?;
            if read == 0 {
                break;
            }
            if read as u64 == LINE_BYTES_MAX {
                return Err(wrong(format!("it is longer than {LINE_BYTES_MAX} bytes")));
            }
            lines.push(serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?);
        }
        if lines.is_empty() {
            return Err(TraceError::Empty(path));
        }
        Ok(Trace::new(lines))
    }
}

/// The number at the end of a machine's name.
fn number(name: &str) -> u64 {
    name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default()
}
