//! Lists that are appended to: what was read last tells every append before it, in order. Committed appends that no list
//! shows come after all of those, in an order that nothing tells.

use super::anomaly::{Anomaly, Found, Link};
use super::graph::Dependencies;
use super::infer::{Writer, Writers, happened, keep_first};
use super::proof::Unordered;
use super::transaction::{Access, Transactions, What};
use crate::history::HistoryError;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What lists tell.
pub(super) struct Lists {
    /// The longest list of each key that was read, and by whom.
    longest: BTreeMap<u32, (Box<[u32]>, usize)>,
    /// Each read: by whom, of which key, how many elements were there before its own.
    reads: Vec<(usize, u32, usize)>,
    found: Vec<Found>,
}

impl Lists {
    /// Reads the lists. What is found here does not depend on whose an element is.
    pub(super) fn new(transactions: &Transactions, writers: &mut Writers) -> Result<Self, HistoryError> {
        let mut longest: BTreeMap<u32, (&[u32], usize)> = BTreeMap::new();
        for (operation, transaction) in transactions.list.iter().enumerate() {
            for access in &transaction.steps {
                let What::Read(list) = &access.kind else { continue };
                let known = longest.entry(access.key).or_insert((list, operation));
                if list.len() > known.0.len() {
                    *known = (list, operation);
                }
            }
        }
        let longest: BTreeMap<u32, (Box<[u32]>, usize)> =
            longest.into_iter().map(|(key, (list, by))| (key, (list.into(), by))).collect();
        let mut lists = Lists { longest, reads: Vec::new(), found: Vec::new() };
        for operation in 0..transactions.list.len() {
            lists.read(transactions, writers, operation);
        }
        for (key, (list, by)) in &lists.longest {
            if let Some(more) = repeated(transactions, writers, *key, list, *by) {
                keep_first(&mut lists.found, Some(more));
            }
        }
        if writers.are_ambiguous() {
            let places = lists
                .longest
                .iter()
                .flat_map(|(key, (list, _))| list.iter().enumerate().map(|(at, value)| (*key, *value, at)));
            writers.attribute(transactions, places)?;
        }
        Ok(lists)
    }

    /// Takes in what one transaction read.
    fn read(&mut self, transactions: &Transactions, writers: &Writers, operation: usize) {
        let steps = &transactions.list[operation].steps;
        let plain = |anomaly, says| Some(Found::plain(anomaly, [operation], says));
        let mut own: Vec<(u32, u32)> = Vec::new();
        let mut first_read: Vec<(u32, usize)> = Vec::new();
        for (at, Access { key, kind }) in steps.iter().enumerate() {
            let list = match kind {
                What::Wrote(value) => {
                    own.push((*key, *value));
                    continue;
                }
                What::ReadUnseen => continue,
                What::Read(list) => list,
            };
            let name = transactions.keys.text(*key);
            let (longest, by) = &self.longest[key];
            if !longest.starts_with(list) {
                let text = |list: &[u32]| {
                    list.iter().map(|value| transactions.values.text(*value)).collect::<Vec<_>>().join(", ")
                };
                let says = format!("{name} is [{}] in one and [{}] in the other", text(list), text(longest));
                keep_first(
                    &mut self.found,
                    Some(Found::plain(Anomaly::IncompatibleOrder, [operation, *by], says)),
                );
                keep_first(&mut self.found, writers.wrong(transactions, operation, *key, list, |at| at));
            }
            let of_key = own.iter().filter(|(own, _)| own == key).map(|(_, value)| *value);
            let own_here: Vec<u32> = of_key.collect();
            let before = list.strip_suffix(&own_here[..]);
            let later = steps[at + 1..].iter().filter(|later| later.key == *key);
            let is_ahead = later.filter_map(|later| match later.kind {
                What::Wrote(value) => Some(value),
                _ => None,
            });
            let mut ahead = is_ahead.filter(|value| {
                let is_own =
                    matches!(writers.candidates(*key, *value), [writer] if writer.operation == operation);
                is_own && list.contains(value)
            });
            if let Some(value) = ahead.next() {
                let text = transactions.values.text(value);
                let says = format!("{name} is read with {text}, which the transaction appends only later");
                keep_first(&mut self.found, plain(Anomaly::FutureRead, says));
            }
            let Some(before) = before else {
                let says = format!("{name} is read without what the transaction itself did before");
                keep_first(&mut self.found, plain(Anomaly::Internal, says));
                continue;
            };
            match first_read.iter().find(|(known, _)| known == key) {
                Some((_, length)) if *length != before.len() => {
                    let says = format!("{name} is read twice, and differently");
                    keep_first(&mut self.found, plain(Anomaly::NonRepeatable, says));
                }
                Some(_) => continue,
                None => first_read.push((*key, before.len())),
            }
            self.reads.push((operation, *key, before.len()));
        }
    }

    /// Adds the dependencies that the lists tell, as their elements are attributed. Returns what no order of
    /// transactions allows, and who appended what nobody read.
    pub(super) fn infer(&self, transactions: &Transactions, writers: &Writers) -> Inferred {
        let mut inferred = Inferred { found: self.found.clone(), ..Inferred::default() };
        if !writers.is_injective() {
            let says = "an element would be two appends of one transaction".to_owned();
            inferred.found.push(Found::plain(Anomaly::DuplicateElements, [], says));
            inferred.happened = happened(transactions, std::iter::empty());
            return inferred;
        }
        for (key, (list, by)) in &self.longest {
            keep_first(&mut inferred.found, self.of_longest(transactions, writers, *key, list, *by));
            let of_list = list.iter().enumerate().map(|(at, value)| writers.of(*key, *value, at));
            inferred.lists.insert(*key, of_list.collect());
        }
        let placed: HashSet<(u32, u32, usize)> = self
            .longest
            .iter()
            .flat_map(|(key, (list, _))| {
                let of_list = list.iter().zip(&inferred.lists[key]);
                of_list.filter_map(|(value, writer)| Some((*key, *value, (*writer)?.operation)))
            })
            .collect();
        let seen = inferred.lists.values().flatten().flatten().map(|writer| writer.operation);
        inferred.happened = happened(transactions, seen);
        for (operation, transaction) in transactions.list.iter().enumerate() {
            if !inferred.happened[operation] {
                continue;
            }
            for Access { key, kind } in &transaction.steps {
                let What::Wrote(value) = kind else { continue };
                if !placed.contains(&(*key, *value, operation)) {
                    let unread = inferred.unread.entry(*key).or_default();
                    if unread.last() != Some(&operation) {
                        unread.push(operation);
                    }
                }
            }
        }
        self.lost_updates(transactions, &mut inferred);
        if writers.are_ambiguous() {
            let own = |list: &[Option<Writer>], reader: usize| {
                list.iter().flatten().any(|writer| writer.operation == reader)
            };
            let mut reads = self.reads.iter();
            if let Some((reader, ..)) =
                reads.find(|(reader, key, length)| own(&inferred.lists[key][..*length], *reader))
            {
                let says = "an element would be one that the transaction appends only later".to_owned();
                keep_first(&mut inferred.found, Some(Found::plain(Anomaly::FutureRead, [*reader], says)));
            }
        }
        for (reader, key, length) in &self.reads {
            let list = &inferred.lists[key];
            let last = length.checked_sub(1).and_then(|last| list[last]);
            if let Some(writer) = last.filter(|writer| !writer.is_last && writer.operation != *reader) {
                let (name, value) = (
                    transactions.keys.text(*key),
                    transactions.values.text(self.longest[key].0[*length - 1]),
                );
                let says = format!("{name} was read as of {value}, which its own transaction overwrote");
                let found = Found::plain(Anomaly::G1b, [writer.operation, *reader], says);
                keep_first(&mut inferred.found, Some(found));
            }
        }
        inferred
    }

    /// What is wrong with the longest list itself.
    fn of_longest(
        &self,
        transactions: &Transactions,
        writers: &Writers,
        key: u32,
        list: &[u32],
        by: usize,
    ) -> Option<Found> {
        let found = writers.wrong(transactions, by, key, list, |at| at);
        if found.as_ref().is_some_and(|found| found.anomaly != Anomaly::G1b) {
            return found;
        }
        // A transaction's own appends stand in the order in which it did them.
        let mut steps: HashMap<usize, usize> = HashMap::new();
        for (at, value) in list.iter().enumerate() {
            let operation = writers.of(key, *value, at)?.operation;
            let accesses = &transactions.list[operation].steps;
            let step =
                accesses.iter().position(|step| step.key == key && step.kind == What::Wrote(*value))?;
            if steps.insert(operation, step).is_some_and(|before| before > step) {
                let says = format!(
                    "{} has the appends of one transaction in another order than it did them",
                    transactions.keys.text(key)
                );
                return Some(Found::plain(Anomaly::Internal, [operation, by], says));
            }
        }
        None
    }

    /// Two that read one version of a list and both appended to it.
    fn lost_updates(&self, transactions: &Transactions, inferred: &mut Inferred) {
        let mut updaters: HashMap<(u32, usize), usize> = HashMap::new();
        for (reader, key, length) in &self.reads {
            let appends = |access: &Access| access.key == *key && matches!(access.kind, What::Wrote(_));
            if !transactions.list[*reader].steps.iter().any(appends) {
                continue;
            }
            match updaters.insert((*key, *length), *reader) {
                Some(other) if other != *reader => {
                    let key = transactions.keys.text(*key);
                    keep_first(&mut inferred.found, Some(Found::lost_update(other, *reader, key)));
                }
                _ => {}
            }
        }
    }

    /// The processes' reads that went back.
    pub(super) fn went_back(
        &self,
        transactions: &Transactions,
        history: &[crate::history::Recorded],
    ) -> Option<Found> {
        let mut last: HashMap<(&crate::history::Process, u32), (usize, usize)> = HashMap::new();
        self.reads.iter().find_map(|(reader, key, length)| {
            let before = last.insert((&history[*reader].process, *key), (*length, *reader))?;
            let says = format!("{} was longer when the process read it before", transactions.keys.text(*key));
            (before.0 > *length).then(|| Found::plain(Anomaly::NonMonotonicReads, [before.1, *reader], says))
        })
    }

    /// Adds the edges of what was inferred.
    pub(super) fn link(&self, inferred: &Inferred, dependencies: &mut Dependencies) {
        if inferred.lists.is_empty() {
            return;
        }
        for (key, list) in &inferred.lists {
            let writers: Vec<usize> = list.iter().flatten().map(|writer| writer.operation).collect();
            for pair in writers.windows(2) {
                dependencies.add(pair[0], pair[1], Link::Ww, *key);
            }
            let unread = inferred.unread.get(key).map_or(&[][..], Vec::as_slice);
            if let Some(last) = writers.last() {
                dependencies.add_all(&[*last], unread, Link::Ww, *key);
            }
        }
        let mut readers_of_all: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (reader, key, length) in &self.reads {
            let list = &inferred.lists[key];
            if let Some(writer) = length.checked_sub(1).and_then(|last| list[last]) {
                dependencies.add(writer.operation, *reader, Link::Wr, *key);
            }
            match list.get(*length) {
                Some(next) => {
                    if let Some(next) = next {
                        dependencies.add(*reader, next.operation, Link::Rw, *key);
                    }
                }
                None => readers_of_all.entry(*key).or_default().push(*reader),
            }
        }
        for (key, readers) in readers_of_all {
            if let Some(unread) = inferred.unread.get(&key) {
                dependencies.add_all(&readers, unread, Link::Rw, key);
            }
        }
    }
}

/// What was inferred of lists.
#[derive(Default)]
pub(super) struct Inferred {
    pub found: Vec<Found>,
    pub happened: Vec<bool>,
    /// Whose each element of the longest list is.
    lists: BTreeMap<u32, Vec<Option<Writer>>>,
    /// Who appended to a key what nobody read.
    unread: BTreeMap<u32, Vec<usize>>,
}

impl Inferred {
    /// Those whose appends to one key nobody read: in which order they came is not told.
    pub(super) fn unordered(&self) -> Unordered {
        let several = self.unread.iter().filter(|(_, unread)| unread.len() > 1);
        Unordered::of_writers(several.map(|(key, unread)| (*key, unread.clone())))
    }
}

/// An append that is in a list more often than it was made.
fn repeated(
    transactions: &Transactions,
    writers: &Writers,
    key: u32,
    list: &[u32],
    by: usize,
) -> Option<Found> {
    let mut seen: HashMap<u32, usize> = HashMap::with_capacity(list.len());
    let again = list.iter().find(|value| {
        let times = seen.entry(**value).or_default();
        *times += 1;
        *times > writers.candidates(key, **value).len().max(1)
    })?;
    let says = format!("{} has {} twice", transactions.keys.text(key), transactions.values.text(*again));
    let writer = writers.candidates(key, *again).first().map(|writer| writer.operation);
    let operations: HashSet<usize> = writer.into_iter().chain([by]).collect();
    let mut operations: Vec<usize> = operations.into_iter().collect();
    operations.sort_unstable();
    Some(Found::plain(Anomaly::DuplicateElements, operations, says))
}
