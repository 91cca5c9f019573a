//! The function: it gets an object, reads its lines, and pushes each, or a report of it, to the collector.

use crate::common::transport::{self, FrameReader};
use crate::pipeline::message::{Announcement, Arrival, Ask, ObjectId, Push, Pushed, Told, Unreadable};
use crate::pipeline::options::{Config, Flaw};
use crate::pipeline::rules;
use host::net::TcpStream;
use host::time::Instant;
use host::{buggify, probe, sometimes};
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt as _;

/// Deals with an object.
///
/// # Errors
///
/// When the bucket or the collector cannot be reached, or the function ends in the middle. Some lines may have arrived.
pub(super) async fn handle(config: &Config, announcement: Announcement, began: Instant) -> io::Result<()> {
    let Announcement { object, key } = announcement;
    let arrivals = match rules::decode(&key, config.options.flaw) {
        Err(error) => whole(key, error.into()),
        Ok(key) => match fetch(config.bucket, &key).await? {
            Some((id, body)) if id == object => {
                rules::lines(&body).map(|(number, line)| (number, rules::parse(line))).collect()
            }
            _ => {
                sometimes!("announced object is not there");
                whole(key, Unreadable::Vanished)
            }
        },
    };
    if config.options.flaw == Some(Flaw::FireAndForget) {
        return forget(config, object, arrivals, began).await;
    }
    let stream = TcpStream::connect(config.collector).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    let (mut frames, mut scratch) = (FrameReader::new(read), Vec::new());
    for batch in arrivals.chunks(config.options.batch as usize) {
        let push = Push { object, lines: batch.to_vec() };
        within_limit(config, object, began)?;
        transport::write_now(&mut half, &push, &mut scratch).await?;
        match frames.next().await.map_err(io::Error::other)? {
            Pushed::Kept => {}
            Pushed::Full => return Err(io::ErrorKind::StorageFull.into()),
        }
        if buggify!(0.03) {
            sometimes!("function ends in the middle");
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    Ok(())
}

/// The flaw [`Flaw::FireAndForget`]: what leaves is believed to arrive.
async fn forget(
    config: &Config,
    object: ObjectId,
    arrivals: Vec<(u32, Arrival)>,
    began: Instant,
) -> io::Result<()> {
    for arrival in arrivals {
        let mut stream = TcpStream::connect(config.collector).await?;
        within_limit(config, object, began)?;
        let mut frame = Vec::new();
        transport::encode(&Push { object, lines: vec![arrival] }, &mut frame)?;
        stream.write_all(&frame).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

/// A report of the object as a whole, in the place of its lines.
fn whole(key: String, why: Unreadable) -> Vec<(u32, Arrival)> {
    vec![(0, Arrival::Report { why, raw: key })]
}

/// What is under a key; none if nothing is.
async fn fetch(bucket: SocketAddr, key: &str) -> io::Result<Option<(ObjectId, Vec<u8>)>> {
    let stream = TcpStream::connect(bucket).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    transport::write_now(&mut half, &Ask::Get { key: key.to_owned() }, &mut Vec::new()).await?;
    match FrameReader::new(read).next().await.map_err(io::Error::other)? {
        Told::Object(id, body) => Ok(Some((id, body))),
        Told::Refused(_) => Ok(None),
        Told::Stored(_) | Told::Deleted(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Nothing leaves after the limit, whatever the timer has noticed: a machine may have stood still.
fn within_limit(config: &Config, object: ObjectId, began: Instant) -> io::Result<()> {
    let (took, limit) = (began.elapsed(), config.options.time_limit);
    if took >= limit {
        return Err(io::ErrorKind::TimedOut.into());
    }
    probe!("pushed", object.0, took.as_micros() as u64, limit.as_micros() as u64);
    Ok(())
}
