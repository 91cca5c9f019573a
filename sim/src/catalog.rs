//! The systems of a command or test, and the scenario files written for them: those of the folder where it is called,
//! and those that it carries.

use crate::configuration::Format;
use crate::erased::AnySystem;
use crate::scenario::{Scenario, ScenarioError, Systems, Tolerated, Vocabulary, nearest};
use std::path::{Path, PathBuf};

/// A scenario file, loaded.
#[derive(Clone)]
pub struct Case {
    /// The short name: the path without `scenarios/` and `.toml`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What `--set` changed in it.
    pub overrides: Vec<(String, String)>,
    /// What it says.
    pub scenario: Scenario,
    /// The system that it names.
    pub system: &'static dyn AnySystem,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("path", &self.path)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

/// The systems that scenarios may name, and the scenarios that a program carries.
#[derive(Clone, Copy)]
pub struct Catalog {
    systems: &'static [&'static dyn AnySystem],
    carried: fn() -> Vec<Carried>,
}

/// A scenario file that a program carries, so that it has it wherever it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carried {
    /// Its path, as that of a file would be: below `scenarios/`.
    pub path: PathBuf,
    /// Its text.
    pub text: &'static str,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// One system, as those that a scenario may name.
pub(crate) struct OnlyOf(pub(crate) &'static dyn AnySystem);

impl Systems for OnlyOf {
    fn names(&self) -> Vec<String> {
        vec![self.0.name().to_owned()]
    }

    fn vocabulary(&self, system: &str) -> Option<Vocabulary> {
        (system == self.0.name()).then(|| self.0.vocabulary())
    }

    fn tolerates(&self, _: &str, options: &toml::Table) -> Vec<Tolerated> {
        self.0.tolerates(options)
    }
}

/// Why scenarios could not be loaded.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CatalogError {
    /// A file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// Neither a file, nor a folder, nor the short name of one.
    #[error("{name}: there is no such scenario")]
    #[diagnostic(help("{}a scenario is a .toml file, a folder of them, or a name that `list` shows", meant(alike.as_deref())))]
    Missing {
        /// What was asked for.
        name: String,
        /// One that is there, and may have been meant.
        alike: Option<String>,
    },
    /// A folder cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A folder has no scenario in it.
    #[error("{}: no scenario (*.toml) in this folder", .0.display())]
    Empty(PathBuf),
}

impl Systems for Catalog {
    fn names(&self) -> Vec<String> {
        self.systems.iter().map(|system| system.name().to_owned()).collect()
    }

    fn vocabulary(&self, system: &str) -> Option<Vocabulary> {
        self.system(system).map(AnySystem::vocabulary)
    }

    fn tolerates(&self, system: &str, options: &toml::Table) -> Vec<Tolerated> {
        self.system(system).map(|system| system.tolerates(options)).unwrap_or_default()
    }
}

impl Catalog {
    /// A catalogue of these systems, which carries no scenario.
    #[must_use]
    pub fn new(systems: &'static [&'static dyn AnySystem]) -> Self {
        Catalog { systems, carried: Vec::new }
    }

    /// The same with these scenarios, for whatever is not there as a file.
    #[must_use]
    pub fn carrying(self, carried: fn() -> Vec<Carried>) -> Self {
        Catalog { carried, ..self }
    }

    fn system(&self, name: &str) -> Option<&'static dyn AnySystem> {
        self.systems.iter().copied().find(|system| system.name() == name)
    }

    /// The configuration files that its systems read.
    pub fn formats(&self) -> Vec<Format> {
        self.systems.iter().flat_map(|system| system.formats()).copied().collect()
    }

    /// Loads what an argument names: a file, a whole folder, or the short name of either. Files come first; where there
    /// is none of that name, what is carried.
    ///
    /// # Errors
    ///
    /// When there is no such thing, or when a file is wrong.
    pub fn load(&self, argument: &str, overrides: &[(String, String)]) -> Result<Vec<Case>, CatalogError> {
        let candidates = candidates(argument);
        match candidates.iter().find(|path| path.exists()) {
            Some(folder) if folder.is_dir() => {
                let files = files_in(folder)?;
                if files.is_empty() {
                    return Err(CatalogError::Empty(folder.clone()));
                }
                files.iter().map(|file| self.load_file(file, overrides)).collect()
            }
            Some(file) => Ok(vec![self.load_file(file, overrides)?]),
            None => self.load_carried(argument, overrides),
        }
    }

    fn load_carried(
        &self,
        argument: &str,
        overrides: &[(String, String)],
    ) -> Result<Vec<Case>, CatalogError> {
        let mut carried = (self.carried)();
        carried.sort();
        let of = |candidate: &PathBuf| {
            let found = carried.iter().filter(|scenario| scenario.path.starts_with(candidate));
            found.collect::<Vec<_>>()
        };
        let Some(found) = candidates(argument).iter().map(of).find(|found| !found.is_empty()) else {
            let names = self.short_names();
            return Err(CatalogError::Missing { name: argument.to_owned(), alike: alike(argument, &names) });
        };
        let load = |Carried { path, text }: &Carried| {
            let name = path.display().to_string();
            let scenario = Scenario::parse(&name, text, overrides, self).map_err(Box::new)?;
            Ok(self.case(path, scenario, overrides))
        };
        found.into_iter().map(load).collect()
    }

    fn load_file(&self, path: &Path, overrides: &[(String, String)]) -> Result<Case, CatalogError> {
        let scenario = Scenario::load(path, overrides, self).map_err(Box::new)?;
        Ok(self.case(path, scenario, overrides))
    }

    fn case(&self, path: &Path, scenario: Scenario, overrides: &[(String, String)]) -> Case {
        let system = self.system(&scenario.system).expect("validation has seen that the system exists");
        let (name, path, overrides) = (short_name(path), path.to_owned(), overrides.to_vec());
        Case { name, path, overrides, scenario, system }
    }

    /// The short names of all scenarios there are: those of the folder `scenarios`, or else those that are carried.
    fn short_names(&self) -> Vec<String> {
        // Where there is no such folder there are no files.
        let files = files_in(Path::new("scenarios")).unwrap_or_default();
        let carried = (self.carried)();
        let carried = carried.iter().map(|scenario| &scenario.path);
        files.iter().chain(carried).map(|path| short_name(path)).collect()
    }
}

/// What an argument may stand for, in the order in which it is looked for.
fn candidates(argument: &str) -> [PathBuf; 3] {
    let under_scenarios = Path::new("scenarios").join(argument);
    let with_extension = under_scenarios.with_extension("toml");
    [PathBuf::from(argument), under_scenarios, with_extension]
}

fn meant(alike: Option<&str>) -> String {
    alike.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default()
}

/// The short name of a scenario that this may be a slip of the hand for.
fn alike(argument: &str, names: &[String]) -> Option<String> {
    let wanted = short_name(Path::new(argument));
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let lasts: Vec<String> = names.iter().map(|name| last(name)).collect();
    let by_last = || {
        let near = nearest(&last(&wanted), &lasts)?;
        names.iter().find(|name| last(name) == near).cloned()
    };
    nearest(&wanted, names).map(str::to_owned).or_else(by_last)
}

/// The path without `scenarios/` and `.toml`.
fn short_name(path: &Path) -> String {
    let stem = path.with_extension("");
    stem.strip_prefix("scenarios").unwrap_or(&stem).to_string_lossy().into_owned()
}

/// Every scenario file below a folder, in order of their paths.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let failed = |error| CatalogError::Folder { path: folder.to_owned(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
