//! What messages say, for whoever reads the trace of a recorded run.
//!
//! The world moves bytes, and cannot read them. Whoever encodes a message says what it is, in one call beside the
//! encoding:
//!
//! ```
//! # use serde::Serialize;
//! # #[derive(Debug, Serialize)] enum Message { Register { name: String } }
//! fn encode(message: &Message, out: &mut Vec<u8>) {
//!     let start = out.len();
//!     out.extend(serde_json::to_vec(message).unwrap());
//!     out.push(b'\n');
//!     host::trace::message(&out[start..], message);
//! }
//! # encode(&Message::Register { name: "a".to_owned() }, &mut Vec::new());
//! ```
//!
//! The trace then shows the message where it departs, arrives, is lost or held, under one id. Nothing else changes: not
//! how the bytes are queued, joined, split or sent, and not to how many. The world knows them by what they are.
//!
//! A frame of a byte stream is recognised where it follows other frames, or begins a write; a datagram where it is
//! nothing else. So say *all* bytes of a frame, its length and its end included. Where the same bytes were said to be
//! several things, those that this machine said count before those of others, then those of a type that its stream has
//! carried, then the latest. What a proxy passes on is recognised, too.
//!
//! This is free where nothing is recorded: nothing is formatted, and in a real build there is nothing.

use std::fmt::Debug;

/// Says that these bytes, which are about to be sent, are this message. Its `Debug` form is what the trace shows, up to
/// some thousand characters; where there is none, `format_args!("GET {path}")` is one.
#[inline]
pub fn message(bytes: &[u8], content: impl Debug) {
    #[cfg(madsim)]
    if crate::world::is_recorded() {
        crate::world::say(bytes, std::any::type_name_of_val(&content), &content);
    }
    #[cfg(not(madsim))]
    let _ = (bytes, content);
}
