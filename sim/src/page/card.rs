//! The page of a card that was run: an overview as heat maps, then a section for each pick of its first axis, with a
//! picture and a table. There is no script: the theme is the browser's, and what is long is behind `<details>`.

use super::{filled, hash};
use crate::card::{Kind, Line, Measure, Section, Standing, Table};
use crate::chart::{Axis, Cell, HeatMap, Range, Ranges};
use crate::configuration::Source;
use std::fmt::Write;

const TEMPLATE: &str = include_str!("card.html");
const STYLE: &str = concat!(include_str!("theme.css"), include_str!("card.css"));

/// The page of a card.
pub(crate) fn of_card(table: &Table<'_>) -> String {
    let title = escaped(table.card.title);
    let summary = format!("{} runs a cell; the same seeds in each.", table.runs());
    let (style_hash, overview, sections) = (hash(STYLE), overview(table), sections(table));
    let (contents, legend, impossible) = (contents(table), legend(table), impossible(table));
    let sources_of = sources_of(table);
    filled(TEMPLATE, |name| match name {
        "style-hash" => &style_hash,
        "style" => STYLE,
        "title" => &title,
        "summary" => &summary,
        "contents" => &contents,
        "overview" => &overview,
        "sections" => &sections,
        "legend" => &legend,
        "impossible" => &impossible,
        "sources" => &sources_of,
        name => unreachable!("the template asks for {name}"),
    })
}

fn contents(table: &Table<'_>) -> String {
    let link = |name: &str| format!(r##"<a href="#{0}">{0}</a> "##, escaped(name));
    let sections = table.sections();
    let sources = table.sources.iter().map(|source| link(&source.brought.path));
    sections.iter().map(|section| link(section.pick)).chain(sources).collect()
}

/// For each measure that is a share of runs: which cells it happened in.
fn overview(table: &Table<'_>) -> String {
    let mut html = String::from("<section id=\"overview\">\n<h2>In how many runs</h2>\n");
    for (place, measure) in table.card.measures.iter().enumerate().filter(|(_, of)| of.kind != Kind::Times) {
        let svg = inline(heat_map(table, place, measure).svg());
        let not = if measure.kind == Kind::Holds { "where this does not hold: " } else { "" };
        let means = escaped(measure.means);
        // Writing to a String does not fail.
        let _ = writeln!(html, "<figure>{svg}<figcaption>{not}{means}</figcaption></figure>");
    }
    html + "</section>"
}

/// The first axis across, the combinations of the others down.
fn heat_map(table: &Table<'_>, place: usize, measure: &Measure) -> HeatMap {
    let (mut across, mut down) = (Vec::new(), Vec::new());
    for row in table.rows.iter().filter(|row| row.of.is_ok()) {
        let (column, line) = (row.picks[0].to_owned(), row.picks[1..].join(" "));
        if !across.contains(&column) {
            across.push(column);
        }
        if !down.contains(&line) {
            down.push(line);
        }
    }
    // A picture begins below.
    down.reverse();
    let is_good = measure.kind == Kind::Holds;
    let cell = |line: &String, column: &String| {
        let row =
            table.rows.iter().find(|row| row.picks[0] == column && row.picks[1..].join(" ") == *line)?;
        let Standing { score, .. } = row.of.as_ref().ok()?;
        let (all, some) = (score.told(place), score.in_runs(place));
        let bad = if is_good { all - some } else { some };
        let value = (all > 0).then(|| bad as f64 / all as f64)?;
        Some(Cell { value, text: crate::card::share(bad, all) })
    };
    let cells = down.iter().map(|line| across.iter().map(|column| cell(line, column)).collect()).collect();
    let title = if is_good { format!("not {}", measure.label) } else { measure.label.to_owned() };
    let axis = |ticks| Axis { label: String::new(), ticks };
    HeatMap { title, x: axis(across), y: axis(down), cells, scale: Some((0.0, 1.0)) }
}

fn sections(table: &Table<'_>) -> String {
    let mut html = String::new();
    let header: String =
        table.header().iter().map(|name| format!("<th scope=\"col\">{}</th>", escaped(name))).collect();
    for Section { pick, lines } in table.sections() {
        let means = table.card.axes[0].means(pick);
        // Writing to a String does not fail.
        let _ = writeln!(
            html,
            "<section id=\"{0}\">\n<h2>{0}: {1}</h2>\n{2}",
            escaped(pick),
            escaped(means),
            pictures(table, &lines)
        );
        let _ = writeln!(html, "<div class=\"scroll\"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>");
        for Line { cells, standing } in &lines {
            let Some((seed, cells)) = cells.split_last() else { continue };
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            let seed = match &standing.replay {
                Some(command) => {
                    format!("<details><summary>{seed}</summary><code>{}</code></details>", escaped(command))
                }
                None => seed.clone(),
            };
            let _ = writeln!(html, "<tr>{cells}<td>{seed}</td></tr>");
        }
        html += "</tbody></table></div>\n</section>\n";
    }
    html
}

/// For each measure that is a time: how long it took.
fn pictures(table: &Table<'_>, lines: &[Line<'_>]) -> String {
    let times = table.card.measures.iter().enumerate().filter(|(_, measure)| measure.kind == Kind::Times);
    let picture = |(place, measure): (usize, &Measure)| {
        let seconds = |ms: Option<u64>| ms.unwrap_or_default() as f64 / 1e3;
        let all = table.rows.iter().filter_map(|row| row.of.as_ref().ok());
        let until = all.map(|standing| seconds(standing.score.most(place))).fold(0.0, f64::max);
        // The columns of the other axes come first.
        let column = table.card.axes.len() - 1;
        let row = |Line { cells, standing }: &Line<'_>| {
            let score = &standing.score;
            let parts = [score.percentile(place, 50), score.percentile(place, 99), score.most(place)];
            Range {
                label: cells[..column].join(" "),
                parts: (score.told(place) > 0).then(|| parts.map(seconds)),
                text: cells[column + place].clone(),
            }
        };
        let rows = lines.iter().map(row).collect();
        let svg = inline(Ranges { rows, until, unit: " s".to_owned() }.svg());
        format!("<figure>{svg}<figcaption>{}</figcaption></figure>", escaped(measure.label))
    };
    times.map(picture).collect()
}

fn legend(table: &Table<'_>) -> String {
    let row = |(label, means)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(label), escaped(means));
    table.legend().map(row).collect()
}

fn impossible(table: &Table<'_>) -> String {
    let all = table.impossible();
    if all.is_empty() {
        return String::new();
    }
    let row =
        |(cells, why): (String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(&cells), escaped(&why));
    let rows: String = all.into_iter().map(row).collect();
    format!("<section id=\"impossible\">\n<h2>What there is not</h2>\n<dl>{rows}</dl>\n</section>")
}

/// The configuration files that were brought, each with what became of its lines.
fn sources_of(table: &Table<'_>) -> String {
    let row = |cells: [String; 4]| {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let section = |source: &Source| {
        let warnings = source.brought.warnings.iter();
        let warnings: String = warnings.map(|text| format!("<p>Beware: {}</p>\n", escaped(text))).collect();
        let rows: String = source.rows().into_iter().map(row).collect();
        let header = "<th scope=\"col\">line</th><th scope=\"col\">key</th><th scope=\"col\">value</th><th scope=\"col\">here</th>";
        format!(
            "<section class=\"source\" id=\"{}\">\n<h2>{}</h2>\n{warnings}<div class=\"scroll\"><table>\n<thead><tr>{header}</tr></thead>\n\
             <tbody>\n{rows}</tbody></table></div>\n</section>\n",
            escaped(&source.brought.path),
            escaped(&source.title())
        )
    };
    table.sources.iter().map(section).collect()
}

/// A picture as a part of a page: without what makes it a document of its own.
fn inline(mut svg: String) -> String {
    svg.drain(..svg.find("<svg").unwrap_or(0));
    svg
}

/// A text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::table::tests::table;

    #[test]
    fn a_page_has_its_tables_pictures_commands_and_reasons_and_no_script() {
        let html = of_card(&table());
        for part in [
            "<h2>red: a red &lt;ball&gt;</h2>",
            "<summary>2</summary><code>splitbrain replay balls --seed 2</code>",
            "not up",
            "2.9 / 31.3 / 31.3 s",
            "they were sold",
        ] {
            assert!(html.contains(part), "{part} in\n{html}");
        }
        assert!(!html.contains("<script") && !html.contains("http://www.w3.org/1999/xhtml"), "{html}");
        assert_eq!(html, of_card(&table()));
    }

    #[test]
    fn only_the_style_that_it_brings_is_let_in() {
        let html = of_card(&table());
        assert!(html.contains(&format!("style-src '{}'", hash(STYLE))));
        assert!(html.contains("default-src 'none'") && !html.contains(" style=\""), "{html}");
    }
}
