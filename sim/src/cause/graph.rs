//! Which event may have led to which: vector clocks over the lanes of a trace.

use super::Trace;
use host::world::TraceLine;
use std::collections::BTreeMap;

/// Of each event, what may have led to it.
#[derive(Debug, Clone)]
pub struct Graph {
    /// A lane for each machine, and last the one of the testbed.
    lanes: usize,
    /// By event: the lane on which it happens; none for what happens on the way of a message, or tells nothing.
    lane: Vec<Option<usize>>,
    /// By event, then by lane: how many events of that lane may have led to it, itself included.
    clocks: Vec<u32>,
}

impl Graph {
    /// The graph of a trace.
    pub fn of(trace: &Trace<'_>) -> Self {
        let lanes = trace.machines.len() + 1;
        let places: BTreeMap<&str, usize> = trace.machines.iter().map(String::as_str).zip(0..).collect();
        let mut now = vec![vec![0; lanes]; lanes];
        // Where each message was sent last.
        let mut sent: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        let mut graph = Graph { lanes, lane: Vec::new(), clocks: Vec::new() };
        for line in &trace.lines {
            let lane = lane_of(line).map(|at| match at {
                At::Testbed => lanes - 1,
                At::Machine(name) => places.get(name).copied().unwrap_or(lanes - 1),
            });
            let step = line.message.as_ref().map(|message| (message.id, &*message.step));
            let Some(lane) = lane else {
                let clock = step.and_then(|(id, _)| sent.get(&id));
                graph.push(None, clock.unwrap_or(&vec![0; lanes]));
                continue;
            };
            if let Some((id, "delivered" | "refused")) = step
                && let Some(clock) = sent.get(&id)
            {
                join(&mut now[lane], clock);
            }
            now[lane][lane] += 1;
            let clock = now[lane].clone();
            if let Some((id, "sent")) = step {
                sent.insert(id, clock.clone());
            }
            for befallen in line.fault.iter().flat_map(|fault| &fault.machines) {
                if let Some(machine) = places.get(&**befallen) {
                    join(&mut now[*machine], &clock);
                }
            }
            graph.push(Some(lane), &clock);
        }
        graph
    }

    fn push(&mut self, lane: Option<usize>, clock: &[u32]) {
        self.lane.push(lane);
        self.clocks.extend_from_slice(clock);
    }

    /// The lane on which an event happens: its machine's place, or the number of machines for the testbed.
    pub fn lane(&self, event: usize) -> Option<usize> {
        self.lane[event]
    }

    /// How many events of each lane may have led to this one, itself included.
    pub fn clock(&self, event: usize) -> &[u32] {
        &self.clocks[event * self.lanes..(event + 1) * self.lanes]
    }

    /// Whether one event may have led to another: it is on its causal path, or is it.
    pub fn led_to(&self, cause: usize, effect: usize) -> bool {
        self.is_within(cause, self.clock(effect))
    }

    /// What may have led to any of these events, as a clock.
    pub fn past(&self, events: impl IntoIterator<Item = usize>) -> Vec<u32> {
        let mut past = vec![0; self.lanes];
        events.into_iter().for_each(|event| join(&mut past, self.clock(event)));
        past
    }

    /// Whether an event is part of a past.
    pub fn is_within(&self, event: usize, past: &[u32]) -> bool {
        match self.lane[event] {
            Some(lane) => self.clock(event)[lane] <= past[lane],
            // What becomes of a message on its way is known with where it was sent.
            None => self.clock(event).iter().zip(past).all(|(own, past)| own <= past),
        }
    }
}

fn join(clock: &mut [u32], other: &[u32]) {
    clock.iter_mut().zip(other).for_each(|(own, other)| *own = (*own).max(*other));
}

enum At<'a> {
    Testbed,
    Machine(&'a str),
}

/// On which lane an event happens.
fn lane_of<'l>(line: &'l TraceLine<'_>) -> Option<At<'l>> {
    let machine =
        |name: &'l Option<std::borrow::Cow<'_, str>>| name.as_deref().map_or(At::Testbed, At::Machine);
    match (&*line.event, line.message.as_ref().map(|message| &*message.step)) {
        (_, Some("delivered" | "refused")) => Some(machine(&line.to)),
        (_, Some("sent")) => Some(machine(&line.from)),
        // On the way; and segments, which carry messages or parts of them.
        (_, Some(_)) | ("delivered" | "datagram", None) => None,
        _ => Some(machine(&line.from)),
    }
}
