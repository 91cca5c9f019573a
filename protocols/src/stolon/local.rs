//! What a keeper keeps on its disk: which database its data are.

use super::message::DbUid;
use host::disk::Disk;
use serde::{Deserialize, Serialize};
use std::io;

/// What a keeper knows about its own data. Without it the data are nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Local {
    /// The database that the data are.
    pub db: Option<DbUid>,
    /// The generation that it has reached; 0: none.
    pub generation: u64,
    /// It is about to begin, or to become a copy: the data are neither the old nor the new.
    pub initialising: bool,
    /// It was a master.
    pub master: bool,
}

const FILE: &str = "keeper.json";
const NEXT: &str = "keeper.json.next";

impl Local {
    /// What is on the disk. Nothing, or nothing that can be read, is nothing known.
    ///
    /// # Errors
    ///
    /// When the disk does not answer as it should.
    pub async fn load(disk: &Disk) -> io::Result<Local> {
        match disk.read(FILE).await {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Local::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces what is on the disk.
    ///
    /// # Errors
    ///
    /// When it may not have been replaced.
    pub async fn save(&self, disk: &Disk) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).expect("it has only types with names");
        let file = disk.create(NEXT).await?;
        file.write_all_at(&bytes, 0).await?;
        file.sync_all().await?;
        disk.rename(NEXT, FILE).await?;
        disk.sync_dir(".").await
    }
}
