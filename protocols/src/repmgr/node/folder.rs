//! What a data folder says that it is: a file beside the database's.

use crate::common::versioned;
use crate::repmgr::rules::service::Folder;
use host::disk::Disk;
use std::io;

const FILE: &str = "standby.signal";
const NEXT: &str = "standby.signal.next";
const FILE_VERSION: u8 = 1;

/// Where a node keeps that.
#[derive(Debug)]
pub(super) struct Folders(pub(super) Disk);

impl Folders {
    /// What is on the disk; none of a folder in which nothing is yet.
    ///
    /// # Errors
    ///
    /// When the disk does not answer as it should.
    pub async fn load(&self) -> io::Result<Option<Folder>> {
        match self.0.read(FILE).await {
            Ok(bytes) => Ok(versioned::decode(FILE_VERSION, &bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces what is on the disk.
    ///
    /// # Errors
    ///
    /// When it may not have been replaced.
    pub async fn save(&self, folder: Folder) -> io::Result<()> {
        let file = self.0.create(NEXT).await?;
        file.write_all_at(&versioned::encode(FILE_VERSION, &folder), 0).await?;
        file.sync_all().await?;
        self.0.rename(NEXT, FILE).await?;
        self.0.sync_dir(".").await
    }
}
