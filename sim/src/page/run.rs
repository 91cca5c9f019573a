//! The page of a simulated run: machines and clients as lanes, messages as arrows, faults as regions.

use super::lanes::Names;
use super::{Arrow, Bar, Mark, Page, Region, Tone, clipped};
use crate::cause::Trace;
use crate::history::Line;
use crate::run::{Recording, Report};
use host::world::TraceLine;
use std::collections::{BTreeSet, HashMap};

/// The lane of what befalls no machine.
const RUN: &str = "run";
/// The part of what the evidence depends on.
const LED_TO_IT: &str = "led to it";

/// The page of a run that was recorded; `slice` are the places in its trace of what the violation depends on.
pub(crate) fn of_run(
    scenario: &str,
    report: &Report,
    recording: &Recording,
    trace: &Trace<'_>,
    slice: &[usize],
) -> Page {
    let first = report.violations.first();
    let ns = |at_ms: i64| at_ms.saturating_mul(1_000_000);
    let is_described = trace.lines.iter().any(|line| line.message.is_some());
    let mut telling = Telling { is_described, ..Telling::default() };
    telling.lanes.of(RUN.to_owned());
    for machine in &recording.machines {
        telling.lanes.of(machine.clone());
    }
    let slice: BTreeSet<usize> = slice.iter().copied().collect();
    let mut operations_of_it = BTreeSet::new();
    for (place, line) in trace.lines.iter().enumerate() {
        let role = slice.contains(&place).then_some(LED_TO_IT);
        if let (Some(operation), Some(_)) = (&line.operation, role) {
            operations_of_it.insert((operation.process, line.time));
        }
        telling.tell(line, role);
    }
    let mut page = telling.page;
    let clients = recording.plan.workload.clients;
    page.bars.extend(operations(&recording.history, clients, &operations_of_it, &mut telling.lanes));
    for violation in &report.violations {
        page.marks.push(Mark {
            lane: 0,
            at: ns(violation.at_ms),
            text: violation.message.clone(),
            tone: Tone::Wrong,
            role: Some(violation.checker.clone()),
        });
        page.text.push(format!("{} at {} ms: {}", violation.checker, violation.at_ms, violation.message));
    }
    let why = first.map(|violation| format!("{}: {}", violation.checker, violation.message));
    Page {
        title: format!("{scenario}, seed {}", report.seed),
        verdict: report.word().to_owned(),
        summary: why.or_else(|| report.unknown.clone()).unwrap_or_default(),
        lanes: telling.lanes.names,
        around: first.map_or(0, |violation| ns(violation.at_ms)),
        notes: vec![
            "Times count from the begin of the workload; trace.jsonl beside this page has all.".to_owned(),
        ],
        ..page
    }
}

/// What clients did, each on the lane of its machine.
fn operations(history: &[Line], clients: u32, of_it: &BTreeSet<(u32, i64)>, lanes: &mut Names) -> Vec<Bar> {
    let mut open: HashMap<u32, usize> = HashMap::new();
    let mut bars: Vec<Bar> = Vec::new();
    for line in history {
        let at = i64::try_from(line.time).unwrap_or(i64::MAX);
        if line.kind == "invoke" {
            open.insert(line.process, bars.len());
            let argument = if line.value.is_null() { String::new() } else { format!(" {}", line.value) };
            bars.push(Bar {
                // A client goes on as another process after an unknown outcome.
                lane: lanes.of(format!("c{}", line.process % clients.max(1) + 1)),
                from: at,
                to: None,
                text: clipped(&format!("{}{argument}", line.f)),
                tone: Tone::Unknown,
                keys: Vec::new(),
                point: None,
                role: of_it.contains(&(line.process, at)).then(|| LED_TO_IT.to_owned()),
                detail: None,
            });
            continue;
        }
        let Some(bar) = open.remove(&line.process).map(|index| &mut bars[index]) else { continue };
        bar.detail = line.error.clone();
        if of_it.contains(&(line.process, at)) {
            bar.role = Some(LED_TO_IT.to_owned());
        }
        match line.kind {
            "ok" => {
                (bar.to, bar.tone) = (Some(at), Tone::Ok);
                bar.text = clipped(&format!("{} → {}", bar.text, line.value));
            }
            "fail" => (bar.to, bar.tone) = (Some(at), Tone::Fail),
            _ => {}
        }
    }
    bars
}

/// The trace, event by event.
#[derive(Default)]
struct Telling {
    page: Page,
    lanes: Names,
    /// Messages say what they are: the bytes that carry them need not be told.
    is_described: bool,
    /// Where the arrow of each message is.
    messages: HashMap<u64, usize>,
    /// Where the region of a fault that has not ended is.
    faults: HashMap<usize, usize>,
    /// Where the bar of the phase is that has not ended.
    phase: Option<usize>,
}

impl Telling {
    fn tell(&mut self, line: &TraceLine<'_>, role: Option<&str>) {
        let at = line.time;
        let text = line.text.as_deref().unwrap_or_default();
        if let Some(fault) = &line.fault {
            match &*fault.step {
                "strikes" => {
                    let lanes = fault.machines.iter().map(|machine| self.lanes.of(machine.to_string()));
                    let region = Region {
                        lanes: lanes.collect(),
                        from: at,
                        to: None,
                        text: clipped(text),
                        tone: Tone::Fault,
                    };
                    self.faults.insert(fault.index, self.page.regions.len());
                    self.page.regions.push(region);
                }
                "ends" => {
                    if let Some(region) = self.faults.remove(&fault.index) {
                        self.page.regions[region].to = Some(at);
                    }
                }
                _ => {
                    let why = fault.why.as_deref().unwrap_or("skipped");
                    self.mark(RUN, at, &format!("{text} ({why})"), Tone::Fault, role);
                }
            }
            return;
        }
        if let Some(message) = &line.message {
            return self.message(line, message.id, &message.step, role);
        }
        let bytes = line.bytes.map(|bytes| format!("{bytes} bytes"));
        let said: Vec<&str> = line.text.as_deref().into_iter().chain(bytes.as_deref()).collect();
        match (&*line.event, line.from.as_deref(), line.to.as_deref()) {
            ("phase", ..) => self.enter(at, text),
            // The history tells it, as a bar.
            ("operation", ..) => {}
            ("delivered" | "datagram", ..) if self.is_described => {}
            (event, Some(from), Some(to)) => {
                let text = format!("{event} {}", said.join(", "));
                self.arrow(from, to, at, &text, role);
            }
            (event, from, _) => {
                let text = format!("{event} {}", said.join(", "));
                self.mark(from.unwrap_or(RUN), at, &text, Tone::Event, role);
            }
        }
    }

    /// A message takes a step: the arrow begins where it is sent, and ends where it arrives.
    fn message(&mut self, line: &TraceLine<'_>, id: u64, step: &str, role: Option<&str>) {
        let (from, to) = (line.from.as_deref().unwrap_or(RUN), line.to.as_deref().unwrap_or(RUN));
        let arrow = match self.messages.get(&id) {
            Some(arrow) => *arrow,
            None => {
                self.arrow(from, to, line.time, line.text.as_deref().unwrap_or_default(), None);
                self.messages.insert(id, self.page.arrows.len() - 1);
                self.page.arrows.len() - 1
            }
        };
        let arrow = &mut self.page.arrows[arrow];
        match step {
            "sent" => {}
            "delivered" => (arrow.arrived, arrow.tone) = (line.time, Tone::Message),
            _ => (arrow.tone, arrow.role) = (Tone::Fail, Some(step.to_owned())),
        }
        if let Some(role) = role {
            arrow.role = Some(role.to_owned());
        }
    }

    fn arrow(&mut self, from: &str, to: &str, at: i64, text: &str, role: Option<&str>) {
        let (from, to) = (self.lanes.of(from.to_owned()), self.lanes.of(to.to_owned()));
        let (text, tone, role) = (clipped(text), Tone::Message, role.map(str::to_owned));
        self.page.arrows.push(Arrow { from, to, sent: at, arrived: at, text, tone, role });
    }

    fn mark(&mut self, lane: &str, at: i64, text: &str, tone: Tone, role: Option<&str>) {
        let lane = self.lanes.of(lane.to_owned());
        self.page.marks.push(Mark { lane, at, text: clipped(text), tone, role: role.map(str::to_owned) });
    }

    fn enter(&mut self, at: i64, phase: &str) {
        if let Some(before) = self.phase.replace(self.page.bars.len()) {
            self.page.bars[before].to = Some(at);
        }
        self.page.bars.push(Bar {
            lane: 0,
            from: at,
            to: None,
            text: phase.to_owned(),
            tone: Tone::Event,
            keys: Vec::new(),
            point: None,
            role: None,
            detail: None,
        });
    }
}
