//! Two routers and one address: the master says every tick that it is there, the other takes over when it has heard
//! nothing for three ticks, a little later the lower its priority (RFC 5798's skew).
//!
//! While the link is cut both own the address, which `strict=yes` forbids. Once it is whole again, who hears a greater
//! one steps down; of equal priorities the greater address is the greater. Without that (`tie=no`) two equals own it for
//! ever.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Each, Invariant, Property, Spec, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "vrrp",
    title: "Two routers with one address, and a link that is cut",
    settings: &[
        Setting::switch("cut", true, "the link may be cut, and heal"),
        Setting::switch("strict", false, "two owners are forbidden, cut or not"),
        Setting::switch("equal", false, "both have the same priority"),
        Setting::switch("tie", true, "of equal priorities the greater address is the greater"),
    ],
    build: |values| {
        Box::new(Vrrp {
            may_cut: values.is_on("cut"),
            is_strict: values.is_on("strict"),
            is_equal: values.is_on("equal"),
            breaks_ties: values.is_on("tie"),
        })
    },
};

struct Vrrp {
    may_cut: bool,
    is_strict: bool,
    is_equal: bool,
    breaks_ties: bool,
}

/// After so many ticks without a word the second router takes over; the first, which is preferred, one earlier.
const SILENCE_MAX: u8 = 4;

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Router {
    is_master: bool,
    /// Ticks since it heard a master.
    silence: u8,
    /// It has said in this tick that it is there.
    has_told: bool,
    /// The other's word is on its way to it.
    is_told: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct State {
    routers: Each<Router, 2>,
    is_cut: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Advertise(usize),
    Hear(usize),
    Tick,
    Cut,
    Heal,
}

impl State {
    fn has_two_owners(&self) -> bool {
        self.routers.iter().all(|router| router.is_master)
    }
}

impl Vrrp {
    /// Whether a master that hears the other gives way to it.
    fn gives_way(&self, router: usize) -> bool {
        if self.is_equal { self.breaks_ties && router == 0 } else { router == 1 }
    }
}

impl Spec for Vrrp {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        vec![State { routers: Each::default(), is_cut: false }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        for (at, router) in state.routers.iter().enumerate() {
            if router.is_master && !router.has_told {
                let mut then = *state;
                then.routers[at].has_told = true;
                then.routers[1 - at].is_told |= !state.is_cut;
                step(Step::Advertise(at), then);
            }
            if router.is_told {
                let mut then = *state;
                then.routers[at].is_told = false;
                if !router.is_master || self.gives_way(at) {
                    (then.routers[at].is_master, then.routers[at].silence) = (false, 0);
                }
                step(Step::Hear(at), then);
            }
        }
        // Words take less than a tick, and a master has one for each.
        if state.routers.iter().all(|router| router.is_master == router.has_told && !router.is_told) {
            let mut then = *state;
            for (at, router) in then.routers.iter_mut().enumerate() {
                router.has_told = false;
                if !router.is_master {
                    router.silence += 1;
                    router.is_master = router.silence >= SILENCE_MAX - u8::from(at == 0);
                }
            }
            step(Step::Tick, then);
        }
        if self.may_cut {
            let mut then = *state;
            then.is_cut = !state.is_cut;
            if then.is_cut {
                then.routers.iter_mut().for_each(|router| router.is_told = false);
            }
            step(if then.is_cut { Step::Cut } else { Step::Heal }, then);
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let one_owner = Invariant::new("NoTwoOwners", |s: &State| !s.has_two_owners());
        if self.is_strict || !self.may_cut { vec![one_owner] } else { Vec::new() }
    }

    fn properties(&self) -> Vec<Property<'_, State>> {
        let two = |s: &State| s.has_two_owners() && !s.is_cut;
        vec![Property::leads_to("TwoOwnersEnd", two, |s: &State| !s.has_two_owners() || s.is_cut)]
    }

    fn fairness(&self, action: Step) -> Option<u8> {
        match action {
            Step::Advertise(at) => Some(at as u8),
            Step::Hear(at) => Some(2 + at as u8),
            Step::Tick => Some(4),
            Step::Cut | Step::Heal => None,
        }
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let state = |router: &Router| if router.is_master { "\"master\"" } else { "\"backup\"" };
        vec![
            ("state".to_owned(), tla::function('r', s.routers.iter().map(state))),
            ("silence".to_owned(), tla::function('r', s.routers.iter().map(|router| router.silence))),
            ("told".to_owned(), tla::function('r', s.routers.iter().map(|router| router.is_told))),
            ("cut".to_owned(), s.is_cut.to_string()),
        ]
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Advertise(router) => write!(f, "Advertise(r{})", router + 1),
            Step::Hear(router) => write!(f, "Hear(r{})", router + 1),
            Step::Tick => f.write_str("Tick"),
            Step::Cut => f.write_str("Cut"),
            Step::Heal => f.write_str("Heal"),
        }
    }
}
