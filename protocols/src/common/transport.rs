//! Frames on a byte stream: one ordered channel each way.
//!
//! A frame is its length in four bytes (big endian), then one message in `postcard`. Senders encode straight into the
//! buffer that the connection's writer takes whole: what piles up while it writes leaves in one write.

use futures::StreamExt as _;
use host::{
    net::{OwnedReadHalf, OwnedWriteHalf},
    trace,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Debug,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{io::AsyncWriteExt as _, sync::Notify};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

/// The longest frame, in bytes. A snapshot of all that a node owns must fit.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

const LENGTH_BYTES: usize = 4;

/// Most frames are shorter: their buffer grows once.
const FRAME_BYTES_LIKELY: usize = 128;

/// The receiving half of a connection.
#[derive(Debug)]
pub(crate) struct FrameReader(FramedRead<OwnedReadHalf, LengthDelimitedCodec>);

/// Why no further message comes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the connection was closed")]
    Closed,
    #[error("a frame could not be read")]
    Malformed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameReader {
    pub fn new(half: OwnedReadHalf) -> Self {
        let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_BYTES_MAX).new_codec();
        FrameReader(FramedRead::new(half, codec))
    }

    /// The next message. Safe to cancel: a frame that is partly here stays.
    pub async fn next<M: for<'de> Deserialize<'de>>(&mut self) -> Result<M, ReadError> {
        let frame = match self.0.next().await {
            None => return Err(ReadError::Closed),
            // The codec's own complaint: a length above the limit.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(ReadError::Malformed);
            }
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(frame)) => frame,
        };
        match postcard::take_from_bytes(&frame) {
            Ok((message, [])) => Ok(message),
            _ => Err(ReadError::Malformed),
        }
    }
}

/// Appends one frame to a buffer.
///
/// # Errors
///
/// When the frame would exceed [`FRAME_BYTES_MAX`]; the buffer is as before.
pub(crate) fn encode<M: Serialize + Debug>(message: &M, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.reserve(FRAME_BYTES_LIKELY);
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    let encoded = postcard::serialize_with_flavor(message, Append(out));
    let bytes = out.len() - start - LENGTH_BYTES;
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= FRAME_BYTES_MAX);
    let (Ok(()), Some(length)) = (encoded, length) else {
        out.truncate(start);
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {bytes} bytes")));
    };
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    trace::message(&out[start..], message);
    Ok(())
}

/// Lets `postcard` write at the end of a buffer that is used again.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Writes one message at once, outside any queue: greetings and answers to a client.
pub(crate) async fn write_now<M: Serialize + Debug>(
    half: &mut OwnedWriteHalf,
    message: &M,
    scratch: &mut Vec<u8>,
) -> io::Result<()> {
    scratch.clear();
    encode(message, scratch)?;
    half.write_all(scratch).await?;
    half.flush().await
}

/// The one ordered queue of frames to a peer. Pushing never waits; one writer drains it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: Vec<u8>,
    closed: bool,
}

impl Outbox {
    /// Queues whole frames.
    pub fn push(&self, frames: &[u8]) {
        let was_empty = {
            let mut queue = self.lock();
            let was_empty = queue.frames.is_empty();
            queue.frames.extend_from_slice(frames);
            was_empty
        };
        if was_empty {
            self.ready.notify_one();
        }
    }

    /// Ends the writer, and with it the connection. What is queued is lost.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    /// Writes what is pushed until the outbox is closed or the connection fails.
    pub async fn drain_into(&self, half: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut batch = Vec::new();
        while self.take(&mut batch).await {
            half.write_all(&batch).await?;
            half.flush().await?;
            batch.clear();
        }
        Ok(())
    }

    /// Waits for frames and swaps them with the empty `batch`; `false` once closed.
    async fn take(&self, batch: &mut Vec<u8>) -> bool {
        loop {
            {
                let mut queue = self.lock();
                if queue.closed {
                    return false;
                }
                if !queue.frames.is_empty() {
                    std::mem::swap(&mut queue.frames, batch);
                    return true;
                }
            }
            self.ready.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_its_length_and_one_message() {
        let mut out = vec![9];
        encode(&(1u8, "ab"), &mut out).unwrap();
        assert_eq!(out, [9, 0, 0, 0, 4, 1, 2, b'a', b'b']);
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_and_leaves_no_trace() {
        let mut out = vec![9];
        assert!(encode(&"x".repeat(FRAME_BYTES_MAX), &mut out).is_err());
        assert_eq!(out, [9]);
    }
}
