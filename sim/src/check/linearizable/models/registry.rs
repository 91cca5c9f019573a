//! Names for processes: a name is one process's until it is unregistered.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, is_done, key_text, no_function, parts};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 3] = ["register", "unregister", "lookup"];

/// A process registry.
#[derive(Debug, Clone)]
pub struct Registry;

/// What can be asked of a registry about a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// The name.
    pub name: String,
    /// What to do.
    pub action: Action,
}

/// What to do with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Give it to this process, unless another has it.
    Register(Datum),
    /// Free it, if somebody has it.
    Unregister,
    /// Who has it?
    Lookup,
}

/// What a registry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ret {
    /// Who has the name; [`Datum::NULL`] for nobody.
    Found(Datum),
    /// It was done.
    Done,
    /// Another has the name; or nobody, where somebody should.
    Refused,
}

impl Model for Registry {
    type Op = Op;
    type Ret = Ret;
    /// Who has the name.
    type State = Datum;

    fn initial(&self) -> Datum {
        Datum::NULL
    }

    fn step(&self, holder: &Datum, op: &Op, ret: Option<&Ret>, next: &mut Vec<Datum>) {
        let (done, after) = match op.action {
            Action::Register(pid) => (*holder == Datum::NULL || *holder == pid, pid),
            Action::Unregister => (*holder != Datum::NULL, Datum::NULL),
            Action::Lookup => {
                if ret.is_none_or(|ret| *ret == Ret::Found(*holder)) {
                    next.push(*holder);
                }
                return;
            }
        };
        if done == (ret != Some(&Ret::Refused)) {
            next.push(if done { after } else { *holder });
        }
    }

    fn key(&self, op: &Op) -> Option<String> {
        Some(op.name.clone())
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        op.action == Action::Lookup || ret == Some(&Ret::Refused)
    }

    fn matters(&self, _: &Datum, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        if waiting.possible {
            return true;
        }
        // Whoever was found must have been registered; whoever registers must find the name free.
        match (waiting.call.op.action, waiting.call.ret, other.op.action) {
            (_, _, Action::Lookup) => false,
            (Action::Lookup, Some(Ret::Found(pid)), Action::Register(other)) => other == *pid,
            (Action::Lookup, Some(Ret::Found(pid)), Action::Unregister) => *pid == Datum::NULL,
            _ => true,
        }
    }

    fn leads(&self, holder: &Datum, call: &Call<'_, Self>) -> Option<bool> {
        // Whether a name can be registered or unregistered depends on who has it.
        (call.op.action == Action::Lookup && call.ret == Some(&Ret::Found(*holder))).then_some(true)
    }
}

impl Readable for Registry {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let value = &recorded.invoked;
        let (name, action) = match &*recorded.f {
            "register" => {
                let [name, pid] = parts("register", value, "[name, pid]")?;
                (name, Action::Register(Datum::from(pid)))
            }
            "unregister" => (value, Action::Unregister),
            "lookup" => (value, Action::Lookup),
            f => return Err(no_function("registry", f, &FUNCTIONS)),
        };
        Ok(Op { name: key_text(name), action })
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Ret, String> {
        Ok(match op.action {
            Action::Lookup => Ret::Found(Datum::from(value)),
            _ if is_done(value) => Ret::Done,
            _ => Ret::Refused,
        })
    }
}
