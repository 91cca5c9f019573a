//! Names and paths: renaming, removing, and what a name may be.

use crate::two_worlds::{EBUSY, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, errno, on_a_disk};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_rename_replaces_the_file_of_that_name() {
    on_a_disk(async |disk| {
        disk.write("a", b"from").await.unwrap();
        disk.write("b", b"to").await.unwrap();
        disk.rename("a", "b").await.unwrap();
        assert_eq!(disk.read("b").await.unwrap(), b"from");
        assert_eq!(disk.read_dir(".").await.unwrap(), ["b"]);
    });
}

#[test]
fn a_rename_to_the_same_name_changes_nothing() {
    on_a_disk(async |disk| {
        disk.write("file", b"same").await.unwrap();
        disk.rename("file", "file").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"same");
        assert_eq!(errno(disk.rename("none", "none").await), ENOENT);
    });
}

#[test]
fn a_rename_moves_between_directories() {
    on_a_disk(async |disk| {
        disk.create_dir_all("from/deep").await.unwrap();
        disk.create_dir("to").await.unwrap();
        disk.write("from/deep/file", b"moved").await.unwrap();
        disk.rename("from/deep/file", "to/file").await.unwrap();
        disk.rename("from", "to/from").await.unwrap();
        assert_eq!(disk.read("to/file").await.unwrap(), b"moved");
        assert_eq!(disk.read_dir("to").await.unwrap(), ["file", "from"]);
        assert_eq!(disk.read_dir("to/from").await.unwrap(), ["deep"]);
        assert_eq!(disk.read_dir(".").await.unwrap(), ["to"]);
    });
}

#[test]
fn a_rename_from_or_to_nowhere_is_not_found() {
    on_a_disk(async |disk| {
        disk.write("file", b"here").await.unwrap();
        assert_eq!(errno(disk.rename("none", "other").await), ENOENT);
        assert_eq!(errno(disk.rename("file", "none/file").await), ENOENT);
        assert_eq!(errno(disk.rename("file", "file/below").await), ENOTDIR);
        assert_eq!(errno(disk.rename("none/file", "file").await), ENOENT);
        assert_eq!(disk.read("file").await.unwrap(), b"here");
    });
}

#[test]
fn a_rename_does_not_mix_files_with_directories() {
    on_a_disk(async |disk| {
        disk.write("file", b"").await.unwrap();
        disk.create_dir_all("full/dir").await.unwrap();
        disk.create_dir("empty").await.unwrap();
        assert_eq!(errno(disk.rename("file", "empty").await), EISDIR);
        assert_eq!(errno(disk.rename("empty", "file").await), ENOTDIR);
        assert_eq!(errno(disk.rename("empty", "full").await), ENOTEMPTY);
        disk.rename("full", "empty").await.unwrap();
        assert_eq!(disk.read_dir(".").await.unwrap(), ["empty", "file"]);
        assert_eq!(disk.read_dir("empty").await.unwrap(), ["dir"]);
    });
}

#[test]
fn a_directory_does_not_move_into_itself() {
    on_a_disk(async |disk| {
        disk.create_dir_all("a/b/c").await.unwrap();
        assert_eq!(errno(disk.rename("a", "a/b/c/a").await), EINVAL);
        assert_eq!(errno(disk.rename("a", "a/b").await), EINVAL);
        assert_eq!(errno(disk.rename("a/b/c", "a").await), ENOTEMPTY);
        assert_eq!(disk.read_dir("a/b").await.unwrap(), ["c"]);
    });
}

#[test]
fn removing_takes_the_right_call() {
    on_a_disk(async |disk| {
        disk.write("file", b"").await.unwrap();
        disk.create_dir("dir").await.unwrap();
        assert_eq!(errno(disk.remove_file("dir").await), EISDIR);
        assert_eq!(errno(disk.remove_dir("file").await), ENOTDIR);
        assert_eq!(errno(disk.remove_file("none").await), ENOENT);
        assert_eq!(errno(disk.remove_dir("none").await), ENOENT);
        assert_eq!(errno(disk.remove_file("file/below").await), ENOTDIR);
        disk.remove_file("file").await.unwrap();
        disk.remove_dir("dir").await.unwrap();
        assert!(disk.read_dir(".").await.unwrap().is_empty());
        assert_eq!(errno(disk.remove_file("file").await), ENOENT);
    });
}

#[test]
fn a_name_that_was_removed_begins_anew() {
    on_a_disk(async |disk| {
        disk.write("file", b"a long first life").await.unwrap();
        disk.remove_file("file").await.unwrap();
        let file = disk.create("file").await.unwrap();
        file.set_len(17).await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), [0; 17]);
    });
}

#[test]
fn names_may_have_any_bytes_but_zeros_and_slashes() {
    on_a_disk(async |disk| {
        let odd = [
            OsStr::new(" "),
            OsStr::new("..."),
            OsStr::new("-rf *"),
            OsStr::new("new\nline\t\"'\\"),
            OsStr::new("größer 💾"),
            OsStr::from_bytes(b"\xff\xfe not UTF-8"),
        ];
        for (number, name) in odd.iter().enumerate() {
            disk.write(name, [number as u8]).await.unwrap();
        }
        let mut sorted = odd;
        sorted.sort_unstable();
        assert_eq!(disk.read_dir(".").await.unwrap(), sorted);
        for (number, name) in odd.iter().enumerate() {
            assert_eq!(disk.read(name).await.unwrap(), [number as u8]);
        }
        assert_eq!(errno(disk.write("zero\0byte", b"").await), EINVAL);
    });
}

#[test]
fn names_have_at_most_255_bytes() {
    on_a_disk(async |disk| {
        let (longest, longer) = ("x".repeat(255), "x".repeat(256));
        disk.write(&longest, b"fits").await.unwrap();
        assert_eq!(disk.read(&longest).await.unwrap(), b"fits");
        assert_eq!(errno(disk.write(&longer, b"").await), ENAMETOOLONG);
        assert_eq!(errno(disk.open(&longer).await), ENAMETOOLONG);
        assert_eq!(errno(disk.create_dir(&longer).await), ENAMETOOLONG);
        assert_eq!(errno(disk.rename(&longest, &longer).await), ENAMETOOLONG);
    });
}

#[test]
fn a_path_does_not_lead_out_of_its_disk() {
    on_a_disk(async |disk| {
        disk.write("file", b"inside").await.unwrap();
        for path in ["..", "../file", "dir/../file"] {
            assert_eq!(errno(disk.open(path).await), EINVAL, "{path}");
            assert_eq!(errno(disk.rename("file", path).await), EINVAL, "{path}");
        }
        // The root is the disk's own, and dots and doubled slashes mean nothing.
        for path in ["/file", "./file", ".//./file"] {
            assert_eq!(disk.read(path).await.unwrap(), b"inside", "{path}");
        }
    });
}

#[test]
fn the_root_of_a_disk_stays() {
    on_a_disk(async |disk| {
        disk.create_dir("dir").await.unwrap();
        for root in ["", ".", "/"] {
            assert_eq!(errno(disk.remove_dir(root).await), EBUSY, "{root:?}");
            assert_eq!(errno(disk.remove_file(root).await), EBUSY, "{root:?}");
            assert_eq!(errno(disk.rename(root, "dir").await), EBUSY, "{root:?}");
            assert_eq!(errno(disk.rename("dir", root).await), EBUSY, "{root:?}");
            assert_eq!(disk.read_dir(root).await.unwrap(), ["dir"], "{root:?}");
        }
    });
}
