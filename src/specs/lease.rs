//! Leases of a replicated store, and a key that goes with one. The store that is run follows it.
//!
//! Who leads counts down each lease, and may end one when its time is over; a key that goes with it is gone then, and
//! free for another. Who holds a lease counts from when it last asked, and was told; nobody has to tell it that its time
//! is over. Leaders change, and a deposed one may not know it. Three rules keep a lease from ending early for its holder:
//! a leader that is new gives every lease its whole time (`whole`), since it does not know what was renewed; a leader
//! makes sure that it still leads before it tells a holder (`sure`); and only who leads ends leases (`alone`). Without
//! one of them a holder counts on a lease that is gone, and on a key that another has. A fourth, that no key is put with
//! a lease that is gone (`refuses`), keeps keys from staying for ever. To whoever is written to, the lease is the token:
//! what comes with one that is gone is too late.
//!
//! What a leader may end it may have proposed: the next one gives no more time to a lease whose time is over, although
//! the proposal may as well be lost. Time is a few ticks, all clocks' at once. Two replicas are enough for a leader and
//! one that is not; which of them knows that it is deposed is not specified.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec, Traced, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "lease",
    title: "Leases of a replicated store: who leads counts, and leaders change",
    settings: &[
        Setting::number("leases", 2, 1, 4, "leases, one after the other or beside each other"),
        Setting::number("ttl", 2, 1, 5, "ticks that a lease lives"),
        Setting::number("elections", 2, 1, 9, "elections after the first"),
        Setting::switch("whole", true, "a new leader gives every lease its whole time"),
        Setting::switch("sure", true, "a leader makes sure that it leads before it tells a holder"),
        Setting::switch("alone", true, "only who leads ends leases"),
        Setting::switch("refuses", true, "no key is put with a lease that is gone"),
    ],
    build: |values| {
        Box::new(Leases {
            leases: values.number("leases").into(),
            ttl: values.number("ttl").into(),
            elections: values.number("elections").into(),
            is_whole: values.is_on("whole"),
            is_sure: values.is_on("sure"),
            is_alone: values.is_on("alone"),
            refuses: values.is_on("refuses"),
        })
    },
};

/// Replicas that are explored.
const REPLICAS: u32 = 2;
/// Keys that are explored.
const KEYS: u32 = 1;

/// Leases, in sizes that are explored. A run may have more of all, of any time to live.
#[derive(Debug)]
pub struct Leases {
    leases: u32,
    ttl: u32,
    elections: u32,
    is_whole: bool,
    is_sure: bool,
    is_alone: bool,
    refuses: bool,
}

impl Leases {
    /// As a run is held against it.
    pub fn of_a_run() -> Self {
        Leases {
            leases: 0,
            ttl: 1,
            elections: 0,
            is_whole: true,
            is_sure: true,
            is_alone: true,
            refuses: true,
        }
    }
}

/// A step, of replicas, leases and keys by their numbers from 0, and of time in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It leads from now on.
    Elect { replica: u32 },
    /// The next lease is granted.
    Grant { ttl: u32 },
    /// A holder is told by a replica that its lease lives for so long, counted from when it asked.
    Renew { replica: u32, lease: u32, lives: u32 },
    /// A key goes with a lease from now on.
    Put { key: u32, lease: u32 },
    /// A key goes with none any more: it was deleted, or put without one.
    Free { key: u32 },
    /// A lease ends, and its keys are gone.
    End { lease: u32 },
    /// Time passes.
    Pass { ticks: u32 },
}

/// A lease, once it was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    is_there: bool,
    ttl: u32,
    /// Ticks until the leader ends it.
    left: u32,
    /// Ticks until another would, who knows of no renewal since it led, or since the lease was granted.
    other: u32,
    /// Ticks until its holder counts on it no more.
    own: u32,
}

/// All leases, and with which each key goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    leader: u32,
    elections: u32,
    leases: Vec<Lease>,
    keys: Vec<Option<u32>>,
}

impl State {
    /// How many leases there were.
    pub fn leases(&self) -> u32 {
        self.leases.len() as u32
    }

    /// Whether time matters to somebody.
    pub fn counts(&self) -> bool {
        self.leases.iter().any(Lease::counts)
    }

    fn lease(&mut self, number: u32) -> Option<&mut Lease> {
        self.leases.get_mut(number as usize)
    }

    fn is_there(&self, lease: u32) -> bool {
        self.leases.get(lease as usize).is_some_and(|lease| lease.is_there)
    }

    fn bind(&mut self, key: u32, lease: Option<u32>) {
        let key = key as usize;
        if key >= self.keys.len() {
            self.keys.resize(key + 1, None);
        }
        self.keys[key] = lease;
    }
}

impl Spec for Leases {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        vec![State { leader: 0, elections: 0, leases: Vec::new(), keys: Vec::new() }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        if state.elections < self.elections {
            self.each(state, (0..REPLICAS).map(|replica| Step::Elect { replica }), step);
        }
        if state.leases() < self.leases {
            self.each(state, [Step::Grant { ttl: self.ttl }], step);
        }
        for lease in 0..state.leases() {
            let told = (0..REPLICAS).flat_map(|replica| (1..=self.ttl).map(move |lives| (replica, lives)));
            self.each(state, told.map(|(replica, lives)| Step::Renew { replica, lease, lives }), step);
            self.each(state, (0..KEYS).map(|key| Step::Put { key, lease }), step);
            self.each(state, [Step::End { lease }], step);
        }
        self.each(state, (0..KEYS).map(|key| Step::Free { key }), step);
        self.each(state, [Step::Pass { ticks: 1 }], step);
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let goes_with_one = |s: &State| s.keys.iter().flatten().all(|lease| s.is_there(*lease));
        vec![
            Invariant::new("NoLeaseEndsEarly", |s: &State| s.leases.iter().all(|l| l.is_there || l.own == 0)),
            Invariant::new("NoKeyOutlivesItsLease", goes_with_one),
        ]
    }

    fn may_end(&self, state: &State) -> bool {
        state.leases() >= self.leases && !state.leases.iter().any(|lease| lease.is_there)
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let number = |lease: &Option<u32>| lease.map_or("none".to_owned(), |lease| format!("l{}", lease + 1));
        vec![
            ("leader".to_owned(), format!("n{}", s.leader + 1)),
            ("leases".to_owned(), tla::function('l', s.leases.iter().map(shown))),
            ("keys".to_owned(), tla::function('k', s.keys.iter().map(number))),
        ]
    }
}

impl Traced for Leases {
    fn take(&self, state: &mut State, action: Step) -> bool {
        match action {
            Step::Elect { replica } => {
                let is_another = state.leader != replica;
                for lease in state.leases.iter_mut().filter(|lease| lease.is_there) {
                    let is_over = lease.left == 0;
                    if is_another {
                        std::mem::swap(&mut lease.left, &mut lease.other);
                    }
                    if self.is_whole {
                        lease.left = if is_over { 0 } else { lease.ttl };
                    }
                }
                (state.leader, state.elections) = (replica, state.elections.saturating_add(1));
            }
            Step::Grant { ttl } => {
                state.leases.push(Lease { is_there: true, ttl, left: ttl, other: ttl, own: ttl });
            }
            Step::Renew { replica, lease, lives } => {
                let leads = state.leader == replica;
                let Some(lease) = state.lease(lease).filter(|lease| lease.is_there) else { return false };
                // A deposed leader may say what it made sure of before: that is no more than the new one gives.
                if !leads && self.is_sure && lives > lease.left {
                    return false;
                }
                if leads {
                    lease.left = lease.left.max(lives);
                } else {
                    lease.other = lease.other.max(lives);
                }
                lease.own = lease.own.max(lives);
            }
            Step::Put { key, lease } if state.is_there(lease) || !self.refuses => {
                state.bind(key, Some(lease));
            }
            Step::Free { key } if state.keys.get(key as usize).is_some_and(Option::is_some) => {
                state.bind(key, None);
            }
            Step::End { lease: number } => {
                let Some(lease) = state.lease(number).filter(|lease| lease.is_there) else { return false };
                if lease.left > 0 && (self.is_alone || lease.other > 0) {
                    return false;
                }
                (lease.is_there, lease.left, lease.other) = (false, 0, 0);
                state.keys.iter_mut().filter(|key| **key == Some(number)).for_each(|key| *key = None);
            }
            Step::Pass { ticks } if state.counts() => {
                for lease in state.leases.iter_mut().filter(|lease| lease.counts()) {
                    for count in [&mut lease.left, &mut lease.other, &mut lease.own] {
                        *count = count.saturating_sub(ticks);
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn is_akin(&self, action: Step, refused: Step) -> bool {
        match refused.lease() {
            Some(lease) => action.lease() == Some(lease),
            None => true,
        }
    }

    fn about(&self, state: &State, refused: Step) -> Vec<(String, String)> {
        let lease = refused.lease().and_then(|number| Some((number, state.leases.get(number as usize)?)));
        let lease = lease.map(|(number, lease)| (format!("l{}", number + 1), shown(lease)));
        [("leader".to_owned(), format!("n{}", state.leader + 1))].into_iter().chain(lease).collect()
    }
}

impl Lease {
    /// Whether somebody still counts it down.
    fn counts(&self) -> bool {
        self.left > 0 || self.other > 0 || self.own > 0
    }
}

impl Step {
    /// The lease that it is about.
    fn lease(self) -> Option<u32> {
        match self {
            Step::Renew { lease, .. } | Step::Put { lease, .. } | Step::End { lease } => Some(lease),
            _ => None,
        }
    }
}

fn shown(lease: &Lease) -> String {
    let Lease { is_there, left, own, .. } = lease;
    let state = if *is_there { "granted" } else { "ended" };
    format!("[state |-> \"{state}\", left |-> {left}, own |-> {own}]")
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Elect { replica } => write!(f, "Elect(n{})", replica + 1),
            Step::Grant { ttl } => write!(f, "Grant({ttl})"),
            Step::Renew { replica, lease, lives } => {
                write!(f, "Renew(n{}, l{}, {lives})", replica + 1, lease + 1)
            }
            Step::Put { key, lease } => write!(f, "Put(k{}, l{})", key + 1, lease + 1),
            Step::Free { key } => write!(f, "Free(k{})", key + 1),
            Step::End { lease } => write!(f, "End(l{})", lease + 1),
            Step::Pass { ticks } => write!(f, "Pass({ticks})"),
        }
    }
}
