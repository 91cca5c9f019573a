//! All of the world's randomness: independent ChaCha8 streams addressed by purpose and entity.
//!
//! Two streams share nothing but the seed, so taking a fault or an operation out of a plan never reshuffles the rest.
//! Everything random that a run does goes through [`Draw`] (madsim's own generator drives its scheduler only), and
//! every stream of it is in one table, [`Stream`], so that no two draw from one by accident.
//!
//! A world can be given another seed while it runs ([`World::reseed`](super::World::reseed)): each of its streams then
//! begins anew, as that of the new seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::fmt;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_128;

/// Which stream: its purpose, its entity, and with that who draws from it.
///
/// | stream | purpose | entity | who draws |
/// |---|---|---|---|
/// | `Transit` | `network` | `n1→n2` | each packet on a link, one step: is it lost, and how long does it take |
/// | `Duplicate` | `network/duplicate` | `n1→n2` | each packet of a link that duplicates |
/// | `Reorder` | `network/reorder` | `n1→n2` | each packet of a link that reorders |
/// | `Corrupt` | `network/corrupt` | `n1→n2` | each datagram of a link that corrupts |
/// | `Arp` | `arp` | – | a question that several machines answer |
/// | `Disk` | `disk` | `n1` | a disk whose faults have a probability; decay |
/// | `DiskLatency` | `disk latency` | `n1` | each operation of a disk whose latency is not constant |
/// | `PowerLoss` | `disk` | `n1/power loss 3` | the end of a disk's life: what is left |
/// | `Entropy` | `entropy` | `n1` | node code, through [`host::entropy`](crate::entropy) |
/// | `Buggify` | `buggify` | `n1` | node code, through [`buggify!`](crate::buggify!) |
/// | `Clock` | `clock` | `n1` | the making of a machine: its clock's offset and drift |
/// | `Boot` | `boot` | `n1` | the making of a machine: when it boots for the first time |
/// | `Cluster` | `cluster` | – | the resolving of a scenario: how many nodes |
/// | `SwarmKind`, `SwarmKinds` | `swarm` | `kind/crash`, `kinds` | the same: which kinds of fault |
/// | `SwarmEvery` | `swarm` | `every` | the same: how often |
/// | `SwarmOperation`, `SwarmOperations` | `swarm` | `operation/put`, `operations` | the same: which mix |
/// | `SwarmOption` | `swarm` | `option/lease_min` | the same: which of the options a system may have |
/// | `SwarmLoad` | `swarm` | `load` | the same: how many keys, how much work, and in what bursts |
/// | `Schedule` | `faults` | `schedule` | the same: when random faults strike |
/// | `Fault` | `faults` | `7` | the same: what the eighth random fault is |
/// | `Strike` | `faults` | `strike/7` | the same: whether that fault waits for a probe, and for which |
/// | `Drawn` | `faults` | `drawn/7` | the same: what that fault leaves open when it is planned |
/// | `Scripted` | `faults` | `scripted/2/0` | the same: what a fault of the file leaves open, each time that it strikes |
/// | `Target` | `faults` | `target/2/5` | the nemesis: whom a fault strikes of those that fit, after so many strikes |
/// | `Client` | `workload` | `client-3` | a client: when its operations are due, and which |
/// | `Other` | as given | as given | tests, and whatever a user of the testbed draws for itself |
///
/// A node that needs random numbers takes them from [`host::entropy`](crate::entropy), which exists in a real build
/// too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table above says it once")]
pub enum Stream<'a> {
    Transit { from: &'a str, to: &'a str },
    Duplicate { from: &'a str, to: &'a str },
    Reorder { from: &'a str, to: &'a str },
    Corrupt { from: &'a str, to: &'a str },
    Arp,
    Disk(&'a str),
    DiskLatency(&'a str),
    PowerLoss { machine: &'a str, life: u64 },
    Entropy(&'a str),
    Buggify(&'a str),
    Clock(&'a str),
    Boot(&'a str),
    Cluster,
    SwarmKind(&'a str),
    SwarmKinds,
    SwarmEvery,
    SwarmOperation(&'a str),
    SwarmOperations,
    SwarmOption(&'a str),
    SwarmLoad,
    Schedule,
    Fault(u64),
    Strike(u64),
    Drawn(u64),
    Scripted { fault: usize, round: usize },
    Target { fault: usize, strikes: u64 },
    Client(u32),
    Other { purpose: &'a str, entity: &'a str },
}

/// Purpose and entity, as they go into the stream's key.
impl fmt::Display for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Stream::Transit { from, to } => write!(f, "network/{from}→{to}"),
            Stream::Duplicate { from, to } => write!(f, "network/duplicate/{from}→{to}"),
            Stream::Reorder { from, to } => write!(f, "network/reorder/{from}→{to}"),
            Stream::Corrupt { from, to } => write!(f, "network/corrupt/{from}→{to}"),
            Stream::Arp => f.write_str("arp/"),
            Stream::Disk(machine) => write!(f, "disk/{machine}"),
            Stream::DiskLatency(machine) => write!(f, "disk latency/{machine}"),
            Stream::PowerLoss { machine, life } => write!(f, "disk/{machine}/power loss {life}"),
            Stream::Entropy(machine) => write!(f, "entropy/{machine}"),
            Stream::Buggify(machine) => write!(f, "buggify/{machine}"),
            Stream::Clock(machine) => write!(f, "clock/{machine}"),
            Stream::Boot(machine) => write!(f, "boot/{machine}"),
            Stream::Cluster => f.write_str("cluster/"),
            Stream::SwarmKind(kind) => write!(f, "swarm/kind/{kind}"),
            Stream::SwarmKinds => f.write_str("swarm/kinds"),
            Stream::SwarmEvery => f.write_str("swarm/every"),
            Stream::SwarmOperation(operation) => write!(f, "swarm/operation/{operation}"),
            Stream::SwarmOperations => f.write_str("swarm/operations"),
            Stream::SwarmOption(option) => write!(f, "swarm/option/{option}"),
            Stream::SwarmLoad => f.write_str("swarm/load"),
            Stream::Schedule => f.write_str("faults/schedule"),
            Stream::Fault(index) => write!(f, "faults/{index}"),
            Stream::Strike(index) => write!(f, "faults/strike/{index}"),
            Stream::Drawn(index) => write!(f, "faults/drawn/{index}"),
            Stream::Scripted { fault, round } => write!(f, "faults/scripted/{fault}/{round}"),
            Stream::Target { fault, strikes } => write!(f, "faults/target/{fault}/{strikes}"),
            Stream::Client(number) => write!(f, "workload/client-{number}"),
            Stream::Other { purpose, entity } => write!(f, "{purpose}/{entity}"),
        }
    }
}

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// A stream of `seed`, from its beginning.
    pub fn new(seed: u64, stream: Stream<'_>) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&xxh3_128(stream.to_string().as_bytes()).to_le_bytes());
        Draw(ChaCha8Rng::from_seed(key))
    }

    /// Sixty-four uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: the bias is below 2⁻⁶⁴ · bound, and every draw costs exactly one step of the stream.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A uniform number in `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// A uniform number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A uniform duration in `from..=to`.
    pub fn duration(&mut self, from: Duration, to: Duration) -> Duration {
        Duration::from_nanos(self.between(from.as_nanos() as u64, to.as_nanos() as u64))
    }

    /// An exponentially distributed duration with the given mean: the gaps of a Poisson process.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-libm::log(1.0 - self.unit()))
    }

    /// One of the items, uniformly.
    ///
    /// # Panics
    ///
    /// On an empty slice: there is nothing to pick.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "a pick among nothing");
        &items[self.below(items.len() as u64) as usize]
    }

    /// Brings the items into a uniformly random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// A stream that is made when something is drawn from it for the first time.
pub(super) struct LateDraw {
    seed: u64,
    stream: fn(&str) -> Stream<'_>,
    entity: String,
    draw: Option<Box<Draw>>,
}

impl LateDraw {
    /// `stream` of an entity: `LateDraw::new(seed, |disk| Stream::Disk(disk), "n1")`.
    pub(super) fn new(seed: u64, stream: fn(&str) -> Stream<'_>, entity: &str) -> Self {
        LateDraw { seed, stream, entity: entity.to_owned(), draw: None }
    }

    /// Whether something of this probability happens. What cannot happen draws nothing.
    pub(super) fn strikes(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.draw().chance(probability)
    }

    /// From here on it is that of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        (self.seed, self.draw) = (seed, None);
    }

    pub(super) fn draw(&mut self) -> &mut Draw {
        self.draw.get_or_insert_with(|| Box::new(Draw::new(self.seed, (self.stream)(&self.entity))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(entity: &str) -> Stream<'_> {
        Stream::Other { purpose: "test", entity }
    }

    #[test]
    fn streams_of_different_entities_are_independent_and_repeatable() {
        let draw = |from: &str, to: &str| -> Vec<u64> {
            let mut draw = Draw::new(7, Stream::Transit { from, to });
            (0..4).map(|_| draw.bits()).collect()
        };
        assert_eq!(draw("n1", "n2"), draw("n1", "n2"));
        assert_ne!(draw("n1", "n2"), draw("n2", "n1"));
    }

    /// The bytes are part of every digest: they stay.
    #[test]
    fn a_stream_has_the_address_that_the_table_says() {
        let (from, to) = ("n1", "n2");
        let addresses = [
            (Stream::Transit { from, to }, "network/n1→n2"),
            (Stream::Duplicate { from, to }, "network/duplicate/n1→n2"),
            (Stream::Reorder { from, to }, "network/reorder/n1→n2"),
            (Stream::Corrupt { from, to }, "network/corrupt/n1→n2"),
            (Stream::Arp, "arp/"),
            (Stream::Disk("n1"), "disk/n1"),
            (Stream::DiskLatency("n1"), "disk latency/n1"),
            (Stream::PowerLoss { machine: "n1", life: 3 }, "disk/n1/power loss 3"),
            (Stream::Entropy("n1"), "entropy/n1"),
            (Stream::Buggify("n1"), "buggify/n1"),
            (Stream::Clock("c1"), "clock/c1"),
            (Stream::Boot("n1"), "boot/n1"),
            (Stream::Cluster, "cluster/"),
            (Stream::SwarmKind("crash"), "swarm/kind/crash"),
            (Stream::SwarmKinds, "swarm/kinds"),
            (Stream::SwarmEvery, "swarm/every"),
            (Stream::SwarmOperation("put"), "swarm/operation/put"),
            (Stream::SwarmOperations, "swarm/operations"),
            (Stream::SwarmOption("lease_min"), "swarm/option/lease_min"),
            (Stream::SwarmLoad, "swarm/load"),
            (Stream::Schedule, "faults/schedule"),
            (Stream::Fault(7), "faults/7"),
            (Stream::Strike(7), "faults/strike/7"),
            (Stream::Drawn(7), "faults/drawn/7"),
            (Stream::Scripted { fault: 2, round: 0 }, "faults/scripted/2/0"),
            (Stream::Target { fault: 2, strikes: 5 }, "faults/target/2/5"),
            (Stream::Client(3), "workload/client-3"),
            (Stream::Other { purpose: "test", entity: "faults" }, "test/faults"),
        ];
        for (stream, address) in addresses {
            assert_eq!(stream.to_string(), address, "{stream:?}");
        }
    }

    #[test]
    fn a_stream_that_cannot_strike_is_never_made() {
        let mut late = LateDraw::new(7, |disk| Stream::Disk(disk), "n1");
        assert!(!late.strikes(0.0) && late.draw.is_none());
        assert_eq!(late.draw().bits(), Draw::new(7, Stream::Disk("n1")).bits());
    }

    #[test]
    fn a_stream_that_is_made_late_can_become_that_of_another_seed() {
        let mut late = LateDraw::new(7, |disk| Stream::Disk(disk), "n1");
        late.draw().bits();
        late.reseed(8);
        assert_eq!(late.draw().bits(), Draw::new(8, Stream::Disk("n1")).bits());
    }

    #[test]
    fn bounded_draws_stay_in_bounds_and_reach_both_ends() {
        let mut draw = Draw::new(1, test("bounds"));
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| draw.between(3, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(draw.below(0), 0);
    }

    #[test]
    fn exponential_gaps_have_the_mean_asked_for() {
        let mut draw = Draw::new(2, test("gaps"));
        let total: Duration = (0..10_000).map(|_| draw.exponential(Duration::from_millis(10))).sum();
        assert!((95..105).contains(&total.as_secs()), "{total:?} for 10,000 gaps of 10 ms");
    }
}
