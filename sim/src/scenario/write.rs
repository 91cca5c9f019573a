//! A [`Scenario`] as a file again: sections as tables, faults as `[[fault]]`, all below them on one line each.

use super::model::Scenario;
use toml_edit::ser::to_document;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Value};

/// A line longer than this becomes a table of its own.
const WIDTH_MAX: usize = 120;

impl Scenario {
    /// The scenario as a file, every default spelt out. It reads back equal.
    pub fn to_toml(&self) -> String {
        written(self, |_| {})
    }

    /// The same without what is so by default, but for the number of nodes. It reads back equal, too.
    pub fn to_short_toml(&self) -> String {
        written(self, |document| {
            // A file could not say so few: what it must say differs.
            let least = "title = \"\"\nsystem = \"\"\ncluster = { nodes = 0 }\nworkload = { clients = 0, for = \"0s\" }";
            let default = toml::from_str(least).ok().and_then(|least: Scenario| to_document(&least).ok());
            if let Some(default) = default {
                leave_out(document, &default);
            }
        })
    }
}

fn written(scenario: &Scenario, edit: impl FnOnce(&mut DocumentMut)) -> String {
    let mut document = match to_document(scenario) {
        Ok(document) => document,
        // Only types that TOML lacks fail, and a scenario has none: this states a bug, and does not hide it.
        Err(why) => return format!("# splitbrain could not write this scenario: {why}\n"),
    };
    edit(&mut document);
    for (_, section) in document.iter_mut() {
        open(section);
    }
    order(&mut document);
    document.to_string()
}

/// Leaves out what is the same in both, in each section.
fn leave_out(document: &mut DocumentMut, default: &DocumentMut) {
    let sections: Vec<String> = document.iter().map(|(key, _)| key.to_owned()).collect();
    for section in sections {
        let Some(same) = default.get(&section).and_then(Item::as_table_like) else { continue };
        let Some(table) = document.get_mut(&section).and_then(Item::as_table_like_mut) else { continue };
        for (key, value) in same.iter() {
            if table.get(key).is_some_and(|other| other.to_string() == value.to_string()) {
                table.remove(key);
            }
        }
        if table.is_empty() {
            document.remove(&section);
        }
    }
}

/// Turns an inline table into a section, and an array of them into an array of sections.
fn open(item: &mut Item) {
    *item = match std::mem::take(item) {
        Item::Value(Value::InlineTable(table)) => {
            let mut table = table.into_table();
            for (key, item) in table.iter_mut() {
                if item.is_inline_table() && key.get().len() + item.to_string().len() > WIDTH_MAX {
                    open(item);
                }
            }
            table.fmt();
            Item::Table(table)
        }
        Item::Value(Value::Array(array)) if array.iter().all(Value::is_inline_table) && !array.is_empty() => {
            let mut tables = ArrayOfTables::new();
            for mut item in array.into_iter().map(Item::Value) {
                open(&mut item);
                if let Item::Table(table) = item {
                    tables.push(table);
                }
            }
            Item::ArrayOfTables(tables)
        }
        other => other,
    };
}

/// A blank line before each section.
fn order(document: &mut DocumentMut) {
    let blank = |table: &mut toml_edit::Table| table.decor_mut().set_prefix("\n");
    for (_, item) in document.iter_mut() {
        match item {
            Item::Table(table) => blank(table),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(blank),
            _ => {}
        }
    }
}
