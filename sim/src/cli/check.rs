//! `check`: judge a history that something else recorded.

use super::Exit;
use super::out::{self, Colour};
use crate::check::linearizable::Budget;
use crate::check::{Judge, Ruling};
use crate::history::{self, HistoryError, Recorded};
use crate::run::Verdict;
use clap::Args;
use serde::Serialize;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// What the history is judged by; `register:0` begins with a value.
    #[arg(long, value_name = "MODEL", value_parser = judge)]
    model: Judge,
    /// The history: JSON lines, or Jepsen's EDN.
    history: PathBuf,
    /// Give up after this long.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    time_limit: Duration,
    /// Give up when the search remembers this much.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    memory_limit: usize,
}

/// What `check --json` prints.
#[derive(Debug, Serialize)]
struct Json<'a> {
    verdict: Verdict,
    operations: usize,
    wall_ms: f64,
    longest_prefix: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    evidence: &'a [String],
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path}, {error}", path = path.display())]
#[diagnostic(help(
    "a line is an event: {{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":null}}; nothing was judged"
))]
struct BadHistory {
    path: PathBuf,
    error: HistoryError,
}

impl Check {
    pub(super) fn execute(&self, json: bool) -> miette::Result<Exit> {
        let bad = |error| BadHistory { path: self.history.clone(), error };
        let history = read(&self.history).map_err(bad)?;
        let start = Instant::now();
        let budget = Budget { time: Some(self.time_limit), memory_bytes: self.memory_limit };
        let ruling = self.model.judge(&history, budget).map_err(bad)?;
        let wall = start.elapsed();
        if json {
            out::line(&Json {
                verdict: ruling.verdict,
                operations: history.len(),
                wall_ms: wall.as_secs_f64() * 1e3,
                longest_prefix: ruling.longest_prefix,
                message: &ruling.summary,
                evidence: &ruling.page,
            })?;
        } else {
            self.print(&ruling, history.len(), wall)?;
        }
        Ok(match ruling.verdict {
            Verdict::Valid => Exit::AsExpected,
            Verdict::Violation => Exit::Violation,
            Verdict::Unknown => Exit::Unknown,
        })
    }

    fn print(&self, ruling: &Ruling, operations: usize, wall: Duration) -> miette::Result<()> {
        let path = self.history.display();
        let (word, colour) = match ruling.verdict {
            Verdict::Valid => ("valid", Colour::Good),
            Verdict::Violation => ("violation", Colour::Bad),
            Verdict::Unknown => ("unknown", Colour::Odd),
        };
        let name = out::paint(&path.to_string(), Colour::Bold);
        let took = out::micros(wall.as_micros() as u64);
        out::say(&format!(
            "{name}  {}  {operations} operations judged as {} in {took}",
            out::paint(word, colour),
            self.model
        ))?;
        if !ruling.summary.is_empty() {
            out::say(&format!("  {}", ruling.summary))?;
        }
        for line in &ruling.page {
            out::say(&format!("  {line}"))?;
        }
        match (ruling.verdict, ruling.lines) {
            (Verdict::Valid, _) => Ok(()),
            (Verdict::Violation, Some((from, to))) => {
                out::say(&format!("  next: sed -n '{from},{to}p' {path}"))
            }
            (Verdict::Violation, None) => Ok(()),
            (Verdict::Unknown, _) => {
                let limits = format!(
                    "--time-limit {} --memory-limit {}MiB",
                    humantime::format_duration(self.time_limit * 4).to_string().replace(' ', ""),
                    (self.memory_limit >> 20).max(1) * 4
                );
                out::say(&format!("  next: {} check --model {} {limits} {path}", out::program(), self.model))
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<Recorded>, HistoryError> {
    let file = File::open(path).map_err(|why| HistoryError::Unreadable { line: 1, why })?;
    history::read(BufReader::new(file))
}

fn judge(text: &str) -> Result<Judge, String> {
    text.parse::<Judge>().map_err(|error| format!("{error}; models: {}", Judge::names().join(", ")))
}

/// A size as people write it: `512MiB`, `2GB`, `100000`.
fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: usize = match text[digits..].trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        unit => return Err(format!("there is no unit `{unit}`: B, KB, KiB, MB, MiB, GB, GiB")),
    };
    let number = text[..digits].parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    number.filter(|bytes| *bytes > 0).ok_or_else(|| format!("`{text}` is not a size such as 1GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        assert_eq!(bytes("250 MB"), Ok(250_000_000));
        assert_eq!(bytes("4096"), Ok(4096));
        assert!(bytes("0").is_err() && bytes("GiB").is_err() && bytes("3 apples").is_err());
    }
}
