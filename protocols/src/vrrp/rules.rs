//! What follows from what: a daemon's decisions, without a wait.
//!
//! Times are counted from when the daemon's process began.

pub(super) mod check;
pub(super) mod keepalived;
pub(super) mod script;
pub(super) mod ucarp;

use super::message::{Message, Order};
use std::net::IpAddr;
use std::time::Duration;

/// Where a daemon stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It does not run, or does not listen for now.
    Stopped,
    /// Another is the master, or will be.
    Backup,
    /// It has the addresses.
    Master,
    /// What it tracks has failed.
    Fault,
}

impl State {
    /// Its name in probes.
    pub fn name(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Backup => "backup",
            State::Master => "master",
            State::Fault => "fault",
        }
    }
}

/// What a daemon does. Acts are done in their order, and none is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Tells all peers.
    Send(Message),
    /// The addresses are this machine's.
    Claim,
    /// They no longer are, if they were.
    Release,
    /// So many gratuitous ARPs for each.
    Announce(u32),
    /// Runs the notify script of this state.
    Run(State),
}

/// The rules of either daemon.
pub(super) trait Rules {
    /// It begins.
    fn start(&mut self, now: Duration) -> Vec<Act>;

    /// A message of another came in.
    fn heard(&mut self, now: Duration, from: IpAddr, message: &Message) -> Vec<Act>;

    /// It is late enough.
    fn tick(&mut self, now: Duration) -> Vec<Act>;

    /// When it wants to be called next.
    fn due(&self) -> Duration;

    /// The tracked check came to this.
    fn checked(&mut self, now: Duration, good: bool) -> Vec<Act>;

    /// An operator wants something. What it cannot do it does not.
    fn order(&mut self, now: Duration, order: Order) -> Vec<Act>;

    /// Whether it takes what comes in, or leaves it where it is for now.
    fn listens(&self) -> bool {
        true
    }

    fn state(&self) -> State;

    /// keepalived's priority as it stands, or UCARP's `advskew`.
    fn rank(&self) -> u8;
}
