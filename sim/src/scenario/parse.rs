//! From a file to a [`Scenario`]: parse, apply `--set`, parse again, read, validate.
//!
//! An override edits the text, so that whatever is wrong with it is found and shown like anything else in the file.

use super::error::{Problem, ScenarioError};
use super::fault::Fault;
use super::fault_table::{FaultError, FaultTable};
use super::model::Scenario;
use super::shape;
use super::source::{Path, Source};
use super::systems::Systems;
use super::validate::validate;
use serde::Deserialize;
use toml::de::{Deserializer, ValueDeserializer};
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
    let shape = |problem: Problem| ScenarioError::Shape(problem.place(source));
    // First the faults alone: serde would keep the text of their errors, but not the key.
    check_faults(source).map_err(shape)?;
    let mut scenario = Scenario::deserialize(Deserializer::from(source.root().clone()))
        .map_err(|error| shape_error(source, &error, &Path::default()))?;
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

/// Whether the keys of each fault go together. What is no fault table at all is left to the reading of the whole.
fn check_faults(source: &Source<'_>) -> Result<(), Problem> {
    let path = Path::of("fault");
    let faults = source.get(&path).and_then(|faults| faults.get_ref().as_array());
    for (index, fault) in faults.into_iter().flatten().enumerate() {
        let Ok(table) = FaultTable::deserialize(ValueDeserializer::from(fault.clone())) else { continue };
        if let Err(FaultError { key, says, help }) = Fault::try_from(table) {
            let fault = path.then(index);
            let path =
                key.into_iter().flat_map(|key| key.split('.')).fold(fault, |path, step| path.then(step));
            let nested = key.is_some_and(|key| key.contains('.'));
            let problem = Problem::new(path, says).help(help).label("here");
            return Err(if nested { problem } else { problem.at_key() });
        }
    }
    Ok(())
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
