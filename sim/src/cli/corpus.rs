//! The folder of `sweep --corpus`: one file, `corpus.jsonl`, a line a seed that is kept, replaced as a whole in the end.

use super::out;
use super::written::Draft;
use crate::catalog::Case;
use crate::sweep::{Corpus, Kept};
use miette::{Context, IntoDiagnostic};
use std::fs;
use std::io;
use std::path::Path;

const FILE: &str = "corpus.jsonl";

/// Why a corpus could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{file}, line {line}: {why}")]
#[diagnostic(help(
    "a line is {{\"scenario\":\"registry/swarm\",\"seed\":17}}; mend it, remove it, or give another folder"
))]
struct Unreadable {
    file: String,
    line: usize,
    why: serde_json::Error,
}

/// A corpus, and the file that it will be.
#[derive(Debug)]
pub(super) struct CorpusFolder {
    pub(super) corpus: Corpus,
    draft: Draft,
}

impl CorpusFolder {
    /// Reads what is kept, and proves before anything is run that it can be written.
    pub(super) fn open(folder: &Path, cases: &[Case]) -> miette::Result<Self> {
        let path = folder.join(FILE);
        let named = || path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).into_diagnostic().with_context(named),
        };
        let parse = |(index, line)| -> Result<Kept, Unreadable> {
            serde_json::from_str(line).map_err(|why| Unreadable { file: named(), line: index + 1, why })
        };
        let before = text.lines().enumerate().map(parse).collect::<Result<Vec<Kept>, _>>()?;
        Ok(CorpusFolder { corpus: Corpus::new(cases, before), draft: Draft::in_its_folder(&path)? })
    }

    /// Writes what is kept now, and tells people what has changed.
    pub(super) fn keep(self, json: bool) -> miette::Result<()> {
        let kept = self.corpus.kept();
        self.draft.keep(|out| {
            kept.iter().try_for_each(|kept| {
                serde_json::to_writer(&mut *out, kept)?;
                out.write_all(b"\n")
            })
        })?;
        let (new, forgotten) = self.corpus.change();
        if json {
            return Ok(());
        }
        out::say(&format!("corpus: {} seeds kept, {new} of them new; {forgotten} forgotten", kept.len()))
    }
}
