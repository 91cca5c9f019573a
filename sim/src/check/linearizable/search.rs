//! The search for a linearisation of the operations on one key: configurations entered, and left where nothing follows.
//! `choice.rs` says what is tried next. The module's documentation has the algorithm in prose.

use super::memo::{Insert, Memo, StateHasher, token};
use super::model::{Call, Model, Operation};
use super::pending::{List, Lists};
use crate::budget::{Meter, OutOf};
use std::cell::Cell;
use std::collections::HashMap;

/// How much of a linearisation is kept as evidence.
pub(super) const TAIL: usize = 8;
/// How many observations are asked whether a state rules them out.
const FORESEEN: usize = 16;

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Every operation that matters has a place; they are in that order.
    Linearization(Vec<u32>),
    /// There are more configurations than it may look at in this turn.
    TooMany,
    /// There is none. If the search looked ahead, a prefix of the answers may have none already.
    Stuck { stuck: Stuck, looked_ahead: bool },
    /// The search ended before it could tell; this is the operation that it could not place so far.
    GaveUp(OutOf, u32),
}

/// How far the operations can be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stuck {
    /// The operation that cannot be placed: everything that was answered before its answer can.
    pub operation: u32,
    /// The end of a linearisation of what was answered before.
    pub tail: Vec<u32>,
    /// What was under way meanwhile, and is not in that linearisation.
    pub pending: Vec<u32>,
}

/// A configuration on the current path, and what is left to try from it.
pub(super) struct Node<S> {
    pub(super) state: S,
    /// The first answer, in order, whose operation is not placed.
    pub(super) answer: usize,
    /// How many operations are placed.
    pub(super) placed: usize,
    /// The operation whose placing led here.
    pub(super) by: u32,
    /// Outcomes of the operation tried last, of a non-deterministic model.
    pub(super) outcomes: Vec<(u32, S)>,
    /// What to try after the operation that must be placed, last first; computed when that has failed.
    pub(super) rest: Option<Vec<u32>>,
    /// The operation tried before the one that must be placed, if any, and how many of the two were tried.
    pub(super) first: Option<u32>,
    pub(super) tried: u8,
}

/// A search over one key's operations, which are in order of their invocations.
pub(super) struct Search<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) operations: &'a [&'a Operation<M::Op, M::Ret>],
    /// The answered operations, in order of their answers.
    pub(super) answers: Vec<u32>,
    /// Operations with equal class are interchangeable.
    pub(super) class: Vec<u32>,
    pub(super) lists: Lists,
    is_placed: Vec<bool>,
    /// The linearisation so far.
    pub(super) placed: Vec<u32>,
    set_hash: u128,
    memo: Memo,
    hasher: StateHasher,
    pub(super) path: Vec<Node<M::State>>,
    /// Bytes of the path beyond its nodes.
    pub(super) path_bytes: usize,
    pub(super) next: Vec<M::State>,
    /// Steps that the meter was not told of yet.
    steps: Cell<u64>,
    /// Answers from then on are not to be explained.
    until: u64,
    /// How many operations are not placed that do more than make the object grow.
    not_growing: usize,
    looked_ahead: bool,
    best: Option<Stuck>,
    best_answer: usize,
}

impl<'a, M: Model> Search<'a, M> {
    /// A search for an order that explains every answer given before `until`.
    pub(super) fn new(model: &'a M, operations: &'a [&'a Operation<M::Op, M::Ret>], until: u64) -> Self {
        let is_answer = |index: &u32| {
            let end = operations[*index as usize].end.as_ref();
            end.is_some_and(|(_, end)| *end < until)
        };
        let mut answers: Vec<u32> = (0..operations.len() as u32).filter(is_answer).collect();
        answers.sort_by_key(|index| end(operations[*index as usize]));
        let mut hasher = StateHasher::default();
        let mut classes: HashMap<u128, u32> = HashMap::with_capacity(operations.len());
        let class = operations.iter().map(|operation| {
            let known = classes.len() as u32;
            *classes.entry(hasher.of(&(&operation.op, operation.ret()))).or_insert(known)
        });
        let list = |operation: &&Operation<M::Op, M::Ret>| match operation.ret() {
            None => List::Unknown,
            ret if model.observes(&operation.op, ret) => List::Observing,
            _ => List::Answered,
        };
        Search {
            model,
            operations,
            class: class.collect(),
            answers,
            lists: Lists::new(operations.iter().map(list)),
            is_placed: vec![false; operations.len()],
            placed: Vec::with_capacity(operations.len()),
            set_hash: 0,
            memo: Memo::new(),
            hasher,
            path: Vec::new(),
            path_bytes: 0,
            next: Vec::new(),
            steps: Cell::new(0),
            until,
            not_growing: operations.iter().filter(|operation| !model.grows(&operation.op)).count(),
            looked_ahead: false,
            best: None,
            best_answer: 0,
        }
    }

    /// Searches until something is found, so many configurations were seen, or the budget is spent.
    pub(super) fn run(mut self, meter: &mut Meter, turn: usize) -> Found {
        let mut entering = Some((None, self.model.initial()));
        loop {
            if let Some((by, state)) = entering.take() {
                match self.enter(by, state, meter) {
                    Entered::All => return Found::Linearization(std::mem::take(&mut self.placed)),
                    Entered::Here | Entered::Visited => {}
                    Entered::Full => {
                        return Found::GaveUp(meter.out_of_memory(self.memo.len()), self.furthest());
                    }
                }
            }
            if let Some(spent) = meter.tick(self.memo.len(), self.steps.take()) {
                return Found::GaveUp(spent, self.furthest());
            }
            if self.memo.len() > turn {
                return Found::TooMany;
            }
            entering = self.branch();
            if entering.is_none() && !self.leave() {
                let stuck = self.best.take().unwrap_or_else(|| self.stuck(self.answers[0]));
                return Found::Stuck { stuck, looked_ahead: self.looked_ahead };
            }
        }
    }

    /// An operation to ask the model about; that is a step.
    pub(super) fn call(&self, operation: u32) -> Call<'a, M> {
        self.steps.set(self.steps.get() + 1);
        let operation = self.operations[operation as usize];
        Call { op: &operation.op, ret: operation.ret() }
    }

    /// Leaves in `next` the states after an operation.
    pub(super) fn step(&mut self, state: &M::State, operation: u32) {
        let call = self.call(operation);
        self.next.clear();
        self.model.step(state, call.op, call.ret, &mut self.next);
    }

    /// The only state after an operation.
    pub(super) fn only(&mut self, state: &M::State, operation: u32) -> Option<M::State> {
        self.step(state, operation);
        let only = self.next.pop();
        only.filter(|_| self.next.is_empty())
    }

    /// Goes to the configuration after an operation, unless it was visited.
    fn enter(&mut self, by: Option<u32>, state: M::State, meter: &Meter) -> Entered {
        let before = self.placed.len();
        let answer = self.path.last().map_or(0, |node| node.answer);
        if let Some(by) = by {
            self.place(by);
        }
        let answer = self.observe(&state, answer);
        if answer == self.answers.len() {
            return Entered::All;
        }
        if self.is_ruled_out(&state) {
            self.looked_ahead = true;
            self.take_back(before);
            return Entered::Visited;
        }
        let hash = self.set_hash ^ self.hasher.of(&state);
        let path_bytes = self.path.capacity() * size_of::<Node<M::State>>() + self.path_bytes;
        match self.memo.insert(hash, meter.bytes_left(path_bytes)) {
            Insert::New if meter.bytes_left(path_bytes) > self.memo.bytes() => {}
            Insert::New | Insert::Full => return Entered::Full,
            Insert::Known => {
                self.take_back(before);
                return Entered::Visited;
            }
        }
        self.path_bytes += self.model.heap_bytes(&state);
        let placed = self.placed.len();
        let by = by.unwrap_or(u32::MAX);
        self.path.push(Node {
            state,
            answer,
            placed,
            by,
            outcomes: Vec::new(),
            rest: None,
            first: None,
            tried: 0,
        });
        Entered::Here
    }

    /// Whether one of the next observations can never hold any more, for the object only grows from here on.
    fn is_ruled_out(&self, state: &M::State) -> bool {
        let mut next = self.lists.iter(List::Observing).take(FORESEEN);
        self.not_growing == 0
            && next.any(|here| {
                end(self.operations[here as usize]) < self.until
                    && self.model.rules_out(state, &self.call(here))
            })
    }

    /// Places every observation under way that holds. Returns the first answer whose operation is still to be placed.
    fn observe(&mut self, state: &M::State, mut answer: usize) -> usize {
        let mut observation = self.lists.first(List::Observing);
        loop {
            while self.answers.get(answer).is_some_and(|waiting| self.is_placed[*waiting as usize]) {
                answer += 1;
            }
            let Some(waiting) = self.answers.get(answer).copied() else { return answer };
            let until = end(self.operations[waiting as usize]);
            while let Some(here) = observation.filter(|here| self.operations[*here as usize].call < until) {
                observation = self.lists.after(here);
                self.step(state, here);
                if !self.next.is_empty() {
                    self.place(here);
                }
            }
            if !self.is_placed[waiting as usize] {
                return answer;
            }
        }
    }

    /// Goes back to the configuration before. Returns whether there is one.
    fn leave(&mut self) -> bool {
        let Some(node) = self.path.pop() else { return false };
        if self.best.is_none() || node.answer > self.best_answer {
            self.best_answer = node.answer;
            self.best = Some(self.stuck(self.answers[node.answer]));
        }
        self.path_bytes -= self.model.heap_bytes(&node.state);
        self.path_bytes -= node.rest.map_or(0, |rest| rest.capacity() * size_of::<u32>());
        self.take_back(self.path.last().map_or(0, |node| node.placed));
        !self.path.is_empty()
    }

    /// The last operation, in order of answers, that is known to be hard to place.
    fn furthest(&self) -> u32 {
        let here = self.path.last().map_or(0, |node| node.answer);
        self.answers[here.max(self.best_answer)]
    }

    fn stuck(&self, operation: u32) -> Stuck {
        let until = end(self.operations[operation as usize]);
        let tail = self.placed[self.placed.len().saturating_sub(TAIL)..].to_vec();
        let pending = [List::Answered, List::Observing, List::Unknown].into_iter().flat_map(|list| {
            let under_way = |index: &u32| self.operations[*index as usize].call < until;
            self.lists.iter(list).take_while(under_way).filter(|index| *index != operation).take(TAIL)
        });
        Stuck { operation, tail, pending: pending.collect() }
    }

    fn place(&mut self, operation: u32) {
        self.lists.take(operation);
        self.is_placed[operation as usize] = true;
        self.not_growing -= usize::from(!self.model.grows(&self.operations[operation as usize].op));
        self.set_hash ^= token(operation);
        self.placed.push(operation);
    }

    fn take_back(&mut self, to: usize) {
        while self.placed.len() > to {
            let operation = self.placed.pop().expect("more than `to` are placed");
            self.lists.put_back(operation);
            self.is_placed[operation as usize] = false;
            self.not_growing += usize::from(!self.model.grows(&self.operations[operation as usize].op));
            self.set_hash ^= token(operation);
        }
    }
}

enum Entered {
    /// Every answered operation is placed.
    All,
    /// A configuration not seen before.
    Here,
    /// One that was seen before, and leads nowhere.
    Visited,
    /// There is no room to remember it.
    Full,
}

/// When an operation was answered.
pub(super) fn end<Op, Ret>(operation: &Operation<Op, Ret>) -> u64 {
    operation.end.as_ref().expect("only answered operations have an end").1
}
