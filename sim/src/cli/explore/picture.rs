//! A drawing for Graphviz as a picture, where there is no Graphviz.

use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};

/// The picture of a drawing that [`explore`](crate::explore) has made.
pub(super) fn svg(drawing: &str) -> String {
    let graph = DotParser::new(drawing).process().expect("what was drawn for Graphviz can be read");
    let mut builder = GraphBuilder::new();
    builder.visit_graph(&graph);
    let mut writer = SVGWriter::new();
    builder.get().do_it(false, false, false, &mut writer);
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_becomes_a_picture_that_is_the_same_each_time() {
        let drawing = "digraph states {\n  node [shape=box, fontname=monospace];\n  0 [label=\"x = \\\"a\\\"\\l\", \
                       style=bold];\n  1 [label=\"x = 1\\l\"];\n  0 -> 1 [label=\"Step(n1)\"];\n  \
                       1 -> 1 [label=\"Stay\"];\n}\n";
        let picture = svg(drawing);
        assert!(picture.contains("<svg") && picture.contains("Step(n1)"), "{picture}");
        assert!(picture.contains("&quot;a&quot;"), "{picture}");
        assert_eq!(picture, svg(drawing));
    }
}
