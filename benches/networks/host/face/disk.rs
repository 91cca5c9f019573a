//! Files in memory, which survive a crash of the process and are never lost: what a peer without a disk can have.
//!
//! Every operation but a sync is done at once. Directories need not be made.

use crate::time::sleep;
use crate::world::with;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a sync takes: no peer sleeps for less.
const SYNC: Duration = Duration::from_millis(1);

/// All files of a run, by their path.
pub(crate) type Files = BTreeMap<PathBuf, File>;

/// A folder that a node uses as its disk.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder of this name; each node has its own.
    ///
    /// # Errors
    ///
    /// None: it is made where it is missing.
    pub async fn at(root: impl AsRef<Path>) -> io::Result<Disk> {
        Ok(Disk { root: root.as_ref().to_owned() })
    }

    /// All that is in a file.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let path = self.root.join(path);
        with(|world| world.files.get(&path).map(|file| file.bytes().clone())).ok_or_else(missing)
    }

    /// Gives a file another name, and replaces what had that name.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        with(|world| {
            let file = world.files.remove(&from).ok_or_else(missing)?;
            world.files.insert(to, file);
            Ok(())
        })
    }

    /// Removes a file's name.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = self.root.join(path);
        with(|world| world.files.remove(&path)).map(drop).ok_or_else(missing)
    }

    /// Makes a directory; here they are all there.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn create_dir_all(&self, _path: impl AsRef<Path>) -> io::Result<()> {
        Ok(())
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn read_dir(&self, path: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        let folder = self.root.join(path);
        let name =
            |path: &PathBuf| (path.parent() == Some(&folder)).then(|| path.file_name())?.map(Into::into);
        Ok(with(|world| world.files.keys().filter_map(name).collect()))
    }

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn sync_dir(&self, _path: impl AsRef<Path>) -> io::Result<()> {
        sleep(SYNC).await;
        Ok(())
    }
}

/// How to open a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    create: bool,
    truncate: bool,
}

impl OpenOptions {
    /// Nothing is made, nothing goes.
    pub fn new() -> Self {
        OpenOptions::default()
    }

    /// Every file can be read.
    #[must_use]
    pub fn read(self, _read: bool) -> Self {
        self
    }

    /// Every file can be written to.
    #[must_use]
    pub fn write(self, _write: bool) -> Self {
        self
    }

    /// A missing file is made.
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        OpenOptions { create, ..self }
    }

    /// What was in the file goes.
    #[must_use]
    pub fn truncate(self, truncate: bool) -> Self {
        OpenOptions { truncate, ..self }
    }

    /// Opens a file of a disk.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn open(self, disk: &Disk, path: impl AsRef<Path>) -> io::Result<File> {
        let path = disk.root.join(path);
        with(|world| {
            if self.create {
                world.files.entry(path.clone()).or_default();
            }
            let file = world.files.get(&path).ok_or_else(missing)?;
            if self.truncate {
                file.bytes().clear();
            }
            Ok(file.clone())
        })
    }
}

/// An open file.
#[derive(Debug, Clone, Default)]
pub struct File(Arc<Mutex<Vec<u8>>>);

impl File {
    /// Writes all of it from byte `offset` on.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut file, from) = (self.bytes(), index(offset));
        let end = from + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[from..end].copy_from_slice(bytes);
        Ok(())
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn sync_data(&self) -> io::Result<()> {
        sleep(SYNC).await;
        Ok(())
    }

    /// The same.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn sync_all(&self) -> io::Result<()> {
        self.sync_data().await
    }

    /// Cuts the file off, or extends it with zeros.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes().resize(index(len), 0);
        Ok(())
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("the files of a run are in memory")
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}
