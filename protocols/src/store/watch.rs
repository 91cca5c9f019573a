//! Watches: the changes of some keys from a revision on, in order and without a gap, or the end of the watch.
//!
//! Any replica serves them, from what it has applied: a watch may be late, and is never wrong.

use super::message::Reply;
use super::raft::Applied;
use crate::common::transport;
use host::net::OwnedWriteHalf;
use host::sometimes;
use std::io;

/// Sends events until the connection fails, or what comes next is gone.
pub(super) async fn serve(
    applied: &Applied,
    key: &str,
    prefix: bool,
    from: u64,
    half: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let mut grown = applied.subscribe();
    let (mut next, mut scratch) = (from, Vec::new());
    loop {
        let (events, revision) =
            applied.read(|machine| (machine.changes(key, prefix, next), machine.revision()));
        let Some(events) = events else {
            sometimes!("watch fell behind");
            return transport::write_now(half, &Reply::Compacted, &mut scratch).await;
        };
        next = next.max(revision + 1);
        if !events.is_empty() {
            transport::write_now(half, &Reply::Events(events), &mut scratch).await?;
        }
        if grown.changed().await.is_err() {
            return Ok(());
        }
    }
}
