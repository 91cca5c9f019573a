//! The collector: it keeps each line once, and says so when that is durable.

use super::durable::Durable;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::common::wal::AppendError;
use crate::pipeline::message::{LineId, Push, Pushed};
use crate::pipeline::options::{Config, Flaw};
use crate::pipeline::rules::Kept;
use crate::pipeline::view::View;
use host::net::{TcpListener, TcpStream};
use host::{probe, sometimes};
use std::sync::Arc;

/// From the opening of the log until it fails.
pub(super) async fn life(listener: &TcpListener, config: &Arc<Config>, kept: Arc<Durable<Kept>>) {
    host::view::register({
        let kept = Arc::clone(&kept);
        move || View::collector(&kept)
    });
    let mut tasks = Tasks::default();
    let keeps_again = config.options.flaw == Some(Flaw::KeepsAgain);
    let serve = |stream| serve(Arc::clone(&kept), keeps_again, stream);
    super::accept(listener, config.options.retry, &mut tasks, serve).await;
}

/// Keeps what is pushed, until the function hangs up.
async fn serve(kept: Arc<Durable<Kept>>, keeps_again: bool, stream: TcpStream) -> Result<(), ReadError> {
    let (read, mut half) = stream.into_split();
    let (mut frames, mut scratch) = (FrameReader::new(read), Vec::new());
    loop {
        let push: Push = frames.next().await?;
        let object = push.object;
        // Lines that came before may not be durable yet either: their log is waited for, too.
        let (wrote, upto) = {
            let mut inner = kept.lock();
            let wrote = push.lines.into_iter().try_for_each(|(line, arrival)| {
                let line = LineId { object, line };
                let lacks = inner.state.lacks(line);
                if !lacks {
                    sometimes!("line came again");
                }
                if lacks || keeps_again { kept.write(&mut inner, (line, arrival)) } else { Ok(()) }
            });
            (wrote, inner.last())
        };
        let pushed = match wrote {
            Ok(()) if kept.durable(upto).await.is_err() => return Ok(()),
            Ok(()) => Pushed::Kept,
            Err(AppendError::Full) => Pushed::Full,
            // The log has failed, and this life is ending.
            Err(_) => return Ok(()),
        };
        if pushed == Pushed::Kept {
            probe!("kept", object.0);
        }
        transport::write_now(&mut half, &pushed, &mut scratch).await?;
    }
}
