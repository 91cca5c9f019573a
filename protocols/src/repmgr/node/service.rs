//! The system's care for a node's database: it makes one where there is none, registers it, and starts one that has
//! stopped as what its folder says.

use super::folder::Folders;
use super::{ping, table};
use crate::database::{Role, Supervisor};
use crate::repmgr::message::Kind;
use crate::repmgr::options::Config;
use crate::repmgr::rules::service::{Begin, Folder, Other, begin};
use host::disk::Disk;
use host::sometimes;
use host::time::sleep;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

/// So often it looks whether the database runs.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Looks after a node's database until the future is dropped. It keeps one file on the disk, beside the database's.
///
/// A witness has no database, and needs nobody.
pub async fn service(config: Config, disk: Disk) -> Infallible {
    let Some(database) = config.own().database else { return std::future::pending().await };
    let service = Service { config: &config, database, folders: Folders(disk) };
    let mut supervisor = Supervisor::new(database);
    loop {
        if let Ok(status) = supervisor.status().await
            && status.role == Role::Stopped
        {
            service.starts(&mut supervisor).await;
        }
        service.registers().await;
        sleep(LOOKS_EVERY).await;
    }
}

struct Service<'a> {
    config: &'a Config,
    database: SocketAddr,
    folders: Folders,
}

impl Service<'_> {
    /// A stopped database is started, if it is known how. What fails is tried again.
    async fn starts(&self, supervisor: &mut Supervisor) {
        let Ok(folder) = self.folders.load().await else { return };
        let others = self.others(folder).await;
        let is_first = self.config.nodes.iter().find(|(_, node)| node.database.is_some());
        let is_first = is_first.is_some_and(|(id, _)| *id == self.config.id);
        let (start, promotes) = match begin(folder, is_first, &others, &self.config.options) {
            Begin::Wait => return,
            Begin::Start(start) => (start, false),
            Begin::StartAndPromote(start) => (start, true),
            Begin::Become(becomes, start) => {
                if folder == Some(Folder::Primary) {
                    sometimes!("what was the primary rejoins");
                }
                if self.folders.save(becomes).await.is_err() {
                    return;
                }
                (start, false)
            }
        };
        let started = supervisor.start(start).await;
        if promotes && started.is_ok() && supervisor.promote().await.is_ok() {
            sometimes!("a promotion is finished after a restart");
            // If this is not kept, the next start promotes it again.
            let _ = self.folders.save(Folder::Primary).await;
        }
    }

    /// The other databases, where they matter.
    async fn others(&self, folder: Option<Folder>) -> Vec<Other> {
        let matters = match folder {
            None => true,
            Some(Folder::Primary) => self.config.options.rejoin,
            Some(_) => false,
        };
        let mut others = Vec::new();
        for (_, node) in self.config.nodes.iter().filter(|(id, _)| matters && **id != self.config.id) {
            let Some(database) = node.database else { continue };
            let mut asked = Supervisor::new(database).patience(self.config.options.connect_timeout);
            others.push(Other { database, status: asked.status().await.ok() });
        }
        others
    }

    /// `repmgr primary register`, `repmgr standby register`: of what is not in the table yet, or differs.
    async fn registers(&self) {
        let (id, within) = (self.config.id, self.config.options.connect_timeout);
        let Some(own) = ping(self.database, within).await else { return };
        match own.role {
            Role::Primary => {
                let Some(nodes) = table::read(self.database, within).await else { return };
                if nodes.0.get(&id).is_none_or(|own| own.kind != Kind::Primary) {
                    table::change(self.database, within, |nodes| nodes.promoted(id)).await;
                }
                let Some(events) = table::read_events(self.database, within).await else { return };
                if events.latest().is_none_or(|event| event.node != id) {
                    table::record(self.database, within, id).await;
                }
            }
            Role::Standby => {
                let Some(upstream) = own.upstream.and_then(|at| self.config.id_of(at)) else { return };
                let Some(primary) = self.config.nodes[&upstream].database else { return };
                let Some(nodes) = table::read(self.database, within).await else { return };
                let is_registered =
                    nodes.0.get(&id).is_some_and(|own| own.kind == Kind::Standby && own.active);
                if !is_registered {
                    table::change(primary, within, |nodes| nodes.follows(id, Kind::Standby, upstream)).await;
                }
            }
            Role::Starting | Role::Stopped => {}
        }
    }
}
