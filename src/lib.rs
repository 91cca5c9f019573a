//! The systems, specifications and scenarios that splitbrain ships with, for its command, its tests and its benches.

pub mod specs;
pub mod systems;

use include_dir::{Dir, include_dir};
use sim::catalog::Carried;
use std::path::Path;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The scenario files of this crate, which the command carries for where there is no folder `scenarios`.
pub fn scenarios() -> Vec<Carried> {
    files_of(&FOLDER)
}

fn files_of(folder: &'static Dir<'static>) -> Vec<Carried> {
    let files = folder.files().filter_map(|file| {
        let text = file.contents_utf8().expect("our scenarios are texts");
        let is_scenario = file.path().extension().is_some_and(|extension| extension == "toml");
        is_scenario.then(|| Carried { path: Path::new("scenarios").join(file.path()), text })
    });
    files.chain(folder.dirs().flat_map(files_of)).collect()
}
