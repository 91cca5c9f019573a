//! The search for an order of transfers and audits.
//!
//! It goes from audit to audit. Before one can be placed, what must come before it is; of what may, a set of transfers is
//! looked for that makes up the difference between its balances and those at hand. What was placed and the balances then
//! decide the rest, so what led nowhere is not tried twice. (What was placed does not decide the balances: nobody knows
//! what was there at first.) Transfers that add up to nothing are never taken beside such a set: they
//! may as well come before the next audit. Where amounts differ and little is under way, there is one such set; where a
//! history does not tell which it was, all are tried, up to a limit.

use super::audits::{Event, Kind};
use super::level::Clock;
use std::collections::{BTreeSet, HashSet};
use xxhash_rust::xxh3::xxh3_128;

/// So many sets of transfers are looked at, before the search gives up.
const TRIES_MAX: usize = 4_000_000;
/// Of so many sets that all explain an audit, some are not tried.
const WAYS_MAX: usize = 4096;

/// A search for an order.
pub(super) struct Search<'a> {
    events: &'a [Event],
    clock: Clock,
    /// What is not placed, in order of its beginning.
    left: BTreeSet<usize>,
    path: Vec<usize>,
    /// Hashes of what was placed, with the balances then, and led nowhere.
    failed: HashSet<u128>,
    tries_left: usize,
    /// There were more ways than are tried: then nothing follows if none leads anywhere.
    is_cut: bool,
    is_over: &'a dyn Fn() -> bool,
    /// How many audits were placed at most, and the one that could not be placed then.
    furthest: (usize, usize),
}

/// A way to go on: an audit, and the transfers before it.
struct Way {
    transfers: Vec<usize>,
    audit: usize,
}

/// An audit that was placed.
struct Placed {
    /// What else can be tried instead.
    others: Vec<Way>,
    /// How long the path was before.
    path: usize,
    balances: Option<Box<[i64]>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        events: &'a [Event],
        clock: Clock,
        with_failed: bool,
        is_over: &'a dyn Fn() -> bool,
    ) -> Self {
        let counts = |event: &usize| {
            !matches!(events[*event].kind, Kind::Transfer { failed: true, .. }) || with_failed
        };
        Search {
            events,
            clock,
            left: (0..events.len()).filter(counts).collect(),
            path: Vec::new(),
            failed: HashSet::new(),
            tries_left: TRIES_MAX,
            is_cut: false,
            is_over,
            furthest: (0, 0),
        }
    }

    /// Places audit after audit, without recursion, for a history has many. None if the search gave up.
    pub(super) fn audits(&mut self) -> Option<bool> {
        let mut stack: Vec<Placed> = Vec::new();
        let mut balances: Option<Box<[i64]>> = None;
        loop {
            let is_known = self.failed.contains(&self.hash(balances.as_deref()));
            let mut here = if is_known { Vec::new() } else { self.ways(balances.as_deref())? };
            if here.is_empty() && !is_known && !self.left.iter().any(|event| self.is_audit(*event)) {
                return Some(true);
            }
            let way = loop {
                if let Some(way) = here.pop() {
                    break way;
                }
                self.failed.insert(self.hash(balances.as_deref()));
                let Some(last) = stack.pop() else { return if self.is_cut { None } else { Some(false) } };
                self.left.extend(self.path.drain(last.path..));
                (here, balances) = (last.others, last.balances);
            };
            stack.push(Placed { others: here, path: self.path.len(), balances: balances.take() });
            for event in way.transfers.iter().chain([&way.audit]) {
                self.left.remove(event);
                self.path.push(*event);
            }
            if let Kind::Audit(told) = &self.events[way.audit].kind {
                balances = Some(told.clone());
            }
        }
    }

    /// The order that was found: what came before audits, then what else ended well.
    pub(super) fn order(&self) -> Vec<usize> {
        let rest = self.left.iter().filter(|event| self.events[**event].done < u64::MAX);
        self.path.iter().chain(rest).copied().collect()
    }

    /// The audit that could not be placed after the most others.
    pub(super) fn stuck(&self) -> usize {
        self.furthest.1
    }

    fn is_audit(&self, event: usize) -> bool {
        matches!(self.events[event].kind, Kind::Audit(_))
    }

    /// What was placed, in whatever order, and the balances.
    fn hash(&self, balances: Option<&[i64]>) -> u128 {
        let balances: Vec<u8> =
            balances.into_iter().flatten().flat_map(|balance| balance.to_le_bytes()).collect();
        let placed = self.path.iter().map(|event| xxh3_128(&event.to_le_bytes()));
        placed.fold(xxh3_128(&balances), |all, one| all ^ one)
    }

    /// The ways to go on, the best one last.
    fn ways(&mut self, balances: Option<&[i64]>) -> Option<Vec<Way>> {
        let (audits, transfers) = self.window();
        let mut ways = Vec::new();
        for audit in audits.iter().copied() {
            if audits.iter().any(|other| self.precedes(*other, audit)) {
                continue;
            }
            let from = ways.len();
            self.before(audit, balances, &audits, &transfers, &mut ways)?;
            // One that sees what is at hand changes nothing: no other way is better.
            if balances.is_some() && ways[from..].iter().any(|way: &Way| way.transfers.is_empty()) {
                ways.drain(..from);
                ways.truncate(1);
                return Some(ways);
            }
        }
        if ways.is_empty() {
            let placed = self.path.iter().filter(|event| self.is_audit(**event)).count();
            if let Some(audit) = audits.first().filter(|_| placed >= self.furthest.0) {
                self.furthest = (placed, *audit);
            }
        }
        ways.reverse();
        Some(ways)
    }

    /// Audits and transfers that may be next: what began before any audit that is left has ended.
    fn window(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut audits, mut transfers) = (Vec::new(), Vec::new());
        let mut until = u64::MAX;
        for event in self.left.iter().copied() {
            let Event { call, done, .. } = self.events[event];
            if self.clock == Clock::RealTime && call > until {
                break;
            }
            if self.is_audit(event) {
                until = until.min(done);
                audits.push(event);
            } else {
                transfers.push(event);
            }
        }
        audits.sort_by_key(|audit| self.events[*audit].done);
        (audits, transfers)
    }

    /// Adds the sets of transfers that may come right before an audit and explain it.
    fn before(
        &mut self,
        audit: usize,
        balances: Option<&[i64]>,
        audits: &[usize],
        transfers: &[usize],
        ways: &mut Vec<Way>,
    ) -> Option<()> {
        let Kind::Audit(told) = &self.events[audit].kind else { return Some(()) };
        // What comes after an audit that is not placed cannot be before this one.
        let is_late = |event: usize| audits.iter().any(|audit| self.precedes(*audit, event));
        let (must, may): (Vec<usize>, Vec<usize>) =
            transfers.iter().copied().partition(|event| self.precedes(*event, audit));
        if must.iter().any(|event| is_late(*event)) {
            return Some(());
        }
        let may: Vec<usize> = may.into_iter().filter(|event| !is_late(*event)).collect();
        let difference = balances.map(|balances| {
            let mut difference: Vec<i64> = told.iter().zip(balances).map(|(told, now)| told - now).collect();
            must.iter().for_each(|event| self.moved(*event, &mut difference, 1));
            difference
        });
        let limit = ways.len() + WAYS_MAX;
        let mut subsets = Subsets { audit, must: &must, may: &may, chosen: Vec::new(), limit, ways };
        match difference {
            Some(mut difference) => {
                let bounds = self.bounds(&may, difference.len());
                self.subsets(&mut subsets, 0, &mut difference, &bounds)
            }
            None => self.any_subset(&mut subsets, 0),
        }
    }

    /// Takes a transfer from what is to be explained, or gives it back.
    fn moved(&self, event: usize, difference: &mut [i64], sign: i64) {
        if let Kind::Transfer { from, to, amount, .. } = self.events[event].kind {
            difference[from] += sign * amount;
            difference[to] -= sign * amount;
        }
    }

    /// How much all transfers from a place on can take from each account, and bring to it.
    fn bounds(&self, may: &[usize], accounts: usize) -> Vec<Vec<[i64; 2]>> {
        let mut bounds = vec![vec![[0; 2]; accounts]; may.len() + 1];
        for (at, event) in may.iter().enumerate().rev() {
            bounds[at] = bounds[at + 1].clone();
            if let Kind::Transfer { from, to, amount, .. } = self.events[*event].kind {
                for (account, change) in [(from, -amount), (to, amount)] {
                    bounds[at][account][0] += change.min(0);
                    bounds[at][account][1] += change.max(0);
                }
            }
        }
        bounds
    }

    /// Goes through the sets that make up the difference, with what began first rather than without it.
    fn subsets(
        &mut self,
        subsets: &mut Subsets<'_>,
        at: usize,
        difference: &mut Vec<i64>,
        bounds: &[Vec<[i64; 2]>],
    ) -> Option<()> {
        if difference.iter().all(|left| *left == 0) {
            self.is_cut |= !subsets.keep();
            return Some(());
        }
        let is_out = |(left, [least, most]): (&i64, &[i64; 2])| left < least || left > most;
        if at == subsets.may.len() || difference.iter().zip(&bounds[at]).any(is_out) {
            return Some(());
        }
        self.count()?;
        let event = subsets.may[at];
        if self.can_take(subsets, at) {
            self.moved(event, difference, 1);
            subsets.chosen.push(event);
            self.subsets(subsets, at + 1, difference, bounds)?;
            subsets.chosen.pop();
            self.moved(event, difference, -1);
        }
        self.subsets(subsets, at + 1, difference, bounds)
    }

    /// Goes through all sets: before the first audit balances are not known.
    fn any_subset(&mut self, subsets: &mut Subsets<'_>, at: usize) -> Option<()> {
        if at == subsets.may.len() || subsets.is_full() {
            self.is_cut |= !subsets.keep();
            return Some(());
        }
        self.count()?;
        if self.can_take(subsets, at) {
            subsets.chosen.push(subsets.may[at]);
            self.any_subset(subsets, at + 1)?;
            subsets.chosen.pop();
        }
        self.any_subset(subsets, at + 1)
    }

    /// Whether nothing that must come before a transfer was left out.
    fn can_take(&self, subsets: &Subsets<'_>, at: usize) -> bool {
        let is_left_out = |other: &&usize| !subsets.chosen.contains(other);
        let mut left_out = subsets.may[..at].iter().filter(is_left_out);
        !left_out.any(|other| self.precedes(*other, subsets.may[at]))
    }

    fn count(&mut self) -> Option<()> {
        self.tries_left = self.tries_left.checked_sub(1)?;
        (!self.tries_left.is_multiple_of(1024) || !(self.is_over)()).then_some(())
    }

    fn precedes(&self, one: usize, two: usize) -> bool {
        let (one, two) = (&self.events[one], &self.events[two]);
        match self.clock {
            Clock::None => false,
            Clock::Processes => one.process == two.process && one.done < two.call,
            Clock::RealTime => one.done < two.call,
        }
    }
}

/// The sets of transfers before an audit.
struct Subsets<'w> {
    audit: usize,
    must: &'w [usize],
    may: &'w [usize],
    chosen: Vec<usize>,
    limit: usize,
    ways: &'w mut Vec<Way>,
}

impl Subsets<'_> {
    fn is_full(&self) -> bool {
        self.ways.len() >= self.limit
    }

    /// Keeps the set at hand. Returns whether there was room.
    fn keep(&mut self) -> bool {
        if !self.is_full() {
            let transfers = self.must.iter().chain(&self.chosen).copied().collect();
            self.ways.push(Way { transfers, audit: self.audit });
            return true;
        }
        false
    }
}
