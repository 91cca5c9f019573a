//! Files shaped like `tokio::fs`, on a disk that a node is given.
//!
//! A [`Disk`] is a folder that a node may use as its own; every path is relative to it. The testbed gives a simulated
//! node [`Disk::of_this_machine`]; a real process opens a folder with [`Disk::at`], and several nodes in one process
//! open several. Node code takes the `Disk` and does not know the difference:
//!
//! ```
//! # use host::disk::{Disk, OpenOptions};
//! async fn replace(disk: &Disk, term: u64) -> std::io::Result<()> {
//!     let file = disk.create("term.new").await?;
//!     file.write_all_at(&term.to_le_bytes(), 0).await?;
//!     file.sync_all().await?; // the bytes
//!     disk.rename("term.new", "term").await?;
//!     disk.sync_dir(".").await // the name
//! }
//! ```
//!
//! # What survives
//!
//! | what | survives a crash of the process | survives a loss of power |
//! |---|---|---|
//! | bytes written, a length set | yes | from `sync_data` or `sync_all` on |
//! | a name made, changed or removed | yes | from [`Disk::sync_dir`] of its directory on |
//!
//! What is not synced may survive a loss of power, or not, or in part and in another order, sector by sector. A rename
//! happens or does not. After a failed sync nothing is known of what it was to sync, and another sync that succeeds
//! says nothing about it.
//!
//! # Two builds
//!
//! In the simulation this is a model of a disk that takes simulated time and fails as the scenario says. In a real
//! build each operation is the operating system's, on a blocking thread of tokio's. Both answer with the same error
//! numbers.
//!
//! Every future is cancel-safe in the weak sense: what is dropped unanswered may have happened.
//!
//! What is absent: a file position (operations say where), links, permissions, and paths with `..`.

pub(crate) mod errno;
mod file;
mod options;
mod path;
#[cfg(not(madsim))]
mod real;

pub use file::File;
pub use options::{Metadata, OpenOptions};

#[cfg(madsim)]
use crate::world::disk_handle as backend;
use path::{clean, clean_name};
#[cfg(not(madsim))]
use real as backend;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// A folder that a node uses as its disk. A clone is the same disk.
#[derive(Debug, Clone)]
pub struct Disk(backend::Disk);

impl Disk {
    /// The disk of the machine that the calling task runs on. Its handles end with the life of the machine's process:
    /// to those of an earlier life every operation answers `EBADF`.
    ///
    /// # Panics
    ///
    /// Outside of a simulated machine.
    #[cfg(madsim)]
    pub fn of_this_machine() -> Disk {
        Disk(backend::Disk::of_this_machine())
    }

    /// The folder `root` as a disk: of the operating system, or in the simulation of this machine's disk. Where it or
    /// its parents are missing they are made, durably.
    ///
    /// # Errors
    ///
    /// Those of [`Disk::create_dir_all`] and [`Disk::sync_dir`].
    pub async fn at(root: impl AsRef<Path>) -> io::Result<Disk> {
        #[cfg(madsim)]
        {
            let root = clean(root.as_ref())?;
            let machine = Disk::of_this_machine();
            let mut parent = Path::new("").to_owned();
            for name in &root {
                let path = parent.join(name);
                match machine.0.create_dir(&path).await {
                    Ok(()) => machine.0.sync_dir(&parent).await?,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
                parent = path;
            }
            // What existed may be a file.
            machine.0.read_dir(&root).await?;
            Ok(Disk(machine.0.folder(&root)))
        }
        #[cfg(not(madsim))]
        backend::Disk::at(root.as_ref()).await.map(Disk)
    }

    /// Opens a file for reading. A directory can be opened too, to [sync](File::sync_all) it.
    ///
    /// # Errors
    ///
    /// As of [`OpenOptions::open`].
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).open(self, path).await
    }

    /// Opens a file for reading and writing, empty: a new one, or what there was, truncated.
    ///
    /// # Errors
    ///
    /// As of [`OpenOptions::open`].
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self, path).await
    }

    /// All that is in a file.
    ///
    /// # Errors
    ///
    /// As of [`OpenOptions::open`] and [`File::read_at`].
    pub async fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let file = self.open(path).await?;
        let mut bytes = Vec::new();
        loop {
            // One byte more than there should be, to see that it is the end.
            let (have, len) = (bytes.len(), file.len().await?);
            bytes.resize(usize::try_from(len).unwrap_or(usize::MAX).max(have) + 1, 0);
            let read = file.read_at(&mut bytes[have..], have as u64).await?;
            bytes.truncate(have + read);
            if read == 0 || bytes.len() as u64 >= len {
                return Ok(bytes);
            }
        }
    }

    /// Makes these bytes all that is in a file. Neither the bytes nor the name are synced, and the old bytes are gone
    /// first: to replace a file so that a crash leaves the old or the new, write another one and rename it.
    ///
    /// # Errors
    ///
    /// As of [`OpenOptions::open`] and [`File::write_at`].
    pub async fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.create(path).await?.write_all_at(bytes.as_ref(), 0).await
    }

    /// Gives a file or directory another name, and replaces what had that name. Open handles stay as they are.
    ///
    /// # Errors
    ///
    /// `NotFound` when `from` or the directory of `to` is missing, `IsADirectory` or `NotADirectory` when what would be
    /// replaced is of the other kind, `DirectoryNotEmpty`, `EINVAL` when a directory would end up in itself, `EBUSY`
    /// for the root.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.0.rename(&clean_name(from.as_ref())?, &clean_name(to.as_ref())?).await
    }

    /// Removes a file's name. Open handles can still use the file.
    ///
    /// # Errors
    ///
    /// `NotFound`, `IsADirectory`.
    pub async fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.0.remove_file(&clean_name(path.as_ref())?).await
    }

    /// Makes a directory.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `NotFound` when its parent is missing, `NotADirectory` when that is a file.
    pub async fn create_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.0.create_dir(&clean(path.as_ref())?).await
    }

    /// Makes a directory and those above it, where they are missing.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when the path is a file's, `NotADirectory` when a file stands on the way.
    pub async fn create_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = clean(path.as_ref())?;
        let mut made = Path::new("").to_owned();
        for name in &path {
            made.push(name);
            match self.0.create_dir(&made).await {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(error) if made == path && !self.0.metadata(&path).await?.is_dir() => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`.
    pub async fn remove_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.0.remove_dir(&clean_name(path.as_ref())?).await
    }

    /// The names in a directory, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`.
    pub async fn read_dir(&self, path: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        self.0.read_dir(&clean(path.as_ref())?).await
    }

    /// What there is at a path.
    ///
    /// # Errors
    ///
    /// `NotFound`; `NotADirectory` when a file stands on the way.
    pub async fn metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        self.0.metadata(&clean(path.as_ref())?).await
    }

    /// Whether there is anything at a path.
    ///
    /// # Errors
    ///
    /// Those of [`Disk::metadata`], except `NotFound`.
    pub async fn exists(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        match self.metadata(path).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the names in a directory durable as they are: files made, renamed and removed there. `"."` is the disk's
    /// root.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, and `EIO` when the device fails.
    pub async fn sync_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.0.sync_dir(&clean(path.as_ref())?).await
    }
}
