//! A branch around the rules: its log, its gate, its connections and timers.
//!
//! One lock guards all that changes. Whatever happens (a request, a message, a tick) is handled whole under it: a
//! decision, a record appended, the books changed, what must leave put into the gate. Nobody waits for the disk under
//! it; one task commits what was appended and opens the gate.
//!
//! A branch whose disk fails is *crash-only*: it ends this life and begins the next from what its log says, in the same
//! process. A full disk does not end it: requests are refused until there is room.

use super::{
    audit::{Audits, Cuts},
    client_port,
    gate::{Gate, Output},
    link::{self, Link},
    message::{Act, Answer, BranchId, Hello, Id, PeerAsk, PeerQuestion, Question, Reply, Told, Transfer},
    options::{Config, Flaw, Options},
    rules::{Decision, Ledger, Record},
    view::View,
};
use crate::common::{
    Tasks,
    transport::{self, FrameReader, Outbox, ReadError},
    wal::{self, AppendError, Log, LogError, Lsn, OpenError, Writer},
};
use host::time::Instant;
use host::{
    disk::Disk,
    net::{TcpListener, TcpStream},
    probe, sometimes,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::Debug,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The folder of the log.
const LOG: &str = "log";

/// Runs a branch until the future is dropped; all its tasks end with it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or the log is corrupt
/// (`InvalidData`): what it has lost nobody else can tell.
pub async fn run(config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.branches[usize::from(config.id.0) - 1]).await?;
    serve(listener, config, disk).await
}

/// Runs a branch on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let mut malformed_frames = 0;
    loop {
        let error: Box<dyn std::error::Error + Send + Sync> =
            match life(&listener, &config, &disk, &mut malformed_frames).await {
                End::Opening(error @ OpenError::Io { .. }) => error.into(),
                End::Opening(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                End::Log(error) => error.into(),
            };
        sometimes!("branch begins anew after its disk failed");
        tracing::warn!(branch = config.id.0, %error, "begins anew");
        host::time::sleep(config.options.redial).await;
    }
}

/// Why a life of a branch ended.
enum End {
    Opening(OpenError),
    Log(LogError),
}

/// From the opening of the log until it fails.
async fn life(listener: &TcpListener, config: &Config, disk: &Disk, malformed_frames: &mut u64) -> End {
    let (node, writer) = match Node::open(config, disk, *malformed_frames).await {
        Ok(opened) => opened,
        Err(error) => return End::Opening(error),
    };
    host::view::register({
        let node = Arc::clone(&node);
        move || View::of(&node)
    });
    let mut tasks = Tasks::default();
    tasks.spawn(link::tick(Arc::clone(&node)));
    for (index, address) in config.branches.iter().enumerate() {
        let peer = BranchId(index as u16 + 1);
        if peer != config.id {
            tasks.spawn(link::dial(Arc::clone(&node), peer, *address));
        }
    }
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => tasks.spawn(Arc::clone(&node).greet(stream)),
                Err(error) => {
                    // One connection failed, or the system is short of something: the branch lives on.
                    tracing::debug!(branch = node.id.0, %error, "accept failed");
                    host::time::sleep(node.options.redial).await;
                }
            }
        }
    };
    let error = tokio::select! {
        biased;
        error = commit(&node, writer) => error,
        () = accept => unreachable!("it has no end"),
    };
    *malformed_frames = node.lock().malformed_frames;
    End::Log(error)
}

/// Makes durable what is appended, lets out what waited for that, and writes snapshots. Ends when the log fails.
async fn commit(node: &Node, mut writer: Writer) -> LogError {
    let mut enough = node.options.snapshot_bytes;
    loop {
        match writer.commit().await {
            Ok(durable) => node.lock().open_gate(durable),
            Err(error) => return error,
        }
        if writer.bytes_since_snapshot() < enough {
            continue;
        }
        let (upto, state) = node.lock().snapshot();
        // Large books are not written again for every few records.
        enough = node.options.snapshot_bytes.max(state.len() as u64 / 2);
        match writer.snapshot(upto, &state).await {
            Ok(true) => sometimes!("snapshot written"),
            Ok(false) => sometimes!("no room for a snapshot"),
            Err(error) => return error,
        }
    }
}

/// A branch as its tasks share it.
pub(super) struct Node {
    pub id: BranchId,
    pub options: Options,
    pub branches: u16,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(super) struct Inner {
    pub ledger: Ledger,
    log: Log,
    /// The last record.
    pub last: Lsn,
    gate: Gate,
    pub links: BTreeMap<BranchId, Link>,
    /// Who wants to know how a transfer ends.
    waiting: BTreeMap<Id, Vec<ReplyTo>>,
    /// When a transfer that is under way was last sent.
    pub sent: BTreeMap<Id, Instant>,
    pub cuts: Cuts,
    pub audits: Audits,
    pub malformed_frames: u64,
    /// Tells this life from others of the branch.
    pub life: u64,
    scratch: Vec<u8>,
}

/// Where a reply goes.
#[derive(Clone)]
pub(super) struct ReplyTo {
    pub outbox: Arc<Outbox>,
    pub tag: u64,
}

impl Node {
    /// Reads the log, and folds it into books.
    async fn open(
        config: &Config,
        disk: &Disk,
        malformed_frames: u64,
    ) -> Result<(Arc<Node>, Writer), OpenError> {
        let options = wal::Options {
            segment_bytes: config.options.segment_bytes,
            patience: config.options.disk_timeout,
            keeps_torn_tail: config.options.flaw == Some(Flaw::TornTail),
            ..wal::Options::default()
        };
        let (log, writer, recovered) = wal::open(disk, LOG, options).await?;
        let mut ledger = Ledger::new(config);
        let unreadable = |why| OpenError::Corrupt { file: LOG.to_owned(), offset: 0, why };
        if recovered.snapshot.is_some_and(|snapshot| !ledger.restore(&snapshot.state)) {
            return Err(unreadable("the snapshot is of another version"));
        }
        for (lsn, record) in &recovered.records {
            match postcard::from_bytes(record) {
                Ok(record) => ledger.apply(*lsn, &record),
                Err(_) => return Err(unreadable("a record is of another version")),
            }
        }
        let last = log.last();
        if recovered.cut_bytes > 0 {
            sometimes!("torn tail cut");
        }
        probe!("recovered", last.0);
        let inner = Inner {
            gate: Gate::new(last, config.options.flaw == Some(Flaw::AckBeforeSync)),
            cuts: Cuts::new(ledger.epoch()),
            ledger,
            log,
            last,
            links: BTreeMap::new(),
            waiting: BTreeMap::new(),
            sent: BTreeMap::new(),
            audits: Audits::default(),
            malformed_frames,
            life: host::entropy::u64(),
            scratch: Vec::new(),
        };
        let node = Node {
            id: config.id,
            options: config.options.clone(),
            branches: config.branches.len() as u16,
            inner: Mutex::new(inner),
        };
        Ok((Arc::new(node), writer))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection came in: another branch, or a client.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        match host::time::timeout(self.options.peer_timeout, frames.next()).await {
            Ok(Ok(Hello::Client)) => client_port::serve(&self, frames, half).await,
            Ok(Ok(Hello::Branch(peer))) if self.is_other_branch(peer) => {
                link::serve(&self, peer, frames, half).await;
            }
            Ok(Ok(Hello::Branch(_))) => self.lock().count_if_malformed(&ReadError::Malformed),
            Ok(Err(error)) => self.lock().count_if_malformed(&error),
            // Who does not even say hello is no loss.
            Err(_) => {}
        }
    }

    fn is_other_branch(&self, peer: BranchId) -> bool {
        peer != self.id && (1..=self.branches).contains(&peer.0)
    }

    /// The other branches.
    pub fn peers(&self) -> impl Iterator<Item = BranchId> + use<> {
        let me = self.id;
        (1..=self.branches).map(BranchId).filter(move |peer| *peer != me)
    }
}

impl Inner {
    /// A client asks.
    pub fn on_ask(&mut self, node: &Node, question: Question, to: ReplyTo) {
        match question {
            Question::Do { id, act } => self.on_request(id, act, to),
            Question::Balance(account) => {
                let reply = match self.ledger.check_account(account) {
                    Ok(()) => Reply::Account(self.ledger.account(account)),
                    Err(refusal) => Reply::Answer(Answer::Refused(refusal)),
                };
                self.reply(&to, reply);
            }
            Question::Audit => self.start_audit(node, to),
        }
    }

    fn on_request(&mut self, id: Id, act: Act, to: ReplyTo) {
        let record = match self.ledger.decide(id, act) {
            Decision::Answer(answer) => return self.reply(&to, Reply::Answer(answer)),
            Decision::Wait => {
                sometimes!("retry of a transfer under way");
                return self.waiting.entry(id).or_default().push(to);
            }
            Decision::Write(record) => record,
        };
        if let Err(error) = self.write(&record) {
            return self.reply_at_once(&to, &error);
        }
        match record {
            Record::Reserved { transfer, .. } => {
                self.waiting.entry(id).or_default().push(to);
                self.send_credit(id, transfer);
            }
            Record::Refused { refusal, .. } => self.reply(&to, Reply::Answer(Answer::Refused(refusal))),
            _ => self.reply(&to, Reply::Answer(Answer::Done)),
        }
    }

    /// Asks the branch of the destination to pay in what is held here.
    pub fn send_credit(&mut self, id: Id, transfer: Transfer) {
        let to = self.ledger.home(transfer.to);
        // A cheque to this very branch waits for its day (see `cash`).
        if to == self.ledger.branch {
            return;
        }
        self.sent.insert(id, Instant::now());
        self.ask(to, PeerQuestion::Credit { id, transfer });
    }

    /// The branch of the destination says what became of it.
    pub fn on_credited(&mut self, id: Id, declined: Option<super::Refusal>) {
        let Some(record) = self.ledger.decide_credited(id, declined) else {
            return sometimes!("late answer about a transfer");
        };
        // Without room it is asked again, and told again.
        if self.write(&record).is_err() {
            return;
        }
        self.sent.remove(&id);
        let answer = declined.map_or(Answer::Done, Answer::Refunded);
        for to in self.waiting.remove(&id).unwrap_or_default() {
            self.reply(&to, Reply::Answer(answer));
        }
    }

    /// The flaw [`Flaw::UncheckedCheque`]: cheques to accounts of this branch are cashed.
    pub fn cash(&mut self) {
        let (me, ledger) = (self.ledger.branch, &self.ledger);
        let own = ledger.held().iter().filter(|(_, transfer)| ledger.home(transfer.to) == me);
        let own: Vec<(Id, Transfer)> = own.map(|(id, transfer)| (*id, *transfer)).collect();
        for (id, transfer) in own {
            let declined = match self.ledger.decide_credit(id, transfer) {
                Decision::Answer(declined) => declined,
                Decision::Write(record) if self.write(&record).is_err() => return,
                Decision::Write(Record::Declined { refusal, .. }) => Some(refusal),
                Decision::Write(_) | Decision::Wait => None,
            };
            self.on_credited(id, declined);
        }
    }

    /// Appends a record and does what it says.
    pub fn write(&mut self, record: &Record) -> Result<(), AppendError> {
        self.scratch.clear();
        self.scratch =
            postcard::to_extend(record, std::mem::take(&mut self.scratch)).expect("records are plain data");
        let lsn = self.log.append(&self.scratch).inspect_err(|error| {
            if matches!(error, AppendError::Full) {
                sometimes!("refused as the disk is full");
            }
        })?;
        self.last = lsn;
        if let Some(account) = self.ledger.closed_account_moved_by(record) {
            probe!("closed account moved", account.0);
        }
        self.ledger.apply(lsn, record);
        let (what, id) = (record.name(), record.id());
        let named = || id.map_or_else(String::new, |id| id.to_string());
        match record.money() {
            Some((act, from, to, amount)) => probe!("writing", what, named(), act, from.0, to.0, amount),
            None => probe!("writing", what, named()),
        }
        self.let_out(Output::Written { what, id, lsn });
        Ok(())
    }

    /// Says something to another branch, once all that this one knows is durable.
    pub fn ask(&mut self, to: BranchId, what: PeerQuestion) {
        let ask = PeerAsk { epoch: self.ledger.epoch(), what };
        if let Some(frame) = encode(&ask) {
            self.let_out(Output::Ask { to, frame });
        }
    }

    /// Answers a client, once all that this branch knows is durable.
    pub fn reply(&mut self, to: &ReplyTo, reply: Reply) {
        self.send(&to.outbox, &Told { tag: to.tag, reply });
    }

    /// Answers on a connection that came in, once all that this branch knows is durable.
    pub fn send<M: Serialize + Debug>(&mut self, to: &Arc<Outbox>, message: &M) {
        if let Some(frame) = encode(message) {
            self.let_out(Output::Frame { to: Arc::clone(to), frame });
        }
    }

    /// Nothing was written, so nothing has to be durable. A log that has failed has no answer: its branch is ending.
    pub fn reply_at_once(&mut self, to: &ReplyTo, error: &AppendError) {
        if matches!(error, AppendError::Full)
            && let Some(frame) = encode(&Told { tag: to.tag, reply: Reply::Full })
        {
            to.outbox.push(&frame);
        }
    }

    fn let_out(&mut self, output: Output) {
        if let Some(output) = self.gate.pass(self.last, output) {
            self.leave(output);
        }
    }

    fn open_gate(&mut self, durable: Lsn) {
        self.gate.open(durable);
        while let Some(output) = self.gate.next() {
            self.leave(output);
        }
    }

    fn leave(&mut self, output: Output) {
        match output {
            Output::Frame { to, frame } => to.push(&frame),
            Output::Ask { to, frame } => {
                if let Some(link) = self.links.get(&to) {
                    link.outbox.push(&frame);
                }
            }
            Output::Written { what, id, lsn } => {
                probe!("written", what, id.map_or_else(String::new, |id| id.to_string()), lsn.0);
            }
        }
    }

    fn snapshot(&self) -> (Lsn, Vec<u8>) {
        (self.last, self.ledger.snapshot())
    }

    pub fn count_if_malformed(&mut self, error: &ReadError) {
        if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
            self.malformed_frames += 1;
        }
    }
}

fn encode<M: Serialize + Debug>(message: &M) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    match transport::encode(message, &mut frame) {
        Ok(()) => Some(frame),
        Err(error) => {
            // An audit of millions of accounts: who asked for it waits in vain.
            tracing::warn!(%error, "a message is too long");
            None
        }
    }
}
