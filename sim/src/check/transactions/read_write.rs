//! Keys with one value: a read tells whose value it saw, but not what came before that. Versions are ordered where a
//! transaction read one and wrote the next, where the clock of the level says so, and because nothing comes before
//! there being no value. For the rest either of two writes may come first, and `proof.rs` looks for an order.

use super::anomaly::{Anomaly, Found, Link};
use super::graph::Dependencies;
use super::infer::{Writers, happened, keep_first};
use super::level::{Clock, Proof};
use super::proof::{Dependency, Unordered};
use super::transaction::{Access, Fate, Transaction, Transactions, What};
use crate::history::{End, HistoryError, Process, Recorded};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What registers tell.
pub(super) struct Registers {
    /// Each first read of a key: by whom, of which key, which value; none if it had none.
    reads: Vec<(usize, u32, Option<u32>)>,
    found: Vec<Found>,
}

/// Operations, each with the writer of the version that was there after it.
type Versions = Vec<(usize, Option<usize>)>;

/// What was inferred of registers.
pub(super) struct Inferred {
    pub found: Vec<Found>,
    pub happened: Vec<bool>,
    /// Who wrote each key last in its transaction, in order of invocation.
    writers: BTreeMap<u32, Vec<usize>>,
    /// Who read whose version: by key and writer, none if there was no value yet.
    readers: BTreeMap<(u32, Option<usize>), Vec<usize>>,
}

impl Registers {
    /// Reads the registers. What is found here does not depend on whose a value is.
    pub(super) fn new(transactions: &Transactions, writers: &mut Writers) -> Result<Self, HistoryError> {
        let mut registers = Registers { reads: Vec::new(), found: Vec::new() };
        // What is read may then be the value before any write, or that one.
        let not_failed = |transaction: &&Transaction| transaction.fate != Fate::Aborted;
        for transaction in transactions.list.iter().filter(not_failed) {
            let Some(initial) = transactions.initial else { break };
            let is_initial = |access: &&Access| access.kind == What::Wrote(initial);
            if let Some(access) = transaction.steps.iter().find(is_initial) {
                let (value, key) = (transactions.values.text(initial), transactions.keys.text(access.key));
                let why = format!("{value} is written to {key}, which begins with it: values must be unique");
                return Err(HistoryError::Meaning { line: transaction.line, why });
            }
        }
        for operation in 0..transactions.list.len() {
            registers.read(transactions, writers, operation);
        }
        if writers.are_ambiguous() {
            let read = registers.reads.iter();
            let places = read.filter_map(|(reader, key, value)| Some((*key, (*value)?, *reader)));
            writers.attribute(transactions, places)?;
        }
        Ok(registers)
    }

    /// Takes in what one transaction read.
    fn read(&mut self, transactions: &Transactions, writers: &Writers, operation: usize) {
        let steps = &transactions.list[operation].steps;
        let plain = |anomaly, says| Some(Found::plain(anomaly, [operation], says));
        // What each key had when it was last accessed, and whether that was the transaction's own write.
        let mut now: Vec<(u32, Option<u32>, bool)> = Vec::new();
        for (at, access) in steps.iter().enumerate() {
            let key = access.key;
            let known = now.iter().rposition(|(known, ..)| *known == key);
            match &access.kind {
                What::ReadUnseen => {}
                What::Wrote(value) => now.push((key, Some(*value), true)),
                What::Read(seen) => {
                    let seen = seen.first().copied();
                    let name = transactions.keys.text(key);
                    match known.map(|known| now[known]) {
                        None => {
                            let is_ahead = steps[at + 1..].iter().any(|later| {
                                let writes = |value| later.kind == What::Wrote(value);
                                later.key == key && seen.is_some_and(writes)
                            });
                            let is_own = seen.is_some_and(|value| {
                                matches!(writers.candidates(key, value), [writer] if writer.operation == operation)
                            });
                            if is_ahead && is_own {
                                let says =
                                    format!("{name} is read with what the transaction writes only later");
                                keep_first(&mut self.found, plain(Anomaly::FutureRead, says));
                                continue;
                            }
                            now.push((key, seen, false));
                            self.reads.push((operation, key, seen));
                        }
                        Some((_, expected, _)) if expected == seen => {}
                        Some((_, _, true)) => {
                            let says =
                                format!("{name} is read without what the transaction itself did before");
                            keep_first(&mut self.found, plain(Anomaly::Internal, says));
                        }
                        Some(_) => {
                            let says = format!("{name} is read twice, and differently");
                            keep_first(&mut self.found, plain(Anomaly::NonRepeatable, says));
                            self.reads.push((operation, key, seen));
                        }
                    }
                }
            }
        }
    }

    /// What was read, as values are attributed.
    pub(super) fn infer(&self, transactions: &Transactions, writers: &Writers) -> Inferred {
        let mut found = self.found.clone();
        let mut readers: BTreeMap<(u32, Option<usize>), Vec<usize>> = BTreeMap::new();
        for (reader, key, value) in &self.reads {
            let seen: Vec<u32> = value.iter().copied().collect();
            keep_first(&mut found, writers.wrong(transactions, *reader, *key, &seen, |_| *reader));
            let writer = value.map(|value| writers.of(*key, value, *reader));
            // Of a value that nobody wrote, or whose transaction failed, nothing follows.
            let writer = match writer {
                None => None,
                Some(Some(writer)) if writer.operation == *reader => {
                    let says = "a value would be one that the transaction writes only later".to_owned();
                    keep_first(&mut found, Some(Found::plain(Anomaly::FutureRead, [*reader], says)));
                    continue;
                }
                Some(Some(writer)) if writer.fate != Fate::Aborted => Some(writer.operation),
                Some(_) => continue,
            };
            readers.entry((*key, writer)).or_default().push(*reader);
        }
        let happened = happened(transactions, readers.keys().filter_map(|(_, writer)| *writer));
        let mut by_key: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (operation, transaction) in transactions.list.iter().enumerate().filter(|(at, _)| happened[*at]) {
            for access in transaction.steps.iter().filter(|access| matches!(access.kind, What::Wrote(_))) {
                let of_key = by_key.entry(access.key).or_default();
                if of_key.last() != Some(&operation) {
                    of_key.push(operation);
                }
            }
        }
        for ((key, _), readers) in &readers {
            let updates =
                |reader: &&usize| by_key.get(key).is_some_and(|all| all.binary_search(reader).is_ok());
            let mut updaters = readers.iter().filter(updates);
            if let (Some(one), Some(two)) = (updaters.next(), updaters.next()) {
                keep_first(&mut found, Some(Found::lost_update(*one, *two, transactions.keys.text(*key))));
            }
        }
        Inferred { found, happened, writers: by_key, readers }
    }
}

impl Inferred {
    /// Who read whose version: by key and writer, none if there was no value yet.
    pub(super) fn readers(&self) -> &BTreeMap<(u32, Option<usize>), Vec<usize>> {
        &self.readers
    }

    pub(super) fn is_writer(&self, key: u32, operation: usize) -> bool {
        self.writers.get(&key).is_some_and(|writers| writers.binary_search(&operation).is_ok())
    }

    /// Adds the edges that are certain.
    pub(super) fn link(&self, history: &[Recorded], clock: Clock, dependencies: &mut Dependencies) {
        for ((key, writer), readers) in &self.readers {
            let key = *key;
            let Some(writer) = *writer else {
                // Whatever was written came after there was nothing.
                if let Some(writers) = self.writers.get(&key) {
                    dependencies.add_all(readers, writers, Link::Rw, key);
                }
                continue;
            };
            dependencies.add_all(&[writer], readers, Link::Wr, key);
            // Who read it and wrote the next is before whoever else writes, and after whoever else read.
            for updater in readers.iter().copied().filter(|reader| self.is_writer(key, *reader)) {
                dependencies.add(writer, updater, Link::Ww, key);
                dependencies.add_all(readers, &[updater], Link::Rw, key);
            }
        }
        match clock {
            Clock::None => {}
            Clock::Processes => self.link_processes(history, dependencies),
            Clock::RealTime => self.link_real_time(history, dependencies),
        }
    }

    /// Of what one process wrote and read of a key, the order is known.
    fn link_processes(&self, history: &[Recorded], dependencies: &mut Dependencies) {
        let mut of_process: HashMap<(&Process, u32), Versions> = HashMap::new();
        for (key, writers) in &self.writers {
            for writer in writers {
                let version = Some(*writer);
                of_process.entry((&history[*writer].process, *key)).or_default().push((*writer, version));
            }
        }
        for ((key, writer), readers) in &self.readers {
            for reader in readers.iter().filter(|reader| !self.is_writer(*key, **reader)) {
                of_process.entry((&history[*reader].process, *key)).or_default().push((*reader, *writer));
            }
        }
        let mut all: Vec<_> = of_process.into_iter().collect();
        all.sort_unstable();
        for ((_, key), mut versions) in all {
            versions.sort_unstable();
            // What has an unknown outcome may have happened later than what follows it.
            let certain =
                |(operation, _): &(usize, Option<usize>)| matches!(history[*operation].end, End::Ok(_));
            let mut before: Option<Option<usize>> = None;
            for version in &versions {
                if let Some(before) = before {
                    self.version_before(before, version.1, key, dependencies);
                }
                if certain(version) {
                    before = Some(version.1);
                }
            }
        }
    }

    /// Of what ended before something else began, the order is known.
    fn link_real_time(&self, history: &[Recorded], dependencies: &mut Dependencies) {
        for (key, writers) in &self.writers {
            // Each version, from when some access of it is over; and each access, with its version.
            let readers = self.readers.range((*key, None)..=(*key, Some(usize::MAX)));
            let mut accesses: Vec<(usize, Option<usize>)> = readers
                .flat_map(|((_, writer), readers)| readers.iter().map(|reader| (*reader, *writer)))
                .collect();
            accesses.retain(|(reader, _)| !self.is_writer(*key, *reader));
            accesses.extend(writers.iter().map(|writer| (*writer, Some(*writer))));
            let mut events: Vec<(u64, bool, usize, Option<usize>)> = Vec::new();
            for (operation, version) in accesses {
                events.push((history[operation].call.order, false, operation, version));
                if let (End::Ok(_), Some(done)) = (&history[operation].end, history[operation].done) {
                    events.push((done.order, true, operation, version));
                }
            }
            events.sort_unstable();
            // The versions of what ended last: whatever ended earlier is before one of them already.
            let mut ended: Vec<(u64, Option<usize>)> = Vec::new();
            let mut known: HashSet<(Option<usize>, Option<usize>)> = HashSet::new();
            for (_, is_end, operation, version) in events {
                let call = history[operation].call.order;
                if is_end {
                    ended.retain(|(done, _)| *done > call);
                    let done = history[operation].done.map_or(u64::MAX, |done| done.order);
                    ended.retain(|(_, other)| *other != version);
                    ended.push((done, version));
                } else {
                    for (_, before) in ended.iter().filter(|(_, before)| known.insert((*before, version))) {
                        self.version_before(*before, version, *key, dependencies);
                    }
                }
            }
        }
    }

    /// One version was there before another, or they are the same.
    fn version_before(
        &self,
        one: Option<usize>,
        two: Option<usize>,
        key: u32,
        dependencies: &mut Dependencies,
    ) {
        let Some(later) = two.filter(|_| one != two) else { return };
        if let Some(one) = one {
            dependencies.add(one, later, Link::Ww, key);
        }
        if let Some(readers) = self.readers.get(&(key, one)) {
            dependencies.add_all(readers, &[later], Link::Rw, key);
        }
    }

    /// What is left open: for a serial order, whether a write comes before the version that somebody read, or after the
    /// reader; for snapshots, which of two writes comes first.
    pub(super) fn unordered(&self, proof: Proof) -> Unordered {
        let mut unordered = Unordered::default();
        for (key, writers) in &self.writers {
            let key = *key;
            for (at, one) in writers.iter().enumerate() {
                let readers =
                    |writer: usize| self.readers.get(&(key, Some(writer))).map_or(&[][..], Vec::as_slice);
                if unordered.is_full() {
                    return unordered;
                }
                if proof == Proof::Snapshots {
                    let side = |first: usize, second: usize| {
                        let ww = Dependency { from: first, to: second, link: Link::Ww, key };
                        let others = readers(first).iter().filter(|reader| **reader != second);
                        let rw = others.map(|reader| Dependency {
                            from: *reader,
                            to: second,
                            link: Link::Rw,
                            key,
                        });
                        std::iter::once(ww).chain(rw).collect::<Vec<_>>()
                    };
                    for two in &writers[at + 1..] {
                        unordered.add([side(*one, *two), side(*two, *one)]);
                    }
                    continue;
                }
                for reader in readers(*one) {
                    for other in writers.iter().filter(|other| *other != one && *other != reader) {
                        let before = vec![Dependency { from: *other, to: *one, link: Link::Ww, key }];
                        let after = vec![Dependency { from: *reader, to: *other, link: Link::Rw, key }];
                        unordered.add([before, after]);
                    }
                }
            }
        }
        unordered
    }

    /// What each transaction read of others, and which keys it wrote: for the replay.
    pub(super) fn accesses(&self, operations: usize) -> Vec<super::replay::Accesses> {
        let mut accesses = vec![super::replay::Accesses::default(); operations];
        for ((key, writer), readers) in &self.readers {
            for reader in readers {
                accesses[*reader].reads.push((*key, *writer));
            }
        }
        for (key, writers) in &self.writers {
            for writer in writers {
                accesses[*writer].writes.push(*key);
            }
        }
        accesses
    }
}
