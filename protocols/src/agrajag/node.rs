//! The orchestrator: it looks, and publishes; and it is present.

use super::message::{self, MASTER, Master, NODE, PROMOTED};
use super::options::{Config, Consumers, Flaw};
use super::rules::{self, Presence, Publish};
use crate::database::{Client, Condition, Write};
use crate::repmgr::{self, Event, Memory};
use crate::router::Runtime;
use crate::store::zookeeper::{self, Error, Mode, Znode, Zookeeper};
use futures::future::join_all;
use host::time::{Instant, sleep, sleep_until};
use host::{probe, sometimes};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// The key that a manual check writes.
const CHECK: &str = "agrajag.check";
/// Clients count their writes from below.
const OWN_WRITES: u64 = 1 << 63;

/// Runs an orchestrator until the future is dropped. Its node's [`Memory`] says whether repmgrd runs there.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`).
pub async fn run(config: Config, memory: Memory) -> io::Result<()> {
    config.options.validate()?;
    let zookeeper = Zookeeper::new(config.stores.clone(), config.options.zookeeper.clone());
    let orchestrator =
        Orchestrator { config: &config, memory: &memory, zookeeper: &zookeeper, read: AtomicU64::new(0) };
    probe!("presence", "unlisted");
    let never = tokio::select! {
        biased;
        never = zookeeper.keep() => never,
        never = orchestrator.works() => never,
    };
    match never {}
}

struct Orchestrator<'a> {
    config: &'a Config,
    memory: &'a Memory,
    zookeeper: &'a Zookeeper,
    /// The change that was read last.
    read: AtomicU64,
}

impl Orchestrator<'_> {
    async fn works(&self) -> Infallible {
        let (mut listed, mut next) = (false, Instant::now());
        loop {
            tokio::select! {
                biased;
                event = self.zookeeper.event() => match event {
                    zookeeper::Event::Connected => listed = self.is_present().await,
                    zookeeper::Event::Expired => {
                        listed = false;
                        probe!("presence", "unlisted");
                    }
                    zookeeper::Event::Suspended | zookeeper::Event::Watch(_) => {}
                },
                () = sleep_until(next) => {
                    // Whoever could not be listed tries again.
                    if !listed {
                        listed = self.is_present().await;
                    }
                    self.acts().await;
                    next = Instant::now() + self.config.options.frequency;
                }
            }
        }
    }

    /// Sees to its ephemeral node. Whether it is there.
    async fn is_present(&self) -> bool {
        let Some(session) = self.zookeeper.session() else { return false };
        let listed = self.lists(session).await;
        if let Err(error) = &listed {
            tracing::debug!(id = self.config.repmgr.id, %error, "presence");
            return false;
        }
        if self.zookeeper.session() == Some(session) {
            probe!("presence", "listed");
        }
        true
    }

    async fn lists(&self, session: crate::store::LeaseId) -> Result<(), Error> {
        let path = message::presence(self.config.repmgr.id);
        let node = self.zookeeper.get(&path).await?;
        let owner = node.as_ref().map(|node| node.owner);
        match (rules::presence(owner, session, self.config.options.flaw), &node) {
            (Presence::Recreate, Some(seen)) => {
                sometimes!("a presence of another session is replaced");
                self.zookeeper.recreate(&path, seen, "").await.map(drop)
            }
            (Presence::Set, _) => self.zookeeper.set(&path, "", None).await.map(drop),
            (Presence::Keep, _) => Ok(()),
            (Presence::Create | Presence::Recreate, _) => {
                self.zookeeper.create(&path, "", Mode::Ephemeral).await.map(drop)
            }
        }
    }

    /// What it does every so often. Where a script tells applications, it is present, and no more.
    async fn acts(&self) {
        match self.config.options.consumers {
            Consumers::Watch | Consumers::Ask => {
                if let Err(error) = self.looks().await {
                    tracing::debug!(id = self.config.repmgr.id, %error, "publish");
                }
            }
            Consumers::Poll | Consumers::Haproxy => {
                if let Some(master) = self.sees().await.and_then(|seen| self.master(seen)) {
                    let told =
                        self.config.applications.iter().map(|application| self.tells(master, *application));
                    join_all(told).await;
                }
            }
            Consumers::Push | Consumers::PushAndForget => {}
        }
    }

    /// Tells an application, or a HAProxy, and again if it does not answer.
    async fn tells(&self, master: Master, application: SocketAddr) {
        let options = &self.config.options;
        for retry in 0..=options.tell_retries {
            if retry > 0 {
                sleep(options.tell_again).await;
            }
            let told = match options.consumers {
                Consumers::Haproxy => {
                    let haproxy = Runtime::new(application, options.tell_timeout);
                    haproxy.set_server(master.database).await.map(|_| true)
                }
                _ => master.tell(application, options.tell_timeout).await,
            };
            match told {
                Ok(true) => return,
                Ok(false) => return sometimes!("an application knows of a later master"),
                Err(error) => tracing::debug!(id = self.config.repmgr.id, %application, %error, "tell"),
            }
        }
        sometimes!("an application cannot be told");
    }

    /// Whose promotion that is; none if that node has no database.
    fn master(&self, seen: Event) -> Option<Master> {
        let database = self.config.repmgr.nodes.get(&seen.node)?.database?;
        Some(Master { node: seen.node, database, promoted_ns: seen.at_ns })
    }

    /// One look: what is published, who is the primary, and what follows.
    async fn looks(&self) -> Result<(), Error> {
        let torn = self.config.options.flaw == Some(Flaw::TornPublish);
        let compared = self.zookeeper.get(if torn { PROMOTED } else { MASTER }).await?;
        let stored_ns = compared.as_ref().and_then(|node| match torn {
            true => node.data.parse().ok(),
            false => Master::read(&node.data).map(|master| master.promoted_ns),
        });
        self.says_what_is_published(&compared);
        let Some(seen) = self.sees().await else { return Ok(()) };
        match rules::publish(seen, stored_ns) {
            Publish::Known => return Ok(()),
            Publish::Older => {
                sometimes!("a promotion is older than what is published");
                return Ok(());
            }
            Publish::Yes => {}
        }
        let Some(master) = self.master(seen) else { return Ok(()) };
        probe!("publishes part", 1u32);
        if torn {
            self.sets(PROMOTED, &seen.at_ns.to_string(), compared).await?;
            probe!("publishes part", 2u32);
            self.sets(NODE, &seen.node.to_string(), self.zookeeper.get(NODE).await?).await?;
            probe!("publishes part", 3u32);
            self.publishes(&master, self.zookeeper.get(MASTER).await?).await
        } else if self.config.options.flaw == Some(Flaw::StaleWriterWins) {
            self.publishes(&master, self.zookeeper.get(MASTER).await?).await
        } else {
            self.publishes(&master, compared).await
        }
    }

    /// Once of each change.
    fn says_what_is_published(&self, node: &Option<Znode>) {
        let Some(node) = node else { return };
        if let Some(master) = Master::read(&node.data)
            && self.read.swap(node.modified, Ordering::Relaxed) != node.modified
        {
            probe!("master read", master.node, master.promoted_ns, node.modified);
        }
    }

    async fn publishes(&self, master: &Master, compared: Option<Znode>) -> Result<(), Error> {
        let published = self.sets(MASTER, &master.written(), compared).await;
        match published {
            Ok(change) => probe!("master published", master.node, master.promoted_ns, change),
            Err(Error::BadVersion | Error::NodeExists) => sometimes!("a publication comes too late"),
            Err(_) => {}
        }
        published.map(drop)
    }

    /// Sets a node of which this was seen, or creates it.
    async fn sets(&self, path: &str, data: &str, seen: Option<Znode>) -> Result<u64, Error> {
        match seen {
            Some(seen) => self.zookeeper.set(path, data, Some(seen.version)).await,
            None => self.zookeeper.create(path, data, Mode::Persistent).await,
        }
    }

    /// The primary's promotion, if repmgr and its events agree on one; by hand where repmgr cannot be asked.
    async fn sees(&self) -> Option<Event> {
        let repmgr = &self.config.repmgr;
        let shown = if self.memory.daemon_runs() { repmgr::cluster_show(repmgr).await } else { None };
        let Some(shown) = shown else {
            return if self.config.options.manual_check { self.checks_by_hand().await } else { None };
        };
        let (primary, event) = (rules::primary(&shown)?, repmgr::latest_promotion(repmgr, repmgr.id).await?);
        if event.node != primary {
            sometimes!("repmgr and its events disagree");
            return None;
        }
        Some(event)
    }

    /// Tries to write to each node, one after the other.
    async fn checks_by_hand(&self) -> Option<Event> {
        let mut writable = Vec::new();
        for (id, node) in &self.config.repmgr.nodes {
            let Some(database) = node.database else { continue };
            let write = Write {
                id: OWN_WRITES | host::entropy::u64(),
                key: CHECK.to_owned(),
                value: self.config.repmgr.id.to_string(),
                condition: Condition::None,
            };
            let mut client = Client::new(database).patience(self.config.repmgr.options.connect_timeout);
            if client.write(write).await.is_ok_and(|written| written)
                && let Some(event) = repmgr::latest_promotion(&self.config.repmgr, *id).await
            {
                writable.push((*id, event));
            }
        }
        let newest = rules::newest(&writable);
        if newest.is_some() {
            sometimes!("a manual write check finds the primary");
        }
        newest
    }
}
