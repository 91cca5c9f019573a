//! A bare event loop: one binary heap, a ChaCha8 latency a message, and direct calls.
//!
//! No tasks, no streams, no codec, no faults: what no simulation on an async runtime can beat.

use super::{Peer, on_fresh_thread};
use crate::work::{self, ECHOING, EMPTY_RUN_NODES, FRAME_BYTES, LATENCY_MAX, LATENCY_MIN, SENDING};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

pub struct Bare;

impl Peer for Bare {
    fn name(&self) -> &'static str {
        "bare event loop"
    }

    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64 {
        let delivered = work::frames_delivered(work::echoes_per_connection(frames));
        on_fresh_thread(|| {
            let mut world = World::new(seed, SENDING..=ECHOING[ECHOING.len() - 1]);
            for _ in 0..window {
                for to in ECHOING {
                    world.send(SENDING, to, Box::new([0; FRAME_BYTES]));
                }
            }
            (0..delivered).for_each(|_| world.deliver());
            black_box(&world.nodes);
        });
        delivered
    }

    fn udp(&self, seed: u64, datagrams: u64, window: u64) -> u64 {
        // A message is a message here.
        self.tcp(seed, datagrams, window)
    }

    fn empty_run(&self, seed: u64) {
        on_fresh_thread(|| drop(black_box(World::new(seed, EMPTY_RUN_NODES))));
    }
}

struct World {
    now_ns: u64,
    sent: u64,
    latency: ChaCha8Rng,
    arrivals: BinaryHeap<Reverse<Arrival>>,
    nodes: Vec<Box<dyn Node>>,
}

impl World {
    fn new(seed: u64, nodes: impl Iterator<Item = u8>) -> Self {
        World {
            now_ns: 0,
            sent: 0,
            latency: ChaCha8Rng::seed_from_u64(seed),
            arrivals: BinaryHeap::new(),
            nodes: nodes.map(|_| Box::new(Echo { received: 0 }) as _).collect(),
        }
    }

    fn send(&mut self, from: u8, to: u8, frame: Frame) {
        let span_ns = (LATENCY_MAX - LATENCY_MIN).as_nanos() as u64;
        let extra_ns = (u128::from(self.latency.next_u64()) * u128::from(span_ns)) >> 64;
        let at_ns = self.now_ns + LATENCY_MIN.as_nanos() as u64 + extra_ns as u64;
        self.sent += 1;
        self.arrivals.push(Reverse(Arrival { at_ns, sequence: self.sent, from, to, frame }));
    }

    fn deliver(&mut self) {
        let Reverse(Arrival { at_ns, from, to, frame, .. }) =
            self.arrivals.pop().expect("frames are in flight");
        self.now_ns = at_ns;
        let reply = self.nodes[usize::from(to - SENDING)].on_frame(&frame);
        self.send(to, from, reply);
    }
}

/// A frame in flight. Ordered by time, then by sending order: no two compare equal, so the frame itself never counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    at_ns: u64,
    sequence: u64,
    from: u8,
    to: u8,
    frame: Frame,
}

/// A node whose code the loop does not know, as it would not in a testbed.
trait Node {
    fn on_frame(&mut self, frame: &Frame) -> Frame;
}

struct Echo {
    received: u64,
}

impl Node for Echo {
    fn on_frame(&mut self, frame: &Frame) -> Frame {
        self.received += 1;
        frame.clone()
    }
}

type Frame = Box<[u8; FRAME_BYTES]>;
