//! The bucket: it has objects, and announces each until a function has dealt with it.

use super::durable::{Durable, Inner};
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::common::wal::{AppendError, Lsn};
use crate::pipeline::message::{Announcement, Ask, Invoked, ObjectId, Refusal, Told};
use crate::pipeline::options::Config;
use crate::pipeline::rules::{self, Decision, Objects, Record};
use crate::pipeline::view::View;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use host::net::{TcpListener, TcpStream};
use host::time::{sleep, timeout};
use host::{buggify, probe, sometimes};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// From the opening of the log until it fails.
pub(super) async fn life(listener: &TcpListener, config: &Arc<Config>, objects: Arc<Durable<Objects>>) {
    host::view::register({
        let objects = Arc::clone(&objects);
        move || View::bucket(&objects)
    });
    let mut tasks = Tasks::default();
    tasks.spawn(announce_all(Arc::clone(&objects), Arc::clone(config)));
    super::accept(listener, config.options.retry, &mut tasks, |stream| serve(Arc::clone(&objects), stream))
        .await;
}

/// Answers one request after the other.
async fn serve(objects: Arc<Durable<Objects>>, stream: TcpStream) -> Result<(), ReadError> {
    let (read, mut half) = stream.into_split();
    let (mut frames, mut scratch) = (FrameReader::new(read), Vec::new());
    loop {
        let ask = frames.next().await?;
        let Some((told, upto)) = decide(&objects, &mut objects.lock(), ask) else { return Ok(()) };
        // What is read may not be durable yet either. Without the log, this life is ending.
        if objects.durable(upto).await.is_err() {
            return Ok(());
        }
        if let Told::Stored(id) = told {
            probe!("stored", id.0);
        }
        transport::write_now(&mut half, &told, &mut scratch).await?;
    }
}

/// The answer, and which record has to be durable before. None: the log has failed.
fn decide(objects: &Durable<Objects>, inner: &mut Inner<Objects>, ask: Ask) -> Option<(Told, Lsn)> {
    let decided = match ask {
        Ask::Get { key } => match inner.state.get(&key) {
            Ok((id, body)) => return Some((Told::Object(id, body.to_vec()), inner.last())),
            Err(refusal) => Err(refusal),
        },
        Ask::Put { key, body } => {
            inner.state.put(key, body).map(|decision| (decision, Told::Stored as fn(_) -> _))
        }
        Ask::Delete { key } => {
            inner.state.delete(&key).map(|decision| (decision, Told::Deleted as fn(_) -> _))
        }
    };
    let told = match decided {
        Err(refusal) => Told::Refused(refusal),
        Ok((Decision::Is(id), told)) => told(id),
        Ok((Decision::Write(id, record), told)) => match objects.write(inner, record) {
            Ok(()) => told(id),
            // Nothing was written: nothing has to be durable.
            Err(AppendError::Full) => return Some((Told::Refused(Refusal::Full), Lsn(0))),
            Err(_) => return None,
        },
    };
    Some((told, inner.last()))
}

/// Announces what is open, as many at once as may be.
async fn announce_all(objects: Arc<Durable<Objects>>, config: Arc<Config>) {
    let mut under_way = BTreeSet::new();
    let mut announced = FuturesUnordered::new();
    loop {
        let room = (config.options.announced_max as usize).saturating_sub(under_way.len());
        let next: Vec<Announcement> = {
            let inner = objects.lock();
            let open = inner.state.open().filter(|(id, _)| !under_way.contains(id)).take(room);
            open.map(|(object, stored)| Announcement { object, key: rules::encode(&stored.key) }).collect()
        };
        for announcement in next {
            under_way.insert(announcement.object);
            announced.push(announce(&objects, &config, announcement));
        }
        tokio::select! {
            biased;
            Some(done) = announced.next() => { under_way.remove(&done); }
            () = objects.changed() => {}
        }
    }
}

/// Announces an object until its function says that it is done, and writes that down.
async fn announce(objects: &Durable<Objects>, config: &Config, announcement: Announcement) -> ObjectId {
    let options = &config.options;
    let object = announcement.object;
    sleep(up_to(options.spread)).await;
    loop {
        let runner = one_of(&config.runners);
        let invoking = invoke(runner, &announcement, options.visibility);
        let invoked = if buggify!(0.1) {
            sometimes!("announced twice at once");
            let other = one_of(&config.runners);
            futures::join!(invoking, invoke(other, &announcement, options.visibility)).0
        } else {
            invoking.await
        };
        match invoked {
            Some(Invoked::Done) => break,
            Some(Invoked::Throttled) => sometimes!("function throttled"),
            Some(Invoked::Failed) => sometimes!("function failed"),
            Some(Invoked::TimedOut) => sometimes!("function cut off at its limit"),
            None => sometimes!("announced again without an answer"),
        }
        sleep(options.retry + up_to(options.retry)).await;
    }
    // If this is lost, it is announced once more.
    loop {
        let written = objects.write(&mut objects.lock(), Record::Done(object));
        match written {
            Ok(()) => return object,
            Err(error) => tracing::debug!(%error, "cannot write down what is done"),
        }
        sleep(options.retry).await;
    }
}

/// Invokes a function; none when no answer comes in time. It may run all the same.
async fn invoke(runner: SocketAddr, announcement: &Announcement, patience: Duration) -> Option<Invoked> {
    let asking = async {
        let stream = TcpStream::connect(runner).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, announcement, &mut Vec::new()).await?;
        FrameReader::new(read).next().await
    };
    timeout(patience, asking).await.ok()?.ok()
}

fn one_of(runners: &[SocketAddr]) -> SocketAddr {
    runners[(host::entropy::u64() % runners.len() as u64) as usize]
}

fn up_to(longest: Duration) -> Duration {
    longest.mul_f64((host::entropy::u64() >> 11) as f64 / (1_u64 << 53) as f64)
}
