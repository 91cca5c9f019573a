//! A [`Scenario`] as a file again: sections as tables, faults as `[[fault]]`, all below them on one line each.

use super::model::Scenario;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Value};

/// A line longer than this becomes a table of its own.
const WIDTH_MAX: usize = 120;

impl Scenario {
    /// The scenario as a file, every default spelt out. It reads back equal.
    pub fn to_toml(&self) -> String {
        let mut document = match toml_edit::ser::to_document(self) {
            Ok(document) => document,
            // Only types that TOML lacks fail, and a scenario has none: this states a bug, and does not hide it.
            Err(why) => return format!("# splitbrain could not write this scenario: {why}\n"),
        };
        for (_, section) in document.iter_mut() {
            open(section);
        }
        order(&mut document);
        document.to_string()
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
