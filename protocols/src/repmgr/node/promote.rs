//! `promote_command`: it promotes this node's database, and tells poolers and applications.

use super::{Daemon, table};
use crate::bouncer::{Console, ConsoleError, Scope};
use crate::common::master::Master;
use crate::database::{Role, Supervisor, SupervisorError};
use crate::repmgr::rules::script::{self, After, Step};
use crate::repmgr::rules::service::Folder;
use host::probe;
use host::sometimes;
use std::io;
use std::net::SocketAddr;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Console(#[from] ConsoleError),
    #[error(transparent)]
    Database(#[from] SupervisorError),
    #[error(transparent)]
    Folder(#[from] io::Error),
    #[error("an application does not answer: {0}")]
    Application(io::Error),
    #[error("an application knows of a later master")]
    NotTaken,
    #[error("this replication cluster already has an active primary server")]
    ThereIsOne,
    #[error("this is no standby")]
    NoStandby,
    #[error("the table of nodes cannot be changed")]
    Table,
}

impl Daemon<'_> {
    /// Runs the script. Whether all of it was done.
    pub(super) async fn promote_command(&mut self, database: SocketAddr) -> bool {
        let config = self.config;
        let (poolers, options) = (&config.poolers, &config.options.promote);
        let console = |pooler: usize| Console::new(poolers[pooler]).connect_timeout(options.connect_timeout);
        for step in script::steps(options.first, poolers.len(), config.push.as_ref()) {
            let done = match step {
                Step::Pause(pooler) => console(pooler).pause(Scope::Pooler).await.map_err(Failed::from),
                Step::Promote => self.standby_promote(database).await,
                Step::Reload(pooler) => console(pooler).reload(database).await.map_err(Failed::from),
                Step::Resume(pooler) => console(pooler).resume(Scope::Pooler).await.map_err(Failed::from),
                Step::Tell(application) => self.tells(database, application).await,
                Step::Notify => {
                    self.notifies(database);
                    Ok(())
                }
            };
            let Err(error) = done else { continue };
            tracing::warn!(id = self.config.id, ?step, %error, "promote_command");
            match script::after(step, &self.config.options) {
                After::GoOn => sometimes!("a pooler that fails is passed over"),
                After::Stop => {
                    probe!("script stops", format!("{step:?}"));
                    return false;
                }
                After::Resume => {
                    for pooler in 0..poolers.len() {
                        // Of those that could not be paused nothing is known.
                        let _ = console(pooler).resume(Scope::Pooler).await;
                    }
                    probe!("script stops", format!("{step:?}"));
                    return false;
                }
            }
        }
        true
    }

    /// This node, as the master from now on.
    fn master(&self, database: SocketAddr) -> Master {
        Master { node: self.config.id, database, promoted_ns: host::clock::unix_ns() }
    }

    /// Tells an application, which has to take it.
    async fn tells(&self, database: SocketAddr, application: usize) -> Result<(), Failed> {
        let Some(push) = &self.config.push else { return Ok(()) };
        let told = self.master(database).tell(push.applications[application], push.timeout).await;
        if told.map_err(Failed::Application)? { Ok(()) } else { Err(Failed::NotTaken) }
    }

    /// Tells each application once, all at the same time, in processes that nobody waits for.
    fn notifies(&mut self, database: SocketAddr) {
        let (master, config) = (self.master(database), self.config);
        let Some(push) = &config.push else { return };
        for application in push.applications.iter().copied() {
            let within = push.timeout;
            self.notifications.spawn(async move {
                if !master.tell(application, within).await.unwrap_or(false) {
                    sometimes!("an application has not heard of a promotion");
                }
            });
        }
    }

    /// `repmgr standby promote`: not while a primary is seen.
    async fn standby_promote(&self, database: SocketAddr) -> Result<(), Failed> {
        let (id, within) = (self.config.id, self.config.options.connect_timeout);
        let own = self.ping(database).await.ok_or(Failed::NoStandby)?;
        if own.role != Role::Standby {
            return Err(Failed::NoStandby);
        }
        let nodes = table::read(database, within).await.ok_or(Failed::Table)?;
        if self.primary_among(nodes.in_order()).await.is_some() {
            sometimes!("a promotion is refused as a primary is seen");
            return Err(Failed::ThereIsOne);
        }
        self.folders.save(Folder::Promoting).await?;
        Supervisor::new(database).promote().await?;
        // If this is not kept, the next start promotes it again.
        let _ = self.folders.save(Folder::Primary).await;
        let changed = table::change(database, within, |nodes| nodes.promoted(id)).await;
        changed.ok_or(Failed::Table)?;
        // What is not written down now the service makes up for.
        let _ = table::record(database, within, id).await;
        Ok(())
    }
}
