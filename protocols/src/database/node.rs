//! The process: it listens, obeys its manager, and runs the database when it is told to.

mod downstream;
mod engine;
mod requests;
mod standby;

use super::message::{Hello, Obeyed, Order, Repair, Replication, Role, Start, Status, Streamed, Sync};
use super::options::Config;
use super::rules::timeline::{History, Lsn};
use super::view::View;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use crate::common::wal::{OpenError, Writer};
use engine::{Awaited, Engine};
use host::disk::Disk;
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::time::{sleep, timeout};
use host::{probe, sometimes};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

type Answer = oneshot::Sender<Obeyed>;
type Orders = mpsc::UnboundedReceiver<(Order, Answer)>;

/// Runs a database process until the future is dropped; all its tasks end with it. The database in it is stopped until
/// its manager starts it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), or the address cannot be bound.
pub async fn run(config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.address).await?;
    serve(listener, config, disk).await
}

/// Runs a database process on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let (orders, inbox) = mpsc::unbounded_channel();
    let process =
        Arc::new(Process { config, orders, engine: Mutex::default(), malformed_frames: AtomicU64::new(0) });
    host::view::register({
        let process = Arc::clone(&process);
        move || process.view()
    });
    say_stopped();
    let _ends = EndsWith(Arc::clone(&process));
    let mut tasks = Tasks::default();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => tasks.spawn(Arc::clone(&process).greet(stream)),
                Err(error) => {
                    // One connection failed, or the system is short of something: the process lives on.
                    tracing::debug!(database = process.config.id, %error, "accept failed");
                    sleep(process.config.options.redial).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        never = process.supervise(inbox, &disk) => match never {},
        () = accepting => unreachable!("it has no end"),
    }
}

/// Ends what runs when the process does.
struct EndsWith(Arc<Process>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A process as its tasks share it.
struct Process {
    config: Config,
    orders: mpsc::UnboundedSender<(Order, Answer)>,
    /// What runs.
    engine: Mutex<Option<Arc<Engine>>>,
    malformed_frames: AtomicU64,
}

impl Process {
    async fn supervise(&self, mut orders: Orders, disk: &Disk) -> std::convert::Infallible {
        let mut stopped = Status {
            id: self.config.id,
            role: Role::Stopped,
            history: History::default(),
            durable: Lsn(0),
            visible: Lsn(0),
            upstream: None,
            replication: Replication::Idle,
            standbys: Vec::new(),
            sync: Sync::default(),
        };
        let mut knows_of_fork = false;
        loop {
            let (start, done) = self.next_start(&mut orders, &stopped).await;
            // PostgreSQL 17.12, seen: a standby that has diverged asks every 5 s for what its upstream has not; that it has
            // is in its own log by then, and the next start is fatal.
            if knows_of_fork && matches!(start, Start::Standby { upstream: Some(_), repair: Repair::No }) {
                sometimes!("a diverged standby does not start again");
                let _ = done.send(Obeyed::No("the timeline is not a child of this log's history".to_owned()));
                continue;
            }
            stopped.role = Role::Starting;
            match self.open(&mut orders, disk, &start, &stopped).await {
                Ok((engine, writer)) => {
                    engine.lock().knows_of_fork = knows_of_fork;
                    *self.lock() = Some(Arc::clone(&engine));
                    let stop = self.run(&engine, writer, &start, done, &mut orders).await;
                    self.end();
                    knows_of_fork = engine.lock().knows_of_fork;
                    let last = engine.lock().status(self.config.id);
                    stopped = Status {
                        upstream: None,
                        replication: Replication::Idle,
                        standbys: Vec::new(),
                        ..last
                    };
                    if let Some(stop) = stop {
                        let _ = stop.send(Obeyed::Done);
                    }
                }
                Err(Some(error)) => {
                    tracing::warn!(database = self.config.id, %error, "cannot start");
                    let _ = done.send(Obeyed::No(error.to_string()));
                }
                Err(None) => drop(done),
            }
            stopped.role = Role::Stopped;
            say_stopped();
        }
    }

    /// Nothing runs, until the manager says so.
    async fn next_start(&self, orders: &mut Orders, stopped: &Status) -> (Start, Answer) {
        loop {
            let Some((order, answer)) = orders.recv().await else { std::future::pending().await };
            let obeyed = match order {
                Order::Start(start) => return (start, answer),
                Order::Status => Obeyed::Status(Box::new(stopped.clone())),
                Order::Stop | Order::Pet(None) => Obeyed::Done,
                _ => Obeyed::No("it is stopped".to_owned()),
            };
            let _ = answer.send(obeyed);
        }
    }

    /// Opens the log. Without an error it was told to stop meanwhile.
    async fn open(
        &self,
        orders: &mut Orders,
        disk: &Disk,
        start: &Start,
        starting: &Status,
    ) -> Result<(Arc<Engine>, Writer), Option<OpenError>> {
        probe!("role", Role::Starting.name(), "");
        let mut opening = pin!(Engine::open(&self.config, disk, start));
        loop {
            let (order, answer) = tokio::select! {
                biased;
                opened = &mut opening => return opened.map_err(Some),
                Some(order) = orders.recv() => order,
            };
            let obeyed = match order {
                Order::Stop => {
                    let _ = answer.send(Obeyed::Done);
                    return Err(None);
                }
                Order::Status => Obeyed::Status(Box::new(starting.clone())),
                _ => Obeyed::No("it is starting".to_owned()),
            };
            let _ = answer.send(obeyed);
        }
    }

    /// Runs until it is told to stop, the disk fails, or the watchdog fires. Returns whom to tell that it has stopped.
    async fn run(
        &self,
        engine: &Arc<Engine>,
        writer: Writer,
        start: &Start,
        done: Answer,
        orders: &mut Orders,
    ) -> Option<Answer> {
        if let Err(error) = engine.begin(start, done) {
            tracing::warn!(database = self.config.id, %error, "cannot begin");
            return None;
        }
        self.spawn(engine, standby::follow(Arc::clone(engine)));
        let mut committing = pin!(engine.commit(writer));
        let mut fenced = pin!(engine.watchdog_fires());
        loop {
            let (order, answer) = tokio::select! {
                biased;
                error = &mut committing => {
                    sometimes!("database stops after its disk failed");
                    tracing::warn!(database = self.config.id, %error, "the disk failed");
                    return None;
                }
                () = &mut fenced => return None,
                Some(order) = orders.recv() => order,
            };
            let obeyed = match order {
                Order::Status => Obeyed::Status(Box::new(engine.lock().status(self.config.id))),
                Order::Promote => {
                    engine.promote(answer);
                    continue;
                }
                Order::Follow { upstream, repair } => engine.follow(upstream, repair),
                Order::SetSync(sync) => {
                    engine.set_sync(sync, answer);
                    continue;
                }
                Order::Pet(within) => engine.pet(within),
                Order::Start(_) => Obeyed::No("it runs".to_owned()),
                Order::Stop => {
                    tokio::select! {
                        biased;
                        _ = &mut committing => {}
                        () = &mut fenced => {}
                        () = engine.drain() => {}
                    }
                    return Some(answer);
                }
            };
            let _ = answer.send(obeyed);
        }
    }

    /// What runs, runs no more: its connections end with its tasks.
    fn end(&self) {
        if let Some(engine) = self.lock().take() {
            *engine.tasks.lock().unwrap_or_else(PoisonError::into_inner) = Tasks::default();
        }
    }

    fn spawn(&self, engine: &Engine, task: impl Future<Output = ()> + Send + 'static) {
        engine.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// A connection came in.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        let hello = match timeout(self.config.options.stream_timeout, frames.next()).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(error)) => return self.count_if_malformed(&error),
            // Who does not even say hello is no loss.
            Err(_) => return,
        };
        if hello == Hello::Supervisor {
            let ended = self.obey(frames, half).await;
            return ended.unwrap_or_else(|error| self.count_if_malformed(&error));
        }
        // From here on the connection belongs to what runs, and ends with it.
        let running = self.lock().clone();
        let process = Arc::clone(&self);
        match running {
            None => {
                let ended = refuse(&hello, half).await;
                ended.unwrap_or_else(|error| self.count_if_malformed(&error));
            }
            Some(engine) => {
                let serving = Arc::clone(&engine);
                self.spawn(&engine, async move {
                    let ended = match hello {
                        Hello::Client => requests::serve(&serving, frames, half).await,
                        Hello::Standby(place) => downstream::serve(&serving, place, frames, half).await,
                        Hello::Clone(_) => downstream::copy(&serving, half).await,
                        Hello::Supervisor => Ok(()),
                    };
                    ended.unwrap_or_else(|error| process.count_if_malformed(&error));
                });
            }
        }
    }

    /// A manager's connection.
    async fn obey(&self, mut frames: FrameReader, mut half: OwnedWriteHalf) -> Result<(), ReadError> {
        let mut scratch = Vec::new();
        loop {
            let order = frames.next().await?;
            let (answer, obeyed) = oneshot::channel();
            if self.orders.send((order, answer)).is_err() {
                return Ok(());
            }
            let obeyed = obeyed.await.unwrap_or_else(|_| Obeyed::No("it has stopped meanwhile".to_owned()));
            transport::write_now(&mut half, &obeyed, &mut scratch).await?;
        }
    }

    fn count_if_malformed(&self, error: &ReadError) {
        if let ReadError::Malformed = error {
            sometimes!("malformed frame dropped");
            self.malformed_frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn view(&self) -> View {
        let engine = self.lock().clone();
        let status = engine.map(|engine| {
            let inner = engine.lock();
            (inner.status(self.config.id), inner.is_writable())
        });
        let malformed_frames = self.malformed_frames.load(Ordering::Relaxed);
        View::of(self.config.id, status, malformed_frames)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Engine>>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No database runs here.
fn say_stopped() {
    probe!("role", Role::Stopped.name(), "");
    Awaited::publish_nowhere();
}

/// Nothing runs here.
async fn refuse(hello: &Hello, mut half: OwnedWriteHalf) -> Result<(), ReadError> {
    match hello {
        Hello::Client => requests::refuse(half).await,
        _ => Ok(transport::write_now(&mut half, &Streamed::NotNow, &mut Vec::new()).await?),
    }
}
