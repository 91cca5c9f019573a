//! What happened because of what: a recorded run as a graph, and the part of it that a violation depends on.
//!
//! Three nouns. A [`Trace`] is a run as it is told, made of a [recording](crate::run::Recording) or read from the file
//! that a replay wrote. Its [`Graph`] says of any two events whether one may have led to the other. A [`Slice`] is what is
//! left of the trace when only that is kept which led to the evidence and is about the same things.
//!
//! **The graph** is Lamport's: an event depends on the events before it on its machine, the delivery of a message on
//! where it was sent, and what happens on a machine on the faults that befell it before. An operation of a client is on
//! the client's machine; faults are on no machine, and follow one another. What happens to a message on its way (it is
//! lost, held, waits) depends on where it was sent, and nothing depends on it. Each event has a vector clock, so that
//! "may have led to" is one comparison.
//!
//! **The slice.** In a cluster that talks, nearly all of the past is in the causal past; so what makes a slice short is
//! what it is about. Evidence is a sentence of a checker, and what it is about: as the checker says it, as data, or else as
//! its sentence is read, by the words that look like names or are said by some probe. Machines and processes are known
//! by their names; other [`Subjects`] count the more, the fewer events mention them. Events of the causal past count by the words that they share with the evidence, and an answer
//! as its operation does; the most telling and then the newest are kept, up to a number of rows. A third of the rows may be
//! faults, deaths and restarts, unless they were over before the story began.
//!
//! Given up: values that are passed on under another name are not followed, and messages that nobody described
//! ([`host::trace`]) are no edges.

mod difference;
mod graph;
#[cfg(test)]
pub(crate) mod made;
mod slice;
mod subjects;
mod trace;

pub use difference::{Difference, difference};
pub use graph::Graph;
pub use slice::{Evidence, Slice};
pub use subjects::{Subjects, words};
pub use trace::{Trace, TraceError};

#[cfg(test)]
mod tests;
