//! The page of a simulated run: machines and clients as lanes, messages as arrows, faults as regions.

use super::lanes::Names;
use super::{Arrow, Bar, Mark, Page, Region, Tone, clipped};
use crate::history::Line;
use crate::run::{Recording, Report};
use host::world::TraceLine;
use std::collections::HashMap;

/// The lane of what befalls no machine.
const RUN: &str = "run";

/// The page of a run that was recorded.
pub(crate) fn of_run(scenario: &str, report: &Report, recording: &Recording) -> Page {
    let first = report.violations.first();
    let ns = |at_ms: i64| at_ms.saturating_mul(1_000_000);
    let mut telling = Telling::default();
    telling.lanes.of(RUN.to_owned());
    for machine in &recording.machines {
        telling.lanes.of(machine.clone());
    }
    for line in recording.lines() {
        telling.tell(line);
    }
    let mut page = telling.page;
    page.bars.extend(operations(&recording.history, &mut telling.lanes));
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

/// What clients did, each process on a lane of its own.
fn operations(history: &[Line], lanes: &mut Names) -> Vec<Bar> {
    let mut open: HashMap<u32, usize> = HashMap::new();
    let mut bars: Vec<Bar> = Vec::new();
    for line in history {
        let at = i64::try_from(line.time).unwrap_or(i64::MAX);
        if line.kind == "invoke" {
            open.insert(line.process, bars.len());
            bars.push(Bar {
                lane: lanes.of(format!("client p{}", line.process)),
                from: at,
                to: None,
                text: clipped(&format!("{} {}", line.f, line.value)),
                tone: Tone::Unknown,
                keys: Vec::new(),
                point: None,
                role: None,
                detail: None,
            });
            continue;
        }
        let Some(bar) = open.remove(&line.process).map(|index| &mut bars[index]) else { continue };
        bar.detail = line.error.clone();
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
    /// Where the region of a fault that has not ended is.
    faults: HashMap<usize, usize>,
    /// Where the bar of the phase is that has not ended.
    phase: Option<usize>,
}

impl Telling {
    fn tell(&mut self, line: TraceLine<'_>) {
        let at = line.time;
        if let Some(fault) = &line.fault {
            let text = line.text.clone().unwrap_or_default();
            match fault.step {
                "strikes" => {
                    let lanes = fault.machines.iter().map(|machine| self.lanes.of((*machine).to_owned()));
                    let region = Region {
                        lanes: lanes.collect(),
                        from: at,
                        to: None,
                        text: clipped(&text),
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
                _ => self.mark(RUN, at, format!("{text} ({})", fault.why.unwrap_or("skipped")), Tone::Fault),
            }
            return;
        }
        let bytes = line.bytes.map(|bytes| format!("{bytes} bytes"));
        let said: Vec<String> = line.text.into_iter().chain(bytes).collect();
        let text = format!("{} {}", line.event, said.join(", "));
        match (line.event, line.from, line.to) {
            ("phase", ..) => self.enter(at, said.concat()),
            (_, Some(from), Some(to)) => {
                let (from, to) = (self.lanes.of(from.to_owned()), self.lanes.of(to.to_owned()));
                let (text, tone) = (clipped(&text), Tone::Message);
                self.page.arrows.push(Arrow { from, to, sent: at, arrived: at, text, tone, role: None });
            }
            (_, from, _) => self.mark(from.unwrap_or(RUN), at, text, Tone::Event),
        }
    }

    fn mark(&mut self, lane: &str, at: i64, text: String, tone: Tone) {
        let lane = self.lanes.of(lane.to_owned());
        self.page.marks.push(Mark { lane, at, text: clipped(&text), tone, role: None });
    }

    fn enter(&mut self, at: i64, phase: String) {
        if let Some(before) = self.phase.replace(self.page.bars.len()) {
            self.page.bars[before].to = Some(at);
        }
        self.page.bars.push(Bar {
            lane: 0,
            from: at,
            to: None,
            text: phase,
            tone: Tone::Event,
            keys: Vec::new(),
            point: None,
            role: None,
            detail: None,
        });
    }
}
