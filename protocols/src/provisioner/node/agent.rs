//! An agent: it starts slowly, connects, builds what it is given, and ends.

use super::zone::Zone;
use crate::common::transport::{self, FrameReader};
use crate::provisioner::message::{AgentId, BuildId, FromAgent, Hello, ToAgent};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::{Instant, sleep, sleep_until, timeout};
use host::{probe, sometimes};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Runs an agent, from the moment that its task is made.
pub(super) async fn run(zone: Arc<Zone>, id: AgentId) {
    let how = live(&zone, id).await;
    zone.ended(id, how);
}

/// How it ended.
async fn live(zone: &Zone, id: AgentId) -> &'static str {
    let options = &zone.options;
    sleep(between(options.start_min, options.start_max)).await;
    if chance(u64::from(options.fails_percent), 100) {
        return "failed";
    }
    zone.is_running(id);
    let taken_away = Spot::of(zone);
    sleep(options.boot).await;
    // The launcher has given it up by then.
    let give_up = Instant::now() + options.timeout;
    while Instant::now() < give_up.min(taken_away.at) {
        if let Ok(Ok((mut frames, half))) = timeout(options.silence, connect(zone, id)).await {
            match timeout(options.silence, frames.next()).await {
                Ok(Ok(ToAgent::Welcome)) => {
                    probe!("welcomed", id.to_string());
                    return Connected { zone, id, frames, half, build: None }.work(taken_away).await;
                }
                Ok(Ok(_)) => return "sent away",
                Ok(Err(_)) | Err(_) => {}
            }
        }
        sleep(options.redial).await;
    }
    "never connected"
}

async fn connect(zone: &Zone, id: AgentId) -> io::Result<(FrameReader, OwnedWriteHalf)> {
    let stream = TcpStream::connect(zone.controller).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    transport::write_now(&mut half, &Hello::Agent(id), &mut Vec::new()).await?;
    Ok((FrameReader::new(read), half))
}

/// When a machine is taken away, and when its agent is told.
#[derive(Clone, Copy)]
struct Spot {
    notice_at: Instant,
    at: Instant,
}

impl Spot {
    fn of(zone: &Zone) -> Spot {
        // Longer than any run, and no overflow.
        const NEVER: Duration = Duration::from_secs(1 << 30);
        let every = zone.options.spot_every;
        let after = if every.is_zero() { NEVER } else { between(Duration::ZERO, every * 2) };
        let notice_at = Instant::now() + after;
        Spot { notice_at, at: notice_at + zone.options.spot_notice }
    }
}

/// An agent whose controller wants it.
struct Connected<'a> {
    zone: &'a Zone,
    id: AgentId,
    frames: FrameReader,
    half: OwnedWriteHalf,
    /// What it builds, and when that is done.
    build: Option<(BuildId, Instant)>,
}

impl Connected<'_> {
    /// Builds until it is hung up on, or its machine is taken away. How it ended.
    async fn work(mut self, spot: Spot) -> &'static str {
        let (ping, silence) = (self.zone.options.ping, self.zone.options.silence);
        let (mut ping_at, mut silent_at) = (Instant::now() + ping, Instant::now() + silence);
        let mut is_told = false;
        loop {
            let now = Instant::now();
            let said = if now >= spot.at {
                return "taken away";
            } else if now >= silent_at {
                break;
            } else if now >= spot.notice_at && !is_told {
                is_told = true;
                Some(FromAgent::Interrupted)
            } else if let Some((build, _)) = self.build.filter(|(_, until)| now >= *until) {
                self.builds(None);
                Some(FromAgent::Done(build))
            } else if now >= ping_at {
                ping_at = now + ping;
                Some(FromAgent::Ping)
            } else {
                None
            };
            if let Some(said) = said {
                if transport::write_now(&mut self.half, &said, &mut Vec::new()).await.is_err() {
                    break;
                }
                continue;
            }
            let until = self.build.map_or(silent_at, |(_, until)| until);
            let notice = if is_told { spot.at } else { spot.notice_at };
            let wake = until.min(notice).min(ping_at).min(silent_at);
            let heard = tokio::select! {
                biased;
                heard = self.frames.next() => heard,
                () = sleep_until(wake) => continue,
            };
            silent_at = Instant::now() + silence;
            match heard {
                Ok(ToAgent::Work { id, lasts }) => self.builds(Some((id, Instant::now() + lasts))),
                Ok(ToAgent::Pong | ToAgent::Welcome) => {}
                Ok(ToAgent::GoAway) | Err(_) => break,
            }
        }
        if self.build.is_some() {
            sometimes!("agent lost while it worked");
        }
        "hung up"
    }

    fn builds(&mut self, build: Option<(BuildId, Instant)>) {
        self.zone.builds(self.id, build.map(|(id, _)| id));
        self.build = build;
    }
}

/// A time from the first to the second, each as likely.
fn between(least: Duration, most: Duration) -> Duration {
    let share = host::entropy::u64() as f64 / u64::MAX as f64;
    least + most.saturating_sub(least).mul_f64(share)
}

fn chance(of: u64, out_of: u64) -> bool {
    host::entropy::u64() % out_of < of
}
