//! Rounds and medians.

use crate::{Options, Peer};
use std::time::Instant;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Three nodes exchange frames over TCP.
    Tcp {
        /// Frames outstanding on each of the two connections.
        window: u64,
    },
    /// Three nodes exchange datagrams over UDP.
    Udp {
        /// Datagrams outstanding with each of the two nodes that echo.
        window: u64,
    },
    /// Five nodes boot, do nothing, and are gone: what every run costs before it does anything.
    EmptyRun,
}

impl Workload {
    /// Everything that is measured, in the order of the report.
    pub const ALL: [Workload; 5] = [
        Workload::Tcp { window: 8 },
        Workload::Tcp { window: 1 },
        Workload::Udp { window: 8 },
        Workload::Udp { window: 1 },
        Workload::EmptyRun,
    ];
}

/// One peer at one workload.
pub struct Figure {
    /// What was done.
    pub workload: Workload,
    /// Who did it.
    pub peer: &'static str,
    /// Frames, datagrams or runs a second, of every round, in ascending order.
    pub per_second: Vec<f64>,
}

impl Figure {
    /// The median of the rounds, in frames, datagrams or runs a second.
    pub fn median(&self) -> f64 {
        self.per_second[self.per_second.len() / 2]
    }
}

/// Measures every peer at every workload: the peers take turns within each round.
pub fn all(peers: &[Box<dyn Peer>], options: &Options) -> Vec<Figure> {
    let mut figures = Vec::new();
    for workload in Workload::ALL {
        let first = figures.len();
        figures.extend(peers.iter().map(|peer| Figure {
            workload,
            peer: peer.name(),
            per_second: Vec::new(),
        }));
        for round in 0..options.rounds {
            for (peer, figure) in peers.iter().zip(&mut figures[first..]) {
                figure.per_second.push(per_second(&**peer, workload, round, options));
            }
        }
        for figure in &mut figures[first..] {
            figure.per_second.sort_by(f64::total_cmp);
        }
    }
    figures
}

fn per_second(peer: &dyn Peer, workload: Workload, round: u64, options: &Options) -> f64 {
    let start = Instant::now();
    let done = match workload {
        Workload::Tcp { window } => peer.tcp(round, options.frames, window),
        Workload::Udp { window } => peer.udp(round, options.frames, window),
        Workload::EmptyRun => {
            (0..options.runs).for_each(|run| peer.empty_run(round * options.runs + run));
            options.runs
        }
    };
    done as f64 / start.elapsed().as_secs_f64()
}
