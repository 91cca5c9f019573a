//! What is remembered of a run: its digest, its trace, its probes, and counts.
//!
//! Other parts say what happens; nothing here asks them. What goes into the digest and what goes into the trace are two
//! calls, since the digest is always taken and must stay cheap: [`Record::event`], then its [`Record::bytes`], and
//! [`Record::keep`], which formats nothing unless the run is recorded.
//!
//! | file | noun |
//! |---|---|
//! | `digest.rs` | the hash over everything observable |
//! | `trace.rs` | what a recorded run keeps, event by event |
//! | `line.rs` | an event as a line of a file |
//! | `message.rs` | what the bytes on the network say |
//! | `probe.rs` | what nodes publish, and who listens |
//! | `quota.rs` | how many events a run may have |

mod digest;
mod line;
mod message;
mod probe;
mod quota;
mod trace;

pub use digest::{Digest, Observed};
pub use line::{FaultLine, MessageLine, OperationLine, TraceLine};
pub(super) use message::StreamId;
pub use message::{MessageEvent, MessageStep};
pub(crate) use message::{is_recorded, say};
pub(crate) use probe::publish;
pub use probe::{Probe, next_probes};
pub use trace::{FaultEvent, FaultStep, Happening, Phase, TraceEvent};

use super::World;
use super::limits::Limits;
use digest::Hasher;
use message::Messages;
use probe::Probes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Waker;
use trace::WantedBacktrace;

/// The memory of one run.
pub(super) struct Record {
    recording: bool,
    hasher: Hasher,
    trace: Vec<TraceEvent>,
    backtrace: WantedBacktrace,
    messages: Messages,
    probes: Probes,
    delivered: u64,
    bytes: u64,
}

impl Record {
    /// `heartbeat` has the instant of the last event, for whoever watches from outside.
    pub(super) fn new(recording: bool, heartbeat: Arc<AtomicU64>) -> Self {
        let (hasher, probes) = (Hasher::new(heartbeat), Probes::default());
        let backtrace = WantedBacktrace::default();
        message::set_recorded(recording);
        let messages = Messages::default();
        Record { recording, hasher, trace: Vec::new(), backtrace, messages, probes, delivered: 0, bytes: 0 }
    }

    /// Takes an event's kind, time and two words into the digest. Its bytes follow.
    pub(super) fn event(&mut self, kind: Observed, at_ns: u64, a: u64, b: u64) {
        self.hasher.event(kind, at_ns, a, b);
    }

    /// Takes more of the last event into the digest.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.bytes(bytes);
    }

    /// Keeps an event in the trace of a recorded run.
    pub(super) fn keep(&mut self, at_ns: u64, happening: impl FnOnce() -> Happening) {
        if self.recording {
            self.trace.push(TraceEvent { at_ns, happening: happening() });
            self.backtrace.recorded(self.trace.len());
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording
    }

    /// From now on the run may have so many events.
    pub(super) fn limit(&mut self, limits: Limits) {
        self.hasher.quota.limit(limits);
    }

    /// Whether there were more events than a run may have; if not, wakes whoever asks once there are.
    pub(super) fn is_beyond_quota(&mut self, alarm: &Waker) -> bool {
        self.hasher.quota.is_exceeded(alarm)
    }

    pub(super) fn events(&self) -> u64 {
        self.hasher.events()
    }

    /// The probe that was published most often, and how often.
    pub(super) fn loudest(&self) -> Option<(&'static str, u64)> {
        self.probes.hits().iter().map(|(probe, hits)| (*probe, *hits)).max_by_key(|(_, hits)| *hits)
    }

    /// A message of so many bytes has been delivered.
    pub(super) fn count_message(&mut self, bytes: usize) {
        self.delivered += 1;
        self.bytes += bytes as u64;
    }
}

/// What the testbed reads and adds.
impl World {
    /// Messages delivered so far.
    pub fn messages(&self) -> u64 {
        self.ground.record.delivered
    }

    /// Bytes delivered so far, without headers.
    pub fn bytes(&self) -> u64 {
        self.ground.record.bytes
    }

    /// Events observed so far.
    pub fn events(&self) -> u64 {
        self.ground.record.hasher.events()
    }

    /// The digest of everything so far.
    pub fn digest(&self) -> Digest {
        self.ground.record.hasher.finish()
    }

    /// How often each probe was published.
    pub fn probe_hits(&self) -> &BTreeMap<&'static str, u64> {
        self.ground.record.probes.hits()
    }

    /// Whether this run is recorded.
    pub fn recording(&self) -> bool {
        self.ground.record.recording
    }

    /// Takes the trace out.
    pub fn take_trace(&mut self) -> Vec<TraceEvent> {
        std::mem::take(&mut self.ground.record.trace)
    }

    /// From now on what the code is at is kept when the trace gets its event of this number, from 1.
    pub fn take_backtrace_at(&mut self, event: usize) {
        self.ground.record.backtrace = WantedBacktrace::at(event);
    }

    /// Takes the backtrace out.
    pub fn take_backtrace(&mut self) -> Option<String> {
        std::mem::take(&mut self.ground.record.backtrace).taken()
    }

    /// Takes what happened to a fault into the digest, by its words, and into the trace of a recorded run.
    pub fn fault(&mut self, words: &str, event: impl FnOnce() -> FaultEvent) {
        self.observe(Observed::Fault, words.as_bytes(), || Happening::Fault(event()));
    }

    /// Takes the begin of a phase into the digest, and into the trace of a recorded run.
    pub fn phase(&mut self, phase: Phase) {
        self.observe(Observed::Phase, phase.name().as_bytes(), || Happening::Phase(phase));
    }

    /// Takes something else that the testbed did into the digest, and into the trace of a recorded run.
    pub fn note(&mut self, kind: Observed, name: &'static str, text: impl FnOnce() -> String, bytes: &[u8]) {
        self.observe(kind, bytes, || Happening::Note { kind: name, text: text() });
    }

    fn observe(&mut self, kind: Observed, bytes: &[u8], happening: impl FnOnce() -> Happening) {
        let (at, record) = (self.now_ns(), &mut self.ground.record);
        record.event(kind, at, 0, bytes.len() as u64);
        record.bytes(bytes);
        record.keep(at, happening);
    }

    /// Takes an operation's begin or end into the digest, and into the trace of a recorded run.
    pub fn operation(
        &mut self,
        process: u32,
        step: &'static str,
        value: impl FnOnce() -> String,
        bytes: &[u8],
    ) {
        let host = self.current_host();
        self.observe(Observed::Operation, bytes, || Happening::Operation {
            host,
            process,
            step,
            value: value(),
        });
    }

    /// Takes a line that node code logged into the trace. `library`: its code is not the system's own.
    pub fn log(&mut self, target: &str, library: bool, text: String) {
        let (at, host) = (self.now_ns(), self.current_host());
        self.ground.record.keep(at, || Happening::Log { host, target: target.to_owned(), library, text });
    }
}
