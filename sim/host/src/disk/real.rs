//! The operating system's files, on tokio's blocking threads.

use super::{Metadata, OpenOptions, errno};
use std::ffi::OsString;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, future::Future};

#[derive(Debug, Clone)]
pub(super) struct Disk {
    root: Arc<Path>,
}

impl Disk {
    pub(super) async fn at(root: &Path) -> io::Result<Disk> {
        let root: Arc<Path> = root.into();
        let folder = root.clone();
        blocking(move || create_durably(&folder)).await?;
        Ok(Disk { root })
    }

    pub(super) async fn open(&self, path: &Path, options: OpenOptions) -> io::Result<File> {
        let path = self.root.join(path);
        let open = move || {
            let OpenOptions { read, write, append, create, create_new, truncate } = options;
            let mut options = fs::OpenOptions::new();
            options.read(read).write(write).append(append);
            options.create(create).create_new(create_new).truncate(truncate).open(path)
        };
        let file = blocking(open).await?;
        Ok(File(Arc::new(Open { file, appending: Mutex::new(()) })))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>> + use<> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        blocking(move || fs::rename(from, to))
    }

    pub(super) fn remove_file(&self, path: &Path) -> impl Future<Output = io::Result<()>> + use<> {
        self.ask(path, |path| fs::remove_file(path))
    }

    pub(super) fn create_dir(&self, path: &Path) -> impl Future<Output = io::Result<()>> + use<> {
        self.ask(path, |path| fs::create_dir(path))
    }

    pub(super) fn remove_dir(&self, path: &Path) -> impl Future<Output = io::Result<()>> + use<> {
        self.ask(path, |path| fs::remove_dir(path))
    }

    pub(super) fn read_dir(&self, path: &Path) -> impl Future<Output = io::Result<Vec<OsString>>> + use<> {
        self.ask(path, |path| {
            let mut names: Vec<OsString> =
                fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
            names.sort_unstable();
            Ok(names)
        })
    }

    pub(super) fn metadata(&self, path: &Path) -> impl Future<Output = io::Result<Metadata>> + use<> {
        self.ask(path, |path| fs::metadata(path).map(|metadata| known(&metadata)))
    }

    pub(super) fn sync_dir(&self, path: &Path) -> impl Future<Output = io::Result<()>> + use<> {
        self.ask(path, sync_dir)
    }

    fn ask<T: Send + 'static>(
        &self,
        path: &Path,
        act: fn(&Path) -> io::Result<T>,
    ) -> impl Future<Output = io::Result<T>> + use<T> {
        let path = self.root.join(path);
        blocking(move || act(&path))
    }
}

#[derive(Debug)]
pub(super) struct File(Arc<Open>);

#[derive(Debug)]
struct Open {
    file: fs::File,
    /// Held from a write at the end until it is known where that was: handles have one position.
    appending: Mutex<()>,
}

impl File {
    pub(super) async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let (file, mut bytes) = (self.0.clone(), vec![0; into.len()]);
        let (bytes, read) = blocking(move || {
            let read = retrying(|| file.file.read_at(&mut bytes, at))?;
            Ok((bytes, read))
        })
        .await?;
        into[..read].copy_from_slice(&bytes[..read]);
        Ok(read)
    }

    pub(super) async fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let (file, bytes) = (self.0.clone(), bytes.to_vec());
        blocking(move || retrying(|| file.file.write_at(&bytes, at))).await
    }

    pub(super) async fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let (file, bytes) = (self.0.clone(), bytes.to_vec());
        blocking(move || {
            let _turn = file.appending.lock().unwrap_or_else(PoisonError::into_inner);
            let mut end = &file.file;
            end.write_all(&bytes)?;
            // The kernel leaves the position behind what it appended, also when others append as well.
            Ok(end.stream_position()? - bytes.len() as u64)
        })
        .await
    }

    pub(super) async fn sync_data(&self) -> io::Result<()> {
        let file = self.0.clone();
        blocking(move || file.file.sync_data()).await
    }

    pub(super) async fn sync_all(&self) -> io::Result<()> {
        let file = self.0.clone();
        blocking(move || file.file.sync_all()).await
    }

    pub(super) async fn set_len(&self, len: u64) -> io::Result<()> {
        let file = self.0.clone();
        blocking(move || file.file.set_len(len)).await
    }

    pub(super) async fn metadata(&self) -> io::Result<Metadata> {
        let file = self.0.clone();
        blocking(move || file.file.metadata().map(|metadata| known(&metadata))).await
    }
}

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(act).await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
}

/// A signal is no answer.
fn retrying(mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn known(metadata: &fs::Metadata) -> Metadata {
    Metadata { len: metadata.len(), dir: metadata.is_dir() }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = fs::File::open(path)?;
    if dir.metadata()?.is_dir() { dir.sync_all() } else { Err(io::Error::from_raw_os_error(errno::ENOTDIR)) }
}

/// Makes a directory and those above it where they are missing, each durable in its parent.
fn create_durably(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<PathBuf> =
        path.ancestors().take_while(|ancestor| !ancestor.exists()).map(Path::to_owned).collect();
    fs::create_dir_all(&path)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(sync_dir)
}
