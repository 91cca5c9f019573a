//! The rules: how a line and a key are read, what a bucket has and what of it is open, what a collector keeps, how many
//! functions run. Plain functions on state.

mod kept;
mod key;
mod line;
mod objects;
mod slots;

pub(super) use kept::Kept;
pub(super) use key::{decode, encode};
pub(super) use line::{lines, parse};
pub(super) use objects::{Decision, Objects, Record};
pub(super) use slots::Slots;
