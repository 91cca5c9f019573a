//! The bytes of a log: those on the disk, and those of them that a recovery reads.

use host::disk::Disk;
use std::io;

/// The folder of the log.
const LOG: &str = "log";

/// The bytes of a log.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Of all files.
    pub on_disk: u64,
    /// Of the newest snapshot, and of the segments behind it.
    pub read: u64,
}

/// Looks at the log of a disk. A file is named by a record's number with as many digits as there can be, so that names
/// sort as numbers do: a segment by its first, a snapshot by its last.
pub async fn sizes(disk: &Disk) -> io::Result<Sizes> {
    let names = disk.read_dir(LOG).await?;
    let names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).collect();
    let newest = names.iter().filter_map(|name| name.strip_suffix(".snapshot")).max();
    let mut sizes = Sizes { on_disk: 0, read: 0 };
    for name in &names {
        let bytes = disk.metadata(format!("{LOG}/{name}")).await?.len();
        sizes.on_disk += bytes;
        let is_read = match name.split_once('.') {
            Some((number, "log")) => newest.is_none_or(|upto| number > upto),
            Some((number, "snapshot")) => newest == Some(number),
            _ => false,
        };
        sizes.read += if is_read { bytes } else { 0 };
    }
    Ok(sizes)
}
