//! The daemon: one future around its rules. What has come in is handled before any timer, each datagram for itself.

mod scripts;

use super::message::{BYTES_MAX, Message, Order};
use super::options::{Check, Config, Variant};
use super::rules::keepalived::Keepalived;
use super::rules::ucarp::Ucarp;
use super::rules::{Act, Rules, State};
use crate::database::Supervisor;
use host::net::{UdpSocket, announce_address, claim_address, claimed_addresses, release_address};
use host::time::{Instant, sleep_until};
use host::{probe, sometimes};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;

pub use scripts::{Scripts, scripts};

/// What a daemon notifies: it waits for none of it.
#[derive(Debug, Clone)]
pub struct Notify(mpsc::UnboundedSender<State>);

/// What a daemon notifies, and what runs its scripts: two processes, of which either may stand still alone.
pub fn notify() -> (Notify, Scripts) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Notify(sender), Scripts::new(receiver))
}

/// Runs a daemon until the future is dropped. It leaves its machine the addresses that this has then, as a daemon does
/// that is killed.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or there are virtual
/// addresses and this is no simulation (`Unsupported`).
pub async fn run(config: Config, notify: Notify) -> io::Result<()> {
    config.validate()?;
    if !config.virtual_addresses.is_empty() {
        claimed_addresses()?;
    }
    let socket = UdpSocket::bind(config.address).await?;
    let own = config.address.ip();
    let rules: Box<dyn Rules + Send + Sync> = match &config.variant {
        Variant::Keepalived(options) => Box::new(Keepalived::new(options.clone(), own)),
        Variant::Ucarp(options) => Box::new(Ucarp::new(options.clone(), own)),
    };
    let began = Instant::now();
    let shown = (State::Stopped, rules.rank());
    let mut daemon = Daemon { config: &config, socket, notify, rules, began, shown, heard: None };
    daemon.find_addresses();
    let acts = daemon.rules.start(Duration::ZERO);
    daemon.act(acts).await;
    daemon.serve().await
}

struct Daemon<'a> {
    config: &'a Config,
    socket: UdpSocket,
    notify: Notify,
    rules: Box<dyn Rules + Send + Sync>,
    began: Instant,
    /// What its last probe said.
    shown: (State, u8),
    /// From which other it heard last that it is the master, and when.
    heard: Option<(u32, Instant)>,
}

impl Daemon<'_> {
    async fn serve(&mut self) -> io::Result<()> {
        let phase = match self.config.variant.capture_timeout() {
            // When the kernel hands over what it has kept depends on when it began to.
            Some(late) => late * (host::entropy::u64() % 1000) as u32 / 1000,
            None => Duration::ZERO,
        };
        let (check, database) = (self.config.variant.check(), self.config.database);
        let mut checking = pin!(checked(check, database, self.began));
        let (late, since) = (self.config.variant.capture_timeout(), self.began + phase);
        loop {
            let due = self.began.checked_add(self.rules.due()).unwrap_or_else(|| self.began + FOR_EVER);
            let listens = self.rules.listens();
            let acts = tokio::select! {
                biased;
                () = handed_over(&self.socket, late, since), if listens => {
                    self.take_all().await;
                    continue;
                }
                (good, next) = &mut checking => {
                    checking.set(checked(check, database, next));
                    self.rules.checked(self.now(), good)
                }
                () = sleep_until(due) => self.rules.tick(self.now()),
            };
            self.act(acts).await;
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Handles whatever has come, each for itself.
    async fn take_all(&mut self) {
        let mut buffer = [0; BYTES_MAX];
        while self.rules.listens() {
            // A peer that is not there is no reason for anything.
            let Ok((bytes, from)) = self.socket.try_recv_from(&mut buffer) else { return };
            match Message::decode(&buffer[..bytes]) {
                Some(Message::Order(order)) => self.obey(order, from).await,
                Some(message) => self.hear(&message, from).await,
                None => sometimes!("malformed datagram dropped"),
            }
        }
    }

    async fn hear(&mut self, message: &Message, from: SocketAddr) {
        let Some((peer, _)) = self.config.peers.iter().find(|(_, address)| *address == from) else { return };
        let peer = *peer;
        match message {
            Message::Vrrp(advert) if advert.priority == 0 => self.heard = None,
            Message::Vrrp(_) | Message::Carp(_) => {
                self.heard = Some((peer, Instant::now()));
                if self.rules.state() == State::Master {
                    probe!("another master", peer);
                }
            }
            Message::Order(_) | Message::Obeyed(_) => return,
        }
        let acts = self.rules.heard(self.now(), from.ip(), message);
        self.act(acts).await;
    }

    async fn obey(&mut self, order: Order, from: SocketAddr) {
        let is_master = self.rules.state() == State::Master;
        if is_master {
            sometimes!("a master is told to go");
            let acts = self.rules.order(self.now(), order);
            self.act(acts).await;
        }
        // Whoever asked may be gone.
        let _ = self.socket.send_to(&Message::Obeyed(is_master).encode(), from).await;
    }

    async fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Send(message) => self.send(&message).await,
                Act::Claim => self.claim(),
                Act::Release => self.release(),
                Act::Announce(times) => self.announce(times),
                // Whoever runs scripts may have been killed.
                Act::Run(state) => drop(self.notify.0.send(state)),
            }
        }
        self.show();
    }

    async fn send(&self, message: &Message) {
        let bytes = message.encode();
        for (_, peer) in &self.config.peers {
            // An advert that is lost is followed by the next.
            let _ = self.socket.send_to(&bytes, *peer).await;
        }
    }

    /// Says what a daemon before it has not left.
    fn find_addresses(&self) {
        let left = claimed_addresses().unwrap_or_default();
        for ip in self.config.virtual_addresses.iter().filter(|ip| !left.contains(ip)) {
            probe!("address", "released", ip.to_string());
        }
    }

    fn claim(&self) {
        for ip in &self.config.virtual_addresses {
            if claim_address(*ip).is_ok() {
                probe!("address", "claimed", ip.to_string());
            }
        }
    }

    fn release(&self) {
        for ip in &self.config.virtual_addresses {
            if release_address(*ip).is_ok() {
                probe!("address", "released", ip.to_string());
            }
        }
    }

    fn announce(&self, times: u32) {
        for ip in &self.config.virtual_addresses {
            let told = (0..times).filter(|_| announce_address(*ip).is_ok()).count();
            if told > 0 {
                probe!("announced", ip.to_string());
            }
        }
    }

    fn show(&mut self) {
        let shows = (self.rules.state(), self.rules.rank());
        if shows == self.shown {
            return;
        }
        if shows.0 == State::Master
            && self.shown.0 != State::Master
            && let Some((from, at)) = self.heard
        {
            probe!("takes over", from, at.elapsed().as_millis() as u64);
        }
        self.shown = shows;
        probe!("state", shows.0.name(), shows.1);
    }
}

/// Later than anything.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Waits until something is there to be read: what has come, or, where it is handed over late, what has come by the
/// next time that it is.
async fn handed_over(socket: &UdpSocket, late: Option<Duration>, since: Instant) {
    // A machine that dies needs no answer.
    if socket.readable().await.is_err() {
        std::future::pending::<()>().await;
    }
    let Some(late) = late else { return };
    let periods = since.elapsed().as_nanos() / late.as_nanos() + 1;
    sleep_until(since + late * u32::try_from(periods).unwrap_or(u32::MAX)).await;
}

/// Makes the tracked check at that time, and says when it is made next; never, if there is none.
async fn checked(check: Option<&Check>, database: SocketAddr, at: Instant) -> (bool, Instant) {
    let Some(check) = check else { return std::future::pending().await };
    sleep_until(at).await;
    let mut database = Supervisor::new(database).patience(check.timeout);
    let good = database.status().await.is_ok();
    (good, (at + check.interval).max(Instant::now()))
}
