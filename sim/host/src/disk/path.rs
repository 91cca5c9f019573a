//! Paths on a disk: relative, and never out of it.

use super::errno;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The path without roots and dots. `EINVAL` for one that climbs with `..` or has a zero byte.
pub(super) fn clean(path: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) if !name.as_encoded_bytes().contains(&0) => clean.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::Normal(_) | Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::from_raw_os_error(errno::EINVAL));
            }
        }
    }
    Ok(clean)
}

/// The same for what is to be moved or removed, which the disk's root cannot: `EBUSY`.
pub(super) fn clean_name(path: &Path) -> io::Result<PathBuf> {
    let clean = clean(path)?;
    if clean.as_os_str().is_empty() { Err(io::Error::from_raw_os_error(errno::EBUSY)) } else { Ok(clean) }
}
