//! How a file is opened, and what it is.

use super::{Disk, File, errno};
use std::io;
use std::path::Path;

/// How to open a file, as in `std::fs` and `tokio::fs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
    pub(crate) create: bool,
    pub(crate) create_new: bool,
    pub(crate) truncate: bool,
}

impl OpenOptions {
    /// Nothing is allowed yet.
    pub fn new() -> Self {
        OpenOptions::default()
    }

    /// The file can be read.
    #[must_use]
    pub fn read(self, read: bool) -> Self {
        OpenOptions { read, ..self }
    }

    /// The file can be written to at any place.
    #[must_use]
    pub fn write(self, write: bool) -> Self {
        OpenOptions { write, ..self }
    }

    /// The file can be written to at its end, and only there.
    #[must_use]
    pub fn append(self, append: bool) -> Self {
        OpenOptions { append, ..self }
    }

    /// A missing file is made.
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        OpenOptions { create, ..self }
    }

    /// The file is made, and must have been missing.
    #[must_use]
    pub fn create_new(self, create_new: bool) -> Self {
        OpenOptions { create_new, ..self }
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
    /// `NotFound` when it, or its directory, is missing; `AlreadyExists` under `create_new`; `IsADirectory` when a
    /// directory is opened to be written; `NotADirectory` when a file stands on the way; `ENAMETOOLONG`; and `EINVAL`
    /// when the options contradict each other: none of read, write and append; create or truncate without write or
    /// append; truncate with append.
    pub async fn open(self, disk: &Disk, path: impl AsRef<Path>) -> io::Result<File> {
        let makes = self.create || self.create_new;
        if !(self.read || self.writes())
            || (makes && !self.writes())
            || (self.truncate && (!self.write || self.append))
        {
            return Err(io::Error::from_raw_os_error(errno::EINVAL));
        }
        // A file that was missing has nothing to truncate.
        let options = OpenOptions { truncate: self.truncate && !self.create_new, ..self };
        Ok(File::new(disk.0.open(&super::clean(path.as_ref())?, options).await?, options))
    }

    pub(crate) fn writes(self) -> bool {
        self.write || self.append
    }
}

/// What there is at a path, or behind a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    pub(crate) len: u64,
    pub(crate) dir: bool,
}

impl Metadata {
    /// How many bytes a file has; for a directory it means nothing.
    #[allow(clippy::len_without_is_empty)] // as in std
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.dir
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        !self.dir
    }
}
