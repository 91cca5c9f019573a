//! Files that a command writes: whole, or what was there before stays. And where what is known of a seed is kept.

use crate::catalog::Case;
use miette::{Context, IntoDiagnostic};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file in the making, beside the one that it will be.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

impl Draft {
    /// Proves that the file can be written.
    pub(super) fn new(path: &Path) -> miette::Result<Self> {
        let named = || path.display().to_string();
        if path.is_dir() {
            return Err(miette::miette!(help = "name a file in it", "{} is a folder", named()));
        }
        let beside = path.with_added_extension("new");
        let file = File::create(&beside).into_diagnostic().with_context(named)?;
        Ok(Draft { path: path.to_owned(), beside, file })
    }

    /// The same in a folder that need not be there yet.
    pub(super) fn in_its_folder(path: &Path) -> miette::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        }
        Draft::new(path)
    }

    /// Writes it, and puts it in its place.
    pub(super) fn keep(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> miette::Result<()> {
        let written = || -> io::Result<()> {
            let mut out = BufWriter::new(&self.file);
            write(&mut out)?;
            out.flush()?;
            self.file.sync_all()?;
            fs::rename(&self.beside, &self.path)
        };
        written().into_diagnostic().with_context(|| self.path.display().to_string())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Of one that was kept there is nothing left beside it.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Writes a file.
pub(super) fn file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> miette::Result<()> {
    Draft::new(path)?.keep(write)
}

/// Writes a file of JSON, one value a line.
pub(super) fn lines(path: &Path, lines: impl Iterator<Item = impl Serialize>) -> miette::Result<()> {
    file(path, |out| {
        for line in lines {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Where what is known of a seed is written, unless told otherwise.
pub(super) fn folder_of(case: &Case, seed: u64) -> PathBuf {
    let name: String = case.name.chars().map(|c| if c == '/' || c == '\\' { '-' } else { c }).collect();
    Path::new("replays").join(format!("{}-{seed}", name.trim_matches(['.', '-'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_disk_that_is_full_leaves_what_was_there_before_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shrunk.toml");
        fs::write(&path, "before").unwrap();
        let full = |out: &mut dyn Write| {
            out.write_all(b"half of it")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        assert!(file(&path, full).is_err());
        assert_eq!(
            (fs::read_to_string(&path).unwrap(), beside(folder.path())),
            ("before".into(), vec!["shrunk.toml".into()])
        );
        file(&path, |out| out.write_all(b"after")).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), beside(folder.path()).len()), ("after".into(), 1));
    }
}
