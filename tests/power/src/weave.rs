//! The copy that has the mutants of a sample, each behind a switch.
//!
//! A copy says the same as the source but where a mutant is: there it asks `crate::mutant::on(17)`. Sites lie within each
//! other, as the expressions do; a mutant's pieces name parts of the source, and those are woven in turn. Not every slip
//! compiles: what the compiler complains of, by its lines, is taken out, until it is content.

use crate::config::Config;
use crate::find::{Mutant, Piece};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Arguments of `weave`.
#[derive(Debug, Args)]
pub struct Weave {
    /// How many mutants; those that turn out not to compile are taken out.
    #[arg(long, default_value_t = 200)]
    sample: usize,
    /// Which.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the copy goes.
    #[arg(long)]
    into: PathBuf,
    /// The mutants of another copy, in the place of a sample.
    #[arg(long)]
    like: Option<PathBuf>,
    /// What compiles the rules there, in words without quotes.
    #[arg(long, default_value = "cargo build --release -p splitbrain-protocols")]
    check: String,
}

/// A mutant in a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Woven {
    /// What switches it on.
    pub number: u32,
    /// Which it is.
    pub mutant: Mutant,
}

/// The copy's list of mutants.
pub fn list_of(copy: &Path) -> PathBuf {
    copy.join("mutants.json")
}

/// The mutants of a copy.
pub fn read(copy: &Path) -> miette::Result<Vec<Woven>> {
    let path = list_of(copy);
    let text = fs::read_to_string(&path).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    serde_json::from_str(&text).into_diagnostic()
}

/// After so many attempts the compiler is not content for another reason.
const ATTEMPTS_MAX: usize = 12;

const SWITCH: &str = include_str!("switch.txt");

impl Weave {
    pub fn execute(&self, config: &Config) -> miette::Result<()> {
        let mut all = config.mutants()?;
        match &self.like {
            Some(other) => {
                let kept: BTreeSet<String> = read(other)?.iter().map(|woven| woven.mutant.key()).collect();
                all.retain(|mutant| kept.contains(&mutant.key()));
            }
            None => {
                all.sort_by_key(|mutant| xxh3_64_with_seed(mutant.key().as_bytes(), self.seed));
                all.truncate(self.sample);
            }
        }
        let numbered = (1..).zip(all);
        let mut sample: Vec<Woven> = numbered.map(|(number, mutant)| Woven { number, mutant }).collect();
        copy(Path::new("."), &self.into)?;
        for _ in 0..ATTEMPTS_MAX {
            self.write(config, &sample)?;
            let wrong = self.complaints(&sample)?;
            if wrong.is_empty() {
                let json = serde_json::to_string_pretty(&sample).into_diagnostic()?;
                fs::write(list_of(&self.into), json).into_diagnostic()?;
                return crate::table::say(&format!("{} mutants in {}", sample.len(), self.into.display()));
            }
            sample.retain(|woven| !wrong.contains(&woven.number));
        }
        Err(miette::miette!("{} does not compile, whatever is taken out", self.into.display()))
    }

    /// Writes the files that have mutants, and the switch.
    fn write(&self, config: &Config, sample: &[Woven]) -> miette::Result<()> {
        let mut files: BTreeMap<&str, Vec<&Woven>> = BTreeMap::new();
        for woven in sample {
            files.entry(&woven.mutant.file).or_default().push(woven);
        }
        // Those that lost their last one, too.
        for mutant in &config.mutants()? {
            if !files.contains_key(mutant.file.as_str()) {
                let source = fs::read_to_string(&mutant.file).into_diagnostic()?;
                write(&self.into.join(&mutant.file), &source)?;
            }
        }
        for (file, mutants) in files {
            let source = fs::read_to_string(file).into_diagnostic()?;
            write(&self.into.join(file), &woven(&source, mutants))?;
        }
        let library = fs::read_to_string(&config.library).into_diagnostic()?;
        write(&self.into.join(&config.library), &format!("{library}\nmod mutant;\n"))?;
        let most = sample.iter().map(|woven| woven.number).max().unwrap_or_default();
        let switch = self.into.join(&config.library).with_file_name("mutant.rs");
        write(&switch, &SWITCH.replace("COUNT", &(most + 1).to_string()))
    }

    /// The mutants on the lines that the compiler refuses.
    fn complaints(&self, sample: &[Woven]) -> miette::Result<BTreeSet<u32>> {
        let mut words = self.check.split_whitespace();
        let program = words.next().ok_or_else(|| miette::miette!("--check says nothing"))?;
        let mut command = Command::new(program);
        command.args(words).arg("--message-format=json").current_dir(&self.into);
        let output = command.output().into_diagnostic().wrap_err_with(|| self.check.clone())?;
        let mut wrong = BTreeSet::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let message = &message["message"];
            if message["level"] != "error" {
                continue;
            }
            for span in
                message["spans"].as_array().into_iter().flatten().filter(|span| span["is_primary"] == true)
            {
                let file = span["file_name"].as_str().unwrap_or_default();
                let text = fs::read_to_string(self.into.join(file)).unwrap_or_default();
                let number = |key: &str| span[key].as_u64().unwrap_or_default() as usize;
                wrong.extend(near(&text, number("line_start"), number("line_end")));
            }
        }
        if wrong.is_empty() && !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(miette::miette!("{} fails, and no mutant is at fault:\n{told}", self.check));
        }
        wrong.retain(|number| sample.iter().any(|woven| woven.number == *number));
        Ok(wrong)
    }
}

/// The mutants that some lines have, or else the nearest line above them that has any.
fn near(text: &str, from: usize, to: usize) -> Vec<u32> {
    let lines: Vec<&str> = text.lines().collect();
    let to = to.min(lines.len());
    let mut found: Vec<u32> =
        lines[from.saturating_sub(1).min(to)..to].iter().flat_map(|line| numbers(line)).collect();
    let mut above = from.saturating_sub(1).min(lines.len());
    while found.is_empty() && above > 0 {
        above -= 1;
        found.extend(numbers(lines[above]));
    }
    found
}

/// The mutants that a line asks for.
fn numbers(line: &str) -> impl Iterator<Item = u32> + '_ {
    line.split("mutant::on(").skip(1).filter_map(|rest| rest.split(')').next()?.parse().ok())
}

/// A source with its mutants.
fn woven(source: &str, mut mutants: Vec<&Woven>) -> String {
    mutants.sort_by_key(|woven| (woven.mutant.site.start, usize::MAX - woven.mutant.site.end, woven.number));
    part(source, 0..source.len(), &mutants)
}

/// A part of a source with those mutants that lie within, outer ones first.
fn part(source: &str, range: Range<usize>, mutants: &[&Woven]) -> String {
    let (mut text, mut at, mut rest) = (String::new(), range.start, mutants);
    while let Some((outer, others)) = rest.split_first() {
        let site = &outer.mutant.site;
        let inner = others.iter().take_while(|other| within(&other.mutant.site, site)).count();
        let (inner, after) = others.split_at(inner);
        text += &source[at..site.start];
        for piece in &outer.mutant.pieces {
            text += &match piece {
                Piece::Text(text) => text.replace('@', &format!("crate::mutant::on({})", outer.number)),
                Piece::Base => part(source, site.clone(), inner),
                Piece::Source(range) => {
                    let inside = inner.iter().filter(|other| within(&other.mutant.site, range));
                    part(source, range.clone(), &inside.copied().collect::<Vec<_>>())
                }
            };
        }
        // Of mutants at one place only the last has what stands there.
        (at, rest) = (site.end, after);
    }
    text + &source[at..range.end]
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Copies a folder, without what is built.
fn copy(from: &Path, to: &Path) -> miette::Result<()> {
    fs::create_dir_all(to).into_diagnostic().wrap_err_with(|| to.display().to_string())?;
    for entry in fs::read_dir(from).into_diagnostic()? {
        let entry = entry.into_diagnostic()?;
        let (name, path) = (entry.file_name(), entry.path());
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else if path.extension().is_none_or(|extension| extension != "rs") || !to.join(&name).exists() {
            fs::copy(&path, to.join(name)).into_diagnostic()?;
        } else {
            write(&to.join(name), &fs::read_to_string(&path).into_diagnostic()?)?;
        }
    }
    Ok(())
}

/// Writes a file unless it says that already: what is not newer is not compiled again.
fn write(path: &Path, text: &str) -> miette::Result<()> {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    fs::write(path, text).into_diagnostic().wrap_err_with(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    fn all(source: &str) -> String {
        let mutants = find::mutants("system", "file.rs", source).expect("it is Rust");
        let numbered: Vec<Woven> =
            (1..).zip(mutants).map(|(number, mutant)| Woven { number, mutant }).collect();
        let text = woven(source, numbered.iter().collect());
        text.replace("crate::mutant::on", "on")
    }

    #[test]
    fn what_compares_compares_otherwise_if_it_is_on() {
        assert_eq!(all("fn f() -> X { a == b }"), "fn f() -> X { (if on(1) { a != b } else { a == b }) }");
    }

    #[test]
    fn mutants_lie_within_each_other() {
        let woven = all("fn f() -> X { if a && !b { g(); } }");
        assert!(syn::parse_file(&woven).is_ok(), "{woven}");
        for number in 1..=6 {
            assert!(woven.contains(&format!("on({number})")), "{number}: {woven}");
        }
    }

    #[test]
    fn what_tests_and_what_is_constant_stays_as_it_is() {
        let source = "const A: bool = 1 == 2; #[cfg(test)] mod tests { fn f() { a == b; } } const fn g() -> bool { 1 == 2 }";
        assert_eq!(all(source), source);
    }

    #[test]
    fn a_line_that_does_not_compile_names_its_mutants_or_those_above_it() {
        let text = "a\nb mutant::on(3) mutant::on(4)\nc\n";
        assert_eq!(near(text, 2, 2), [3, 4]);
        assert_eq!(near(text, 3, 3), [3, 4]);
        assert!(near(text, 1, 1).is_empty());
    }
}
