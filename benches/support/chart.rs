//! Lines over two logarithmic axes, so that what is linear rises by one decade a decade.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A picture of lines.
pub struct Chart<'a> {
    /// What grows to the right, and its unit.
    pub across: &'a str,
    /// What grows upwards, and its unit.
    pub up: &'a str,
    /// One below the other in the legend.
    pub lines: &'a [Line],
}

/// What became of something as another grew.
pub struct Line {
    /// Its name in the legend.
    pub label: String,
    /// Across and up, both above 0, in the order in which it grew.
    pub points: Vec<(f64, f64)>,
}

impl Chart<'_> {
    /// The picture, as an SVG document. Text is placed without measuring it, so that no font of this machine has a say.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        draw(self, &mut svg).expect("writing to a string does not fail");
        svg
    }
}

fn draw(chart: &Chart<'_>, svg: &mut String) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let x = Decades::of(points().map(|(x, _)| *x));
    let y = Decades::of(points().map(|(_, y)| *y));
    let at = |point: &(f64, f64)| {
        let (x, y) = (x.share(point.0), y.share(point.1));
        (LEFT + (x * f64::from(WIDTH)) as i32, TOP + HEIGHT - (y * f64::from(HEIGHT)) as i32)
    };
    let size = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW);
    let area = SVGBackend::with_string(svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let write = |text: String, at: (i32, i32), colour: &RGBColor, h: HPos| {
        let style = TextStyle::from(FontDesc::from(FONT)).color(colour).pos(Pos::new(h, VPos::Center));
        area.draw(&Text::new(text, at, style))
    };
    write(chart.up.to_owned(), (MARGIN, MARGIN), &BLACK, HPos::Left)?;
    let middle = (LEFT + WIDTH / 2, TOP + HEIGHT + BELOW - MARGIN);
    write(chart.across.to_owned(), middle, &BLACK, HPos::Center)?;
    for decade in x.least..=x.most {
        let left = at(&(10_f64.powi(decade), 10_f64.powi(y.least))).0;
        area.draw(&PathElement::new([(left, TOP), (left, TOP + HEIGHT)], GRID))?;
        write(power(decade), (left, TOP + HEIGHT + MARGIN), &BLACK, HPos::Center)?;
    }
    for decade in y.least..=y.most {
        let top = at(&(10_f64.powi(x.least), 10_f64.powi(decade))).1;
        area.draw(&PathElement::new([(LEFT, top), (LEFT + WIDTH, top)], GRID))?;
        write(power(decade), (LEFT - MARGIN / 2, top), &BLACK, HPos::Right)?;
    }
    for (number, line) in chart.lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let places: Vec<(i32, i32)> = line.points.iter().map(at).collect();
        for place in &places {
            area.draw(&Circle::new(*place, 3, colour.filled()))?;
        }
        area.draw(&PathElement::new(places, colour.stroke_width(2)))?;
        let row = TOP + MARGIN * (number as i32 + 1);
        write(line.label.clone(), (LEFT + WIDTH + MARGIN, row), &colour, HPos::Left)?;
    }
    area.present()
}

/// An axis, from one power of ten to another.
struct Decades {
    least: i32,
    most: i32,
}

impl Decades {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
        let most = values.fold(f64::NEG_INFINITY, f64::max).log10().ceil() as i32;
        Decades { least, most: most.max(least + 1) }
    }

    /// Where a value lies between the ends, 0 and 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.least)) / f64::from(self.most - self.least)
    }
}

fn power(decade: i32) -> String {
    format!("{}", 10_f64.powi(decade))
}

const LEFT: i32 = 70;
const TOP: i32 = 40;
const WIDTH: i32 = 480;
const HEIGHT: i32 = 320;
/// Room for the names of the lines.
const RIGHT: i32 = 180;
const BELOW: i32 = 56;
const MARGIN: i32 = 20;
const FONT: (&str, i32) = ("sans-serif", 13);
const GRID: RGBColor = RGBColor(224, 224, 224);
const COLOURS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(214, 39, 40),
    RGBColor(148, 103, 189),
];
