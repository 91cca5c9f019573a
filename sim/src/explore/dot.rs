//! The graph of all states, for Graphviz.

use super::arena::Arena;
use super::codec::{Encoder, decode};
use crate::spec::Spec;
use std::collections::HashMap;
use std::fmt::Write;

/// The graph of these states, of which the first so many are initial.
pub(super) fn draw<S: Spec>(spec: &S, states: &Arena, initial: usize) -> String {
    let numbers: HashMap<&[u8], usize> = states.iter().zip(0..).collect();
    let mut text = "digraph states {\n  node [shape=box, fontname=monospace];\n".to_owned();
    let mut encoder = Encoder::new();
    for (number, bytes) in states.iter().enumerate() {
        let state: S::State = decode(bytes);
        let variables =
            spec.variables(&state).into_iter().map(|(name, value)| format!("{name} = {value}\\l"));
        let label: String = variables.map(|line| line.replace('"', "\\\"")).collect();
        let bold = if number < initial { ", style=bold" } else { "" };
        let _ = writeln!(text, "  {number} [label=\"{label}\"{bold}];");
        spec.next(&state, &mut |action, then| {
            if let Some(to) = numbers.get(encoder.encode(&then)) {
                let _ = writeln!(text, "  {number} -> {to} [label=\"{action}\"];");
            }
        });
    }
    text + "}\n"
}
