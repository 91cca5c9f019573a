//! The errors that a disk answers with, by Linux's numbers. A real disk needs few of them: the system has its own.

/// No such file or directory.
#[cfg(madsim)]
pub(crate) const ENOENT: i32 = 2;

/// The device failed.
#[cfg(madsim)]
pub(crate) const EIO: i32 = 5;

/// The handle is not open for that, or its process is dead.
#[cfg(madsim)]
pub(crate) const EBADF: i32 = 9;

/// The root of a disk can be neither moved nor removed.
pub(crate) const EBUSY: i32 = 16;

/// There is something of that name.
#[cfg(madsim)]
pub(crate) const EEXIST: i32 = 17;

/// A directory was expected, or a file stands on the way.
pub(crate) const ENOTDIR: i32 = 20;

/// A file was expected.
#[cfg(madsim)]
pub(crate) const EISDIR: i32 = 21;

/// That cannot be asked.
pub(crate) const EINVAL: i32 = 22;

/// Beyond the largest file.
#[cfg(madsim)]
pub(crate) const EFBIG: i32 = 27;

/// The disk is full.
#[cfg(madsim)]
pub(crate) const ENOSPC: i32 = 28;

/// A name of more than 255 bytes.
#[cfg(madsim)]
pub(crate) const ENAMETOOLONG: i32 = 36;

/// The directory has something in it.
#[cfg(madsim)]
pub(crate) const ENOTEMPTY: i32 = 39;
