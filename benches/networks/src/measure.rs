//! Rounds and medians. Time is the process's own, of a processor: what else the machine does costs little of it.

use crate::workload::{Tally, Workload};
use crate::{Options, Peer};
use rustix::time::{ClockId, clock_gettime};

/// One peer at one workload.
pub struct Figure {
    /// What was run.
    pub workload: Workload,
    /// Who ran it.
    pub peer: &'static str,
    /// Runs a second of processor time, of every round, in ascending order.
    pub per_second: Vec<f64>,
    /// What clients were told, in all rounds.
    pub tally: Tally,
    /// Runs, in all rounds.
    pub runs: u64,
}

impl Figure {
    /// The median of the rounds, in runs a second.
    pub fn median(&self) -> f64 {
        self.per_second[self.per_second.len() / 2]
    }

    /// Operations answered a run.
    pub fn answered(&self) -> f64 {
        self.tally.answered as f64 / self.runs as f64
    }

    /// Operations that were not, a run.
    pub fn unanswered(&self) -> f64 {
        self.tally.unanswered as f64 / self.runs as f64
    }
}

/// Measures every peer at every workload: the peers take turns within each round.
pub fn all(peers: &[Box<dyn Peer>], options: &Options) -> Vec<Figure> {
    let mut figures = Vec::new();
    for workload in Workload::all() {
        let first = figures.len();
        figures.extend(peers.iter().map(|peer| Figure {
            workload,
            peer: peer.name(),
            per_second: Vec::new(),
            tally: Tally::default(),
            runs: 0,
        }));
        for round in 0..options.rounds {
            for (peer, figure) in peers.iter().zip(&mut figures[first..]) {
                let start = processor_s();
                for run in 0..options.runs {
                    figure.tally += peer.run(workload, round * options.runs + run);
                }
                figure.runs += options.runs;
                figure.per_second.push(options.runs as f64 / (processor_s() - start));
            }
        }
        for figure in &mut figures[first..] {
            figure.per_second.sort_by(f64::total_cmp);
        }
    }
    figures
}

/// How long this process has had a processor, in seconds.
fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
