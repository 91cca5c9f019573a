//! Inodes, and the names that lead to them: as readers see them, and as the medium has them.

use super::file::File;
use super::journal::{Journal, Place, Record};
use super::os_error;
use crate::disk::errno;
use slab::Slab;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// An inode's number.
pub(super) type Ino = usize;

/// The directory that every path begins in.
pub(super) const ROOT: Ino = 0;

/// The longest name, in bytes.
const NAME_MAX: usize = 255;

pub(super) enum Kind {
    File(Box<File>),
    Directory(Directory),
}

#[derive(Default)]
pub(super) struct Directory {
    pub(super) live: BTreeMap<OsString, Ino>,
    pub(super) medium: BTreeMap<OsString, Ino>,
}

struct Inode {
    kind: Kind,
    /// Live names.
    names: u32,
    /// Open handles.
    handles: u32,
    /// Names on the medium and mentions in the journal: with any of them, it may come back after a power loss.
    kept: u32,
}

pub(super) struct Tree {
    inodes: Slab<Inode>,
    /// The pages of all files that have a live name or an open handle.
    pages: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut inodes = Slab::new();
        // The root is its own parent: a name that never goes.
        inodes.insert(Inode { kind: Kind::Directory(Directory::default()), names: 1, handles: 0, kept: 1 });
        Tree { inodes, pages: 0 }
    }

    /// How many pages are in use.
    pub(super) fn pages(&self) -> u64 {
        self.pages
    }

    /// How many inodes there are.
    pub(super) fn count(&self) -> u64 {
        self.inodes.len() as u64
    }

    /// How many operations on files are pending.
    pub(super) fn unsettled(&self) -> u64 {
        self.files().map(|(_, file)| file.pending().len() as u64).sum()
    }

    pub(super) fn kind(&mut self, inode: Ino) -> &mut Kind {
        &mut self.inodes[inode].kind
    }

    pub(super) fn is_directory(&self, inode: Ino) -> bool {
        matches!(self.inodes[inode].kind, Kind::Directory(_))
    }

    /// Changes a file, and takes the change of its size into account. `EISDIR` for a directory.
    pub(super) fn change<T>(
        &mut self,
        inode: Ino,
        change: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        let Kind::File(file) = &mut self.inodes[inode].kind else { return Err(os_error(errno::EISDIR)) };
        let before = file.pages();
        let result = change(file);
        self.pages = self.pages + file.pages() - before;
        result
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (Ino, &File)> {
        self.inodes.iter().filter_map(|(ino, inode)| match &inode.kind {
            Kind::File(file) => Some((ino, file.as_ref())),
            Kind::Directory(_) => None,
        })
    }

    /// What has this path.
    pub(super) fn find(&self, path: &Path) -> io::Result<Ino> {
        path.iter().try_fold(ROOT, |dir, name| self.entry(dir, name)?.ok_or_else(|| os_error(errno::ENOENT)))
    }

    /// The directory in which this path's last name is or would be. `EBUSY` for the root, which is in none.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(os_error(errno::EBUSY));
        };
        Ok(Place { dir: self.find(parent)?, name: name.to_owned() })
    }

    /// What has this name in a directory.
    pub(super) fn entry(&self, dir: Ino, name: &OsStr) -> io::Result<Option<Ino>> {
        match &self.inodes[dir].kind {
            Kind::File(_) => Err(os_error(errno::ENOTDIR)),
            Kind::Directory(_) if name.len() > NAME_MAX => Err(os_error(errno::ENAMETOOLONG)),
            Kind::Directory(directory) => Ok(directory.live.get(name).copied()),
        }
    }

    /// A path that leads to an inode, for those who read a trace. Looks everywhere.
    pub(super) fn path_of(&self, wanted: Ino) -> Option<PathBuf> {
        let mut paths = vec![(ROOT, PathBuf::new())];
        while let Some((inode, path)) = paths.pop() {
            if inode == wanted {
                return Some(path);
            }
            if let Kind::Directory(directory) = &self.inodes[inode].kind {
                paths.extend(directory.live.iter().map(|(name, inode)| (*inode, path.join(name))));
            }
        }
        None
    }

    /// A new file or directory at a free place.
    pub(super) fn create(&mut self, journal: &mut Journal, place: Place, kind: Kind) -> Ino {
        let inode = self.inodes.insert(Inode { kind, names: 1, handles: 0, kept: 0 });
        self.directory(place.dir).live.insert(place.name.clone(), inode);
        journal.push(self, Record::Link { place, inode });
        inode
    }

    pub(super) fn remove_file(&mut self, journal: &mut Journal, path: &Path) -> io::Result<()> {
        let place = self.place(path)?;
        let inode = self.entry(place.dir, &place.name)?.ok_or_else(|| os_error(errno::ENOENT))?;
        if self.is_directory(inode) {
            return Err(os_error(errno::EISDIR));
        }
        self.unlink(journal, place, inode);
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, journal: &mut Journal, path: &Path) -> io::Result<()> {
        let place = self.place(path)?;
        let inode = self.entry(place.dir, &place.name)?.ok_or_else(|| os_error(errno::ENOENT))?;
        self.must_be_empty(inode)?;
        self.unlink(journal, place, inode);
        Ok(())
    }

    pub(super) fn rename(&mut self, journal: &mut Journal, from: &Path, to: &Path) -> io::Result<()> {
        let (from_place, to_place) = (self.place(from)?, self.place(to)?);
        let inode = self.entry(from_place.dir, &from_place.name)?.ok_or_else(|| os_error(errno::ENOENT))?;
        let replaced = self.entry(to_place.dir, &to_place.name)?;
        if replaced == Some(inode) {
            return Ok(());
        }
        if to.starts_with(from) {
            return Err(os_error(errno::EINVAL));
        }
        if from.starts_with(to) {
            return Err(os_error(errno::ENOTEMPTY));
        }
        match replaced {
            Some(replaced) if self.is_directory(inode) => self.must_be_empty(replaced)?,
            Some(replaced) if self.is_directory(replaced) => return Err(os_error(errno::EISDIR)),
            Some(_) | None => {}
        }
        self.directory(from_place.dir).live.remove(&from_place.name);
        self.directory(to_place.dir).live.insert(to_place.name.clone(), inode);
        journal.push(self, Record::Rename { from: from_place, to: to_place, inode, replaced });
        if let Some(replaced) = replaced {
            self.inodes[replaced].names -= 1;
            self.let_go(replaced);
        }
        Ok(())
    }

    fn must_be_empty(&self, inode: Ino) -> io::Result<()> {
        match &self.inodes[inode].kind {
            Kind::File(_) => Err(os_error(errno::ENOTDIR)),
            Kind::Directory(directory) if directory.live.is_empty() => Ok(()),
            Kind::Directory(_) => Err(os_error(errno::ENOTEMPTY)),
        }
    }

    fn unlink(&mut self, journal: &mut Journal, place: Place, inode: Ino) {
        self.directory(place.dir).live.remove(&place.name);
        journal.push(self, Record::Unlink { place, inode });
        self.inodes[inode].names -= 1;
        self.let_go(inode);
    }

    /// One more handle is open.
    pub(super) fn open(&mut self, inode: Ino) {
        self.inodes[inode].handles += 1;
    }

    /// A handle closes.
    pub(super) fn close(&mut self, inode: Ino) {
        self.inodes[inode].handles -= 1;
        self.let_go(inode);
    }

    /// The process died: no handle is open any more.
    pub(super) fn close_all(&mut self) {
        let open: Vec<Ino> =
            self.inodes.iter().filter(|(_, inode)| inode.handles > 0).map(|(ino, _)| ino).collect();
        for inode in open {
            self.inodes[inode].handles = 0;
            self.let_go(inode);
        }
    }

    /// A name or a handle of this inode went; the last one lets go of its pages.
    fn let_go(&mut self, inode: Ino) {
        let held = &self.inodes[inode];
        if held.names == 0 && held.handles == 0 {
            if let Kind::File(file) = &held.kind {
                self.pages -= file.pages();
            }
            self.free_unless_kept(inode);
        }
    }

    /// The medium or the journal names this inode once more.
    pub(super) fn keep(&mut self, inode: Ino) {
        self.inodes[inode].kept += 1;
    }

    /// The medium or the journal names it once less.
    pub(super) fn unkeep(&mut self, inode: Ino) {
        self.inodes[inode].kept -= 1;
        self.free_unless_kept(inode);
    }

    fn free_unless_kept(&mut self, inode: Ino) {
        let held = &self.inodes[inode];
        if held.names == 0
            && held.handles == 0
            && held.kept == 0
            && let Kind::Directory(directory) = self.inodes.remove(inode).kind
        {
            directory.medium.into_values().for_each(|inode| self.unkeep(inode));
        }
    }

    /// A name appears on the medium, in the place of another if there was one.
    pub(super) fn link_on_medium(&mut self, place: &Place, inode: Ino) {
        self.keep(inode);
        if let Some(replaced) = self.directory(place.dir).medium.insert(place.name.clone(), inode) {
            self.unkeep(replaced);
        }
    }

    /// A name disappears from the medium, if it still stands for this inode.
    pub(super) fn unlink_on_medium(&mut self, place: &Place, inode: Ino) {
        let names = &mut self.directory(place.dir).medium;
        if names.get(&place.name) == Some(&inode) {
            names.remove(&place.name);
            self.unkeep(inode);
        }
    }

    /// The memory is lost: what the medium does not lead to is gone, and files have what of them had arrived.
    pub(super) fn power_loss(&mut self, mut befalls: impl FnMut(&mut File)) {
        let mut reachable = BTreeSet::from([ROOT]);
        let mut found = vec![ROOT];
        while let Some(inode) = found.pop() {
            if let Kind::Directory(directory) = &self.inodes[inode].kind {
                found.extend(directory.medium.values().filter(|inode| reachable.insert(**inode)));
            }
        }
        self.inodes.retain(|inode, _| reachable.contains(&inode));
        self.pages = 0;
        for (_, inode) in &mut self.inodes {
            (inode.names, inode.handles, inode.kept) = (1, 0, 1);
            match &mut inode.kind {
                Kind::Directory(directory) => directory.live.clone_from(&directory.medium),
                Kind::File(file) => {
                    befalls(file);
                    self.pages += file.pages();
                }
            }
        }
    }

    /// The kernel drops every cached page that it can read again.
    pub(super) fn drop_caches(&mut self) {
        for (_, inode) in &mut self.inodes {
            if let Kind::File(file) = &mut inode.kind {
                file.drop_cache();
            }
        }
    }

    fn directory(&mut self, inode: Ino) -> &mut Directory {
        match &mut self.inodes[inode].kind {
            Kind::Directory(directory) => directory,
            Kind::File(_) => panic!("a name in a file"),
        }
    }
}
