//! What became of the files that were brought, as text, JSON, Markdown and HTML.

use super::{Brought, Fate, Format, Item};
use crate::text;
use serde_json::{Value, json};

/// Between two columns.
const GAP: &str = "  ";

/// A file that was brought, and where it mattered.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub brought: Brought,
    /// Whose it is, in words.
    pub means: String,
    /// The cells that it is for, in words, and how many.
    pub cells: String,
    /// How many these are.
    pub count: usize,
    /// In how many of them each of its items changed something, and under which name.
    pub uses: Vec<Use>,
}

/// What an item changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// The key that it sets, as `--set` has it.
    pub key: Option<String>,
    /// In so many cells.
    pub cells: usize,
}

/// What is told of an item.
struct Told<'a> {
    place: String,
    key: &'a str,
    value: &'a str,
    becomes: String,
}

impl Source {
    /// Of a file, before it has mattered.
    pub fn new(brought: &Brought, format: &Format) -> Self {
        let uses = vec![Use::default(); brought.items.len()];
        let means = format.means.to_owned();
        Source { brought: brought.clone(), means, cells: String::new(), count: 0, uses }
    }

    /// In one line: which file it is, and for which cells.
    pub fn title(&self) -> String {
        let (Brought { path, .. }, means) = (&self.brought, &self.means);
        let count = if self.count == 1 { "1 cell".to_owned() } else { format!("{} cells", self.count) };
        format!("{path}: {means}; for {count}: {}", self.cells)
    }

    fn with_uses(&self) -> impl Iterator<Item = (&Item, &Use)> {
        self.brought.items.iter().zip(&self.uses)
    }

    /// What was taken, and what is as it is here anyway.
    fn taken(&self) -> Vec<Told<'_>> {
        self.with_uses().filter_map(|(item, of)| self.told(item, of).ok()).collect()
    }

    /// What was not.
    fn left(&self) -> Vec<Told<'_>> {
        self.with_uses().filter_map(|(item, of)| self.told(item, of).err()).collect()
    }

    /// What is told of an item: of one that counts, or of one that does not.
    fn told<'a>(&self, item: &'a Item, of: &Use) -> Result<Told<'a>, Told<'a>> {
        let becomes = match (&item.fate, &of.key) {
            (Fate::Sets(_, to) | Fate::Marks(_, to), Some(key)) => {
                let some =
                    if of.cells == self.count { String::new() } else { format!(", in {} of them", of.cells) };
                Ok(format!("{key} = {to}{some}"))
            }
            (Fate::Alike, _) => Ok("so it is here".to_owned()),
            (Fate::Marks(..), None) => {
                Err("it is one machine's: give --from for each machine, in their order".to_owned())
            }
            (Fate::Sets(..), None) => Err("none of these cells leaves it open".to_owned()),
            (Fate::Left(why), _) => Err(why.clone()),
        };
        let place = item.line.map_or_else(|| "unsaid".to_owned(), |line| line.to_string());
        let told =
            |becomes| Told { place, key: &item.key, value: item.value.as_deref().unwrap_or(""), becomes };
        match becomes {
            Ok(becomes) => Ok(told(becomes)),
            Err(why) => Err(told(why)),
        }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut lines = vec![text::plain(&self.title())];
        for (title, told) in [("taken", self.taken()), ("not modelled", self.left())] {
            if told.is_empty() {
                continue;
            }
            lines.push(format!("{GAP}{title}"));
            let rows: Vec<[&str; 4]> = told.iter().map(Told::columns).collect();
            let wide = |column: usize| rows.iter().map(|row| text::columns(row[column])).max().unwrap_or(0);
            let widths = [0, 1, 2].map(wide);
            for row in &rows {
                let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
                let cells: Vec<String> = cells.map(|(cell, width)| text::padded(cell, width)).collect();
                lines.push(format!("{GAP}{GAP}{}{GAP}{}", cells.join(GAP), row[3]));
            }
        }
        lines.extend(self.brought.warnings.iter().map(|warning| format!("{GAP}beware: {warning}")));
        lines.join("\n") + "\n"
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('`', "'").replace('<', "&lt;");
        let mut lines = vec![format!("{}\n", cell(&self.title()))];
        lines.push("| line | key | value | here |\n| --- | --- | --- | --- |".to_owned());
        let not = |told: &Told<'_>| format!("not modelled: {}", told.becomes);
        let (taken, left) = (self.taken(), self.left());
        let all = taken
            .iter()
            .map(|told| (told, told.becomes.clone()))
            .chain(left.iter().map(|told| (told, not(told))));
        lines.extend(all.map(|(told, becomes)| {
            let [place, key, value] = [&*told.place, told.key, told.value].map(cell);
            format!("| {place} | {key} | {value} | {} |", cell(&becomes))
        }));
        lines.extend(self.brought.warnings.iter().map(|warning| format!("\nBeware: {}", cell(warning))));
        lines.join("\n") + "\n"
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let of_item = |(item, of): (&Item, &Use)| {
            let mut line = json!({ "line": item.line, "key": item.key, "value": item.value });
            match (&item.fate, self.told(item, of)) {
                (Fate::Sets(_, to) | Fate::Marks(_, to), Ok(_)) => {
                    line["set"] = json!(of.key);
                    line["to"] = json!(to);
                    line["cells"] = json!(of.cells);
                }
                (_, Ok(_)) => line["alike"] = json!(true),
                (_, Err(why)) => line["not_modelled"] = json!(why.becomes),
            }
            line
        };
        json!({
            "from": self.brought.path,
            "format": self.brought.format,
            "cells": self.count,
            "says": self.with_uses().map(of_item).collect::<Vec<_>>(),
            "warnings": self.brought.warnings,
        })
    }

    /// The rows of a table, each its four columns: of what was taken, then of what was not.
    pub fn rows(&self) -> Vec<[String; 4]> {
        let not = |Told { place, key, value, becomes }| {
            [place, key.to_owned(), value.to_owned(), format!("not modelled: {becomes}")]
        };
        let taken =
            self.taken().into_iter().map(|told| told.columns().map(str::to_owned)).collect::<Vec<_>>();
        taken.into_iter().chain(self.left().into_iter().map(not)).collect()
    }
}

impl Told<'_> {
    fn columns(&self) -> [&str; 4] {
        [&self.place, self.key, self.value, &self.becomes]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::tests::FORMAT;
    use super::*;

    /// A file of three lines, for three cells.
    pub(crate) fn source() -> Source {
        let items = (FORMAT.read)("colour=<red>\nweight=7\nsize=1\ncolour=blue").unwrap();
        let (path, format) = ("balls.conf".to_owned(), FORMAT.name.to_owned());
        let warnings = vec!["balls.conf:1: red is rare".to_owned()];
        let brought = Brought { path, format, place: 0, of: 1, items, warnings };
        let mut source =
            Source { count: 3, cells: "any × big".to_owned(), ..Source::new(&brought, &FORMAT) };
        let key = Some("cluster.options.colour".to_owned());
        source.uses[0] = Use { key: key.clone(), cells: 3 };
        source.uses[3] = Use { key, cells: 2 };
        source
    }

    #[test]
    fn people_see_of_each_line_what_it_did() {
        let text = source().text();
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "balls.conf: how balls are; for 3 cells: any × big",
                "taken",
                "1 colour <red> cluster.options.colour = \"<red>\"",
                "4 colour blue cluster.options.colour = \"blue\", in 2 of them",
                "not modelled",
                "2 weight 7 it is one machine's: give --from for each machine, in their order",
                "3 size balls have none",
                "beware: balls.conf:1: red is rare",
            ]
        );
    }

    #[test]
    fn programs_and_documents_see_the_same() {
        let json = source().json();
        assert_eq!(json["says"][0]["set"], "cluster.options.colour");
        assert_eq!(json["says"][2]["not_modelled"], "balls have none");
        assert_eq!(json["says"].as_array().unwrap().len(), 4);
        let markdown = source().markdown();
        assert!(markdown.contains("| 3 | size |  | not modelled: balls have none |"), "{markdown}");
        assert!(!markdown.contains("<red>"), "{markdown}");
        assert_eq!(source().rows().len(), 4);
    }
}
