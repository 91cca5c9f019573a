//! What the systems are: their rules, what sweeps them, what tests them.

use crate::find::{self, Mutant};
use miette::{Context, IntoDiagnostic};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// What `power.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The root file of the crate that has the rules: the switch becomes a module of it.
    pub library: String,
    /// The systems.
    #[serde(rename = "system")]
    pub systems: Vec<System>,
    /// The ways of searching.
    #[serde(rename = "way", default)]
    pub ways: Vec<Way>,
}

/// A way of searching.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Its name in the table.
    pub name: String,
    /// What is set besides what the scenario says, as `--set` has it.
    #[serde(default)]
    pub set: Vec<String>,
}

/// One system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its name in the table.
    pub name: String,
    /// The files, and the folders of files, that have its rules.
    pub rules: Vec<String>,
    /// What `sweep` is given: folders, scenarios, and scenarios whose names begin so (`patroni-*`).
    pub sweep: Vec<String>,
    /// Its tests: the program that has them, and how their names begin (`protocols::bank::`, or `wal` for all of a program).
    #[serde(default)]
    pub tests: Vec<String>,
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> miette::Result<Self> {
        let naming = || path.display().to_string();
        let text = fs::read_to_string(path).into_diagnostic().with_context(naming)?;
        toml::from_str(&text).into_diagnostic().with_context(naming)
    }

    /// The system of this name.
    pub fn system(&self, name: &str) -> miette::Result<&System> {
        let found = self.systems.iter().find(|system| system.name == name);
        found.ok_or_else(|| miette::miette!("there is no system `{name}` in the file of systems"))
    }

    /// All mistakes that could be made, in the order of systems and files.
    pub fn mutants(&self) -> miette::Result<Vec<Mutant>> {
        let mut mutants = Vec::new();
        for system in &self.systems {
            for file in system.files()? {
                let source = fs::read_to_string(&file).into_diagnostic().wrap_err_with(|| file.clone())?;
                mutants.extend(find::mutants(&system.name, &file, &source)?);
            }
        }
        Ok(mutants)
    }
}

impl System {
    /// What `sweep` is given in a copy.
    pub fn scenarios(&self, copy: &Path) -> miette::Result<Vec<String>> {
        let mut scenarios = Vec::new();
        for sweep in &self.sweep {
            let Some(begin) = sweep.strip_suffix('*') else {
                scenarios.push(sweep.clone());
                continue;
            };
            let folder = Path::new(begin).parent().unwrap_or(Path::new(""));
            let mut below = Vec::new();
            for entry in fs::read_dir(copy.join(folder)).into_diagnostic().wrap_err_with(|| sweep.clone())? {
                below.push(folder.join(entry.into_diagnostic()?.file_name()).display().to_string());
            }
            below.retain(|scenario| scenario.starts_with(begin));
            below.sort();
            scenarios.append(&mut below);
        }
        Ok(scenarios)
    }

    /// The names of those scenarios that are there to show a violation: that they do catches nothing.
    pub fn demonstrations(&self, copy: &Path) -> miette::Result<BTreeSet<String>> {
        let mut files = Vec::new();
        for scenario in self.scenarios(copy)? {
            collect(&copy.join(scenario), "toml", &mut files)?;
        }
        let mut names = BTreeSet::new();
        for path in files {
            let text = fs::read_to_string(&path).into_diagnostic().wrap_err_with(|| path.clone())?;
            let scenario: toml::Table =
                toml::from_str(&text).into_diagnostic().wrap_err_with(|| path.clone())?;
            if scenario.get("check").and_then(|check| check.get("expect")?.get("violation")).is_some() {
                // A scenario is called after its folder and its file.
                let parts: Vec<_> = Path::new(&path).with_extension("").iter().map(OsStr::to_owned).collect();
                names.insert(
                    parts[parts.len().saturating_sub(2)..].join(OsStr::new("/")).display().to_string(),
                );
            }
        }
        Ok(names)
    }

    /// The files that have its rules, without those that only test them.
    fn files(&self) -> miette::Result<Vec<String>> {
        let mut files = Vec::new();
        for rules in &self.rules {
            collect(Path::new(rules), "rs", &mut files)?;
        }
        files.retain(|file| !file.contains("/tests/") && !file.ends_with("/tests.rs"));
        Ok(files)
    }
}

/// The file at a path, or those below it of a kind, in the order of their names.
fn collect(path: &Path, kind: &str, files: &mut Vec<String>) -> miette::Result<()> {
    if !path.is_dir() {
        files.push(path.display().to_string());
        return Ok(());
    }
    let entries = fs::read_dir(path).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    let mut below: Vec<_> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().into_diagnostic()?;
    below.sort();
    for path in below {
        if path.is_dir() || path.extension().is_some_and(|extension| extension == kind) {
            collect(&path, kind, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demonstration_is_a_scenario_that_expects_a_violation() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let config = Config::read(&workspace.join("tests/power/power.toml")).unwrap();
        let of = |system| Vec::from_iter(config.system(system).unwrap().demonstrations(&workspace).unwrap());
        assert_eq!([of("vrrp"), of("bank")], [vec!["failover/vrrp-cut".to_owned()], vec![]]);
        assert!(of("database").contains(&"failover/vrrp-cut".to_owned()), "of all that is in a folder");
    }
}
