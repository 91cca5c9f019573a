//! The auditor: it takes a snapshot of each database, again and again, and now and then drills restores. What the
//! snapshots say is compared by whoever looks.

use super::vault::Vault;
use crate::database::Snapshot;
use crate::replication::options::Config;
use crate::replication::view::View;
use host::disk::Disk;
use host::time::Instant;
use host::time::sleep;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Its number at each of them.
const NUMBER: u32 = 2000;

/// Compares, until the future is dropped.
pub(super) async fn run(config: &Config, disk: Disk) -> io::Result<()> {
    let mut vault = Vault::new(disk);
    let (mut drills, mut drilled) = (BTreeMap::new(), Instant::now());
    let latest = Arc::new(Mutex::new(View::default()));
    host::view::register({
        let latest = Arc::clone(&latest);
        move || latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
    loop {
        let of =
            async |database| Snapshot::of(database, NUMBER, config.options.patience).await.ok().map(Arc::new);
        let (source, replica, target) =
            futures::join!(of(config.source), of(config.replica), of(config.target));
        let mut seen = View { source, replica, target, drills };
        if seen.source.is_some() && drilled.elapsed() >= config.options.drill {
            seen.drills = vault.drill(config, &seen).await;
            drilled = Instant::now();
        }
        drills = seen.drills.clone();
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        sleep(config.options.compare).await;
    }
}
