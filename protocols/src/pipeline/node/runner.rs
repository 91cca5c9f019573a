//! A runner: functions run here, so many at once. It remembers nothing.

use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::pipeline::message::{Announcement, Invoked};
use crate::pipeline::options::Config;
use crate::pipeline::rules::Slots;
use crate::pipeline::view::View;
use host::net::{TcpListener, TcpStream};
use host::probe;
use host::time::{Instant, timeout};
use std::io;
use std::sync::Arc;

/// From its start until it is dropped.
pub(super) async fn life(listener: &TcpListener, config: &Arc<Config>) -> io::Result<()> {
    let slots = Slots::new(config.options.concurrency);
    host::view::register({
        let slots = slots.clone();
        move || View::runner(&slots)
    });
    probe!("runner begins");
    let mut tasks = Tasks::default();
    let serve = |stream| serve(Arc::clone(config), slots.clone(), stream);
    super::accept(listener, config.options.retry, &mut tasks, serve).await;
    Ok(())
}

/// One invocation. Once begun it runs to its end, whether the bucket still waits for it or not.
async fn serve(config: Arc<Config>, slots: Slots, stream: TcpStream) -> Result<(), ReadError> {
    let (read, mut half) = stream.into_split();
    let mut frames = FrameReader::new(read);
    let Ok(announcement) = timeout(config.options.visibility, frames.next()).await else { return Ok(()) };
    let invoked = match slots.take() {
        None => Invoked::Throttled,
        Some(_until_it_has_ended) => {
            let announcement: Announcement = announcement?;
            let object = announcement.object.0;
            probe!("function begins", object, config.options.concurrency);
            let invoked = run(&config, announcement).await;
            probe!("function ends", object);
            invoked
        }
    };
    Ok(transport::write_now(&mut half, &invoked, &mut Vec::new()).await?)
}

/// Runs a function, up to its limit.
async fn run(config: &Config, announcement: Announcement) -> Invoked {
    let (began, limit) = (Instant::now(), config.options.time_limit);
    match timeout(limit, super::function::handle(config, announcement, began)).await {
        Ok(Ok(())) => Invoked::Done,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a function failed");
            Invoked::Failed
        }
        Err(_) => Invoked::TimedOut,
    }
}
