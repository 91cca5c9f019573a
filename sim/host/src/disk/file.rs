//! An open file.

use super::{Metadata, OpenOptions, backend, errno};
use std::io;

/// An open file; it closes when dropped. Share it as `Arc<File>`: every operation takes `&self`.
#[derive(Debug)]
pub struct File {
    backend: backend::File,
    options: OpenOptions,
}

impl File {
    pub(super) fn new(backend: backend::File, options: OpenOptions) -> Self {
        File { backend, options }
    }

    /// Reads into `into` from byte `offset` on, and returns how much: less than asked for only at the end of the file,
    /// and 0 beyond it. Holes read as zeros.
    ///
    /// # Errors
    ///
    /// `EBADF` when it was not opened to be read, `IsADirectory`, `EINVAL` for an end above `i64::MAX`, `EIO`.
    pub async fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.backend.read_at(into, offset).await
    }

    /// Fills `into` from byte `offset` on.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the file ends earlier; those of [`File::read_at`].
    pub async fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            match self.read_at(into, offset).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    into = &mut into[read..];
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes from byte `offset` on, beyond the end too, and returns how much: less than asked for when the disk has
    /// no more room.
    ///
    /// # Errors
    ///
    /// `EBADF` when it was not opened to be written, `EINVAL` when it was opened to be appended to or for an end above
    /// `i64::MAX`, `FileTooLarge`, `StorageFull`, `EIO`, after which some of it may be there.
    pub async fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        // Linux would take no notice of the offset.
        self.must(!self.options.append, errno::EINVAL)?;
        self.backend.write_at(bytes, offset).await
    }

    /// Writes all of it from byte `offset` on.
    ///
    /// # Errors
    ///
    /// Those of [`File::write_at`]; some of it may be there then.
    pub async fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes all of it at the end of the file, and returns where that was. Appends through any number of handles do
    /// not overlap.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it was not opened to be appended to; `FileTooLarge`, `StorageFull`, `EIO`, after which some of it
    /// may be there.
    pub async fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.must(self.options.append, errno::EINVAL)?;
        self.backend.append(bytes).await
    }

    /// Makes what was written and the length durable.
    ///
    /// # Errors
    ///
    /// `EIO` when any of what was written since the last sync may be lost, or when another handle's sync failed since.
    /// See [the module](super) on what that means.
    pub async fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data().await
    }

    /// The same, and all that is known about the file besides. On a directory:
    /// [`Disk::sync_dir`](super::Disk::sync_dir).
    ///
    /// # Errors
    ///
    /// Those of [`File::sync_data`].
    pub async fn sync_all(&self) -> io::Result<()> {
        self.backend.sync_all().await
    }

    /// Cuts the file off, or extends it with zeros.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it was not opened to be written; `FileTooLarge`.
    pub async fn set_len(&self, len: u64) -> io::Result<()> {
        self.backend.set_len(len).await
    }

    /// How many bytes it has.
    ///
    /// # Errors
    ///
    /// `EIO`.
    #[allow(clippy::len_without_is_empty)] // as in std, where the length is in the metadata
    pub async fn len(&self) -> io::Result<u64> {
        Ok(self.metadata().await?.len())
    }

    /// What it is.
    ///
    /// # Errors
    ///
    /// `EIO`.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.backend.metadata().await
    }

    fn must(&self, allowed: bool, errno: i32) -> io::Result<()> {
        if allowed { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
    }
}
