//! `new`: a crate of one's own, ready to run. Its files are those of the template for `cargo generate`.

use super::{Exit, out};
use clap::Args;
use include_dir::{Dir, include_dir};
use miette::{Context, Diagnostic, IntoDiagnostic};
use std::fs;
use std::path::{Path, PathBuf};

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/template");
/// What `cargo generate` takes off a name: with it, cargo does not take the template for a crate.
const SUFFIX: &str = ".liquid";
/// For `cargo generate` alone.
const ABOUT_THE_TEMPLATE: &str = "cargo-generate.toml";
/// What the crate would hide, if it had the name.
const TAKEN: [&str; 9] = ["alloc", "core", "host", "proc_macro", "self", "sim", "std", "test", "tokio"];

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The folder to make; its last part names the crate.
    folder: PathBuf,
    /// The crate's name, if it is another.
    #[arg(long)]
    name: Option<String>,
    /// Depend on a copy of splitbrain in this folder, not on the registry.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum Refused {
    #[error("{0:?} cannot be the name of a crate")]
    #[diagnostic(help(
        "a name has letters, digits, `-` and `_`, begins with a letter, and is none that Rust or the crate itself needs; \
         --name gives another than the folder's"
    ))]
    Name(String),
    #[error("{}: there is something in it already", .0.display())]
    #[diagnostic(help("nothing is overwritten: name a folder that is empty, or not there"))]
    NotEmpty(PathBuf),
    #[error("{}: there is no splitbrain in it", .0.display())]
    #[diagnostic(help("--path takes the folder that has `sim` and `sim/host` in it"))]
    NoSplitbrain(PathBuf),
}

impl New {
    pub(super) fn execute(&self) -> miette::Result<Exit> {
        let name = self.name()?;
        let filled = [
            ("{{project-name}}", name.clone()),
            ("{{crate_name}}", name.replace('-', "_")),
            ("{{host}}", self.source("sim/host")?),
            ("{{sim}}", self.source("sim")?),
        ];
        let is_empty = fs::read_dir(&self.folder).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty {
            return Err(Refused::NotEmpty(self.folder.clone()).into());
        }
        for file in files_of(&TEMPLATE) {
            let path = file.path().to_string_lossy();
            let path = self.folder.join(path.strip_suffix(SUFFIX).unwrap_or(&path));
            let text = file.contents_utf8().expect("the template has texts");
            let text = filled.iter().fold(text.to_owned(), |text, (hole, value)| text.replace(hole, value));
            write(&path, &text)?;
        }
        let folder = self.folder.display();
        out::tell(&format!("{folder}: a crate with a protocol, its scenarios, and one flaw"))?;
        out::tell(&format!("  next: cd {folder} && cargo test && cargo run --release -- zoo"))?;
        Ok(Exit::AsExpected)
    }

    fn name(&self) -> Result<String, Refused> {
        let of_folder = || self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = self.name.clone().unwrap_or_else(of_folder);
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(letters);
        if is_name && !TAKEN.contains(&&*name.replace('-', "_")) {
            Ok(name)
        } else {
            Err(Refused::Name(name))
        }
    }

    /// Where the crate in a folder of splitbrain's comes from.
    fn source(&self, inside: &str) -> miette::Result<String> {
        let Some(path) = &self.path else {
            return Ok(format!("version = \"{}\"", env!("CARGO_PKG_VERSION")));
        };
        if !path.join("sim/host/Cargo.toml").is_file() {
            return Err(Refused::NoSplitbrain(path.clone()).into());
        }
        let path = path.canonicalize().into_diagnostic().with_context(|| path.display().to_string())?;
        Ok(format!("path = {}", toml::Value::String(path.join(inside).display().to_string())))
    }
}

fn files_of(folder: &'static Dir<'static>) -> Vec<&'static include_dir::File<'static>> {
    let files = folder.files().filter(|file| file.path() != Path::new(ABOUT_THE_TEMPLATE));
    files.chain(folder.dirs().flat_map(files_of)).collect()
}

fn write(path: &Path, text: &str) -> miette::Result<()> {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).into_diagnostic().with_context(|| folder.display().to_string())?;
    fs::write(path, text).into_diagnostic().with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(folder: &Path) -> New {
        New { folder: folder.to_owned(), name: None, path: None }
    }

    #[test]
    fn a_crate_has_its_name_everywhere_and_no_hole_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("my-protocol");
        new(&made).execute().unwrap();
        assert!(fs::read_to_string(made.join("Cargo.toml")).unwrap().contains("name = \"my-protocol\""));
        assert!(fs::read_to_string(made.join("src/main.rs")).unwrap().contains("my_protocol::SYSTEMS"));
        for file in files_of(&TEMPLATE) {
            let path = made.join(file.path().to_string_lossy().trim_end_matches(SUFFIX));
            assert!(!fs::read_to_string(&path).unwrap().contains("{{"), "{}", path.display());
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("mine");
        write(&made.join("notes"), "of years").unwrap();
        assert!(new(&made).execute().is_err());
        assert_eq!(fs::read_dir(&made).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_name_a_crate_is_refused() {
        for name in ["7up", "host", "a b", ""] {
            assert!(New { name: Some(name.into()), ..new(Path::new("x")) }.name().is_err(), "{name}");
        }
        assert_eq!(new(Path::new("some/where")).name().unwrap(), "where");
    }
}
