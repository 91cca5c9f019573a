//! What is around the rules: three kinds of processes, each a file, and state on a disk.

mod bucket;
mod collector;
mod durable;
mod function;
mod runner;

pub(super) use durable::Durable;

use super::options::Config;
use crate::common::Tasks;
use crate::common::transport::ReadError;
use host::disk::Disk;
use host::net::{TcpListener, TcpStream};
use host::sometimes;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a process of the pipeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It has objects, and announces them.
    Bucket,
    /// Functions run here. By its place among the runners, from 0.
    Runner(usize),
    /// Lines arrive here.
    Collector,
}

impl Part {
    fn address(self, config: &Config) -> io::Result<SocketAddr> {
        let runner = |number: usize| {
            let message = format!("runner: {number} is not below {}", config.runners.len());
            config.runners.get(number).copied().ok_or(io::Error::new(io::ErrorKind::InvalidInput, message))
        };
        match self {
            Part::Bucket => Ok(config.bucket),
            Part::Runner(number) => runner(number),
            Part::Collector => Ok(config.collector),
        }
    }
}

/// Runs a process until the future is dropped; all its tasks end with it. A runner has no use for the disk.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or a log is corrupt
/// (`InvalidData`).
pub async fn run(part: Part, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(part.address(&config)?).await?;
    serve(listener, part, config, disk).await
}

/// Runs a process on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, part: Part, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let config = Arc::new(config);
    match part {
        Part::Bucket => {
            durable::lives(&disk, &config.options, |objects| bucket::life(&listener, &config, objects)).await
        }
        Part::Runner(_) => runner::life(&listener, &config).await,
        Part::Collector => {
            durable::lives(&disk, &config.options, |kept| collector::life(&listener, &config, kept)).await
        }
    }
}

/// Takes connections, for ever, and spawns what is made of each.
async fn accept<F>(
    listener: &TcpListener,
    retry: Duration,
    tasks: &mut Tasks,
    mut served: impl FnMut(TcpStream) -> F,
) where
    F: Future<Output = Result<(), ReadError>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it answers wait for acknowledgements. Who has hung up already is found out later.
                let _ = stream.set_nodelay(true);
                let served = served(stream);
                tasks.spawn(async move {
                    if let Err(ReadError::Malformed) = served.await {
                        sometimes!("malformed frame dropped");
                    }
                });
            }
            Err(error) => {
                // One connection failed, or the system is short of something: the process lives on.
                tracing::debug!(%error, "accept failed");
                host::time::sleep(retry).await;
            }
        }
    }
}
