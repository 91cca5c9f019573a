//! The wire: every directed link between two machines, and the one decision about whatever is sent.
//!
//! Segments, datagrams, packets without data and ARP's announcements meet it twice, when they set out and when they get
//! to the far end, and both times the answer is one of three ([`Passage`]): it *travels*, it is *held* on the wire
//! until a hold ends, or it is *lost*. At the far end, what travels is lost all the same where the machine there does
//! not take it. What is held waits here ([`Wire::depart`], [`Wire::arrive`]) and comes out of [`Wire::release`]; only
//! segments wait in their connection, since they make a stream ([`Wire::departs`], [`Wire::arrives`]). What takes no
//! time (ARP's questions, acknowledgements, probes of a silent peer) gets through where a link [is
//! open](Wire::is_open).
//!
//! A machine reaches itself without a link, always and at once.
//!
//! | file | noun |
//! |---|---|
//! | `link.rs` | one link: its state, and how packets travel on it |
//! | `settings.rs`, `fault.rs` | what a link is like, and what makes it worse |
//! | `latency.rs`, `normal.rs`, `queue.rs` | how long a packet takes |
//! | `steer.rs` | what the testbed does to a link |

mod fault;
mod latency;
mod link;
mod normal;
mod queue;
mod settings;
mod steer;

pub use fault::LinkFault;
pub use latency::Latency;
pub(super) use link::Transit;
pub use settings::{Bandwidth, LinkSettings, Reorder};

use super::Freight;
use crate::world::{Config, MachineId};
use link::{Link, Origin};

/// From one machine to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::world) struct Way {
    pub(in crate::world) from: MachineId,
    pub(in crate::world) to: MachineId,
}

impl Way {
    pub(super) fn back(self) -> Way {
        Way { from: self.to, to: self.from }
    }

    /// It leads to where it begins.
    pub(super) fn is_loopback(self) -> bool {
        self.from == self.to
    }

    /// Both machines in one word, for the digest.
    pub(super) fn word(self) -> u64 {
        (self.from.index() as u64) << 32 | self.to.index() as u64
    }
}

/// What becomes of something at one end of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage<T = ()> {
    Travels(T),
    /// It stays on the wire until a hold ends.
    Held,
    Lost,
}

pub(super) struct Wire {
    seed: u64,
    /// The names of the machines, for the streams of links.
    names: Vec<String>,
    /// By sender, then by receiver.
    links: Vec<Link>,
}

impl Wire {
    pub(super) fn new(config: &Config) -> Self {
        let settings = || LinkSettings { loss: config.loss, ..LinkSettings::new(config.latency.clone()) };
        let count = config.machines.len();
        Wire {
            seed: config.seed,
            names: config.machines.iter().map(|machine| machine.name.clone()).collect(),
            links: (0..count * count).map(|_| Link::new(settings())).collect(),
        }
    }

    fn place(&self, way: Way) -> usize {
        way.from.index() * self.names.len() + way.to.index()
    }

    fn link(&mut self, way: Way) -> &mut Link {
        let place = self.place(way);
        &mut self.links[place]
    }

    /// What becomes of a segment that sets out, as far as the state of its link decides.
    pub(super) fn departs(&self, way: Way) -> Passage {
        if way.is_loopback() { Passage::Travels(()) } else { self.links[self.place(way)].passage() }
    }

    /// What becomes of a segment at the far end. `taken`: whether the machine there takes what is sent to it.
    pub(super) fn arrives(&self, way: Way, taken: impl FnOnce() -> bool) -> Passage {
        match self.departs(way) {
            Passage::Travels(()) if !taken() => Passage::Lost,
            passage => passage,
        }
    }

    /// Something of so many bytes sets out, or goes on after a hold. If it travels, says how.
    pub(super) fn depart(&mut self, now: u64, way: Way, size: usize, freight: Freight) -> Passage<Transit> {
        match self.departs(way) {
            Passage::Travels(()) => Passage::Travels(self.transit(now, way, size)),
            Passage::Held => {
                self.link(way).hold_back(freight);
                Passage::Held
            }
            Passage::Lost => Passage::Lost,
        }
    }

    /// Something gets to the far end of its way. `taken`: as of [`Wire::arrives`].
    pub(super) fn arrive(&mut self, way: Way, freight: Freight, taken: impl FnOnce() -> bool) -> Passage {
        let passage = self.arrives(way, taken);
        if passage == Passage::Held {
            self.link(way).hold_back(freight);
        }
        passage
    }

    /// Whether what takes no time gets through.
    pub(super) fn is_open(&self, way: Way) -> bool {
        self.departs(way) == Passage::Travels(())
    }

    /// Draws what becomes of a packet of `size` bytes that travels.
    pub(super) fn transit(&mut self, now: u64, way: Way, size: usize) -> Transit {
        let place = self.place(way);
        let Wire { seed, names, links } = self;
        links[place].transit(now, size, || origin(*seed, names, way))
    }

    /// Damages a datagram, where its link does that.
    pub(super) fn corrupt(&mut self, way: Way, bytes: &mut [u8]) {
        let place = self.place(way);
        let Wire { seed, names, links } = self;
        links[place].corrupt(bytes, || origin(*seed, names, way));
    }

    /// How much of a packet of `len` bytes and a header fits into the queue; none when not even the header does.
    pub(super) fn fits(&self, now: u64, way: Way, header: usize, len: usize) -> Option<usize> {
        self.links[self.place(way)].fits(now, header, len)
    }

    /// When half of the queue is free again.
    pub(super) fn roomy_at(&self, now: u64, way: Way) -> u64 {
        self.links[self.place(way)].roomy_at(now)
    }

    /// Ends one hold. When the way is open again, what waited comes out.
    pub(super) fn release(&mut self, way: Way) -> Option<Vec<Freight>> {
        self.link(way).release()
    }

    /// Begins a cut. If it is what ends a hold, what waited comes out, lost.
    pub(super) fn cut(&mut self, way: Way) -> Option<Vec<Freight>> {
        self.link(way).cut()
    }

    /// What is drawn from now on is of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
        self.links.iter_mut().for_each(Link::begin_streams_anew);
    }

    /// What waits on each way.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Way, &[Freight])> {
        let count = self.names.len();
        let way = move |place| Way { from: MachineId::new(place / count), to: MachineId::new(place % count) };
        self.links.iter().enumerate().map(move |(place, link)| (way(place), link.waiting()))
    }
}

/// Whose streams the link on this way draws from.
fn origin(seed: u64, names: &[String], way: Way) -> Origin<'_> {
    Origin { seed, from: &names[way.from.index()], to: &names[way.to.index()] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::lab;

    const THERE: Way = Way { from: MachineId::numbered(1), to: MachineId::numbered(2) };
    const TRAVELS: Passage = Passage::Travels(());

    fn wire() -> Wire {
        Wire::new(&Config::new(1, lab::machines(2)))
    }

    #[test]
    fn a_cut_rules_over_a_hold_and_both_in_one_direction_only() {
        let mut wire = wire();
        assert_eq!(wire.departs(THERE), TRAVELS);
        wire.link(THERE).hold();
        assert_eq!((wire.departs(THERE), wire.is_open(THERE)), (Passage::Held, false));
        wire.cut(THERE);
        assert_eq!((wire.departs(THERE), wire.departs(THERE.back())), (Passage::Lost, TRAVELS));
        wire.link(THERE).mend();
        assert_eq!(wire.departs(THERE), Passage::Held);
        assert!(wire.release(THERE).is_some() && wire.is_open(THERE), "it was the last");
    }

    #[test]
    fn what_nobody_takes_is_lost_at_the_far_end_unless_it_does_not_get_there() {
        let mut wire = wire();
        assert_eq!((wire.arrives(THERE, || true), wire.arrives(THERE, || false)), (TRAVELS, Passage::Lost));
        wire.link(THERE).hold();
        assert_eq!(
            (wire.arrives(THERE, || true), wire.arrives(THERE, || false)),
            (Passage::Held, Passage::Held)
        );
    }

    #[test]
    fn a_machine_reaches_itself_whatever_its_links_do() {
        let mut wire = wire();
        let itself = Way { from: THERE.from, to: THERE.from };
        wire.cut(itself);
        assert!(wire.is_open(itself));
    }
}
