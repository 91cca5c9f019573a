//! A node around the rules: its log, its connections and timers.
//!
//! One lock guards all that changes. Whatever happens is handled whole under it: a decision, a line appended, the state
//! that is *ahead* changed. Nobody waits for the disk under it; one task commits what was appended. What is durable, and
//! where it must be at the standby too, is *promised*: then the state that is *done* follows, answers leave, and only
//! that state is ever snapshotted.
//!
//! A node whose disk fails is *crash-only*: it ends this life and begins the next from what its log says, in the same
//! process. A full disk does not end it: commands are refused until there is room.

mod standby;

use super::{
    client_port,
    journal::{self, Journal, JournalError, Line, Recent},
    message::{Answer, Command, Entry, Hello, Id, Question, Record, Reply, Told, Version},
    options::{Config, Flaw},
    rules::{Books, Decision},
    view::View,
};
use crate::common::{
    Tasks,
    transport::{self, FrameReader, Outbox, ReadError},
    wal::{AppendError, Log, LogError, Lsn, OpenError, Writer},
};
use host::time::Instant;
use host::{
    disk::Disk,
    net::{TcpListener, TcpStream},
    probe, sometimes,
};
use standby::Follower;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Runs a node until the future is dropped; all its tasks end with it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or the log is of no use
/// (`InvalidData`, around a [`JournalError`]).
pub async fn run(config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.nodes[usize::from(config.id) - 1]).await?;
    serve(listener, config, disk).await
}

/// Runs a node on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    loop {
        let error: Box<dyn std::error::Error + Send + Sync> = match life(&listener, &config, &disk).await {
            End::Opening(error @ (JournalError::Open(OpenError::Io { .. }) | JournalError::Poison(_))) => {
                error.into()
            }
            End::Opening(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            End::Log(error) => error.into(),
            End::Poison(version) => JournalError::Poison(version).into(),
        };
        sometimes!("node begins anew");
        tracing::warn!(node = config.id, %error, "begins anew");
        host::time::sleep(config.options.redial).await;
    }
}

/// Why a life of a node ended.
enum End {
    Opening(JournalError),
    Log(LogError),
    /// The flaw [`Flaw::PoisonLoop`].
    Poison(Version),
}

/// From the opening of the log until it fails.
async fn life(listener: &TcpListener, config: &Config, disk: &Disk) -> End {
    let (node, writer) = match Node::open(config, disk).await {
        Ok(opened) => opened,
        Err(error) => return End::Opening(error),
    };
    host::view::register({
        let node = Arc::clone(&node);
        move || View::of(&node)
    });
    node.lock().promise();
    let mut tasks = Tasks::default();
    if let Some(peer) = node.peer() {
        tasks.spawn(standby::dial(Arc::clone(&node), peer));
    }
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => tasks.spawn(Arc::clone(&node).greet(stream)),
                Err(error) => {
                    // One connection failed, or the system is short of something: the node lives on.
                    tracing::debug!(node = node.config.id, %error, "accept failed");
                    host::time::sleep(node.config.options.redial).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        end = commit(&node, writer) => end,
        () = accept => unreachable!("it has no end"),
    }
}

/// Makes durable what is appended, and writes a snapshot now and then. Ends when the log fails.
async fn commit(node: &Node, mut writer: Writer) -> End {
    let every = node.config.options.snapshot_every;
    let mut due = Some(Instant::now() + every);
    loop {
        let timer = async {
            match due {
                Some(due) => host::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = writer.ready() => match writer.commit().await {
                Ok(durable) => if let Some(poison) = node.lock().on_durable(durable) {
                    return End::Poison(poison);
                },
                Err(error) => return End::Log(error),
            },
            () = timer => {}
        }
        if due.is_none_or(|due| Instant::now() < due) {
            continue;
        }
        due = match node.config.options.flaw {
            Some(Flaw::SnapshotTimerOnce) => None,
            _ => Some(Instant::now() + every),
        };
        if let Err(error) = snapshot(node, &mut writer).await {
            return End::Log(error);
        }
    }
}

/// Writes what is done to the disk, in place of the lines that led to it.
async fn snapshot(node: &Node, writer: &mut Writer) -> Result<(), LogError> {
    probe!("snapshot due");
    let Some((upto, state)) = node.lock().snapshot() else { return Ok(()) };
    match writer.snapshot(upto, &state).await? {
        true => sometimes!("snapshot written"),
        false => sometimes!("no room for a snapshot"),
    }
    Ok(())
}

/// A node as its tasks share it.
pub(super) struct Node {
    pub config: Config,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(super) struct Inner {
    id: u16,
    flaw: Option<Flaw>,
    /// What follows from all that is written.
    pub ahead: Books,
    /// What follows from all that is promised.
    pub done: Books,
    /// The last record in what is done.
    done_lsn: Lsn,
    /// The record that the last snapshot of this life ends with.
    snapshot_lsn: Lsn,
    log: Log,
    /// The last record that is durable, and the line that it is.
    durable: (Lsn, Version),
    /// Lines that are not promised yet.
    open: VecDeque<Open>,
    /// Lines that are not durable yet.
    written: VecDeque<(Lsn, Version)>,
    /// The latest lines, for a standby.
    recent: VecDeque<Recent>,
    /// Answers that wait for what they follow from.
    waiting: VecDeque<(Lsn, ReplyTo, Reply)>,
    /// Who follows this primary.
    follower: Option<Follower>,
    /// Where a standby tells what it has.
    follows: Option<Arc<Outbox>>,
    /// The other node is in this epoch, which is later than ours: it has the say.
    deposed_by: Option<u64>,
    /// The last epoch that this node has served in, in this life.
    served: Option<u64>,
    /// The command that this node dies of, which only [`Flaw::PoisonLoop`] lets it.
    dies_of: Option<Version>,
}

/// A line that is not promised yet.
struct Open {
    lsn: Lsn,
    entry: Entry,
    /// It was done already when this life began, and who knows of it is unknown.
    is_done: bool,
}

/// Where a reply goes.
#[derive(Clone)]
pub(super) struct ReplyTo {
    pub outbox: Arc<Outbox>,
    pub tag: u64,
}

impl Node {
    /// Reads the log, and folds it into a state.
    async fn open(config: &Config, disk: &Disk) -> Result<(Arc<Node>, Writer), JournalError> {
        let journal = Journal::open(disk, &config.options).await?;
        let Journal { books, log, writer, opened, snapshot, recent } = journal;
        let version = books.state().version;
        if opened.cut_bytes > 0 {
            sometimes!("torn tail cut");
        }
        if !opened.set_aside.is_empty() {
            sometimes!("older snapshot taken");
        }
        probe!("recovered", snapshot.0, version.0);
        // Who has heard of the latest lines is unknown: they are told of again.
        let open = |line: &Recent| Open { lsn: line.lsn, entry: line.entry.clone(), is_done: true };
        let last = log.last();
        let inner = Inner {
            id: config.id,
            flaw: config.options.flaw,
            ahead: books.clone(),
            done: books,
            done_lsn: last,
            snapshot_lsn: Lsn(0),
            log,
            durable: (last, version),
            open: recent.iter().map(open).collect(),
            written: VecDeque::new(),
            recent,
            waiting: VecDeque::new(),
            follower: None,
            follows: None,
            deposed_by: None,
            served: None,
            dies_of: None,
        };
        Ok((Arc::new(Node { config: config.clone(), inner: Mutex::new(inner) }), writer))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the other node listens, if there is one.
    fn peer(&self) -> Option<std::net::SocketAddr> {
        let mut others = (1..).zip(&self.config.nodes).filter(|(number, _)| *number != self.config.id);
        others.next().map(|(_, address)| *address)
    }

    /// A connection came in: the other node, or a client.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        match host::time::timeout(self.config.options.peer_timeout, frames.next()).await {
            Ok(Ok(Hello::Client)) => client_port::serve(&self, frames, half).await,
            Ok(Ok(Hello::Peer { epoch, version })) => {
                standby::ship(&self, epoch, version, frames, half).await;
            }
            Ok(Err(ReadError::Malformed)) => sometimes!("malformed frame dropped"),
            // Who does not even say hello is no loss.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

impl Inner {
    /// Whether this node has the say, as far as it knows.
    pub fn is_primary(&self) -> bool {
        let epoch = &self.ahead.state().epoch;
        epoch.primary == self.id && self.deposed_by.is_none_or(|by| by <= epoch.number)
    }

    /// A client asks.
    pub fn on_ask(&mut self, question: &Question, to: ReplyTo) {
        match question {
            Question::Do { id, command } if self.is_primary() => self.on_command(*id, command, to),
            Question::Do { .. } => at_once(&to, Reply::NotPrimary),
            Question::Find(id) => {
                let found = self.done.state().bookings.get(id).copied();
                at_once(&to, Reply::Found(found));
            }
            Question::TakeOver => self.on_take_over(to),
        }
    }

    fn on_command(&mut self, id: Id, command: &Command, to: ReplyTo) {
        let answer = match self.ahead.decide(id, command) {
            Decision::Answer(answer) => Ok(answer),
            Decision::Write(record) => self.write(record).map(|answer| answer.unwrap_or(Answer::Done)),
        };
        self.answer(answer, to);
    }

    fn on_take_over(&mut self, to: ReplyTo) {
        let answer = match self.ahead.decide_take_over(self.id) {
            Err(refusal) => Ok(Answer::Refused(refusal)),
            Ok(record) => self.write(record).map(|_| Answer::Done),
        };
        if matches!(answer, Ok(Answer::Done)) {
            sometimes!("standby takes over");
            self.follows = None;
        }
        self.answer(answer, to);
    }

    /// Answers once all that the answer may follow from is promised.
    fn answer(&mut self, answer: Result<Answer, AppendError>, to: ReplyTo) {
        match answer {
            Ok(answer) => {
                self.waiting.push_back((self.log.last(), to, Reply::Answer(answer)));
                self.promise();
            }
            // Nothing was written, so nothing has to be durable.
            Err(AppendError::Full) => {
                sometimes!("refused as the disk is full");
                at_once(&to, Reply::Full);
            }
            // A log that has failed has no answer: its node is ending.
            Err(_) => {}
        }
    }

    /// Appends a line of this node's own, and does what it says.
    fn write(&mut self, record: Record) -> Result<Option<Answer>, AppendError> {
        let entry = Entry { version: self.ahead.state().version.next(), record };
        let line = Line::Entry(entry);
        let bytes = line.encode();
        let Line::Entry(entry) = line else { return Ok(None) };
        self.append(entry, bytes)
    }

    /// Appends a line that may be another's.
    fn append(&mut self, entry: Entry, bytes: Vec<u8>) -> Result<Option<Answer>, AppendError> {
        let lsn = self.log.append(&bytes)?;
        probe!("writing", entry.version.0);
        let answer = self.ahead.apply_anywhere(&entry);
        if matches!(answer, Some((_, Answer::SetAside { .. }))) {
            sometimes!("command set aside");
        }
        self.written.push_back((lsn, entry.version));
        self.open.push_back(Open { lsn, entry: entry.clone(), is_done: false });
        if self.recent.len() == journal::RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(Recent { lsn, entry, bytes });
        Ok(answer.map(|(_, answer)| answer))
    }

    /// More is durable. Returns the command that this node dies of, if a flaw lets it.
    fn on_durable(&mut self, lsn: Lsn) -> Option<Version> {
        let before = self.durable.0;
        while let Some((written, version)) = self.written.front().copied().filter(|(at, _)| *at <= lsn) {
            self.durable = (written, version);
            self.written.pop_front();
        }
        self.durable.0 = lsn;
        probe!("durable", lsn.0);
        self.ship_after(before);
        self.acknowledge();
        self.promise();
        self.dies_of
    }

    /// Lets go what nobody can take back any more.
    fn promise(&mut self) {
        // Also when another has the say by now: what it does not have was never promised.
        let epoch = &self.ahead.state().epoch;
        let must_be_shipped = epoch.primary == self.id && epoch.is_accompanied;
        let shipped = self.follower.as_ref().map_or(Version(0), |follower| follower.acked);
        let is_promised = |open: &Open, durable: Lsn| {
            open.lsn <= durable && (!must_be_shipped || open.entry.version <= shipped)
        };
        while self.open.front().is_some_and(|open| is_promised(open, self.durable.0))
            && let Some(Open { lsn, entry, is_done }) = self.open.pop_front()
        {
            if !is_done {
                if self.flaw == Some(Flaw::PoisonLoop) && self.done.is_poison(&entry) {
                    self.dies_of = Some(entry.version);
                    return;
                }
                self.done.apply_anywhere(&entry);
                self.done_lsn = lsn;
            }
            tell(&entry, &self.done);
        }
        let open = self.open.front().map(|open| open.lsn);
        while let Some((lsn, ..)) = self.waiting.front()
            && *lsn <= self.durable.0
            && open.is_none_or(|open| open > *lsn)
            && let Some((_, to, reply)) = self.waiting.pop_front()
        {
            at_once(&to, reply);
        }
        let epoch = self.ahead.state().epoch.number;
        if self.is_primary() && self.open.is_empty() && self.served.is_none_or(|served| served < epoch) {
            self.served = Some(epoch);
            probe!("serving", epoch, self.done.state().version.0);
        }
    }

    /// What is done, and the record that it ends with; none if that is no news, or not certain.
    fn snapshot(&mut self) -> Option<(Lsn, Vec<u8>)> {
        if self.done_lsn == self.snapshot_lsn || self.open.front().is_some_and(|open| open.is_done) {
            return None;
        }
        let (upto, state) = match self.flaw {
            Some(Flaw::SnapshotBeforeApply) => {
                let mut state = self.done.clone();
                state.stand_at(self.ahead.state().version);
                (self.log.last(), journal::snapshot(&state))
            }
            _ => (self.done_lsn, journal::snapshot(&self.done)),
        };
        self.snapshot_lsn = upto;
        Some((upto, state))
    }

    /// How many lines are not promised.
    pub fn open_lines(&self) -> usize {
        self.open.len()
    }

    /// Whether somebody follows, or is followed.
    pub fn is_connected(&self) -> bool {
        self.follower.is_some() || self.follows.is_some()
    }
}

/// Says what a line that is promised has done.
fn tell(entry: &Entry, done: &Books) {
    let Record::Do { id, command } = &entry.record else { return };
    match command {
        Command::Book(stay) | Command::Import(stay) => {
            let Some(booking) =
                done.state().bookings.get(id).filter(|booking| booking.version == entry.version)
            else {
                return probe!("set aside", entry.version.0, id.to_string());
            };
            let (room, price) = (format!("{}/{}", stay.hotel, stay.room), booking.price);
            let (check_in, check_out) = (stay.check_in.to_string(), stay.check_out.to_string());
            probe!("booked", entry.version.0, id.to_string(), room, check_in, check_out, price);
        }
        Command::Cancel(booking) => {
            probe!("cancelled", entry.version.0, id.to_string(), booking.to_string());
        }
        _ => probe!("changed", entry.version.0, id.to_string()),
    }
}

/// Sends a reply that waits for nothing.
fn at_once(to: &ReplyTo, reply: Reply) {
    let mut frame = Vec::new();
    match transport::encode(&Told { tag: to.tag, reply }, &mut frame) {
        Ok(()) => to.outbox.push(&frame),
        Err(error) => tracing::warn!(%error, "a reply is too long"),
    }
}
