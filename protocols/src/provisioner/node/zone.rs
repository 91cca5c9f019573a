//! A zone: a task service that answers a limited number of calls, and the agents that are its tasks.

use super::agent;
use crate::common::{
    Tasks,
    transport::{self, FrameReader, ReadError},
};
use crate::provisioner::message::{AgentId, Answer, BuildId, Call, Hello, Status};
use crate::provisioner::options::{Config, Options};
use crate::provisioner::rules::calls::Calls;
use crate::provisioner::view::View;
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::time::{Instant, sleep, timeout};
use host::{probe, sometimes};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Runs a zone for ever.
pub(super) async fn serve(listener: &TcpListener, config: &Config) {
    let options = config.options.clone();
    let zone = Arc::new(Zone {
        controller: config.nodes[0],
        began: Instant::now(),
        inner: Mutex::new(Inner {
            calls: Calls::new(options.calls_per_minute.get(), options.burst.get()),
            tasks: BTreeMap::new(),
            launcher: 0,
        }),
        options,
    });
    host::view::register({
        let zone = Arc::clone(&zone);
        move || zone.view()
    });
    let _ends = EndsAll(Arc::clone(&zone));
    let mut tasks = Tasks::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(Arc::clone(&zone).greet(stream)),
            Err(error) => {
                // One connection failed, or the system is short of something: the zone lives on.
                tracing::debug!(%error, "accept failed");
                sleep(zone.options.redial).await;
            }
        }
    }
}

/// A zone as its tasks share it.
pub(super) struct Zone {
    pub options: Options,
    pub controller: SocketAddr,
    began: Instant,
    inner: Mutex<Inner>,
}

/// What the lock guards.
struct Inner {
    calls: Calls,
    tasks: BTreeMap<AgentId, Task>,
    /// Launchers that have connected, counted: the last is obeyed.
    launcher: u64,
}

struct Task {
    is_running: bool,
    build: Option<BuildId>,
    handle: AbortHandle,
}

/// A zone that is no more runs no agents.
struct EndsAll(Arc<Zone>);

impl Drop for EndsAll {
    fn drop(&mut self) {
        self.0.lock().tasks.values().for_each(|task| task.handle.abort());
    }
}

impl Zone {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        let tasks = self.lock().tasks.keys().copied().collect();
        View::Zone { tasks, limit: self.options.limit.get() }
    }

    /// An agent's task has started.
    pub fn is_running(&self, id: AgentId) {
        if let Some(task) = self.lock().tasks.get_mut(&id) {
            task.is_running = true;
        }
    }

    /// What an agent builds now.
    pub fn builds(&self, id: AgentId, build: Option<BuildId>) {
        if let Some(task) = self.lock().tasks.get_mut(&id) {
            task.build = build;
        }
    }

    /// An agent has ended by itself.
    pub fn ended(&self, id: AgentId, how: &'static str) {
        self.lock().end(id, how);
    }

    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        let error = match timeout(self.options.silence, frames.next()).await {
            Ok(Ok(Hello::Launcher)) => self.hear_launcher(frames, half).await,
            Ok(Ok(Hello::Client | Hello::Agent(_))) => ReadError::Malformed,
            Ok(Err(error)) => error,
            // Who does not even say hello is no loss.
            Err(_) => return,
        };
        if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
        }
        tracing::debug!(%error, "connection lost");
    }

    async fn hear_launcher(self: Arc<Self>, mut frames: FrameReader, mut half: OwnedWriteHalf) -> ReadError {
        let launcher = {
            let mut inner = self.lock();
            inner.launcher += 1;
            inner.launcher
        };
        let mut scratch = Vec::new();
        loop {
            let call = match frames.next().await {
                Ok(call) => call,
                Err(error) => return error,
            };
            let Some(answer) = self.answer(launcher, call) else {
                sometimes!("older launcher not obeyed");
                return ReadError::Closed;
            };
            if let Err(error) = transport::write_now(&mut half, &answer, &mut scratch).await {
                return error.into();
            }
        }
    }

    /// Does what a launcher asks for; none if a newer one is there.
    fn answer(self: &Arc<Self>, launcher: u64, call: Call) -> Option<Answer> {
        let mut inner = self.lock();
        if inner.launcher != launcher {
            return None;
        }
        if !inner.calls.take(self.began.elapsed()) {
            return Some(Answer::Throttled);
        }
        let id = match call {
            Call::List => return Some(Answer::Listed(inner.tasks.keys().copied().collect())),
            Call::Run(id) if inner.tasks.contains_key(&id) => {
                sometimes!("task asked for again");
                id
            }
            Call::Run(id) => {
                let handle = tokio::spawn(agent::run(Arc::clone(self), id)).abort_handle();
                inner.tasks.insert(id, Task { is_running: false, build: None, handle });
                id
            }
            Call::Describe(id) => id,
            Call::Stop(id, why) => {
                inner.end(id, why.name());
                id
            }
        };
        Some(Answer::Status(match inner.tasks.get(&id) {
            None => Status::Stopped,
            Some(Task { is_running: false, .. }) => Status::Pending,
            Some(_) => Status::Running,
        }))
    }
}

impl Inner {
    fn end(&mut self, id: AgentId, how: &'static str) {
        if let Some(task) = self.tasks.remove(&id) {
            task.handle.abort();
            probe!("ended", id.to_string(), how, task.build.is_some());
        }
    }
}
