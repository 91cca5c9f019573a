//! A client's connection.

use super::engine::Engine;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::database::message::{Refusal, Reply, Request, Role};
use crate::database::options::Flaw;
use host::net::OwnedWriteHalf;
use host::time::timeout;

/// Answers one request after the other until the client hangs up.
pub(super) async fn serve(
    engine: &Engine,
    mut frames: FrameReader,
    mut half: OwnedWriteHalf,
) -> Result<(), ReadError> {
    let mut scratch = Vec::new();
    let ready = Reply::Ready { writable: engine.lock().role == Role::Primary };
    transport::write_now(&mut half, &ready, &mut scratch).await?;
    loop {
        let (lsn, answer) = match frames.next().await? {
            Request::Get { key } => (None, engine.read(key)),
            Request::Write(write) => match engine.write(write) {
                Ok((lsn, answer)) => (Some(lsn), Ok(answer)),
                Err(refusal) => (None, Err(refusal)),
            },
        };
        let reply = match answer {
            Err(refusal) => Reply::Refused(refusal),
            Ok(answer) => match (lsn, engine.config.options.flaw) {
                (Some(lsn), Some(Flaw::TimedOutSyncCommit)) => {
                    match timeout(engine.config.options.stream_timeout, answer).await {
                        Ok(reply) => reply.map_err(|_| ReadError::Closed)?,
                        Err(_) => {
                            engine.give_up_waiting(lsn);
                            return Ok(());
                        }
                    }
                }
                _ => answer.await.map_err(|_| ReadError::Closed)?,
            },
        };
        transport::write_now(&mut half, &reply, &mut scratch).await?;
    }
}

/// Refuses, where nothing runs.
pub(super) async fn refuse(mut half: OwnedWriteHalf) -> Result<(), ReadError> {
    Ok(transport::write_now(&mut half, &Reply::Refused(Refusal::NotRunning), &mut Vec::new()).await?)
}
