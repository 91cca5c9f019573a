//! What a node holds of its disk: an owner and a path, or an owner and an inode.

use super::operation::{Asked, DiskOperation, Issued, Owner, Target};
use super::tree::Ino;
use super::{Disk as Model, os_error};
use crate::disk::{Metadata, OpenOptions, errno};
use crate::world::{try_with, with};
use std::ffi::OsString;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The disk of a machine, from a folder on.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    owner: Owner,
    root: PathBuf,
}

impl Disk {
    pub(crate) fn of_this_machine() -> Disk {
        let owner = with(|world| world.disks.owner(&world.ground));
        Disk { owner, root: PathBuf::new() }
    }

    /// The folder must be made by the caller.
    pub(crate) fn folder(&self, path: &Path) -> Disk {
        Disk { owner: self.owner, root: self.root.join(path) }
    }

    pub(crate) async fn open(&self, path: &Path, options: OpenOptions) -> io::Result<File> {
        let path = self.root.join(path);
        let asked = Asked::new(DiskOperation::Open, Target::Path(&path));
        let issued = with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| disk.open(&path, options))
        })?;
        // A handle from the start, so that it closes when nobody waits for it.
        let result = issued.result.map(|(inode, failures)| File {
            owner: self.owner,
            inode,
            options,
            failures_seen: AtomicU64::new(failures),
        });
        answered(Issued { ticket: issued.ticket, result }).await
    }

    pub(crate) async fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.ask(DiskOperation::Metadata, path, Model::metadata_of).await
    }

    pub(crate) async fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.ask(DiskOperation::ReadDir, path, Model::read_dir).await
    }

    pub(crate) async fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.ask(DiskOperation::CreateDir, path, Model::create_dir).await
    }

    pub(crate) async fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.ask(DiskOperation::RemoveFile, path, Model::remove_file).await
    }

    pub(crate) async fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.ask(DiskOperation::RemoveDir, path, Model::remove_dir).await
    }

    pub(crate) async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        let asked = Asked::new(DiskOperation::Rename, Target::Paths(&from, &to));
        answered(with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| disk.rename(&from, &to))
        })?)
        .await
    }

    pub(crate) async fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let dir = self.open(path, OpenOptions::new().read(true)).await?;
        if !dir.metadata().await?.dir {
            return Err(os_error(errno::ENOTDIR));
        }
        dir.sync().await
    }

    async fn ask<T>(
        &self,
        operation: DiskOperation,
        path: &Path,
        act: impl FnOnce(&mut Model, &Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.root.join(path);
        let asked = Asked::new(operation, Target::Path(&path));
        answered(with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| act(disk, &path))
        })?)
        .await
    }
}

/// An open file or directory; closes it when dropped, unless its life is over.
#[derive(Debug)]
pub(crate) struct File {
    owner: Owner,
    inode: Ino,
    options: OpenOptions,
    /// How many failures of syncs this handle has heard of.
    failures_seen: AtomicU64,
}

impl Drop for File {
    fn drop(&mut self) {
        try_with(|world| world.disks.close_file(self.owner, self.inode));
    }
}

impl File {
    pub(crate) async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let asked = self.asked(DiskOperation::Read).at(at).reads(into.len());
        let may_read = |disk: &mut Model| {
            must(self.options.read, errno::EBADF)?;
            disk.may_read(self.inode)
        };
        answered(with(|world| world.disks.ask(&mut world.ground, self.owner, &asked, may_read))?).await?;
        with(|world| world.disks.finish_read(self.owner, self.inode, at, into))
    }

    pub(crate) async fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let asked = self.asked(DiskOperation::Write).at(at).writes(bytes);
        let write = |disk: &mut Model| {
            must(self.options.writes(), errno::EBADF)?;
            disk.write(self.inode, at, bytes)
        };
        answered(with(|world| world.disks.ask(&mut world.ground, self.owner, &asked, write))?).await
    }

    pub(crate) async fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let asked = self.asked(DiskOperation::Append).writes(bytes);
        answered(with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| disk.append(self.inode, bytes))
        })?)
        .await
    }

    pub(crate) async fn set_len(&self, len: u64) -> io::Result<()> {
        let asked = self.asked(DiskOperation::SetLen).at(len);
        let set_len = |disk: &mut Model| {
            must(self.options.writes(), errno::EINVAL)?;
            disk.set_len(self.inode, len)
        };
        answered(with(|world| world.disks.ask(&mut world.ground, self.owner, &asked, set_len))?).await
    }

    pub(crate) async fn metadata(&self) -> io::Result<Metadata> {
        let asked = self.asked(DiskOperation::Metadata);
        answered(with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| Ok(disk.metadata(self.inode)))
        })?)
        .await
    }

    pub(crate) async fn sync_data(&self) -> io::Result<()> {
        self.sync().await
    }

    pub(crate) async fn sync_all(&self) -> io::Result<()> {
        self.sync().await
    }

    async fn sync(&self) -> io::Result<()> {
        let asked = self.asked(DiskOperation::Sync);
        let mark = with(|world| {
            world.disks.ask(&mut world.ground, self.owner, &asked, |disk| Ok(disk.mark(self.inode)))
        })?;
        let mark = answered(mark).await?;
        let seen = self.failures_seen.load(Relaxed);
        let (result, failures) =
            with(|world| world.disks.finish_sync(&mut world.ground, self.owner, self.inode, mark, seen));
        self.failures_seen.store(failures, Relaxed);
        result
    }

    fn asked(&self, operation: DiskOperation) -> Asked<'static> {
        Asked::new(operation, Target::Inode(self.inode))
    }
}

/// Waits for the answer. Cancel-safe: what was asked for stays asked for.
async fn answered<T>(issued: Issued<T>) -> io::Result<T> {
    let Issued { mut ticket, result } = issued;
    poll_fn(|context| with(|world| world.disks.poll_answered(&mut world.ground.clock, &mut ticket, context)))
        .await;
    result
}

fn must(allowed: bool, errno: i32) -> io::Result<()> {
    if allowed { Ok(()) } else { Err(os_error(errno)) }
}
