//! What the search tries next from a configuration: the operation that was answered, what had better come before it, and
//! then only what may have to. Operations of unknown outcome are dropped where they are for nothing.

use super::model::{Model, Operation, Waiting};
use super::pending::List;
use super::search::{Search, end};

/// How many placed operations back an unknown one is asked whether it was for nothing.
const LOOK_BACK: usize = 16;
/// How many operations are looked at for one that may see what an unknown one did.
const LOOK_AHEAD: usize = 1000;

impl<M: Model> Search<'_, M> {
    /// The next operation to try from the current configuration, and a state that it leads to.
    pub(super) fn branch(&mut self) -> Option<(Option<u32>, M::State)> {
        loop {
            let top = self.path.len() - 1;
            let node = &mut self.path[top];
            if let Some((operation, state)) = node.outcomes.pop() {
                if !self.is_unseen(operation, &state) && !self.is_for_nothing(operation, &state) {
                    return Some((Some(operation), state));
                }
                continue;
            }
            let waiting = self.answers[node.answer];
            let tried = node.tried;
            node.tried = tried.saturating_add(1);
            let operation = match tried {
                0 => {
                    let first = self.preferred(waiting);
                    self.path[top].first = first;
                    let Some(first) = first else { continue };
                    first
                }
                1 => waiting,
                _ => {
                    if self.path[top].rest.is_none() {
                        let mut rest = self.worth_trying(waiting);
                        rest.retain(|other| Some(*other) != self.path[top].first);
                        rest.reverse();
                        self.path_bytes += rest.capacity() * size_of::<u32>();
                        self.path[top].rest = Some(rest);
                    }
                    self.path[top].rest.as_mut()?.pop()?
                }
            };
            let call = self.call(operation);
            self.next.clear();
            self.model.step(&self.path[top].state, call.op, call.ret, &mut self.next);
            let states = self.next.drain(..).map(|state| (operation, state));
            self.path[top].outcomes.extend(states);
        }
    }

    /// Whether an operation leads to a state that would be the same without one of the last few, whose outcome is unknown:
    /// then that one need not have happened. Of all linearisations, one with the fewest unknown operations has no such.
    fn is_for_nothing(&mut self, operation: u32, state: &M::State) -> bool {
        for with in (1..self.path.len()).rev() {
            let before = self.path[with - 1].placed;
            if self.placed.len() - before > LOOK_BACK {
                return false;
            }
            let unknown = self.operations[self.path[with].by as usize].end.is_none();
            if unknown && self.without(with, operation).as_ref() == Some(state) {
                return true;
            }
        }
        false
    }

    /// Whether an operation of unknown outcome leaves a state that nothing is on its way to before it is overwritten.
    fn is_unseen(&self, operation: u32, state: &M::State) -> bool {
        if self.operations[operation as usize].end.is_some() {
            return false;
        }
        let mut until = u64::MAX;
        let mut looked_at = 0;
        for list in [List::Answered, List::Observing, List::Unknown] {
            for here in self.lists.iter(list).filter(|here| *here != operation) {
                let Operation { op, end, call } = self.operations[here as usize];
                looked_at += 1;
                if *call >= until {
                    break;
                }
                if looked_at > LOOK_AHEAD || self.model.leads(state, &self.call(here)) != Some(false) {
                    return false;
                }
                if let Some((_, end)) = end.as_ref().filter(|_| self.model.overwrites(op)) {
                    until = until.min(*end);
                }
            }
        }
        true
    }

    /// The state after an operation, if the one that led to a node had not happened.
    fn without(&mut self, node: usize, operation: u32) -> Option<M::State> {
        let before = &self.path[node - 1];
        let (mut state, from) = (before.state.clone(), before.placed + 1);
        for at in from..self.placed.len() {
            state = self.only(&state, self.placed[at])?;
        }
        self.only(&state, operation)
    }

    /// What had better come before the waiting operation: if that is impossible, what alone makes it possible. Otherwise
    /// the observation to come next tells: an operation on the way to what it saw; or, if the waiting one leaves just
    /// that, one that would spoil it and can hide before.
    fn preferred(&mut self, waiting: u32) -> Option<u32> {
        let state = self.path.last()?.state.clone();
        let Some(after) = self.only(&state, waiting) else {
            return self.first_under_way(waiting, &[List::Answered, List::Unknown], |search, here| {
                let between = search.only(&state, here);
                between.is_some_and(|between| search.only(&between, waiting).is_some())
            });
        };
        let seen = self.lists.first(List::Observing)?;
        let called = self.operations[seen as usize].call;
        let seen = self.call(seen);
        if self.model.leads(&after, &seen) == Some(true) {
            return self.first_under_way(waiting, &[List::Answered], |search, here| {
                let ends_before =
                    search.operations[here as usize].end.as_ref().is_some_and(|(_, end)| *end < called);
                let spoils = |state: M::State| search.model.leads(&state, &seen) != Some(true);
                if !ends_before || !search.only(&after, here).is_some_and(spoils) {
                    return false;
                }
                let before = search.only(&state, here);
                before.is_some_and(|before| search.only(&before, waiting).as_ref() == Some(&after))
            });
        }
        if self.model.leads(&state, &seen) != Some(true) {
            return None;
        }
        self.first_under_way(waiting, &[List::Answered, List::Unknown], |search, here| {
            let next = search.only(&state, here);
            next.is_some_and(|next| next != state && search.model.leads(&next, &seen) == Some(true))
        })
    }

    /// The first other operation of these lists that is under way as the waiting one is answered, and fits; of unknown ones
    /// the last, for most take effect soon or never.
    fn first_under_way(
        &mut self,
        waiting: u32,
        lists: &[List],
        mut fits: impl FnMut(&mut Self, u32) -> bool,
    ) -> Option<u32> {
        let until = end(self.operations[waiting as usize]);
        let mut under_way = Vec::new();
        for list in lists {
            let called = |here: &u32| self.operations[*here as usize].call < until;
            under_way.clear();
            under_way.extend(self.lists.iter(*list).take_while(called).filter(|here| *here != waiting));
            if *list == List::Unknown {
                under_way.reverse();
            }
            if let Some(first) = under_way.iter().copied().find(|here| fits(self, *here)) {
                return Some(first);
            }
        }
        None
    }

    /// What may have to come before the waiting operation: a stubborn set around it, less what is impossible now, what
    /// observes, and all but the first to end of each class.
    fn worth_trying(&mut self, waiting: u32) -> Vec<u32> {
        let until = end(self.operations[waiting as usize]);
        let lists = [List::Answered, List::Observing, List::Unknown];
        let mut others: Vec<u32> = lists
            .into_iter()
            .flat_map(|list| {
                self.lists.iter(list).take_while(|index| self.operations[*index as usize].call < until)
            })
            .filter(|index| *index != waiting)
            .collect();
        let mut stubborn = vec![waiting];
        let mut possible = Vec::new();
        let mut looked_at = 0;
        while let Some(operation) = stubborn.get(looked_at).copied() {
            looked_at += 1;
            let node = &self.path[self.path.len() - 1];
            let call = self.call(operation);
            self.next.clear();
            self.model.step(&node.state, call.op, call.ret, &mut self.next);
            let waiting_call = Waiting { call, possible: !self.next.is_empty() };
            if waiting_call.possible && operation != waiting {
                possible.push(operation);
            }
            others.retain(|other| {
                let matters = self.model.matters(&node.state, &waiting_call, &self.call(*other));
                if matters {
                    stubborn.push(*other);
                }
                !matters
            });
        }
        // What ends first is tried first; of unknown ones the last.
        possible.sort_by_key(|index| match &self.operations[*index as usize].end {
            Some((_, end)) => (*end, *index),
            None => (u64::MAX, u32::MAX - index),
        });
        let mut seen = Vec::new();
        possible.retain(|index| {
            let class = self.class[*index as usize];
            let first = class != self.class[waiting as usize] && !seen.contains(&class);
            seen.push(class);
            first
        });
        possible
    }
}
