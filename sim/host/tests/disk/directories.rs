//! Directories: making, listing and removing them.

use crate::two_worlds::{EEXIST, ENOENT, ENOTDIR, ENOTEMPTY, errno, on_a_disk};
use host::disk::Disk;

#[test]
fn a_directory_lists_its_names_in_order_and_only_its_own() {
    on_a_disk(async |disk| {
        assert!(disk.read_dir(".").await.unwrap().is_empty());
        for path in ["c", "a", "B", "b10", "b9"] {
            disk.write(path, b"").await.unwrap();
        }
        disk.create_dir_all("dir/below").await.unwrap();
        assert_eq!(disk.read_dir(".").await.unwrap(), ["B", "a", "b10", "b9", "c", "dir"]);
        assert_eq!(disk.read_dir("dir").await.unwrap(), ["below"]);
        disk.remove_file("b9").await.unwrap();
        disk.rename("c", "dir/c").await.unwrap();
        assert_eq!(disk.read_dir(".").await.unwrap(), ["B", "a", "b10", "dir"]);
        assert_eq!(disk.read_dir("dir").await.unwrap(), ["below", "c"]);
    });
}

#[test]
fn only_a_directory_is_listed_and_synced_as_one() {
    on_a_disk(async |disk| {
        disk.write("file", b"").await.unwrap();
        assert_eq!(errno(disk.read_dir("file").await), ENOTDIR);
        assert_eq!(errno(disk.read_dir("none").await), ENOENT);
        assert_eq!(errno(disk.sync_dir("file").await), ENOTDIR);
        assert_eq!(errno(disk.sync_dir("none").await), ENOENT);
    });
}

#[test]
fn a_directory_that_is_not_empty_is_not_removed() {
    on_a_disk(async |disk| {
        disk.create_dir("dir").await.unwrap();
        disk.write("dir/file", b"kept").await.unwrap();
        assert_eq!(errno(disk.remove_dir("dir").await), ENOTEMPTY);
        assert_eq!(disk.read("dir/file").await.unwrap(), b"kept");
        disk.remove_file("dir/file").await.unwrap();
        disk.remove_dir("dir").await.unwrap();
        assert_eq!(errno(disk.read_dir("dir").await), ENOENT);
    });
}

#[test]
fn a_directory_is_made_once_and_in_one_that_exists() {
    on_a_disk(async |disk| {
        disk.create_dir("dir").await.unwrap();
        disk.write("file", b"").await.unwrap();
        assert_eq!(errno(disk.create_dir("dir").await), EEXIST);
        assert_eq!(errno(disk.create_dir("file").await), EEXIST);
        assert_eq!(errno(disk.create_dir(".").await), EEXIST);
        assert_eq!(errno(disk.create_dir("none/dir").await), ENOENT);
        assert_eq!(errno(disk.create_dir("file/dir").await), ENOTDIR);
    });
}

#[test]
fn all_directories_of_a_path_are_made_whether_or_not_some_exist() {
    on_a_disk(async |disk| {
        disk.create_dir_all("a/b/c").await.unwrap();
        disk.create_dir_all("a/b/c").await.unwrap();
        disk.create_dir_all("a/b/d/e").await.unwrap();
        disk.create_dir_all(".").await.unwrap();
        assert_eq!(disk.read_dir("a/b").await.unwrap(), ["c", "d"]);
        disk.write("a/file", b"").await.unwrap();
        assert_eq!(errno(disk.create_dir_all("a/file").await), EEXIST);
        assert_eq!(errno(disk.create_dir_all("a/file/dir").await), ENOTDIR);
    });
}

#[test]
fn a_file_on_the_way_is_no_directory() {
    on_a_disk(async |disk| {
        disk.write("file", b"").await.unwrap();
        assert_eq!(errno(disk.open("file/below").await), ENOTDIR);
        assert_eq!(errno(disk.create("file/below").await), ENOTDIR);
        assert_eq!(errno(disk.metadata("file/below").await), ENOTDIR);
        assert_eq!(errno(disk.exists("file/below").await), ENOTDIR);
        assert_eq!(errno(disk.read_dir("file/below").await), ENOTDIR);
        assert_eq!(errno(disk.create("none/below").await), ENOENT);
        assert!(!disk.exists("none/below").await.unwrap());
    });
}

#[test]
fn the_same_name_in_two_directories_is_two_files() {
    on_a_disk(async |disk| {
        for dir in ["one", "two"] {
            disk.create_dir(dir).await.unwrap();
            disk.write(format!("{dir}/file"), dir).await.unwrap();
        }
        assert_eq!(disk.read("one/file").await.unwrap(), b"one");
        disk.remove_file("one/file").await.unwrap();
        assert_eq!(disk.read("two/file").await.unwrap(), b"two");
    });
}

#[test]
fn a_directory_takes_what_is_in_it_along_when_it_is_renamed() {
    on_a_disk(async |disk| {
        disk.create_dir_all("a/b").await.unwrap();
        let file = disk.create("a/b/file").await.unwrap();
        disk.rename("a", "z").await.unwrap();
        file.write_all_at(b"through the handle", 0).await.unwrap();
        assert_eq!(disk.read("z/b/file").await.unwrap(), b"through the handle");
        assert_eq!(errno(disk.open("a/b/file").await), ENOENT);
        disk.sync_dir("z/b").await.unwrap();
    });
}

#[test]
fn opening_a_disk_makes_its_folder_and_keeps_what_is_there() {
    on_a_disk(async |disk| {
        // In the real build a case's folder is not the machine's root: a relative one is the process's.
        #[cfg(madsim)]
        {
            let inner = Disk::at("var/lib/case/inner/most").await.unwrap();
            inner.write("file", b"inside").await.unwrap();
            assert_eq!(disk.read("inner/most/file").await.unwrap(), b"inside");
            let again = Disk::at("/var/lib/case/inner/most").await.unwrap();
            assert_eq!(again.read_dir(".").await.unwrap(), ["file"]);
            assert_eq!(errno(Disk::at("var/lib/case/inner/most/file").await), ENOTDIR);
        }
        #[cfg(not(madsim))]
        {
            let folder = std::env::temp_dir().join(format!("splitbrain-disk-{}", std::process::id()));
            let inner = Disk::at(folder.join("inner/most")).await.unwrap();
            inner.write("file", b"inside").await.unwrap();
            let again = Disk::at(&folder).await.unwrap();
            assert_eq!(again.read("inner/most/file").await.unwrap(), b"inside");
            assert!(Disk::at(folder.join("inner/most/file")).await.is_err());
            std::fs::remove_dir_all(folder).unwrap();
            drop(disk);
        }
    });
}
