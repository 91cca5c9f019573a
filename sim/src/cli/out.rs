//! What the command prints: to standard output for people or as JSON, errors to standard error.

use crate::catalog::Case;
use crate::text::quoted;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints a line of JSON.
pub(super) fn line(value: &impl Serialize) -> miette::Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| miette::miette!("this cannot be printed as JSON: {error}"))?;
    say(&text)
}

/// Whether only what is wrong is told.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on only what is wrong is told, if so.
pub(super) fn be_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether only what is wrong is told.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a line for people who want to know what went well.
pub(super) fn tell(text: &str) -> miette::Result<()> {
    if is_quiet() { Ok(()) } else { say(text) }
}

/// Prints a line for people.
pub(super) fn say(text: &str) -> miette::Result<()> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| miette::Report::new(Output(error)))
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("writing to standard output: {0}")]
struct Output(#[source] io::Error);

/// Whoever read our output has seen enough: no error.
pub(super) fn is_closed_pipe(report: &miette::Report) -> bool {
    report.downcast_ref::<Output>().is_some_and(|output| output.0.kind() == io::ErrorKind::BrokenPipe)
}

/// From now on errors break lines between words only: half a word is no word to type.
pub(super) fn keep_words_whole() {
    // A hook that is set already is the program's own choice.
    let _ =
        miette::set_hook(Box::new(|_| Box::new(miette::MietteHandlerOpts::new().break_words(false).build())));
}

/// Tells whoever looks of something that is not as it should be, beside what is printed.
pub(super) fn warn(text: &str) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error.
pub(super) fn complain(report: &miette::Report) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr().lock(), "{report:?}");
}

/// Whether standard output is a terminal that wants colours.
pub(super) fn wants_colour() -> bool {
    // https://no-color.org: set, to anything.
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// A text in a colour, if standard output is a terminal that wants it.
pub(super) fn paint(text: &str, colour: Colour) -> String {
    if wants_colour() { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_owned() }
}

/// The terminal's colours that mean something here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Colour {
    Bold = 1,
    Bad = 31,
    Good = 32,
    Odd = 33,
}

/// How to call this program again: as `cargo run` if that is how it was called.
pub(super) fn program() -> String {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_else(|| "splitbrain".into()));
    if std::env::var_os("CARGO").is_none() {
        return called.display().to_string();
    }
    let is_example = called.parent().is_some_and(|folder| folder.ends_with("examples"));
    match called.file_name().filter(|_| is_example) {
        Some(name) => format!("cargo run --release --example {} --", name.display()),
        None => "cargo run --release --".to_owned(),
    }
}

/// The command that replays a seed.
pub(super) fn replay_command(case: &Case, seed: u64) -> String {
    let set = |(key, value): &(String, String)| format!(" --set {}", quoted(&format!("{key}={value}")));
    let set: String = case.overrides.iter().map(set).collect();
    format!("{} replay {} --seed {seed}{set}", program(), case.path.display())
}

/// A list that fits a screen.
pub(super) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{}, and {more} more (--json has all)", names[..SHOWN].join(", ")),
    }
}

/// µs as people read them.
pub(super) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

/// How wide a line may be: what `COLUMNS` says, or the terminal is.
pub(super) fn columns() -> usize {
    const UNLESS_KNOWN: usize = 120;
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let is = || comfy_table::Table::new().width().map(usize::from);
    said.or_else(is).unwrap_or(UNLESS_KNOWN)
}
