//! Checkers that read what one listener keeps.

use super::{Broken, Checkers, Harm, Seen, Views};
use std::cell::RefCell;
use std::rc::Rc;

/// Checkers of which those added here read the state of a listener; nothing but the listener changes it. Turned back
/// [into](From) [`Checkers`] when they are complete.
pub struct Listening<Op, Ret, View, T> {
    checkers: Checkers<Op, Ret, View>,
    state: Rc<RefCell<T>>,
}

impl<Op, Ret, View: 'static, T> std::fmt::Debug for Listening<Op, Ret, View, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.checkers.fmt(f)
    }
}

impl<Op, Ret, View, T> From<Listening<Op, Ret, View, T>> for Checkers<Op, Ret, View> {
    fn from(listening: Listening<Op, Ret, View, T>) -> Self {
        listening.checkers
    }
}

impl<Op, Ret, View: 'static, T: 'static> Listening<Op, Ret, View, T> {
    /// These checkers and a listener.
    pub(super) fn new(
        mut checkers: Checkers<Op, Ret, View>,
        state: T,
        mut hear: impl FnMut(&mut T, &Seen<'_, View>) + 'static,
    ) -> Self {
        let state = Rc::new(RefCell::new(state));
        let heard = Rc::clone(&state);
        checkers.listeners.push(Box::new(move |seen| hear(&mut heard.borrow_mut(), seen)));
        Listening { checkers, state }
    }

    /// Adds an invariant: see [`Checkers::invariant`].
    #[must_use]
    pub fn invariant<E: Into<Broken>>(
        self,
        name: &'static str,
        mut check: impl FnMut(&T, &Seen<'_, View>) -> Result<(), E> + 'static,
    ) -> Self {
        let Listening { checkers, state } = self;
        let heard = Rc::clone(&state);
        Listening { checkers: checkers.invariant(name, move |seen| check(&heard.borrow(), seen)), state }
    }

    /// Adds what must hold in the end: see [`Checkers::eventually`].
    #[must_use]
    pub fn eventually<E: Into<Broken>>(
        self,
        name: &'static str,
        check: impl Fn(&T, &Views<View>) -> Result<(), E> + 'static,
    ) -> Self {
        let Listening { checkers, state } = self;
        let heard = Rc::clone(&state);
        Listening { checkers: checkers.eventually(name, move |views| check(&heard.borrow(), views)), state }
    }

    /// Adds convergence: see [`Checkers::convergence`].
    #[must_use]
    pub fn convergence<E: Into<Broken>>(
        self,
        check: impl Fn(&T, &Views<View>) -> Result<(), E> + 'static,
    ) -> Self {
        self.eventually(super::CONVERGENCE, check)
    }

    /// Says when the system promises to recover: see [`Checkers::recovers_if`].
    #[must_use]
    pub fn recovers_if<E: Into<Broken>>(
        self,
        promise: impl Fn(&T, &[Harm]) -> Result<(), E> + 'static,
    ) -> Self {
        let Listening { checkers, state } = self;
        let heard = Rc::clone(&state);
        Listening { checkers: checkers.recovers_if(move |harm| promise(&heard.borrow(), harm)), state }
    }
}
