//! Ranges: of each thing how long something took, in half of all runs, in nearly all, and at most.

use super::{Drawn, INK};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const ROW: i32 = 24;
const BAR: i32 = 12;
const MARGIN: i32 = 12;
/// How wide the bars' room is.
const WIDTH: i32 = 640;
/// A letter's width: a guess, on the safe side.
const LETTER: i32 = 8;
const FONT: (&str, i32) = ("sans-serif", 13);
/// Between two marks on the axis there is at least so much room.
const TICK: i32 = 64;

const HALF: RGBColor = RGBColor(33, 113, 181);
const NEARLY_ALL: RGBColor = RGBColor(158, 202, 225);
const MOST: RGBColor = RGBColor(140, 149, 159);
const GRID: RGBColor = RGBColor(208, 215, 222);

/// Some ranges above each other, over one axis that begins at 0.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// From above.
    pub rows: Vec<Range>,
    /// The axis goes so far at least: with the same, pictures can be compared.
    pub until: f64,
    /// What the axis counts, behind each of its numbers.
    pub unit: String,
}

/// How long something took.
#[derive(Debug, Clone)]
pub struct Range {
    /// What took so long.
    pub label: String,
    /// In half of all runs, in nearly all, and at most; none where there was no run.
    pub parts: Option<[f64; 3]>,
    /// How that is told.
    pub text: String,
}

impl Ranges {
    /// The picture, as an SVG document.
    pub fn svg(&self) -> String {
        super::document(|svg| self.draw(svg))
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text.chars().count() as i32 * LETTER).max().unwrap_or(0)
        };
        let left = MARGIN + widest(&mut self.rows.iter().map(|row| &row.label)) + LETTER;
        let right = widest(&mut self.rows.iter().map(|row| &row.text)) + LETTER;
        let below = MARGIN + self.rows.len() as i32 * ROW;
        let size = (left + WIDTH + right + MARGIN, below + ROW + MARGIN);
        let area = SVGBackend::with_string(svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        let most = self.rows.iter().filter_map(|row| row.parts).map(|[.., most]| most);
        let until = most.fold(self.until, f64::max).max(f64::MIN_POSITIVE);
        let x = |value: f64| left + (value / until * f64::from(WIDTH)).round() as i32;
        let write = |text: String, at: (i32, i32), (h, v)| {
            let style = TextStyle::from(FontDesc::from(FONT)).color(&INK).pos(Pos::new(h, v));
            area.draw(&Text::new(text, at, style))
        };
        let step = step(until);
        for tick in (0..).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= until) {
            let line = [(x(tick), MARGIN), (x(tick), below)];
            area.draw(&PathElement::new(line, GRID.stroke_width(1)))?;
            write(format!("{tick}{}", self.unit), (x(tick), below + ROW / 2), (HPos::Center, VPos::Center))?;
        }
        for (place, row) in (0..).zip(&self.rows) {
            let y = MARGIN + place * ROW + ROW / 2;
            write(row.label.clone(), (left - LETTER, y), (HPos::Right, VPos::Center))?;
            write(row.text.clone(), (left + WIDTH + LETTER, y), (HPos::Left, VPos::Center))?;
            let Some([half, nearly_all, most]) = row.parts else { continue };
            let bar = |from: f64, to: f64, colour: RGBColor| {
                area.draw(&Rectangle::new([(x(from), y - BAR / 2), (x(to), y + BAR / 2)], colour.filled()))
            };
            bar(half, nearly_all, NEARLY_ALL)?;
            bar(0.0, half, HALF)?;
            let whisker = MOST.stroke_width(2);
            area.draw(&PathElement::new([(x(nearly_all), y), (x(most), y)], whisker))?;
            area.draw(&PathElement::new([(x(most), y - BAR / 2), (x(most), y + BAR / 2)], whisker))?;
        }
        area.present()
    }
}

/// From one mark to the next: 1, 2 or 5 of a power of ten, with room between them.
fn step(until: f64) -> f64 {
    let least = until * f64::from(TICK) / f64::from(WIDTH);
    let power = libm::pow(10.0, libm::floor(libm::log10(least)));
    let steps = [1.0, 2.0, 5.0, 10.0].map(|of| of * power);
    steps.into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> Ranges {
        let row = |label: &str, parts| Range { label: label.to_owned(), parts, text: format!("{parts:?}") };
        Ranges {
            rows: vec![row("a & b", Some([10.0, 20.0, 40.0])), row("none", None)],
            until: 80.0,
            unit: " s".to_owned(),
        }
    }

    #[test]
    fn a_bar_is_as_long_as_it_took_over_an_axis_that_others_share() {
        let svg = ranges().svg();
        let half = format!(r#"width="{}""#, WIDTH / 8);
        assert!(svg.contains(&half), "{half} in\n{svg}");
        assert!(svg.contains("80 s") && svg.contains("a &amp; b"), "{svg}");
        assert_eq!(svg, ranges().svg());
    }

    #[test]
    fn a_row_without_a_run_has_no_bar() {
        let bars = |rows: &[Range]| {
            let svg = Ranges { rows: rows.to_vec(), ..ranges() }.svg();
            svg.matches("#2171B5").count()
        };
        let rows = ranges().rows;
        assert_eq!((bars(&rows[..1]), bars(&rows[1..])), (1, 0));
    }

    #[test]
    fn marks_are_round_numbers_with_room_between_them() {
        assert_eq!([1.0, 8.0, 80.0, 99.0, 140.0].map(step), [0.1, 1.0, 10.0, 10.0, 20.0]);
    }
}
