//! A heat map: a figure over two axes. A cell has a colour, by where it lies between the least and the most, and says
//! its figure.

use super::{Drawn, INK};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A cell's height, and the least of its width, in pixels.
const CELL: (i32, i32) = (64, 30);
const TITLE: i32 = 44;
const MARGIN: i32 = 16;
/// A letter's width: a guess, on the safe side.
const LETTER: i32 = 8;
const FONT: (&str, i32) = ("sans-serif", 13);
const HEAD: (&str, i32) = ("sans-serif", 15);

const LEAST: [u8; 3] = [247, 251, 255];
const MIDDLE: [u8; 3] = [107, 174, 214];
const MOST: [u8; 3] = [8, 48, 107];
const NOTHING: RGBColor = RGBColor(224, 224, 224);

/// A figure over two axes.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// What the figure is, and of what.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From below.
    pub y: Axis,
    /// By rows from below; none where there is no figure.
    pub cells: Vec<Vec<Option<Cell>>>,
    /// What is lightest, and what is darkest; the least and the most of all figures, unless it is said.
    pub scale: Option<(f64, f64)>,
}

/// What is on an axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it is.
    pub label: String,
    /// Its values.
    pub ticks: Vec<String>,
}

/// A figure.
#[derive(Debug, Clone)]
pub struct Cell {
    /// How much it is: its colour.
    pub value: f64,
    /// How it is told.
    pub text: String,
}

impl HeatMap {
    /// The picture, as an SVG document.
    pub fn svg(&self) -> String {
        super::document(|svg| self.draw(svg))
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let [x_ticks, y_ticks] = [&self.x, &self.y].map(|axis| axis.ticks.len() as i32);
        let width_of = |text: &String| text.chars().count() as i32 * LETTER;
        let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(width_of).max().unwrap_or(0);
        let told = &mut self.cells.iter().flatten().flatten().map(|cell| &cell.text);
        let cell = (CELL.0.max(widest(told)).max(widest(&mut self.x.ticks.iter()) + LETTER), CELL.1);
        // The label of the y axis stands above it, as wide as it likes.
        let left = MARGIN + widest(&mut self.y.ticks.iter()) + LETTER;
        let top = TITLE + if self.y.label.is_empty() { 0 } else { CELL.1 };
        let grid = (x_ticks * cell.0, y_ticks * cell.1);
        let wanted = (left + grid.0).max(MARGIN + width_of(&self.title)).max(left + width_of(&self.x.label));
        let size = (wanted + MARGIN, top + grid.1 + 2 * CELL.1 + MARGIN);
        let area = SVGBackend::with_string(svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        let write = |text: &str, at: (i32, i32), font, colour: &RGBColor, (h, v)| {
            let style = TextStyle::from(FontDesc::from(font)).color(colour).pos(Pos::new(h, v));
            area.draw(&Text::new(text.to_owned(), at, style))
        };
        write(&self.title, (MARGIN, MARGIN), HEAD, &INK, (HPos::Left, VPos::Top))?;
        write(&self.y.label, (MARGIN, top - LETTER), FONT, &INK, (HPos::Left, VPos::Bottom))?;
        let values = || self.cells.iter().flatten().flatten().map(|cell| cell.value);
        let all = || (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let (least, most) = self.scale.unwrap_or_else(all);
        let middle = (HPos::Center, VPos::Center);
        for (row, cells) in (0..).zip(&self.cells) {
            let y = top + (y_ticks - 1 - row) * cell.1;
            for (column, of_cell) in (0..).zip(cells) {
                let x = left + column * cell.0;
                let share = of_cell.as_ref().map(|cell| share(cell.value, least, most));
                let colour = share.map_or(NOTHING, colour);
                let corners = [(x, y), (x + cell.0 - 1, y + cell.1 - 1)];
                area.draw(&Rectangle::new(corners, colour.filled()))?;
                let ink = if share.is_some_and(|share| share > 0.55) { &WHITE } else { &BLACK };
                let text = of_cell.as_ref().map_or("–", |cell| &cell.text);
                write(text, (x + cell.0 / 2, y + cell.1 / 2), FONT, ink, middle)?;
            }
            let tick = self.y.ticks.get(row as usize).map_or("", String::as_str);
            write(tick, (left - LETTER, y + cell.1 / 2), FONT, &INK, (HPos::Right, VPos::Center))?;
        }
        let below = top + grid.1;
        for (column, tick) in (0..).zip(&self.x.ticks) {
            let at = (left + column * cell.0 + cell.0 / 2, below + cell.1 / 2);
            write(tick, at, FONT, &INK, middle)?;
        }
        write(&self.x.label, (left, below + cell.1 + CELL.1 / 2), FONT, &INK, (HPos::Left, VPos::Center))?;
        area.present()
    }
}

/// Where a value lies between the least, 0, and the most, 1.
fn share(value: f64, least: f64, most: f64) -> f64 {
    if most > least { ((value - least) / (most - least)).clamp(0.0, 1.0) } else { 0.0 }
}

fn colour(share: f64) -> RGBColor {
    let (from, to, share) =
        if share < 0.5 { (LEAST, MIDDLE, 2.0 * share) } else { (MIDDLE, MOST, 2.0 * share - 1.0) };
    let mix = |channel: usize| {
        let [from, to] = [from, to].map(|colour| f64::from(colour[channel]));
        (from + share * (to - from)).round() as u8
    };
    RGBColor(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> HeatMap {
        let cell = |value: f64| Some(Cell { value, text: format!("{value:.1}") });
        let axis = |label: &str, ticks: &[&str]| Axis {
            label: label.to_owned(),
            ticks: ticks.iter().map(|tick| (*tick).to_owned()).collect(),
        };
        HeatMap {
            title: "violations & <others>".to_owned(),
            x: axis("poll", &["30s", "60s"]),
            y: axis("timeout", &["1m", "2m"]),
            cells: vec![vec![cell(0.0), cell(0.5)], vec![cell(1.0), None]],
            scale: None,
        }
    }

    #[test]
    fn the_least_is_light_the_most_is_dark_and_what_is_not_known_is_grey() {
        let svg = map().svg();
        for colour in ["#F7FBFF", "#6BAED6", "#08306B", "#E0E0E0"] {
            assert!(svg.contains(colour), "{colour} in\n{svg}");
        }
        for text in ["30s", "2m", "poll", "timeout", "0.5", "–"] {
            assert!(svg.contains(text), "{text} in\n{svg}");
        }
    }

    #[test]
    fn what_is_markup_elsewhere_is_text_here_and_the_picture_is_the_same_each_time() {
        let svg = map().svg();
        assert!(svg.contains("violations &amp; &lt;others&gt;"), "{svg}");
        assert_eq!(svg, map().svg());
    }

    #[test]
    fn figures_that_are_all_alike_are_all_light() {
        assert_eq!(colour(share(7.0, 7.0, 7.0)), RGBColor(LEAST[0], LEAST[1], LEAST[2]));
        assert_eq!(share(7.0, 6.0, 8.0), 0.5);
    }

    #[test]
    fn a_scale_that_is_said_holds_for_all_pictures() {
        let svg = HeatMap { scale: Some((0.0, 2.0)), ..map() }.svg();
        assert!(svg.contains("#6BAED6") && !svg.contains("#08306B"), "1 is half of 2\n{svg}");
    }
}
