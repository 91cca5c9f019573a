//! Pictures of figures, as SVG: for pages, for the book, and for whoever opens the file.
//!
//! Text is placed by estimates of its width, so that no font of this machine has a say: the same figures are the same
//! bytes everywhere.

mod heat;
mod ranges;

pub use heat::{Axis, Cell, HeatMap};
pub use ranges::{Range, Ranges};

use plotters::drawing::DrawingAreaErrorKind;
use plotters::style::RGBColor;

/// How drawing went.
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// What is written beside a picture. A page may give it another colour, by this one, as it may the white ground.
pub(crate) const INK: RGBColor = RGBColor(27, 31, 36);

/// What is drawn, as an SVG document.
fn document(draw: impl FnOnce(&mut String) -> Drawn) -> String {
    let mut svg = String::new();
    draw(&mut svg).expect("writing to a string does not fail");
    svg
}
