//! Handles: what they allow, and what they outlive.

use crate::two_worlds::{EBADF, EEXIST, EINVAL, EISDIR, ENOENT, errno, on_a_disk};
use host::disk::{Disk, OpenOptions};

#[test]
fn a_missing_file_is_not_found() {
    on_a_disk(async |disk| {
        assert_eq!(errno(disk.open("file").await), ENOENT);
        assert_eq!(errno(OpenOptions::new().write(true).open(&disk, "file").await), ENOENT);
        assert_eq!(errno(disk.read("file").await), ENOENT);
        assert_eq!(errno(disk.metadata("file").await), ENOENT);
        assert!(!disk.exists("file").await.unwrap());
    });
}

#[test]
fn a_new_file_must_not_exist() {
    on_a_disk(async |disk| {
        let new = OpenOptions::new().write(true).create_new(true);
        new.open(&disk, "file").await.unwrap().write_all_at(b"mine", 0).await.unwrap();
        assert_eq!(errno(new.open(&disk, "file").await), EEXIST);
        assert_eq!(disk.read("file").await.unwrap(), b"mine");
        disk.create_dir("dir").await.unwrap();
        assert_eq!(errno(new.open(&disk, "dir").await), EEXIST);
    });
}

#[test]
fn creating_an_existing_file_opens_it_as_it_is() {
    on_a_disk(async |disk| {
        disk.write("file", b"kept").await.unwrap();
        let file = OpenOptions::new().read(true).write(true).create(true).open(&disk, "file").await.unwrap();
        assert_eq!(file.len().await.unwrap(), 4);
        let file = OpenOptions::new().write(true).truncate(true).open(&disk, "file").await.unwrap();
        assert_eq!(file.len().await.unwrap(), 0);
    });
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    on_a_disk(async |disk| {
        disk.write("file", b"").await.unwrap();
        let (none, read, append) =
            (OpenOptions::new(), OpenOptions::new().read(true), OpenOptions::new().append(true));
        for options in
            [none, read.create(true), read.create_new(true), read.truncate(true), append.truncate(true)]
        {
            assert_eq!(errno(options.open(&disk, "file").await), EINVAL, "{options:?}");
        }
    });
}

#[test]
fn a_handle_for_reading_refuses_writes() {
    on_a_disk(async |disk| {
        disk.write("file", b"as it was").await.unwrap();
        let file = disk.open("file").await.unwrap();
        assert_eq!(errno(file.write_at(b"x", 0).await), EBADF);
        assert_eq!(errno(file.write_at(b"", 0).await), EBADF);
        assert_eq!(errno(file.set_len(0).await), EINVAL);
        assert_eq!(errno(file.append(b"x").await), EINVAL);
        file.sync_all().await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"as it was");
    });
}

#[test]
fn a_handle_for_writing_refuses_reads() {
    on_a_disk(async |disk| {
        disk.write("file", b"secret").await.unwrap();
        let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
        assert_eq!(errno(file.read_at(&mut [0; 6], 0).await), EBADF);
        assert_eq!(file.len().await.unwrap(), 6);
    });
}

#[test]
fn a_handle_either_appends_or_writes_at_places() {
    on_a_disk(async |disk| {
        let log = OpenOptions::new().read(true).append(true).create(true).open(&disk, "log").await.unwrap();
        log.append(b"123").await.unwrap();
        // Linux's pwrite would append.
        assert_eq!(errno(log.write_at(b"x", 0).await), EINVAL);
        log.set_len(2).await.unwrap();
        let mut bytes = [0; 2];
        log.read_exact_at(&mut bytes, 0).await.unwrap();
        assert_eq!(&bytes, b"12");
        let file = OpenOptions::new().write(true).open(&disk, "log").await.unwrap();
        assert_eq!(errno(file.append(b"x").await), EINVAL);
    });
}

#[test]
fn a_handle_sees_what_another_writes() {
    on_a_disk(async |disk| {
        let (one, other) = (disk.create("file").await.unwrap(), disk.open("file").await.unwrap());
        one.write_all_at(b"news", 0).await.unwrap();
        let mut bytes = [0; 4];
        other.read_exact_at(&mut bytes, 0).await.unwrap();
        assert_eq!(&bytes, b"news");
        disk.create("file").await.unwrap();
        assert_eq!(other.len().await.unwrap(), 0, "and that it was truncated");
    });
}

#[test]
fn a_removed_file_lives_as_long_as_a_handle() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        file.write_all_at(b"still here", 0).await.unwrap();
        disk.remove_file("file").await.unwrap();
        assert!(!disk.exists("file").await.unwrap());
        disk.write("file", b"another").await.unwrap();
        file.write_all_at(b"STILL", 0).await.unwrap();
        file.sync_all().await.unwrap();
        let mut bytes = [0; 10];
        file.read_exact_at(&mut bytes, 0).await.unwrap();
        assert_eq!(&bytes, b"STILL here");
        assert_eq!(disk.read("file").await.unwrap(), b"another");
    });
}

#[test]
fn a_renamed_file_is_the_one_that_its_handles_have_open() {
    on_a_disk(async |disk| {
        let log = OpenOptions::new().append(true).create(true).open(&disk, "old").await.unwrap();
        log.append(b"before").await.unwrap();
        disk.rename("old", "new").await.unwrap();
        assert_eq!(log.append(b", after").await.unwrap(), 6);
        log.sync_all().await.unwrap();
        assert_eq!(disk.read("new").await.unwrap(), b"before, after");
        assert_eq!(errno(disk.open("old").await), ENOENT);
    });
}

#[test]
fn a_replaced_file_lives_on_in_its_handles() {
    on_a_disk(async |disk| {
        disk.write("file", b"old").await.unwrap();
        let old = disk.open("file").await.unwrap();
        disk.write("file.new", b"newer").await.unwrap();
        disk.rename("file.new", "file").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"newer");
        assert_eq!(old.len().await.unwrap(), 3);
    });
}

#[test]
fn a_directory_can_be_opened_to_sync_it_and_for_nothing_else() {
    on_a_disk(async |disk| {
        disk.create_dir("dir").await.unwrap();
        disk.write("dir/file", b"").await.unwrap();
        let dir = disk.open("dir").await.unwrap();
        dir.sync_all().await.unwrap();
        assert!(dir.metadata().await.unwrap().is_dir());
        assert_eq!(errno(dir.read_at(&mut [0; 8], 0).await), EISDIR);
        assert_eq!(errno(dir.write_at(b"x", 0).await), EBADF);
        assert_eq!(errno(OpenOptions::new().write(true).open(&disk, "dir").await), EISDIR);
        assert_eq!(errno(disk.create("dir").await), EISDIR);
        assert_eq!(errno(disk.read("dir").await), EISDIR);
    });
}

#[test]
fn metadata_tells_files_from_directories() {
    on_a_disk(async |disk| {
        disk.write("file", b"12345").await.unwrap();
        disk.create_dir("dir").await.unwrap();
        let (file, dir) = (disk.metadata("file").await.unwrap(), disk.metadata("dir").await.unwrap());
        assert_eq!((file.len(), file.is_file(), file.is_dir()), (5, true, false));
        assert_eq!((dir.is_file(), dir.is_dir()), (false, true));
        assert!(disk.metadata(".").await.unwrap().is_dir());
    });
}

#[test]
fn a_clone_of_a_disk_is_the_same_disk() {
    on_a_disk(async |disk: Disk| {
        disk.clone().write("file", b"shared").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"shared");
    });
}
