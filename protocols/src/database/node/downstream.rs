//! The upstream's end of streaming: what a standby is sent.

use super::engine::{Engine, Inner};
use crate::common::transport::{self, FrameReader, ReadError};
use crate::database::message::{Confirmed, Next, Place, Role, Streamed};
use crate::database::options::Flaw;
use crate::database::rules::timeline::Lsn;
use host::net::OwnedWriteHalf;
use host::sometimes;
use host::time::{Instant, timeout};

/// So many entries are sent at once.
const ENTRIES_MAX: usize = 256;

/// Streams to a standby until it hangs up, falls silent, or what it was sent is no longer here.
pub(super) async fn serve(
    engine: &Engine,
    place: Place,
    mut frames: FrameReader,
    mut half: OwnedWriteHalf,
) -> Result<(), ReadError> {
    let mut scratch = Vec::new();
    let mut changes = engine.changes();
    let (id, options) = (place.id, &engine.config.options);
    let admitted = {
        let mut inner = engine.lock();
        admit(&inner, &place, options.flaw).map(|after| (after, inner.connected(id), inner.rewritten))
    };
    let (mut after, session, rewritten) = match admitted {
        Ok(admitted) => admitted,
        Err(why_not) => return Ok(transport::write_now(&mut half, &why_not, &mut scratch).await?),
    };
    let sending = async {
        let by = engine.config.id;
        transport::write_now(&mut half, &Streamed::From { by, after }, &mut scratch).await?;
        // What standbys confirm is a change, too: it must not put off the word that this end is still there.
        let mut said = Instant::now();
        loop {
            let (entries, is_awaited) = {
                let inner = engine.lock();
                if inner.rewritten != rewritten || after < inner.log.base().last {
                    return Ok(());
                }
                (inner.log.slice(after, inner.durable, ENTRIES_MAX), inner.awaits(id))
            };
            let quiet = (options.stream_timeout / 4).saturating_sub(said.elapsed());
            if entries.is_empty() && timeout(quiet, changes.changed()).await.is_ok() {
                continue;
            }
            let (first, count) = (after.next(), entries.len() as u64);
            let next = Next { first, entries };
            let next = if is_awaited { Streamed::Awaited(next) } else { Streamed::Entries(next) };
            transport::write_now(&mut half, &next, &mut scratch).await?;
            (after, said) = (Lsn(after.0 + count), Instant::now());
        }
    };
    let hearing = async {
        loop {
            let Ok(heard) = timeout(options.stream_timeout, frames.next()).await else { return Ok(()) };
            let Confirmed(lsn) = heard?;
            let mut inner = engine.lock();
            if lsn > inner.log.last() {
                return Err(ReadError::Malformed);
            }
            inner.confirmed(engine, id, session, lsn);
            drop(inner);
            engine.tell();
        }
    };
    let ended = tokio::select! {
        biased;
        ended = hearing => ended,
        ended = sending => ended,
    };
    engine.lock().disconnected(id, session);
    engine.tell();
    ended
}

/// The entry after which a standby's log goes on with this one.
pub(super) fn admit(inner: &Inner, place: &Place, flaw: Option<Flaw>) -> Result<Lsn, Streamed> {
    let last = inner.log.last();
    let common = inner.log.history().common(last, &place.history, place.last);
    if flaw == Some(Flaw::UnrewoundRejoin) && place.last <= last {
        return Ok(place.last);
    }
    // PostgreSQL 17.12, seen: no rewind is said to be required, and an invalid record is waited at for ever.
    let forked = common < place.last && place.history != *inner.log.history();
    if flaw == Some(Flaw::EqualTimelines) && forked && place.history.has_numbers_of(inner.log.history()) {
        return Err(Streamed::NotNow);
    }
    if common < place.last {
        // A standby that only has more than this log is ahead, and has not diverged; where it has another timeline, only
        // whoever follows will have that too. Patroni and stolon compare the numbers, and rewind where theirs is above.
        let same_timeline = place.history.last() == inner.log.history().last();
        let is_ahead = common == last && (same_timeline || inner.role != Role::Primary);
        return Err(if is_ahead { Streamed::NotNow } else { Streamed::Diverged { common } });
    }
    if common < inner.log.base().last { Err(Streamed::TooFarBehind) } else { Ok(common) }
}

/// Sends a copy.
pub(super) async fn copy(engine: &Engine, mut half: OwnedWriteHalf) -> Result<(), ReadError> {
    sometimes!("copy sent");
    let copy = Streamed::Base { by: engine.config.id, base: engine.lock().copy() };
    Ok(transport::write_now(&mut half, &copy, &mut Vec::new()).await?)
}
