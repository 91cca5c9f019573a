//! The standby's end of streaming: whom it follows, and what it does to be able to.

use super::engine::{Awaited, Engine};
use crate::common::transport::{self, FrameReader, ReadError};
use crate::database::message::{Confirmed, Hello, Next, Place, Repair, Replication, Streamed};
use crate::database::rules::log::Record;
use crate::database::rules::timeline::Lsn;
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::{Instant, sleep, timeout};
use host::{probe, sometimes};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The pause of a standby that has diverged, and is not to repair that, before it asks again: PostgreSQL's
/// `wal_retrieve_retry_interval`.
const RETRIEVE_AGAIN: Duration = Duration::from_secs(5);

/// Follows whom this database is told to follow, as long as it runs.
pub(super) async fn follow(engine: Arc<Engine>) {
    let mut changes = engine.changes();
    let redial = engine.config.options.redial;
    let mut copied_for = None;
    loop {
        let (upstream, repair, told) = {
            let inner = engine.lock();
            (inner.upstream, inner.repair, inner.told)
        };
        let Some(upstream) = upstream else {
            let _ = changes.changed().await;
            continue;
        };
        let wants_copy = repair == Repair::Clone && copied_for != Some(told);
        let following = async {
            let ended = if wants_copy {
                copy(&engine, upstream, told).await
            } else {
                stream(&engine, upstream, told).await
            };
            let replication = ended.unwrap_or_else(|error| {
                tracing::debug!(database = engine.config.id, %upstream, %error, "stream ended");
                Replication::Unreachable
            });
            if wants_copy && replication == Replication::Idle {
                copied_for = Some(told);
                return;
            }
            let repaired = match (replication, repair) {
                (
                    Replication::Diverged | Replication::TooFarBehind,
                    Repair::RewindOrClone | Repair::Clone,
                ) => copy(&engine, upstream, told).await.ok() == Some(Replication::Idle),
                (replication, _) => replication == Replication::Idle,
            };
            if !repaired {
                set_replication(&engine, told, replication);
                let diverged = replication == Replication::Diverged;
                engine.lock().knows_of_fork |= diverged;
                sleep(if diverged { redial.max(RETRIEVE_AGAIN) } else { redial }).await;
            }
        };
        tokio::select! {
            biased;
            () = told_otherwise(&engine, told) => {}
            () = following => {}
        }
    }
}

async fn told_otherwise(engine: &Engine, told: u64) {
    let mut changes = engine.changes();
    while engine.lock().told == told {
        let _ = changes.changed().await;
    }
}

fn set_replication(engine: &Engine, told: u64, replication: Replication) {
    let mut inner = engine.lock();
    if inner.told == told {
        inner.replication = replication;
    }
}

/// A connection to the upstream, and what it says first.
async fn greet(
    engine: &Engine,
    upstream: SocketAddr,
    hello: &Hello,
) -> Result<(Streamed, FrameReader, OwnedWriteHalf), ReadError> {
    let greeting = async {
        let stream = TcpStream::connect(upstream).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, hello, &mut Vec::new()).await?;
        let mut frames = FrameReader::new(read);
        Ok((frames.next().await?, frames, half))
    };
    let patience = engine.config.options.stream_timeout;
    timeout(patience, greeting).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Takes a copy of the upstream. `Idle`: it is there, and streaming can begin.
async fn copy(engine: &Engine, upstream: SocketAddr, told: u64) -> Result<Replication, ReadError> {
    set_replication(engine, told, Replication::Cloning);
    let (Streamed::Base { by, base }, ..) = greet(engine, upstream, &Hello::Clone(engine.config.id)).await?
    else {
        return Ok(Replication::Unreachable);
    };
    let last = base.last;
    let mut changes = engine.changes();
    {
        let mut inner = engine.lock();
        let timeline = base.history.last().unwrap_or_default().to_string();
        if inner.told != told || engine.append(&mut inner, Record::Base(base)).is_err() {
            return Ok(Replication::Unreachable);
        }
        probe!("cloned", last.0, timeline, by);
    }
    while engine.lock().durable < last {
        let _ = changes.changed().await;
    }
    Ok(Replication::Idle)
}

/// Streams. Returns how it stands when that has ended; `Idle`: the log was rewound, and it can go on at once.
async fn stream(engine: &Engine, upstream: SocketAddr, told: u64) -> Result<Replication, ReadError> {
    let place = {
        let inner = engine.lock();
        Place { id: engine.config.id, history: inner.log.history().clone(), last: inner.log.last() }
    };
    let ours = place.last;
    let (first, mut frames, mut half) = greet(engine, upstream, &Hello::Standby(place)).await?;
    let by = match first {
        Streamed::From { by, after } if after == ours => {
            let mut inner = engine.lock();
            if inner.told != told {
                return Ok(Replication::Unreachable);
            }
            inner.replication = Replication::Streaming;
            probe!("streams", by, after.0);
            by
        }
        Streamed::Diverged { common } => {
            sometimes!("standby diverged");
            return Ok(rewind(engine, told, common));
        }
        Streamed::TooFarBehind => {
            sometimes!("standby too far behind");
            return Ok(Replication::TooFarBehind);
        }
        _ => return Ok(Replication::Unreachable),
    };
    let options = &engine.config.options;
    let hearing = async {
        loop {
            let heard = timeout(options.stream_timeout, frames.next()).await;
            let heard = heard.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            let (named, Next { first, entries }) = match heard {
                Streamed::Entries(next) => (Awaited::Other, next),
                Streamed::Awaited(next) => (Awaited::Named, next),
                _ => return Err(ReadError::Malformed),
            };
            let mut inner = engine.lock();
            inner.is(named, by);
            if first != inner.log.last().next() {
                return Err(ReadError::Malformed);
            }
            for entry in entries {
                if inner.told != told || engine.append(&mut inner, Record::Entry(entry)).is_err() {
                    return Ok(Replication::Unreachable);
                }
            }
        }
    };
    let confirming = async {
        let (mut changes, mut scratch, mut confirmed) = (engine.changes(), Vec::new(), None);
        let mut said = Instant::now();
        loop {
            let durable = engine.lock().durable;
            let quiet = (options.stream_timeout / 4).saturating_sub(said.elapsed());
            if confirmed == Some(durable) && timeout(quiet, changes.changed()).await.is_ok() {
                continue;
            }
            transport::write_now(&mut half, &Confirmed(durable), &mut scratch).await?;
            (confirmed, said) = (Some(durable), Instant::now());
        }
    };
    tokio::select! {
        biased;
        ended = hearing => ended,
        ended = confirming => ended,
    }
}

/// Cuts what the upstream does not have, if this may be done and can be.
fn rewind(engine: &Engine, told: u64, common: Lsn) -> Replication {
    let mut inner = engine.lock();
    let may = matches!(inner.repair, Repair::Rewind | Repair::RewindOrClone | Repair::Clone);
    if inner.told != told || !may || common < inner.log.base().last || common >= inner.log.last() {
        return Replication::Diverged;
    }
    if engine.append(&mut inner, Record::Cut(common)).is_err() {
        return Replication::Diverged;
    }
    sometimes!("log rewound");
    Replication::Idle
}
