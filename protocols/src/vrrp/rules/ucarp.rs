//! UCARP's rules.

use super::{Act, Rules, State};
use crate::vrrp::message::{CarpAdvert, Message, Order};
use crate::vrrp::options::Ucarp as Options;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::time::Duration;

/// It sleeps so long when it is told to be no master.
const DEAF: Duration = Duration::from_secs(3);
/// With so many adverts it announces its addresses once more.
const ADVERTS_UNTIL_ARP: u32 = 2;

/// One instance.
#[derive(Debug)]
pub(in crate::vrrp) struct Ucarp {
    options: Options,
    /// Its machine's own address.
    own: IpAddr,
    state: State,
    /// A backup takes over after that, when it looks.
    down: Duration,
    /// It looks then, or when something comes; a master says then that it is there.
    due: Duration,
    adverts_until_arp: Option<u32>,
}

impl Ucarp {
    pub fn new(options: Options, own: IpAddr) -> Ucarp {
        let due = Duration::MAX;
        Ucarp { options, own, state: State::Stopped, down: due, due, adverts_until_arp: None }
    }

    fn skew(&self) -> Duration {
        Duration::from_secs(1) * u32::from(self.options.advskew) / 256
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.options.advbase.into()) + self.skew()
    }

    fn master_down(&self) -> Duration {
        Duration::from_secs(u64::from(self.options.advbase) * u64::from(self.options.deadratio)) + self.skew()
    }

    /// Says that it is there, and maybe announces its addresses.
    fn send(&mut self, now: Duration) -> Vec<Act> {
        let Options { advbase, advskew, .. } = self.options;
        self.due = now + self.interval();
        let password = self.options.password.clone();
        let mut acts = vec![Act::Send(Message::Carp(CarpAdvert { advbase, advskew, password }))];
        self.adverts_until_arp = self.adverts_until_arp.map(|adverts| adverts - 1);
        if self.adverts_until_arp == Some(0) {
            self.adverts_until_arp = None;
            acts.push(Act::Announce(1));
        }
        acts
    }

    fn take_over(&mut self, now: Duration) -> Vec<Act> {
        self.state = State::Master;
        // The up script adds the addresses.
        let mut acts = vec![Act::Claim, Act::Run(State::Master), Act::Announce(1)];
        acts.extend(self.send(now));
        self.adverts_until_arp = Some(ADVERTS_UNTIL_ARP);
        acts
    }

    /// The down script takes the addresses away.
    fn goes_down(&mut self) -> [Act; 2] {
        self.adverts_until_arp = None;
        [Act::Release, Act::Run(State::Backup)]
    }

    /// It is a backup, and the master is well.
    fn waits(&mut self, now: Duration) {
        self.state = State::Backup;
        self.down = now + self.master_down();
        self.due = now + self.interval();
    }

    fn master_heard(&mut self, now: Duration, from: IpAddr, theirs: Duration) -> Vec<Act> {
        match self.interval().cmp(&theirs).then_with(|| raw(self.own).cmp(&raw(from))) {
            Ordering::Greater => {
                let mut acts = self.send(now);
                acts.extend(self.goes_down());
                self.waits(now);
                acts
            }
            Ordering::Less => {
                self.adverts_until_arp = Some(ADVERTS_UNTIL_ARP);
                vec![Act::Announce(1)]
            }
            Ordering::Equal => Vec::new(),
        }
    }

    fn backup_heard(&mut self, now: Duration, theirs: Duration) -> Vec<Act> {
        let is_slower = self.options.preempt && self.interval() < theirs;
        if is_slower || self.master_down() < theirs {
            return self.take_over(now);
        }
        self.waits(now);
        Vec::new()
    }
}

/// An address as it lies in memory, read as a number of a little-endian machine.
fn raw(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()).into(),
        IpAddr::V6(ip) => u128::from_le_bytes(ip.octets()),
    }
}

impl Rules for Ucarp {
    fn start(&mut self, now: Duration) -> Vec<Act> {
        self.waits(now);
        self.goes_down().into()
    }

    fn heard(&mut self, now: Duration, from: IpAddr, message: &Message) -> Vec<Act> {
        let Message::Carp(advert) = message else { return Vec::new() };
        let theirs = Duration::from_secs(advert.advbase.into())
            + Duration::from_secs(1) * u32::from(advert.advskew) / 256;
        let mut acts = match self.state {
            _ if advert.password != self.options.password => Vec::new(),
            State::Backup => self.backup_heard(now, theirs),
            State::Master => self.master_heard(now, from, theirs),
            State::Fault | State::Stopped => Vec::new(),
        };
        // Whatever has come, it looks at its timers next.
        acts.extend(self.tick(now));
        acts
    }

    fn tick(&mut self, now: Duration) -> Vec<Act> {
        match self.state {
            // A poll is never early, and so never just in time.
            State::Backup if now >= self.down => self.take_over(now),
            State::Backup => {
                self.due = now + self.interval();
                Vec::new()
            }
            State::Master if now >= self.due => self.send(now),
            // It has slept for long enough.
            State::Stopped if now >= self.due => {
                self.waits(now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn due(&self) -> Duration {
        self.due
    }

    /// It tracks nothing.
    fn checked(&mut self, _: Duration, _: bool) -> Vec<Act> {
        Vec::new()
    }

    fn order(&mut self, now: Duration, order: Order) -> Vec<Act> {
        let is_master = self.state == State::Master;
        match order {
            Order::Restart => {
                let mut acts = Vec::new();
                if is_master && self.options.shutdown {
                    acts.extend(self.goes_down());
                }
                acts.extend(self.start(now));
                acts
            }
            Order::Demote if is_master => {
                (self.state, self.due) = (State::Stopped, now + DEAF);
                self.goes_down().into()
            }
            Order::Demote => Vec::new(),
        }
    }

    fn listens(&self) -> bool {
        self.state != State::Stopped
    }

    fn state(&self) -> State {
        self.state
    }

    fn rank(&self) -> u8 {
        self.options.advskew
    }
}

#[cfg(test)]
mod tests;
