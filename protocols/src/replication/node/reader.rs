//! The reader: it lets nobody read a replica that is not as far as they need.

use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::database::{Client, Role, Supervisor};
use crate::replication::message::{Needs, Read, ReadTold};
use crate::replication::options::{Config, Flaw};
use crate::replication::rules::Freshness;
use host::net::{TcpListener, TcpStream};
use host::sometimes;
use host::time::{Instant, sleep, timeout};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The pause before a replica that is behind is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A reader as its tasks share it.
struct Reader {
    config: Config,
    began: Instant,
    freshness: Mutex<Freshness>,
}

/// Answers readers, until the future is dropped.
pub(super) async fn run(config: &Config) -> io::Result<()> {
    let listener = TcpListener::bind(config.reader).await?;
    let (config, freshness) = (config.clone(), Mutex::default());
    let reader = Arc::new(Reader { config, began: Instant::now(), freshness });
    let mut tasks = Tasks::default();
    tasks.spawn(sample(Arc::clone(&reader)));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = serve(Arc::clone(&reader), stream);
                tasks.spawn(async move {
                    if let Err(ReadError::Malformed) = serving.await {
                        sometimes!("malformed frame dropped");
                    }
                });
            }
            Err(error) => {
                tracing::debug!(%error, "accept failed");
                sleep(reader.config.options.retry).await;
            }
        }
    }
}

/// Asks the source how far it is, again and again.
async fn sample(reader: Arc<Reader>) {
    let options = &reader.config.options;
    let mut source = Supervisor::new(reader.config.source).patience(options.patience);
    loop {
        let asked = reader.began.elapsed();
        match source.status().await {
            // One that has just begun anew does not show all that it has.
            Ok(status) if status.role == Role::Primary => reader.freshness().heard(asked, status.visible),
            _ => sometimes!("source does not say how far it is"),
        }
        sleep(options.sample).await;
    }
}

async fn serve(reader: Arc<Reader>, stream: TcpStream) -> Result<(), ReadError> {
    let options = &reader.config.options;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    let mut frames = FrameReader::new(read);
    let Ok(asked) = timeout(options.patience, frames.next()).await else { return Ok(()) };
    let Read { key, needs } = asked?;
    let mut replica = Supervisor::new(reader.config.replica).patience(options.patience);
    let enough = async {
        while !reader.is_enough(&mut replica, needs).await {
            sometimes!("read waits for the replica");
            sleep(LOOK_EVERY).await;
        }
    };
    let told = if timeout(options.read_timeout, enough).await.is_err() {
        sometimes!("read refused as the replica is behind");
        ReadTold::Behind
    } else {
        let mut contents = Client::new(reader.config.replica).patience(options.patience);
        contents.get(&key).await.map_or(ReadTold::Unavailable, ReadTold::Value)
    };
    Ok(transport::write_now(&mut half, &told, &mut Vec::new()).await?)
}

impl Reader {
    /// Whether the replica is as far as a read needs.
    async fn is_enough(&self, replica: &mut Supervisor, needs: Needs) -> bool {
        let Ok(status) = replica.status().await else { return false };
        if status.role != Role::Standby {
            return false;
        }
        let flaw = self.config.options.flaw;
        let has_own = needs.token.is_none_or(|token| status.visible >= token.0);
        let is_fresh = needs.within.is_none_or(|within| match flaw {
            Some(Flaw::LagOfWhatArrived) => status.visible >= status.durable,
            _ => self.freshness().reaches(self.began.elapsed(), within, status.visible),
        });
        (has_own || flaw == Some(Flaw::TokenIgnored)) && is_fresh
    }

    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
