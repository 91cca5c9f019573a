//! A card that was run, as text, JSON and Markdown. The page is `page/card.rs`.

use super::{AXES, Card, Kind, Measure, Score};
use crate::configuration::Source;
use crate::text;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Between two columns.
const GAP: &str = "  ";
/// What is told where there is nothing to tell.
const NOTHING: &str = "–";

/// A card that was run.
#[derive(Debug)]
pub struct Table<'a> {
    /// Which.
    pub card: &'a Card,
    /// Its cells, in order.
    pub rows: Vec<Row>,
    /// The configuration files whose numbers they have.
    pub sources: &'a [Source],
}

/// A cell.
#[derive(Debug)]
pub struct Row {
    /// What it is.
    pub picks: [&'static str; AXES],
    /// What its runs came to, or why there is no such cell.
    pub of: Result<Standing, String>,
}

/// What a cell's runs came to.
#[derive(Debug)]
pub struct Standing {
    /// How many there were.
    pub runs: u64,
    /// What they came to.
    pub score: Score,
    /// The command that runs the worst of them again; none without a run.
    pub replay: Option<String>,
}

/// The cells with one pick of the first axis.
#[derive(Debug)]
pub struct Section<'a> {
    /// The pick.
    pub pick: &'static str,
    /// Its cells.
    pub lines: Vec<Line<'a>>,
}

/// A cell, as people read it.
#[derive(Debug)]
pub struct Line<'a> {
    /// What stands in its columns.
    pub cells: Vec<String>,
    /// What that is told of.
    pub standing: &'a Standing,
}

impl Table<'_> {
    /// A line a configuration file, then a line a cell.
    pub fn json(&self) -> Vec<Value> {
        let sources = self.sources.iter().map(Source::json);
        sources.chain(self.rows.iter().map(|row| self.of_row(row))).collect()
    }

    fn of_row(&self, row: &Row) -> Value {
        let picks = self.card.axes.iter().zip(row.picks);
        let mut line: Map<String, Value> =
            picks.map(|(axis, pick)| (axis.name.to_owned(), pick.into())).collect();
        match &row.of {
            Err(why) => drop(line.insert("na".to_owned(), why.as_str().into())),
            Ok(Standing { runs, score, replay }) => {
                line.insert("runs".to_owned(), (*runs).into());
                for (place, measure) in self.card.measures.iter().enumerate() {
                    line.insert(measure.name.to_owned(), of_measure(score, place, measure.kind));
                }
                let plain =
                    |(_, measure): &(usize, &Measure)| matches!(measure.kind, Kind::Longest | Kind::Most);
                let of_plain = self.card.measures.iter().enumerate().filter(plain);
                let in_runs: Map<String, Value> = of_plain
                    .map(|(place, measure)| (measure.name.to_owned(), score.in_runs(place).into()))
                    .collect();
                line.insert("in_runs".to_owned(), in_runs.into());
                line.insert("worst_seed".to_owned(), json!(score.worst_seed()));
                line.insert("replay".to_owned(), json!(replay));
            }
        }
        Value::Object(line)
    }

    /// What stands above the columns.
    pub fn header(&self) -> Vec<&'static str> {
        let axes = self.card.axes[1..].iter().map(|axis| axis.name);
        axes.chain(self.card.measures.iter().map(|measure| measure.label)).chain(["worst seed"]).collect()
    }

    /// The cells that there are, by sections.
    pub fn sections(&self) -> Vec<Section<'_>> {
        let mut sections: Vec<Section<'_>> = Vec::new();
        for row in &self.rows {
            let Ok(standing) = &row.of else { continue };
            if sections.last().is_none_or(|section| section.pick != row.picks[0]) {
                sections.push(Section { pick: row.picks[0], lines: Vec::new() });
            }
            let picks = row.picks[1..].iter().map(|pick| (*pick).to_owned());
            let measures = self.card.measures.iter().enumerate();
            let cells = picks.chain(measures.map(|(place, measure)| told(standing, place, measure.kind)));
            let worst =
                standing.score.worst_seed().map_or_else(|| NOTHING.to_owned(), |seed| seed.to_string());
            if let Some(section) = sections.last_mut() {
                section.lines.push(Line { cells: cells.chain([worst]).collect(), standing });
            }
        }
        sections
    }

    /// Why there are no others, each reason once, with those that lack it.
    pub fn impossible(&self) -> Vec<(String, String)> {
        let mut reasons: BTreeMap<&str, Vec<[&str; AXES]>> = BTreeMap::new();
        for row in &self.rows {
            if let Err(why) = &row.of {
                reasons.entry(why).or_default().push(row.picks);
            }
        }
        let all: Vec<[&str; AXES]> = self.rows.iter().map(|row| row.picks).collect();
        reasons.into_iter().map(|(why, cells)| (product(&cells, &all), why.to_owned())).collect()
    }

    /// What the columns are, in words.
    pub fn legend(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.card.measures.iter().map(|measure| (measure.label, measure.means))
    }

    /// How many runs a cell has; the most, where it was cut short.
    pub fn runs(&self) -> u64 {
        self.rows
            .iter()
            .filter_map(|row| row.of.as_ref().ok())
            .map(|standing| standing.runs)
            .max()
            .unwrap_or(0)
    }

    /// The commands that run the worst seeds again, each with the name of its cell.
    pub fn replays(&self) -> impl Iterator<Item = (String, &str)> {
        self.rows.iter().filter_map(|row| {
            let standing = row.of.as_ref().ok()?;
            Some((row.picks.join(" "), standing.replay.as_deref()?))
        })
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.sources.iter().map(Source::text).collect();
        lines.extend([format!("{}, {} runs a cell", self.card.title, self.runs()), String::new()]);
        let header: Vec<String> = self.header().into_iter().map(str::to_owned).collect();
        let sections = self.sections();
        let rows = || sections.iter().flat_map(|section| section.lines.iter().map(|line| &line.cells));
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let cells = rows().chain([&header]).map(|cells| text::columns(&cells[column]));
                cells.max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String]| {
            let cells: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, width)| text::padded(cell, *width)).collect();
            cells.join(GAP).trim_end().to_owned()
        };
        for section in &sections {
            lines.push(format!("{}: {}", section.pick, self.card.axes[0].means(section.pick)));
            lines.push(format!("{GAP}{}", line(&header).to_uppercase()));
            lines.extend(section.lines.iter().map(|of| format!("{GAP}{}", line(&of.cells))));
            lines.push(String::new());
        }
        let wide = self.legend().map(|(label, _)| text::columns(label)).max().unwrap_or(0);
        lines
            .extend(self.legend().map(|(label, means)| format!("{}{GAP}{means}", text::padded(label, wide))));
        let impossible = self.impossible();
        if !impossible.is_empty() {
            lines.push(String::new());
            lines.extend(impossible.into_iter().map(|(cells, why)| format!("n/a{GAP}{cells}: {why}")));
        }
        lines.push(String::new());
        lines.push("the worst seeds again:".to_owned());
        lines.extend(self.replays().map(|(cell, command)| format!("{GAP}{cell}: {command}")));
        lines.join("\n")
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        let mut lines = vec![format!("{}, {} runs a cell.", self.card.title, self.runs())];
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        let header: Vec<String> = self.header().into_iter().map(str::to_owned).collect();
        for section in self.sections() {
            lines.push(format!("\n**{}**: {}\n", section.pick, self.card.axes[0].means(section.pick)));
            lines.push(line(&header));
            lines.push(line(&vec!["---".to_owned(); header.len()]));
            lines.extend(section.lines.iter().map(|of| line(&of.cells)));
        }
        lines.push(String::new());
        lines.extend(self.legend().map(|(label, means)| format!("- *{label}*: {means}")));
        lines.extend(self.impossible().into_iter().map(|(cells, why)| format!("- n/a: {cells}: {why}")));
        lines.extend(self.sources.iter().map(|source| format!("\n{}", source.markdown().trim_end())));
        lines.push("\nThe worst seeds again:\n\n```sh".to_owned());
        lines.extend(self.replays().map(|(cell, command)| format!("{command}  # {cell}")));
        lines.push("```".to_owned());
        lines.join("\n")
    }
}

/// Cells in words, as a product: of each axis which picks they have, among all.
pub(crate) fn product(cells: &[[&str; AXES]], all: &[[&str; AXES]]) -> String {
    let on_axis = |axis: usize| {
        let mut picks: Vec<&str> = Vec::new();
        for cell in cells {
            if !picks.contains(&cell[axis]) {
                picks.push(cell[axis]);
            }
        }
        let all = all.iter().map(|picks| picks[axis]).collect::<BTreeSet<_>>().len();
        if picks.len() == all && all > 1 { "any".to_owned() } else { picks.join(", ") }
    };
    format!("{} × {} × {}", on_axis(0), on_axis(1), on_axis(2))
}

fn of_measure(score: &Score, place: usize, kind: Kind) -> Value {
    let percentile = |hundredths| score.percentile(place, hundredths);
    match kind {
        Kind::Holds | Kind::Happens => score.in_runs(place).into(),
        Kind::Times => json!({ "p50": percentile(50), "p99": percentile(99), "max": score.most(place) }),
        Kind::Longest | Kind::Most => json!(score.most(place)),
        Kind::Lost => json!({ "runs": score.in_runs(place), "worst": score.most(place) }),
    }
}

/// A measure as people read it.
fn told(of: &Standing, place: usize, kind: Kind) -> String {
    let Standing { score, .. } = of;
    let in_runs = || share(score.in_runs(place), score.told(place));
    let most = || score.most(place).unwrap_or_default();
    match kind {
        _ if score.told(place) == 0 => NOTHING.to_owned(),
        Kind::Holds => in_runs(),
        Kind::Times => {
            let [p50, p99] = [50, 99].map(|hundredths| score.percentile(place, hundredths));
            let times = [p50, p99, score.most(place)].map(|ms| tenths(ms.unwrap_or_default()));
            format!("{} s", times.join(" / "))
        }
        _ if score.in_runs(place) == 0 => NOTHING.to_owned(),
        Kind::Happens => in_runs(),
        Kind::Longest => format!("{}, {} s", in_runs(), tenths(most())),
        Kind::Lost | Kind::Most => format!("{}, {}", in_runs(), most()),
    }
}

/// ms in seconds.
fn tenths(ms: u64) -> String {
    let tenths = (ms + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A share of runs: never 0 % where there is some, nor 100 % where there is not all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let rounded = (part * 100 + whole / 2) / whole.max(1);
    let rounded = match part {
        0 => 0,
        part if part == whole => 100,
        _ => rounded.clamp(1, 99),
    };
    format!("{rounded} %")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Scored;
    use super::super::tests::CARD;
    use super::*;

    pub(crate) fn table() -> Table<'static> {
        let runs = [
            [Some(1), Some(2_940), Some(0), Some(0), Some(0), Some(0)],
            [Some(1), Some(31_260), Some(12), Some(6_349), Some(2), Some(1)],
            [Some(0), Some(80_000), None, Some(0), Some(0), Some(0)],
        ];
        let standing = |seeds: u64| {
            let mut score = Score::default();
            for (seed, values) in (0..seeds).zip(runs) {
                let gravity = vec![u64::from(values[0] == Some(0)), values[2].unwrap_or(0)];
                score.add(seed, Scored { values: values.to_vec(), gravity });
            }
            let replay = score.worst_seed().map(|seed| format!("splitbrain replay balls --seed {seed}"));
            Ok(Standing { runs: seeds, score, replay })
        };
        let row = |picks, of| Row { picks, of };
        Table {
            sources: &[],
            card: &CARD,
            rows: vec![
                row(["red", "big", "old"], Err("they were sold".to_owned())),
                row(["red", "small", "old"], standing(3)),
                row(["blue", "big", "old"], standing(2)),
                row(["blue", "small", "old"], standing(1)),
            ],
        }
    }

    #[test]
    fn a_cell_is_a_line_of_json_and_one_that_is_not_has_its_reason() {
        let lines = table().json();
        assert_eq!(lines[0], json!({ "colour": "red", "size": "big", "age": "old", "na": "they were sold" }));
        assert_eq!(
            lines[1],
            json!({
                "colour": "red", "size": "small", "age": "old", "runs": 3, "up": 2,
                "air_ms": { "p50": 31_260, "p99": 80_000, "max": 80_000 },
                "dust": { "runs": 1, "worst": 12 }, "still_ms": 6_349, "cracks": 2, "bursts": 1,
                "in_runs": { "still_ms": 1, "cracks": 1 }, "worst_seed": 2, "replay": "splitbrain replay balls --seed 2",
            })
        );
    }

    /// A line without the blanks that make columns of it.
    fn squeezed(line: &str) -> String {
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn people_see_a_section_for_each_of_the_first_axis_and_then_what_there_is_not() {
        let text = table().text();
        let lines: Vec<String> = text.lines().map(squeezed).filter(|line| !line.is_empty()).collect();
        let first = [
            "How balls bounce, 3 runs a cell",
            "red: a red <ball>",
            "SIZE AGE UP AIR_MS DUST STILL_MS CRACKS BURSTS WORST SEED",
            "small old 67 % 31.3 / 80.0 / 80.0 s 50 %, 12 33 %, 6.3 s 33 %, 2 33 % 2",
            "blue: a blue ball",
        ];
        assert_eq!(lines[..first.len()], first, "{text}");
        assert!(lines.contains(&"small old 100 % 2.9 / 2.9 / 2.9 s – – – – 0".to_owned()), "{text}");
        assert!(lines.contains(&"n/a red × big × old: they were sold".to_owned()), "{text}");
        assert_eq!(lines.last().unwrap(), "blue small old: splitbrain replay balls --seed 0");
    }

    #[test]
    fn a_document_has_a_table_for_each_of_the_first_axis() {
        let text = table().markdown();
        for line in [
            "**red**: a red <ball>",
            "| size | age | up | air_ms | dust | still_ms | cracks | bursts | worst seed |",
            "| small | old | 67 % | 31.3 / 80.0 / 80.0 s | 50 %, 12 | 33 %, 6.3 s | 33 %, 2 | 33 % | 2 |",
            "- n/a: red × big × old: they were sold",
            "splitbrain replay balls --seed 2  # red small old",
        ] {
            assert!(text.lines().any(|of| of == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_share_is_nothing_or_all_only_if_it_is() {
        assert_eq!(
            [(0, 9), (1, 1000), (999, 1000), (9, 9), (1, 2)].map(|(part, whole)| share(part, whole)),
            ["0 %", "1 %", "99 %", "100 %", "50 %"]
        );
        assert_eq!([0, 49, 50, 31_260].map(tenths), ["0.0", "0.0", "0.1", "31.3"]);
    }
}
