//! Lives: what belongs to a dead process does nothing to the next one.

use super::{N1, begin, die, durable, end, lose_power, on, on_a_machine, outcomes};
use crate::two_worlds::{EBADF, errno};
use futures::FutureExt;
use host::disk::{Disk, File, OpenOptions};
use host::world::{self, Death, DiskFault, DiskSettings};
use std::future::pending;
use std::sync::Arc;

/// Writes when it is dropped, as a write-ahead log that flushes in its destructor would.
struct Flushes {
    disk: Disk,
    file: Arc<File>,
}

impl Drop for Flushes {
    fn drop(&mut self) {
        // One poll is enough to issue an operation.
        let _ = self.file.write_at(b"late", 0).now_or_never();
        let _ = self.disk.write("late", b"late").now_or_never();
        let _ = self.disk.rename("file", "moved").now_or_never();
        let _ = self.disk.remove_file("file").now_or_never();
    }
}

#[test]
fn what_a_late_destructor_writes_does_not_reach_the_next_life() {
    for death in [Death::Process, Death::Power] {
        for seed in 0..40 {
            on_a_machine(seed, |cluster| async move {
                on(&cluster, async |disk| durable(&disk, "file", b"kept").await).await;
                cluster.on(N1, async {
                    let disk = Disk::of_this_machine();
                    let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                    let _flushes = Flushes { disk, file: Arc::new(file) };
                    pending::<()>().await;
                });
                tokio::time::sleep(super::us(2000)).await;
                // madsim drops the task when it looks at it next: before or after the next life begins.
                die(death);
                on(&cluster, async |disk| {
                    for _ in 0..20 {
                        assert_eq!(disk.read("file").await.unwrap(), b"kept");
                        assert_eq!(disk.read_dir(".").await.unwrap(), ["file"]);
                    }
                })
                .await;
            });
        }
    }
}

#[test]
fn a_destructor_that_runs_while_the_machine_is_down_has_no_disk() {
    struct Asks;
    impl Drop for Asks {
        fn drop(&mut self) {
            let _ = Disk::of_this_machine().write("late", b"late").now_or_never();
        }
    }
    on_a_machine(1, |cluster| async move {
        cluster.on(N1, async {
            let _asks = Asks;
            pending::<()>().await;
        });
        tokio::time::sleep(super::us(2000)).await;
        world::crash(N1, Death::Process);
        tokio::time::sleep(super::us(2000)).await;
        world::restart(N1);
        on(&cluster, async |disk| assert!(disk.read_dir(".").await.unwrap().is_empty())).await;
    });
}

#[test]
fn a_handle_of_an_earlier_life_is_refused() {
    on_a_machine(1, |cluster| async move {
        let (disk, file) = on(&cluster, async |disk| {
            let file = disk.create("file").await.unwrap();
            (disk, file)
        })
        .await;
        die(Death::Process);
        assert_eq!(errno(file.write_at(b"x", 0).await), EBADF);
        assert_eq!(errno(file.read_at(&mut [0], 0).await), EBADF);
        assert_eq!(errno(file.sync_all().await), EBADF);
        assert_eq!(errno(disk.open("file").await), EBADF);
        assert_eq!(errno(disk.read_dir(".").await), EBADF);
        // To close it, long after another life has opened a file in its place, closes nothing.
        let other = on(&cluster, async |disk| {
            disk.remove_file("file").await.unwrap();
            let other = disk.create("other").await.unwrap();
            disk.remove_file("other").await.unwrap();
            other
        })
        .await;
        drop(file);
        other.write_all_at(b"open", 0).await.unwrap();
        assert_eq!(other.len().await.unwrap(), 4);
    });
}

#[test]
fn what_was_asked_for_and_not_waited_for_has_happened_all_the_same() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| {
            let file = disk.create("file").await.unwrap();
            assert!(file.write_at(b"dropped", 0).now_or_never().is_none(), "it takes time");
            assert!(disk.rename("file", "renamed").now_or_never().is_none());
            assert!(disk.create("another").now_or_never().is_none());
            assert_eq!(disk.read("renamed").await.unwrap(), b"dropped");
            assert_eq!(disk.read_dir(".").await.unwrap(), ["another", "renamed"]);
        })
        .await;
    });
}

#[test]
fn a_sync_that_nobody_waits_for_promises_nothing() {
    let outcomes = outcomes(40, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"old").await).await;
        begin(DiskFault::Slow { factor: 10.0 });
        on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
            assert!(tokio::time::timeout(super::us(2000), file.sync_all()).await.is_err());
        })
        .await;
        end(DiskFault::Slow { factor: 10.0 });
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.unwrap()).await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [b"new", b"old"]);
}

#[test]
fn a_removed_file_that_was_open_gives_its_space_back_when_its_process_dies() {
    let settings = DiskSettings { capacity: 1 << 20, ..DiskSettings::default() };
    super::with_disk(1, settings, |cluster| async move {
        let file = on(&cluster, async |disk| {
            let file = disk.create("file").await.unwrap();
            file.write_all_at(&vec![1; 1 << 20], 0).await.unwrap();
            disk.remove_file("file").await.unwrap();
            assert_eq!(errno(disk.write("other", b"no room").await), super::ENOSPC);
            file
        })
        .await;
        die(Death::Process);
        on(&cluster, async |disk| disk.write("other", vec![2; 1 << 20]).await.unwrap()).await;
        drop(file);
    });
}
