//! Where two runs part, in what matters.
//!
//! Two runs that are alike to a reader differ in every instant. So events are compared without their times, and in
//! *channels*: what a machine sends to another, what it gets from there, what it publishes, what it asks of its disk, what
//! its clients do and see, what befalls all. Between channels nothing is compared, since a shift in time changes which
//! comes first.
//!
//! The first difference is that of content: an operation or a fault that is another one at its place in its channel, or
//! anything else that the other run's channel does not have at all. Where there is none, it is the first that comes in
//! another order, or more often. Long numbers (of ten digits or more: stamps, identifiers) are taken for equal.

use super::Trace;
use host::world::TraceLine;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of so many digits are stamps, and say nothing.
const STAMP_DIGITS: usize = 10;

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The machine; none for what befalls all.
    pub machine: Option<String>,
    /// Of which kind the events are, as a line of a trace has it.
    pub event: String,
    /// The same happens in both runs, and only its order or its number differs.
    pub order_only: bool,
    /// The event of the one run, by its place; none if there the channel has ended.
    pub one: Option<usize>,
    /// What stands there in the other.
    pub other: Option<usize>,
}

/// Whose events of which kind, and with whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Channel<'t> {
    machine: Option<&'t str>,
    event: &'t str,
    step: &'t str,
    peer: Option<&'t str>,
}

/// An event's place in its trace, and what it says.
type Said = (usize, String);

/// The first place at which two channels part, in some sense.
type Parting<'p> = &'p dyn Fn(&Channel<'_>, &[Said], &[Said]) -> Option<usize>;

/// The events of a channel: their places, and what they say.
type Channels<'t> = BTreeMap<Channel<'t>, Vec<Said>>;

/// The first difference that matters; none if there is none.
pub fn difference(one: &Trace<'_>, other: &Trace<'_>) -> Option<Difference> {
    let (ones, others) = (channels(one), channels(other));
    let all: BTreeSet<&Channel<'_>> = ones.keys().chain(others.keys()).collect();
    let time = |places: &(Option<usize>, Option<usize>)| {
        let [here, there] = [places.0.map(|at| one.lines[at].time), places.1.map(|at| other.lines[at].time)];
        here.into_iter().chain(there).min()
    };
    let first = |order_only: bool, part: Parting<'_>| {
        let parting = all.iter().filter_map(|channel| {
            let (here, there) = (said_on(&ones, channel), said_on(&others, channel));
            let at = part(channel, here, there)?;
            let places = (here.get(at).map(|event| event.0), there.get(at).map(|event| event.0));
            Some((time(&places)?, *channel, places))
        });
        let (_, channel, (one, other)) = parting.min_by_key(|(time, channel, _)| (*time, *channel))?;
        let (machine, event) = (channel.machine.map(str::to_owned), channel.event.to_owned());
        Some(Difference { machine, event, order_only, one, other })
    };
    let by_content = |channel: &Channel<'_>, here: &[Said], there: &[Said]| {
        if matches!(channel.event, "operation" | "fault") {
            by_place(here, there)
        } else {
            by_absence(here, there)
        }
    };
    let by_order = |_: &Channel<'_>, here: &[Said], there: &[Said]| by_place(here, there);
    first(false, &by_content).or_else(|| first(true, &by_order))
}

fn said_on<'c>(channels: &'c Channels<'_>, channel: &Channel<'c>) -> &'c [Said] {
    channels.get(channel).map_or(&[], Vec::as_slice)
}

/// The first place at which two channels differ.
fn by_place(here: &[Said], there: &[Said]) -> Option<usize> {
    let same = here.iter().zip(there).take_while(|(one, other)| one.1 == other.1).count();
    (same < here.len().max(there.len())).then_some(same)
}

/// The first place at which one of two channels says what the other does not say anywhere.
fn by_absence(here: &[Said], there: &[Said]) -> Option<usize> {
    let first = |events: &[Said], others: &[Said]| {
        let said: BTreeSet<&str> = others.iter().map(|event| event.1.as_str()).collect();
        events.iter().position(|event| !said.contains(event.1.as_str()))
    };
    first(here, there).into_iter().chain(first(there, here)).min()
}

fn channels<'t>(trace: &'t Trace<'_>) -> Channels<'t> {
    let mut channels = Channels::new();
    for (place, line) in trace.lines.iter().enumerate() {
        if let Some(channel) = channel(line) {
            let says = without_stamps(line.text.as_deref().unwrap_or_default());
            channels.entry(channel).or_default().push((place, says));
        }
    }
    channels
}

/// The channel of an event; none for what a shift in time changes, or what says nothing.
fn channel<'t>(line: &'t TraceLine<'_>) -> Option<Channel<'t>> {
    let (from, to) = (line.from.as_deref(), line.to.as_deref());
    let step = line.message.as_ref().map_or("", |message| &*message.step);
    let (machine, peer) = match (&*line.event, step) {
        ("message", "delivered" | "refused") => (to, from),
        ("message", "waits" | "resent") | ("delivered" | "datagram" | "log", _) => return None,
        _ => (from, to),
    };
    Some(Channel { machine, event: &line.event, step, peer })
}

/// A text whose long numbers are all the same.
fn without_stamps(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        plain.push_str(&rest[..start]);
        plain.push_str(if end >= STAMP_DIGITS { "#" } else { &digits[..end] });
        rest = &digits[end..];
    }
    plain + rest
}
