//! `completions` and `man`: what shells and readers of manuals want, from the command line as it is.

use super::{Cli, Exit, out};
use clap::{Args, CommandFactory};
use miette::{Context, IntoDiagnostic};
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page for the command and one for each subcommand to this folder.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The command line, under the name by which this program was called.
fn command() -> clap::Command {
    let called = std::env::args_os().next().map(PathBuf::from);
    let name =
        called.as_deref().and_then(|path| path.file_stem()?.to_str()).unwrap_or("splitbrain").to_owned();
    // Once in a process, and for as long as that lives.
    Cli::command().name(&*name.leak())
}

impl Completions {
    pub(super) fn execute(&self) -> miette::Result<Exit> {
        let (mut command, mut text) = (command(), Vec::new());
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut text);
        out::say(String::from_utf8_lossy(&text).trim_end())?;
        Ok(Exit::AsExpected)
    }
}

impl Man {
    pub(super) fn execute(&self) -> miette::Result<Exit> {
        if let Some(folder) = &self.out {
            std::fs::create_dir_all(folder)
                .into_diagnostic()
                .with_context(|| folder.display().to_string())?;
            clap_mangen::generate_to(command(), folder)
                .into_diagnostic()
                .with_context(|| folder.display().to_string())?;
            return Ok(Exit::AsExpected);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command()).render(&mut page).into_diagnostic()?;
        out::say(String::from_utf8_lossy(&page).trim_end())?;
        Ok(Exit::AsExpected)
    }
}
