//! The agent: it looks, decides, acts, and waits, for ever.
//!
//! All of it is one future, with the answers to others in it: a pause of the process stops all at once. What it
//! believes of the lock has an end by its own clock, counted from when it asked for it; nothing that needs the lock is
//! done after that.

mod database;
mod health;
mod lock;
mod session;
mod standbys;

use super::message::{Cluster, Member, Settings, text};
use super::options::{Config, Options};
use super::rules::{self, Act, Holder, Known, Memory, Why, cascade};
use crate::common::Change;
use crate::database::{Repair, Role, Start, Status, Supervisor};
use crate::store::{ClientError, Watch};
use health::Shown;
pub(super) use health::order_reinitialise;
use host::net::TcpListener;
use host::time::{Instant, sleep_until};
use host::{clock, probe, sometimes};
use lock::Lock;
use session::{Session, Trouble};
use standbys::Standbys;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What it does not do at once it tries again after so long. Patroni's, where it waits for a standby to catch up.
const SOON: Duration = Duration::from_secs(2);

/// Runs an agent until the future is dropped. It leaves its database as it is.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or an agent with this number
/// is there already (`AlreadyExists`).
pub async fn run(config: Config) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.health).await?;
    serve(listener, config).await
}

/// Runs an agent on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config) -> io::Result<()> {
    config.validate()?;
    let shown = Shown::default();
    let mut agent = Agent::new(&config, &shown);
    let managing = async {
        agent.refuse_a_namesake().await?;
        agent.manage().await
    };
    tokio::select! {
        biased;
        error = health::serve(&listener, &config, &shown) => Err(error),
        ended = managing => ended,
    }
}

/// When it looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    AtOnce,
    Soon,
    InTurn,
}

struct Agent<'a> {
    config: &'a Config,
    /// Those that count now: what an operator has changed is in them.
    options: Arc<Options>,
    changed: Change,
    shown: &'a Shown,
    database: Supervisor,
    session: Session,
    memory: Memory,
    /// What was read last.
    cluster: Cluster,
    lock: Lock,
    /// Since when its database does not run although it has the lock.
    down_since: Option<Instant>,
    standbys: Standbys,
    /// Until when it does not stream from the standby that it is to stream from, which did not stream.
    avoids_standby_until: Option<Instant>,
    /// Whether the watchdog is.
    armed: bool,
}

impl<'a> Agent<'a> {
    fn new(config: &'a Config, shown: &'a Shown) -> Agent<'a> {
        let options = take(&config.options);
        shown.facts().options = options.clone();
        let store = config.store.clone();
        let patience = Duration::from_secs(5).min(options.loop_wait);
        Agent {
            config,
            shown,
            database: Supervisor::new(config.database).patience(patience),
            session: Session::new(config.id, store, &options.scope, options.ttl, options.retry_timeout),
            memory: Memory::default(),
            cluster: Cluster::default(),
            lock: Lock::default(),
            down_since: None,
            standbys: Standbys::default(),
            avoids_standby_until: None,
            armed: false,
            options,
            changed: Change::default(),
        }
    }

    /// Takes over what an operator has changed of the options.
    fn adopt(&mut self) {
        let changed = &self.cluster.settings.changed;
        if self.changed == *changed {
            return;
        }
        self.changed = changed.clone();
        match self.config.options.changed(changed) {
            Ok(said) => {
                sometimes!("an operator's options are taken over");
                self.options = take(&said);
                self.session.time(self.options.ttl, self.options.retry_timeout);
                self.shown.facts().options = self.options.clone();
            }
            Err(error) => tracing::warn!(id = self.config.id, error, "options are not taken over"),
        }
    }

    /// Two agents of one number would take each other's lock for their own.
    async fn refuse_a_namesake(&mut self) -> io::Result<()> {
        let by = self.deadline();
        let Ok(cluster) = self.session.read(by).await else { return Ok(()) };
        let Some(member) = cluster.members.get(&self.config.id) else { return Ok(()) };
        if member.health == self.config.health || !health::is_alive(member.health).await {
            return Ok(());
        }
        let message = format!("id: there is already a member {} at {}", self.config.id, member.health);
        Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
    }

    /// When it looks again is told by the wall clock, and then slept for: whose clock goes back meanwhile sleeps by so
    /// much longer, unless the lock changes (`__main__.py`, `schedule_next_run`).
    async fn manage(&mut self) -> io::Result<()> {
        let ns = |time: Duration| time.as_nanos() as u64;
        let mut next = clock::unix_ns();
        loop {
            let then = self.look_and_act().await;
            let loop_wait = self.options.loop_wait;
            self.show();
            let now = clock::unix_ns();
            next = match then {
                Next::AtOnce => now,
                Next::Soon => now + ns(SOON.min(loop_wait)),
                Next::InTurn => (next + ns(loop_wait)).max(now),
            };
            self.shown.facts().next_look_ns = Some(next);
            let nap = Duration::from_nanos(next - now);
            if then != Next::AtOnce && self.wait(Instant::now() + nap).await {
                next = clock::unix_ns();
            }
        }
    }

    /// Waits for its turn, or until the lock or an operator's wish has changed: then it is true.
    async fn wait(&mut self, next: Instant) -> bool {
        let (revision, session) = (self.cluster.revision, &mut self.session);
        let watching = async {
            let prefix = session.keys.prefix.clone();
            if let Ok(mut watch) = session.client.watch_prefix(&prefix, revision + 1).await {
                while let Ok(urgent) = any_urgent(&mut watch, session).await {
                    if urgent {
                        return;
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = sleep_until(next) => false,
            () = watching => true,
        }
    }

    /// Once round.
    async fn look_and_act(&mut self) -> Next {
        self.mind_the_clock().await;
        let by = self.deadline();
        let read = self.session.read(by).await;
        self.mind_the_clock().await;
        let status = self.look().await;
        match read {
            Ok(cluster) => {
                self.cluster = cluster;
                self.adopt();
            }
            Err(_) if self.trusts_what_it_saw() => {
                self.leads(Instant::now() + self.options.ttl);
                self.pet().await;
                return Next::InTurn;
            }
            Err(_) => return self.without_store(status.as_ref()).await,
        }
        self.remember(status.as_ref());
        let act = if self.known(status.as_ref()).holder() == Holder::Me {
            self.renew_and_decide(status.as_ref()).await
        } else {
            self.no_longer_leads();
            self.decide(status.as_ref(), rules::without_lock).await
        };
        let next = self.act(act, status.as_ref()).await;
        self.touch(status.as_ref()).await;
        next
    }

    fn known<'k>(&'k self, database: Option<&'k Status>) -> Known<'k> {
        let Config { id: me, tags, .. } = self.config;
        Known {
            me: *me,
            options: &self.options,
            tags,
            cluster: &self.cluster,
            database,
            memory: &self.memory,
        }
    }

    fn remember(&mut self, status: Option<&Status>) {
        let now = Instant::now();
        if let Some(leader) = &self.cluster.leader {
            self.memory.leader = Some(leader.id);
            self.memory.members = self.cluster.members.clone();
        }
        if cascade::has_failed(self.config.tags.replicatefrom, &self.cluster, status) {
            sometimes!("a standby that is followed does not stream");
            self.avoids_standby_until = Some(now + self.options.ttl);
        }
        self.memory.avoids_standby = self.avoids_standby_until.is_some_and(|until| now < until);
        self.memory.stands_back = self.lock.stands_back(now);
        self.memory.reinitialises = self.shown.facts().reinitialises;
        let failsafe_leader = self.shown.facts().failsafe_leader;
        self.memory.failsafe_leader =
            failsafe_leader.filter(|(_, _, until)| now < *until).map(|(id, database, _)| (id, database));
        let role = status.map(|status| status.role);
        let mine = self.known(status).holder() == Holder::Me;
        if !mine || matches!(role, Some(Role::Primary | Role::Standby)) {
            self.down_since = None;
            self.memory.recovering = false;
            self.memory.was_primary = mine && role == Some(Role::Primary);
        } else {
            self.down_since.get_or_insert(now);
        }
        self.memory.down_for = self.down_since.map_or(Duration::ZERO, |since| now - since);
        self.show();
    }

    /// What others may know of it.
    fn show(&self) {
        let mut facts = self.shown.facts();
        facts.leader = self.cluster.leader.as_ref().map(|leader| leader.id);
        facts.kept = self.cluster.status.unwrap_or_default();
        facts.standby_cluster = self.cluster.settings.standby_cluster.is_some();
        facts.paused = self.cluster.settings.pause;
        let named = self.cluster.synchronous().is_some_and(|sync| sync.standbys.contains(&self.config.id));
        facts.votes = named && self.options.synchronous_mode.is_quorum();
        facts.synchronous = named && !facts.votes;
        facts.failsafe = self.cluster.failsafe.clone().unwrap_or_default();
    }

    /// Puts a question, and puts it again with what others say, if it asks for that.
    async fn decide(
        &mut self,
        status: Option<&Status>,
        rule: impl Fn(&Known<'_>, Option<&rules::Others>) -> Act,
    ) -> Act {
        match rule(&self.known(status), None) {
            Act::AskOthers(others) => {
                let told = health::ask_others(&others).await;
                rule(&self.known(status), Some(&told))
            }
            act => act,
        }
    }

    /// The store does not answer.
    async fn without_store(&mut self, status: Option<&Status>) -> Next {
        match self.go_on_without_store(status).await {
            Act::Lead => Next::InTurn,
            act => self.act(act, status).await,
        }
    }

    async fn go_on_without_store(&mut self, status: Option<&Status>) -> Act {
        let asked = Instant::now();
        let act = match rules::without_store(&self.known(status), None) {
            Act::AskOthers(others) => {
                let agreed = health::ask_to_go_on(self.config, &others).await;
                rules::without_store(&self.known(status), Some(agreed && !self.is_over()))
            }
            act => act,
        };
        if act == Act::Lead {
            sometimes!("a primary goes on without the store");
            let until = asked + self.options.ttl;
            self.lock.goes_on_until(until);
            {
                let mut facts = self.shown.facts();
                facts.failsafe_leader = Some((self.config.id, self.config.database, until));
                facts.leads_until_ns = Some(clock::unix_ns() + self.options.ttl.as_nanos() as u64);
            }
            self.pet().await;
        }
        act
    }

    async fn act(&mut self, act: Act, status: Option<&Status>) -> Next {
        let by = self.deadline();
        match act {
            // Whoever asks twice gets no answer.
            Act::AskOthers(_) => Next::InTurn,
            Act::Wait(why) => wait_because(why),
            Act::Start(start) => {
                let repair = if let Start::Standby { repair, .. } = start { repair } else { Repair::No };
                let next = self.start(start).await;
                self.is_reinitialised(repair, next == Next::AtOnce);
                next
            }
            Act::Follow(upstream, repair) => {
                let named = self.config.tags.replicatefrom.and_then(|id| self.cluster.members.get(&id));
                if named.is_some_and(|member| member.database == upstream && repair == Repair::No) {
                    sometimes!("a standby follows a standby");
                }
                // If it does not, it will be told again.
                let told = self.database.follow(Some(upstream), repair).await;
                self.is_reinitialised(repair, told.is_ok());
                if repair == Repair::No { Next::Soon } else { Next::InTurn }
            }
            Act::Demote(why) => self.demote(why).await,
            Act::Initialize => {
                let standby_cluster = self.options.standby_cluster;
                let settings = Settings { standby_cluster, ..Settings::default() };
                let unusual = standby_cluster.map(|_| &settings);
                match self.session.initialize(unusual, by).await {
                    Ok(_) => Next::AtOnce,
                    Err(_) => Next::Soon,
                }
            }
            Act::TakeLock => self.take_lock().await,
            Act::Promote => self.promote().await,
            Act::Lead => self.lead(status).await,
            Act::Release(why) => self.release(why).await,
            Act::HandOver => {
                sometimes!("planned switchover");
                self.release(Why::Fine).await
            }
            Act::ForgetSwitchover => {
                match self.session.forget_switchover(self.cluster.failover.modified, by).await {
                    Ok(()) => Next::AtOnce,
                    Err(_) => Next::Soon,
                }
            }
        }
    }

    /// An operator's order to begin anew is obeyed once the database knows of it.
    fn is_reinitialised(&mut self, repair: Repair, told: bool) {
        if repair == Repair::Clone && told {
            sometimes!("a standby is reinitialised");
            self.shown.facts().reinitialises = false;
        }
    }

    /// Says how it is. That it cannot is no reason for anything: the next look will tell.
    async fn touch(&mut self, status: Option<&Status>) {
        let Config { id, tags, .. } = self.config;
        let is_in_cascade = cascade::says_upstream(*id, tags.replicatefrom, &self.cluster.members)
            || self.cluster.settings.standby_cluster.is_some();
        let member = Member {
            database: self.config.database,
            health: self.config.health,
            role: status.map(|status| status.role),
            timeline: status.and_then(Status::timeline).map(|timeline| timeline.number),
            lsn: status.map(|status| status.durable).unwrap_or_default(),
            tags: self.config.tags.clone(),
            upstream: status.filter(|_| is_in_cascade).and_then(cascade::streams_from),
        };
        let by = self.deadline();
        if let Err(Trouble::Refused(refusal)) = self.session.touch(&member, by).await {
            tracing::warn!(id = self.config.id, %refusal, member = text(&member), "is not told");
        }
    }
}

/// Options as they are said, with the timers that count.
fn take(said: &Options) -> Arc<Options> {
    let options = said.adjusted();
    let Options { ttl, loop_wait, retry_timeout, .. } = &options;
    if [ttl, loop_wait, retry_timeout] != [&said.ttl, &said.loop_wait, &said.retry_timeout] {
        let text = |timer: &Duration| format!("{timer:?}");
        probe!("timers adjusted", text(ttl), text(loop_wait), text(retry_timeout));
        tracing::warn!(?ttl, ?loop_wait, ?retry_timeout, "loop_wait + 2 * retry_timeout <= ttl: adjusted");
    }
    Arc::new(options)
}

async fn any_urgent(watch: &mut Watch, session: &Session) -> Result<bool, ClientError> {
    Ok(watch.next().await?.iter().any(|event| session.keys.is_urgent(&event.key)))
}

fn wait_because(why: Why) -> Next {
    match why {
        Why::Foreign => sometimes!("the database belongs to another cluster"),
        Why::Lagging => sometimes!("stepped aside as it lags"),
        Why::OldTimeline => sometimes!("stepped aside on an old timeline"),
        Why::AnotherIsAhead => sometimes!("stepped aside for one that is ahead"),
        Why::PrimaryAlive => sometimes!("stepped aside for a primary that is alive"),
        Why::NotSynchronous => sometimes!("stepped aside as it is not synchronous"),
        Why::MayNotLead => sometimes!("stepped aside as it may not lead"),
        Why::LowerPriority => sometimes!("stepped aside for a higher priority"),
        Why::NoQuorum => sometimes!("stepped aside for want of votes"),
        Why::NotInFailsafe => sometimes!("stepped aside as no failsafe member"),
        Why::StandsBack => return Next::Soon,
        _ => {}
    }
    Next::InTurn
}
