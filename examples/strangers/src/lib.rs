//! Strangers: libraries from the registry, as they are, that know nothing of splitbrain, under it.
//!
//! | system | library | what is ours |
//! |---|---|---|
//! | [`membership`] | `foca`, a SWIM that does no I/O | the loop around it, over UDP; who a node is |
//! | [`replicated`] | `raft` (raft-rs), a consensus that does no I/O | the loop around it, its log on a write-ahead log |
//! | [`web`] | `axum` on `hyper`, a web service | the handlers, and where its connections come from |
//!
//! `docs/strangers.md` says what each took.

pub mod membership;
pub mod replicated;
pub mod web;

use sim::AnySystem;

/// The systems, for the command and the tests.
pub static ALL: &[&dyn AnySystem] = &[&membership::Membership, &replicated::Replicated, &web::Web];
