//! keepalived's rules.

use super::check::Tracked;
use super::{Act, Rules, State};
use crate::vrrp::message::{Advert, Message, Order};
use crate::vrrp::options::{Flaw, Initial, Keepalived as Options, Version};
use std::net::IpAddr;
use std::time::Duration;

/// The priority of the owner of the addresses.
const OWNER: u8 = 255;
/// What the master says when it is one no longer.
const STOPS: u8 = 0;
/// VRRPv2's skew never scales.
const SECOND: Duration = Duration::from_secs(1);

/// One instance.
#[derive(Debug)]
pub(in crate::vrrp) struct Keepalived {
    options: Options,
    /// Its machine's own address.
    own: IpAddr,
    state: State,
    tracked: Option<Tracked>,
    /// The interval that a backup counts on.
    master_int: Duration,
    /// A backup takes over then, a master says that it is there.
    due: Duration,
    /// A master announces its addresses again then.
    again: Duration,
}

impl Keepalived {
    pub fn new(mut options: Options, own: IpAddr) -> Keepalived {
        if options.nopreempt && options.state == Initial::Master {
            tracing::warn!("nopreempt needs the initial state BACKUP: it is cleared");
            options.nopreempt = false;
        }
        if options.flaw == Some(Flaw::PreemptFlapping) {
            options.nopreempt = false;
        }
        let tracked = options.check.clone().map(Tracked::new);
        let master_int = options.advert_int;
        let (due, again) = (Duration::MAX, Duration::MAX);
        Keepalived { options, own, state: State::Stopped, tracked, master_int, due, again }
    }

    /// The priority, with what checks add to it or take.
    fn priority(&self) -> u8 {
        let base = self.options.priority;
        let weighs = self.tracked.as_ref().map_or(0, Tracked::weighs);
        let moved = (i16::from(base) + weighs).clamp(1, i16::from(OWNER) - 1);
        if base == OWNER { OWNER } else { u8::try_from(moved).unwrap_or(base) }
    }

    /// So much later than the strongest a backup takes over.
    fn skew(&self) -> Duration {
        let whole = if self.options.version == Version::V2 { SECOND } else { self.master_int };
        whole * (256 - u32::from(self.priority())) / 256
    }

    fn master_down(&self) -> Duration {
        3 * self.master_int + self.skew()
    }

    fn advert(&self, priority: u8) -> Act {
        Act::Send(Message::Vrrp(Advert {
            version: self.options.version.number(),
            priority,
            interval: self.options.advert_int,
            password: self.options.password.clone(),
        }))
    }

    /// Whether it takes an advert for one of its group.
    fn accepts(&self, advert: &Advert) -> bool {
        let same = match self.options.version {
            Version::V2 => {
                advert.interval == self.options.advert_int && advert.password == self.options.password
            }
            Version::V3 => true,
        };
        same && advert.version == self.options.version.number()
    }

    fn take_over(&mut self, now: Duration) -> Vec<Act> {
        self.state = State::Master;
        self.master_int = self.options.advert_int;
        self.due = now + self.options.advert_int;
        self.again = now + self.options.garp_master_delay;
        let announces = Act::Announce(self.options.garp_master_repeat);
        vec![self.advert(self.priority()), Act::Claim, announces, Act::Run(State::Master)]
    }

    /// It is a backup from now on.
    fn stands_back(&mut self, now: Duration) {
        self.state = State::Backup;
        self.due = now + self.master_down();
        self.again = Duration::MAX;
    }

    /// It lets go of what a master has, and is this from now on.
    fn ends(&mut self, state: State) -> Vec<Act> {
        let was_master = self.state == State::Master;
        (self.state, self.due, self.again) = (state, Duration::MAX, Duration::MAX);
        let farewell = was_master.then(|| [self.advert(STOPS), Act::Release]);
        farewell.into_iter().flatten().chain([Act::Run(state)]).collect()
    }

    fn backup_heard(&mut self, now: Duration, advert: &Advert) {
        if advert.priority == STOPS {
            self.due = now + self.skew();
        } else if self.options.nopreempt || advert.priority >= self.priority() {
            self.adopt(advert);
            self.due = now + self.master_down();
        }
    }

    fn master_heard(&mut self, now: Duration, from: IpAddr, advert: &Advert) -> Vec<Act> {
        let ours = (self.priority(), self.own);
        let theirs = (advert.priority, from);
        if advert.priority == STOPS {
            return vec![self.advert(self.priority())];
        }
        if theirs < ours {
            let mut answer = vec![self.advert(self.priority())];
            let announces = self.options.garp_lower_prio_repeat;
            if self.options.flaw != Some(Flaw::PausedMasterNoGarp) && announces > 0 {
                answer.push(Act::Announce(announces));
            }
            return answer;
        }
        if theirs == ours || self.options.flaw == Some(Flaw::BothMasters) {
            return Vec::new();
        }
        self.adopt(advert);
        self.stands_back(now);
        vec![Act::Release, Act::Run(State::Backup)]
    }

    fn adopt(&mut self, advert: &Advert) {
        if self.options.version == Version::V3 {
            self.master_int = advert.interval;
        }
    }
}

impl Rules for Keepalived {
    fn start(&mut self, now: Duration) -> Vec<Act> {
        self.tracked = self.options.check.clone().map(Tracked::new);
        self.master_int = self.options.advert_int;
        if self.options.priority == OWNER && self.options.state == Initial::Master {
            return self.take_over(now);
        }
        self.stands_back(now);
        // Whatever a daemon before it has left.
        vec![Act::Release, Act::Run(State::Backup)]
    }

    fn heard(&mut self, now: Duration, from: IpAddr, message: &Message) -> Vec<Act> {
        let Message::Vrrp(advert) = message else { return Vec::new() };
        if !self.accepts(advert) {
            return Vec::new();
        }
        match self.state {
            State::Backup => {
                self.backup_heard(now, advert);
                Vec::new()
            }
            State::Master => self.master_heard(now, from, advert),
            State::Fault | State::Stopped => Vec::new(),
        }
    }

    fn tick(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        if now >= self.again {
            self.again = Duration::MAX;
            acts.push(Act::Announce(self.options.garp_master_repeat));
        }
        if now < self.due {
            return acts;
        }
        match self.state {
            State::Backup => acts.extend(self.take_over(now)),
            State::Master => {
                self.due = now + self.options.advert_int;
                acts.push(self.advert(self.priority()));
            }
            State::Fault | State::Stopped => {}
        }
        acts
    }

    fn due(&self) -> Duration {
        self.due.min(self.again)
    }

    fn checked(&mut self, now: Duration, good: bool) -> Vec<Act> {
        let Some(tracked) = &mut self.tracked else { return Vec::new() };
        if !tracked.take(good) {
            return Vec::new();
        }
        match (tracked.is_fault(), self.state) {
            (true, State::Backup | State::Master) => self.ends(State::Fault),
            (false, State::Fault) => {
                self.master_int = self.options.advert_int;
                self.stands_back(now);
                vec![Act::Run(State::Backup)]
            }
            _ => Vec::new(),
        }
    }

    fn order(&mut self, now: Duration, order: Order) -> Vec<Act> {
        match order {
            Order::Restart => {
                let mut acts = self.ends(State::Stopped);
                acts.extend(self.start(now));
                acts
            }
            Order::Demote => Vec::new(),
        }
    }

    fn state(&self) -> State {
        self.state
    }

    fn rank(&self) -> u8 {
        self.priority()
    }
}

impl Version {
    fn number(self) -> u8 {
        match self {
            Version::V2 => 2,
            Version::V3 => 3,
        }
    }
}

#[cfg(test)]
mod tests;
