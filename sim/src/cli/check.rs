//! `check`: judge a history that something else recorded.

use super::Exit;
use super::out::{self, Colour};
use super::written::file;
use crate::check::linearizable::Budget;
use crate::check::{Judge, Reading, Ruling};
use crate::history::{self, End, HistoryError, Recorded, Unread};
use crate::page;
use crate::verdict::Verdict;
use clap::Args;
use serde::Serialize;
use serde_json::Value;
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
    /// The history: JSON, Jepsen's EDN or Porcupine's log, packed with gzip or not; `-` reads standard input.
    history: PathBuf,
    /// Whether values are [key, value], of many objects; without it, what reads are invoked with tells.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    keyed: Option<bool>,
    /// Take a read of null as one of anything.
    #[arg(long)]
    nil_is_any: bool,
    /// Write the order that explains every answer to a file, an operation a line.
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Write a page for a browser: operations as bars over time, and what does not fit.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Give up after this long.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    time_limit: Duration,
    /// Give up when the history and the search take up this much.
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

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path}: the history cannot be opened: {why}", path = path.display())]
#[diagnostic(help("name a file, or `-` for standard input; nothing was judged"))]
struct NoHistory {
    path: PathBuf,
    why: std::io::Error,
}

/// One line of a witness: an operation, in its place.
#[derive(Debug, Serialize)]
struct Witnessed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    line: usize,
    process: String,
    f: &'a str,
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a Value>,
}

impl Check {
    pub(super) fn execute(&self, json: bool) -> miette::Result<Exit> {
        let bad = |error| BadHistory { path: self.history.clone(), error };
        let start = Instant::now();
        let budget = Budget::of(Some(self.time_limit), self.memory_limit);
        let budget = Budget { since: Some(start), ..budget };
        let (history, ruling) = match read(&self.history, budget)? {
            Ok((history, held_bytes)) => {
                let budget = Budget { held_bytes, ..budget };
                let reading = Reading { keyed: self.keyed, nil_is_any: self.nil_is_any };
                let ruling = self.model.clone().reading(reading).judge(&history, budget).map_err(bad)?;
                (history, ruling)
            }
            Err(Unread::Wrong(error)) => return Err(bad(error).into()),
            Err(Unread::OutOf(out_of)) => (Vec::new(), Ruling::gave_up(0, &out_of)),
        };
        let wall = start.elapsed();
        if let (Some(path), Some(orders)) = (&self.witness, &ruling.witness) {
            let text = witness(&history, orders);
            file(path, |out| out.write_all(text.as_bytes()))?;
        }
        if let Some(path) = &self.page {
            let title = format!("{} judged as {}", self.history.display(), self.model);
            let html = page::of_history(title, &history, &ruling).html();
            file(path, |out| out.write_all(html.as_bytes()))?;
        }
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
            (Verdict::Unknown, _) if !ruling.is_limited => Ok(()),
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

/// The history, and about how many bytes it takes up.
fn read(path: &Path, budget: Budget) -> Result<Result<(Vec<Recorded>, usize), Unread>, NoHistory> {
    if path.as_os_str() == "-" {
        return Ok(history::read_within(std::io::stdin().lock(), budget));
    }
    let file = File::open(path).map_err(|why| NoHistory { path: path.to_owned(), why })?;
    Ok(history::read_within(BufReader::new(file), budget))
}

fn judge(text: &str) -> Result<Judge, String> {
    text.parse::<Judge>().map_err(|error| format!("{error}; models: {}", Judge::names().join(", ")))
}

/// The operations in an order that explains every answer, as JSON lines.
fn witness(history: &[Recorded], orders: &[(Option<String>, Vec<usize>)]) -> String {
    let mut text = String::new();
    for (key, operations) in orders {
        for operation in operations {
            let Recorded { process, f, invoked, end, call, .. } = &history[*operation];
            let answer = match end {
                End::Ok(value) => Some(value),
                End::Fail | End::Unknown => None,
            };
            let key = key.as_deref();
            let process = process.to_string();
            let line = Witnessed { key, line: call.line, process, f, value: invoked, answer };
            text += &serde_json::to_string(&line).expect("strings and JSON are JSON");
            text.push('\n');
        }
    }
    text
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    }
}

/// A size as people write it: `512MiB`, `2GB`, `100000`.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
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
