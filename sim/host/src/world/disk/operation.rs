//! What a node asks of its disk.
//!
//! An operation takes effect when it is issued, and the node hears of it when its [`Ticket`] is answered; whoever drops
//! the future in between has asked all the same. Reads and syncs take effect when they are answered.

use super::queue::{Ticket, Work};
use super::tree::{Ino, Kind, ROOT};
use super::{Disk, Disks, File, os_error};
use crate::disk::{Metadata, OpenOptions, errno};
use crate::world::{Ground, Happening, MachineId, Observed};
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// A kind of operation, as digest and trace know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DiskOperation {
    /// A file or directory is opened, created or truncated.
    Open = 1,
    /// Bytes are read.
    Read,
    /// Bytes are written at a place.
    Write,
    /// Bytes are written at the end.
    Append,
    /// A file is cut off or grows.
    SetLen,
    /// A sync was asked for.
    Sync,
    /// A sync was answered.
    Synced,
    /// Kind and length are asked for.
    Metadata,
    /// A directory is listed.
    ReadDir,
    /// A directory is made.
    CreateDir,
    /// A name changes.
    Rename,
    /// A file's name goes.
    RemoveFile,
    /// A directory goes.
    RemoveDir,
    /// The power came back: so many operations had been pending, so many files and directories are left.
    PowerLoss,
}

impl DiskOperation {
    /// In a word or two.
    pub fn name(self) -> &'static str {
        match self {
            DiskOperation::Open => "open",
            DiskOperation::Read => "read",
            DiskOperation::Write => "write",
            DiskOperation::Append => "append",
            DiskOperation::SetLen => "set length",
            DiskOperation::Sync => "sync",
            DiskOperation::Synced => "synced",
            DiskOperation::Metadata => "metadata",
            DiskOperation::ReadDir => "list",
            DiskOperation::CreateDir => "create directory",
            DiskOperation::Rename => "rename",
            DiskOperation::RemoveFile => "remove",
            DiskOperation::RemoveDir => "remove directory",
            DiskOperation::PowerLoss => "power loss",
        }
    }
}

/// Whose disk, and in which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) host: MachineId,
    pub(crate) life: u64,
}

/// What an operation is about.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    Path(&'a Path),
    Paths(&'a Path, &'a Path),
    Inode(Ino),
}

/// An operation, for those who watch.
pub(crate) struct Asked<'a> {
    operation: DiskOperation,
    target: Target<'a>,
    offset: u64,
    /// What is written.
    data: &'a [u8],
    /// How much is read or written.
    len: usize,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(operation: DiskOperation, target: Target<'a>) -> Self {
        Asked { operation, target, offset: 0, data: &[], len: 0 }
    }

    pub(crate) fn at(self, offset: u64) -> Self {
        Asked { offset, ..self }
    }

    pub(crate) fn reads(self, len: usize) -> Self {
        Asked { len, ..self }
    }

    pub(crate) fn writes(self, data: &'a [u8]) -> Self {
        Asked { data, len: data.len(), ..self }
    }
}

/// An operation under way, and what will have come of it.
pub(crate) struct Issued<T> {
    pub(crate) ticket: Ticket,
    pub(crate) result: io::Result<T>,
}

impl Disks {
    /// Issues an operation. `EBADF` to a caller from another life.
    pub(super) fn ask<T>(
        &mut self,
        ground: &mut Ground,
        owner: Owner,
        asked: &Asked<'_>,
        act: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<Issued<T>> {
        let result = act(self.owned(owner)?);
        self.observe(ground, owner.host, asked, result.as_ref().err());
        let flushes = asked.operation == DiskOperation::Sync;
        let work = if flushes { Work::Flush } else { Work::Bytes(asked.len) };
        Ok(Issued { ticket: self.ticket(&ground.clock, owner.host, work), result })
    }

    /// Copies what was asked for, now that it is answered.
    pub(super) fn finish_read(
        &mut self,
        owner: Owner,
        inode: Ino,
        at: u64,
        into: &mut [u8],
    ) -> io::Result<usize> {
        self.owned(owner)?.tree.change(inode, |file| file.read(at, into))
    }

    /// Moves what was asked for to the medium. Returns how many failures of syncs the file has had.
    pub(super) fn finish_sync(
        &mut self,
        ground: &mut Ground,
        owner: Owner,
        inode: Ino,
        mark: u64,
        seen: u64,
    ) -> (io::Result<()>, u64) {
        let (result, failures) = match self.owned(owner) {
            Ok(disk) => disk.sync(inode, mark, seen),
            Err(error) => return (Err(error), seen),
        };
        let asked = Asked::new(DiskOperation::Synced, Target::Inode(inode));
        self.observe(ground, owner.host, &asked, result.as_ref().err());
        (result, failures)
    }

    pub(super) fn close_file(&mut self, owner: Owner, inode: Ino) {
        if let Ok(disk) = self.owned(owner) {
            disk.tree.close(inode);
        }
    }

    fn owned(&mut self, owner: Owner) -> io::Result<&mut Disk> {
        let disk = self.of(owner.host);
        if disk.life == owner.life { Ok(disk) } else { Err(os_error(errno::EBADF)) }
    }

    fn observe(
        &mut self,
        ground: &mut Ground,
        host: MachineId,
        asked: &Asked<'_>,
        error: Option<&io::Error>,
    ) {
        let record = &mut ground.record;
        let (at, errno) = (ground.clock.now_ns(), error.and_then(io::Error::raw_os_error));
        let kind = (host.index() as u64) << 40
            | (asked.operation as u64) << 32
            | u64::from(errno.unwrap_or(0).cast_unsigned());
        record.event(Observed::Disk, at, kind, asked.offset);
        match asked.target {
            Target::Inode(inode) => record.bytes(&(inode as u64).to_le_bytes()),
            Target::Path(path) => record.bytes(path.as_os_str().as_encoded_bytes()),
            Target::Paths(from, to) => {
                record.bytes(from.as_os_str().as_encoded_bytes());
                record.bytes(&[0]);
                record.bytes(to.as_os_str().as_encoded_bytes());
            }
        }
        record.bytes(&(asked.len as u64).to_le_bytes());
        record.bytes(asked.data);
        if record.is_recording() {
            let path = match asked.target {
                Target::Path(path) => path.display().to_string(),
                Target::Paths(from, to) => format!("{} to {}", from.display(), to.display()),
                Target::Inode(inode) => {
                    let path = self.of(host).tree.path_of(inode);
                    path.map_or_else(|| "a removed file".to_owned(), |path| path.display().to_string())
                }
            };
            let (operation, offset, bytes) = (asked.operation, asked.offset, asked.len);
            record.keep(at, || Happening::Disk { host, operation, path, offset, bytes, errno });
        }
    }
}

impl Disk {
    pub(super) fn open(&mut self, path: &Path, options: OpenOptions) -> io::Result<(Ino, u64)> {
        let (tree, journal) = (&mut self.tree, &mut self.journal);
        let found = match tree.place(path) {
            Ok(place) => tree.entry(place.dir, &place.name)?.ok_or(place),
            Err(error) if error.raw_os_error() == Some(errno::EBUSY) => Ok(ROOT),
            Err(error) => return Err(error),
        };
        let inode = match found {
            Ok(_) if options.create_new => return Err(os_error(errno::EEXIST)),
            Ok(inode) if options.writes() && tree.is_directory(inode) => return Err(os_error(errno::EISDIR)),
            Ok(inode) => {
                if options.truncate {
                    tree.change(inode, |file| if file.len() == 0 { Ok(()) } else { file.set_len(0) })?;
                }
                inode
            }
            Err(place) if options.create || options.create_new => {
                tree.create(journal, place, Kind::File(Box::new(File::new(self.settings.sector.bytes()))))
            }
            Err(_) => return Err(os_error(errno::ENOENT)),
        };
        tree.open(inode);
        let failures = match tree.kind(inode) {
            Kind::File(file) => file.failures(),
            Kind::Directory(_) => 0,
        };
        Ok((inode, failures))
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let place = match self.tree.place(path) {
            Err(error) if error.raw_os_error() == Some(errno::EBUSY) => return Err(os_error(errno::EEXIST)),
            place => place?,
        };
        if self.tree.entry(place.dir, &place.name)?.is_some() {
            return Err(os_error(errno::EEXIST));
        }
        self.tree.create(&mut self.journal, place, Kind::Directory(super::Directory::default()));
        Ok(())
    }

    pub(super) fn read_dir(&mut self, path: &Path) -> io::Result<Vec<OsString>> {
        let inode = self.tree.find(path)?;
        match self.tree.kind(inode) {
            Kind::File(_) => Err(os_error(errno::ENOTDIR)),
            Kind::Directory(directory) => Ok(directory.live.keys().cloned().collect()),
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.tree.rename(&mut self.journal, from, to)
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.tree.remove_file(&mut self.journal, path)
    }

    pub(super) fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        self.tree.remove_dir(&mut self.journal, path)
    }

    pub(super) fn metadata_of(&mut self, path: &Path) -> io::Result<Metadata> {
        let inode = self.tree.find(path)?;
        Ok(self.metadata(inode))
    }

    pub(super) fn metadata(&mut self, inode: Ino) -> Metadata {
        match self.tree.kind(inode) {
            Kind::File(file) => Metadata { len: file.len(), dir: false },
            Kind::Directory(_) => Metadata { len: 0, dir: true },
        }
    }

    pub(super) fn may_read(&mut self, inode: Ino) -> io::Result<()> {
        if self.tree.is_directory(inode) {
            return Err(os_error(errno::EISDIR));
        }
        if self.stream.strikes(self.faults.effect().read_error) { Err(os_error(errno::EIO)) } else { Ok(()) }
    }

    pub(super) fn write(&mut self, inode: Ino, at: u64, bytes: &[u8]) -> io::Result<usize> {
        let fails = self.stream.strikes(self.faults.effect().write_error);
        let arrives = if fails {
            let sector = self.settings.sector.bytes();
            let sectors = self.stream.draw().below(bytes.len().div_ceil(sector) as u64) as usize;
            &bytes[..sectors * sector]
        } else {
            bytes
        };
        let room = self.room();
        let (written, write_back) = self.tree.change(inode, |file| {
            let written = file.write(at, arrives, room)?;
            let pending = file.pending();
            let too_many = pending.weight() > self.settings.dirty_max;
            Ok((written, too_many.then(|| pending.older_half())))
        })?;
        if let Some(until) = write_back {
            self.persist(inode, until)?;
        }
        if fails { Err(os_error(errno::EIO)) } else { Ok(written) }
    }

    /// Writes all at the end and tells where that was. What fits stays there when not all of it does.
    pub(super) fn append(&mut self, inode: Ino, bytes: &[u8]) -> io::Result<u64> {
        let end = self.metadata(inode).len;
        let written = self.write(inode, end, bytes)?;
        if written == bytes.len() { Ok(end) } else { Err(os_error(errno::ENOSPC)) }
    }

    pub(super) fn set_len(&mut self, inode: Ino, len: u64) -> io::Result<()> {
        self.tree.change(inode, |file| file.set_len(len))
    }

    /// What a sync that is issued now has to move.
    pub(super) fn mark(&mut self, inode: Ino) -> u64 {
        match self.tree.kind(inode) {
            Kind::File(file) => file.pending().next(),
            Kind::Directory(_) => self.journal.next(),
        }
    }

    fn sync(&mut self, inode: Ino, mark: u64, seen: u64) -> (io::Result<()>, u64) {
        let fails = self.stream.strikes(self.faults.effect().sync_error);
        let failed = || Err(os_error(errno::EIO));
        if self.tree.is_directory(inode) {
            if fails {
                self.journal.fail_sync(&mut self.tree, self.stream.draw());
                return (failed(), seen);
            }
            self.journal.sync(&mut self.tree, inode, mark, self.settings.directories);
            return (Ok(()), seen);
        }
        let moved = if fails {
            let (drop_cache, draw) = (self.faults.effect().drop_cache, self.stream.draw());
            self.tree.change(inode, |file| {
                file.fail_sync(mark, drop_cache, draw);
                Ok(())
            })
        } else {
            self.persist(inode, mark)
        };
        let failures = match self.tree.kind(inode) {
            Kind::File(file) => file.failures(),
            Kind::Directory(_) => seen,
        };
        (if failures > seen { failed() } else { moved }, failures)
    }

    /// Moves operations to the medium, the right place or, when a fault strikes, another.
    fn persist(&mut self, inode: Ino, until: u64) -> io::Result<()> {
        let (stream, effect) = (&mut self.stream, self.faults.effect());
        let astray = self.tree.change(inode, |file| Ok(file.persist(until, effect, stream)))?;
        for bytes in astray {
            let targets: Vec<(Ino, u64)> =
                self.tree.files().map(|(inode, file)| (inode, file.sectors())).collect();
            let sector = self.stream.draw().below(targets.iter().map(|(_, sectors)| sectors).sum());
            self.hit(&targets, sector, &bytes)?;
        }
        Ok(())
    }

    /// Lets bytes land in a sector of the disk, counted over these files.
    fn hit(&mut self, targets: &[(Ino, u64)], mut sector: u64, bytes: &[u8]) -> io::Result<()> {
        for (inode, sectors) in targets {
            if sector < *sectors {
                return self.tree.change(*inode, |file| {
                    file.hit(sector, bytes);
                    Ok(())
                });
            }
            sector -= sectors;
        }
        Ok(())
    }
}
