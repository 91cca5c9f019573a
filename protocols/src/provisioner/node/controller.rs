//! The controller around its rules: clients and agents that come, zones that are dialled.
//!
//! One lock guards all that changes. Whatever happens is handled whole under it, and what follows for connections is put
//! into their outboxes before it is released.

use crate::common::{
    Tasks,
    transport::{self, FrameReader, Outbox, ReadError},
};
use crate::provisioner::message::{AgentId, Answer, Ask, BuildId, FromAgent, Hello, ToAgent, Told};
use crate::provisioner::options::{Config, Options};
use crate::provisioner::rules::{Effect, Fleet, Next};
use crate::provisioner::view::View;
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::sometimes;
use host::time::{Instant, sleep, timeout};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Runs a controller for ever.
pub(super) async fn serve(listener: &TcpListener, config: &Config) {
    let zones = &config.nodes[1..];
    let controller = Arc::new(Controller {
        options: config.options.clone(),
        began: Instant::now(),
        changed: zones.iter().map(|_| Notify::new()).collect(),
        inner: Mutex::new(Inner {
            fleet: Fleet::new(host::entropy::u64(), zones.len(), config.options.clone()),
            agents: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }),
    });
    host::view::register({
        let controller = Arc::clone(&controller);
        move || controller.view()
    });
    let mut tasks = Tasks::default();
    tasks.spawn(Arc::clone(&controller).tick());
    for (zone, address) in zones.iter().enumerate() {
        tasks.spawn(Arc::clone(&controller).launch(zone, *address));
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(Arc::clone(&controller).greet(stream)),
            Err(error) => {
                // One connection failed, or the system is short of something: the controller lives on.
                tracing::debug!(%error, "accept failed");
                sleep(controller.options.redial).await;
            }
        }
    }
}

/// A controller as its tasks share it.
struct Controller {
    options: Options,
    began: Instant,
    /// Tells each zone's launcher that there may be something to do.
    changed: Vec<Notify>,
    inner: Mutex<Inner>,
}

/// What the lock guards.
struct Inner {
    fleet: Fleet,
    /// The connection of each agent that has one.
    agents: BTreeMap<AgentId, Arc<Outbox>>,
    /// Who wants to know that something is built.
    waiting: BTreeMap<BuildId, Vec<Arc<Outbox>>>,
}

impl Controller {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn view(&self) -> View {
        let (queued, running, agents) = self.lock().fleet.figures();
        View::Controller { queued, running, agents }
    }

    /// Something happens: what follows for connections is put into their outboxes.
    fn change<T>(&self, change: impl FnOnce(&mut Inner, Duration) -> T) -> T {
        let mut inner = self.lock();
        let changed = change(&mut inner, self.now());
        for effect in inner.fleet.take_effects() {
            inner.follow(effect);
        }
        drop(inner);
        self.changed.iter().for_each(Notify::notify_one);
        changed
    }

    async fn tick(self: Arc<Self>) {
        loop {
            sleep(self.options.look).await;
            self.change(|inner, now| inner.fleet.on_tick(now));
        }
    }

    /// A connection came in: a client, or an agent.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        let error = match timeout(self.options.silence, frames.next()).await {
            Ok(Ok(Hello::Client)) => self.hear_client(frames, half).await,
            Ok(Ok(Hello::Agent(id))) => self.hear_agent(id, frames, half).await,
            Ok(Ok(Hello::Launcher)) => ReadError::Malformed,
            Ok(Err(error)) => error,
            // Who does not even say hello is no loss.
            Err(_) => return,
        };
        if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
        }
        tracing::debug!(%error, "connection lost");
    }

    async fn hear_client(&self, mut frames: FrameReader, mut half: OwnedWriteHalf) -> ReadError {
        let outbox = Arc::new(Outbox::default());
        let hear = async {
            loop {
                let Ask { id, lasts } = match frames.next().await {
                    Ok(ask) => ask,
                    Err(error) => return error,
                };
                self.change(|inner, now| {
                    let waiting = inner.waiting.entry(id).or_default();
                    // It asks again from time to time, on the same connection.
                    if !waiting.iter().any(|other| Arc::ptr_eq(other, &outbox)) {
                        waiting.push(Arc::clone(&outbox));
                    }
                    inner.fleet.on_ask(id, lasts, now);
                });
            }
        };
        tokio::select! {
            biased;
            error = hear => error,
            written = outbox.drain_into(&mut half) => ended(written),
        }
    }

    async fn hear_agent(&self, id: AgentId, mut frames: FrameReader, mut half: OwnedWriteHalf) -> ReadError {
        let outbox = Arc::new(Outbox::default());
        let is_welcome = self.change(|inner, now| {
            let is_welcome = inner.fleet.on_hello(id, now);
            if is_welcome {
                // Before any work.
                say(&outbox, &ToAgent::Welcome);
                if let Some(older) = inner.agents.insert(id, Arc::clone(&outbox)) {
                    older.close();
                }
            }
            is_welcome
        });
        if !is_welcome {
            // It goes away without being told, too, only later.
            let _ = transport::write_now(&mut half, &ToAgent::GoAway, &mut Vec::new()).await;
            return ReadError::Closed;
        }
        let hear = async {
            loop {
                let said = match timeout(self.options.silence, frames.next()).await {
                    Ok(Ok(said)) => said,
                    Ok(Err(error)) => return error,
                    Err(_) => return io::Error::from(io::ErrorKind::TimedOut).into(),
                };
                match said {
                    FromAgent::Ping => say(&outbox, &ToAgent::Pong),
                    FromAgent::Done(build) => self.change(|inner, now| inner.fleet.on_done(id, build, now)),
                    FromAgent::Interrupted => self.change(|inner, _| inner.fleet.on_interrupted(id)),
                }
            }
        };
        let error = tokio::select! {
            biased;
            error = hear => error,
            written = outbox.drain_into(&mut half) => ended(written),
        };
        self.change(|inner, now| {
            if inner.agents.get(&id).is_some_and(|current| Arc::ptr_eq(current, &outbox)) {
                inner.agents.remove(&id);
                inner.fleet.on_lost(id, now);
            }
        });
        error
    }

    /// Keeps a connection to a zone, and calls it.
    async fn launch(self: Arc<Self>, zone: usize, address: SocketAddr) {
        loop {
            match timeout(self.options.silence, connect(address)).await {
                Ok(Ok((frames, half))) => {
                    self.change(|inner, _| inner.fleet.on_zone_up(zone));
                    let error = self.call(zone, frames, half).await;
                    self.change(|inner, _| inner.fleet.on_zone_down(zone));
                    tracing::debug!(zone, %error, "connection lost");
                }
                Ok(Err(error)) => tracing::debug!(zone, %error, "dial failed"),
                Err(_) => tracing::debug!(zone, "dial timed out"),
            }
            sleep(self.options.redial).await;
        }
    }

    async fn call(&self, zone: usize, mut frames: FrameReader, mut half: OwnedWriteHalf) -> ReadError {
        loop {
            let next = self.lock().fleet.next_call(zone, self.now());
            let call = match next {
                Next::Call(call) => call,
                Next::Wait(pause) => {
                    tokio::select! {
                        biased;
                        () = self.changed[zone].notified() => {}
                        () = sleep(pause) => {}
                    }
                    continue;
                }
            };
            if let Err(error) = transport::write_now(&mut half, &call, &mut Vec::new()).await {
                return error.into();
            }
            let answer = match timeout(self.options.silence, frames.next::<Answer>()).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return error,
                Err(_) => {
                    sometimes!("call without an answer");
                    return io::Error::from(io::ErrorKind::TimedOut).into();
                }
            };
            let jitter = host::entropy::u64() as f64 / u64::MAX as f64;
            self.change(|inner, now| inner.fleet.on_answer(zone, call, answer, jitter, now));
        }
    }
}

impl Inner {
    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Work(id, build, lasts) => {
                if let Some(outbox) = self.agents.get(&id) {
                    say(outbox, &ToAgent::Work { id: build, lasts });
                }
            }
            Effect::Tell(id, waited) => {
                for outbox in self.waiting.remove(&id).unwrap_or_default() {
                    say(&outbox, &Told { id, waited });
                }
            }
            Effect::HangUp(id) => {
                if let Some(outbox) = self.agents.remove(&id) {
                    outbox.close();
                }
            }
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<(FrameReader, OwnedWriteHalf)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    transport::write_now(&mut half, &Hello::Launcher, &mut Vec::new()).await?;
    Ok((FrameReader::new(read), half))
}

fn say<M: Serialize + Debug>(outbox: &Outbox, message: &M) {
    let mut frame = Vec::new();
    transport::encode(message, &mut frame).expect("these messages are short");
    outbox.push(&frame);
}

fn ended(written: io::Result<()>) -> ReadError {
    written.map_or_else(ReadError::Io, |()| ReadError::Closed)
}
