//! Part 3, first attempt: [part 2](super::syn_2) without the waiting. A name that one node takes out while another has
//! not heard of it is counted twice: the counters are wrong, not the protocol.

use super::syn::names;
use super::syn_2::Syn2;
use sim::explore::Entry;

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-3-counters",
    title: "Nodes that do not wait, judged by counters: violated",
    settings: &[names(5)],
    build: |values| {
        let (waits, is_fair, is_lossy, has_property) = (false, true, false, false);
        Box::new(Syn2::<2> { names: values.number("names"), waits, is_fair, is_lossy, has_property })
    },
};
