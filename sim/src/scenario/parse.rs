//! From a file to a [`Scenario`]: parse, apply `--set`, parse again, read, validate.
//!
//! An override edits the text, so that whatever is wrong with it is found and shown like anything else in the file.

use super::error::{Problem, ScenarioError};
use super::fault::{Fault, FaultError, ReadError};
use super::model::Scenario;
use super::shape;
use super::source::{Path, Source};
use super::systems::Systems;
use super::validate::validate;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};
use toml_edit::{DocumentMut, Item, Key, Table, Value};

impl Scenario {
    /// Reads a scenario from a file, with `--set` overrides (a dotted path and a value each).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds anything that [`Scenario::parse`] refuses.
    pub fn load(
        path: &std::path::Path,
        overrides: &[(String, String)],
        systems: &dyn Systems,
    ) -> Result<Scenario, ScenarioError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|why| ScenarioError::Unreadable { path: name.clone(), why })?;
        Scenario::parse(&name, &text, overrides, systems)
    }

    /// Reads a scenario from text; errors call it by `name`.
    ///
    /// # Errors
    ///
    /// When the text is no TOML, no scenario, or one that could not be meant.
    pub fn parse(
        name: &str,
        text: &str,
        overrides: &[(String, String)],
        systems: &dyn Systems,
    ) -> Result<Scenario, ScenarioError> {
        let source = Source::parse(name, text)?;
        if overrides.is_empty() {
            return read(&source, systems);
        }
        let text = overridden(text, overrides)?;
        let sets: String = overrides.iter().map(|(key, value)| format!(" --set {key}={value}")).collect();
        read(&Source::parse(&format!("{name} (with{sets})"), &text)?, systems)
    }
}

fn read(source: &Source<'_>, systems: &dyn Systems) -> Result<Scenario, ScenarioError> {
    // The faults read themselves, and know which of their keys do not go together.
    let mut root = source.root().clone();
    let faults = faults(&mut root, source)?;
    let mut scenario = Scenario::deserialize(Deserializer::from(root))
        .map_err(|error| shape_error(source, &error, &Path::default()))?;
    scenario.faults.extend(faults);
    validate(&mut scenario, source, systems)?;
    Ok(scenario)
}

/// An error of serde with its place.
pub(super) fn shape_error(source: &Source<'_>, error: &toml::de::Error, fallback: &Path) -> ScenarioError {
    let problem = shape::problem(source, error, fallback);
    let place = match error.span() {
        Some(span) if !span.is_empty() && !problem.path.is_root() => {
            problem.place_at(source, source.trimmed(span))
        }
        _ => problem.place(source),
    };
    ScenarioError::Shape(place)
}

/// Takes the faults out. What is no list of tables is left to the reading of the whole.
fn faults(root: &mut Spanned<DeTable<'_>>, source: &Source<'_>) -> Result<Vec<Fault>, ScenarioError> {
    let is_table = |value: &Spanned<DeValue<'_>>| value.get_ref().is_table();
    let root = root.get_mut();
    match root.get("fault").and_then(|faults| faults.get_ref().as_array()) {
        Some(faults) if faults.iter().all(is_table) => {}
        _ => return Ok(Vec::new()),
    }
    let Some(DeValue::Array(faults)) = root.remove("fault").map(Spanned::into_inner) else {
        return Ok(Vec::new());
    };
    let mut read = Vec::with_capacity(faults.len());
    for (index, fault) in faults.into_iter().enumerate() {
        let (span, path) = (fault.span(), Path::of("fault").then(index));
        if let DeValue::Table(table) = fault.into_inner() {
            let fault = Fault::read(Spanned::new(span, table));
            read.push(fault.map_err(|why| fault_error(source, why, path))?);
        }
    }
    Ok(read)
}

fn fault_error(source: &Source<'_>, why: ReadError, path: Path) -> ScenarioError {
    let FaultError { key, says, label, help } = match why {
        ReadError::Shape(error) => return shape_error(source, &error, &path),
        ReadError::Keys(error) => error,
    };
    let nested = key.as_ref().is_some_and(|key| key.contains('.'));
    let path = key.iter().flat_map(|key| key.split('.')).fold(path, |path, step| path.then(step));
    let problem = Problem::new(path, says).help(help).label(label);
    ScenarioError::Shape(if nested { problem } else { problem.at_key() }.place(source))
}

/// The text with the overrides applied.
fn overridden(text: &str, overrides: &[(String, String)]) -> Result<String, ScenarioError> {
    let wrong = |(key, value): &(String, String), why: String| ScenarioError::Override {
        key: key.clone(),
        value: value.clone(),
        why,
    };
    let mut document: DocumentMut = match text.parse() {
        Ok(document) => document,
        Err(error) => return Err(wrong(&overrides[0], error.to_string())),
    };
    for set in overrides {
        let (key, value) = set;
        let steps = Key::parse(key).map_err(|_| wrong(set, format!("`{key}` is not a dotted path")))?;
        let Some((last, above)) = steps.split_last() else { continue };
        // What does not parse as a value is a string without its quotes: 5s, 100/s, valid.
        let value: Value = value.parse().unwrap_or_else(|_| Value::from(value.as_str()));
        let mut item = document.as_item_mut();
        for step in above {
            item = enter(item, step.get()).map_err(|why| wrong(set, why))?;
        }
        put(item, last.get(), value).map_err(|why| wrong(set, why))?;
    }
    Ok(document.to_string())
}

/// The item one step down; a table that is not there is made.
fn enter<'i>(item: &'i mut Item, step: &str) -> Result<&'i mut Item, String> {
    if let Some(length) = length(item) {
        let index = position(step, length)?;
        return item.get_mut(index).ok_or_else(|| format!("there is no {index}"));
    }
    if !item.is_table_like() {
        return Err(format!("`{step}` is looked for in something that is not a table"));
    }
    if item.get(step).is_none() {
        item[step] = if item.is_table() {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        } else {
            Item::Value(Value::InlineTable(toml_edit::InlineTable::new()))
        };
    }
    Ok(&mut item[step])
}

fn put(item: &mut Item, step: &str, value: Value) -> Result<(), String> {
    if let Some(length) = length(item) {
        let index = position(step, length)?;
        let Some(array) = item.as_array_mut() else {
            return Err(format!("{step} is a whole table: set one of its keys"));
        };
        array.replace(index, value);
        return Ok(());
    }
    let Some(table) = item.as_table_like_mut() else {
        return Err(format!("`{step}` is put into something that is not a table"));
    };
    match table.get_mut(step) {
        // In place, so that what stands around it stays as it was.
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        Some(other) => *other = Item::Value(value),
        None => drop(table.insert(step, Item::Value(value))),
    }
    Ok(())
}

fn length(item: &Item) -> Option<usize> {
    match item {
        Item::ArrayOfTables(tables) => Some(tables.len()),
        Item::Value(Value::Array(array)) => Some(array.len()),
        _ => None,
    }
}

fn position(step: &str, length: usize) -> Result<usize, String> {
    match step.parse() {
        Ok(index) if index < length => Ok(index),
        _ => Err(format!("`{step}` is none of the {length} there are, counted from 0")),
    }
}
