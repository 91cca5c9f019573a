//! Probes: what nodes publish, how often, and who listens.

use super::{Happening, Observed};
use crate::probe::Value;
use crate::world::{MachineId, try_with, with};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A probe as published.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// When, in ns since the run began.
    pub at_ns: u64,
    /// The machine; none for the testbed itself.
    pub host: Option<MachineId>,
    /// The probe's name.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<Value>,
}

#[derive(Default)]
pub(super) struct Probes {
    hits: BTreeMap<&'static str, u64>,
    /// What the testbed has not seen yet; filled only while it listens.
    unseen: Vec<Probe>,
    listener: Option<Waker>,
    listening: bool,
}

impl Probes {
    pub(super) fn hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.hits
    }

    fn tell(&mut self, probe: Probe) {
        self.unseen.push(probe);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    fn poll_next(&mut self, listener: &Waker) -> Poll<Vec<Probe>> {
        self.listening = true;
        if self.unseen.is_empty() {
            self.listener = Some(listener.clone());
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut self.unseen))
    }
}

/// Outside a run, as in a protocol's unit tests, a probe goes nowhere.
pub(crate) fn publish(name: &'static str, values: impl FnOnce() -> Vec<Value>) {
    // Outside of the borrow: what is published may come from the clock.
    let values = values();
    try_with(|world| {
        let (at_ns, host) = (world.now_ns(), world.current_host());
        let record = &mut world.ground.record;
        let machine = host.map_or(u64::MAX, |host| host.index() as u64);
        record.event(Observed::Probe, at_ns, machine, name.len() as u64);
        record.bytes(name.as_bytes());
        for value in &values {
            record.bytes(value.to_string().as_bytes());
            record.bytes(&[0]);
        }
        *record.probes.hits.entry(name).or_default() += 1;
        record.keep(at_ns, || Happening::Probe { host, name, values: values.clone() });
        if record.probes.listening {
            record.probes.tell(Probe { at_ns, host, name, values });
        }
    });
}

/// The next probes, in the order in which they were published. The step that published them has ended.
pub async fn next_probes() -> Vec<Probe> {
    poll_fn(|context| with(|world| world.ground.record.probes.poll_next(context.waker()))).await
}
