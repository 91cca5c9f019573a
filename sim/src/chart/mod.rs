//! Pictures of figures, as SVG: for pages, for the book, and for whoever opens the file.
//!
//! Text is placed by estimates of its width, so that no font of this machine has a say: the same figures are the same
//! bytes everywhere.

mod heat;

pub use heat::{Axis, Cell, HeatMap};
