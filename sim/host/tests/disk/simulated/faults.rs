//! What faults do, and what they leave when they end.

use super::{
    EIO, ENOSPC, N1, appending, begin, durable, end, lose_power, now, on, on_a_machine, outcomes, steer, us,
    with_disk, without_garbage,
};
use crate::two_worlds::errno;
use host::disk::{Disk, OpenOptions};
use host::world::{self, Death, DiskFault, DiskSettings, Latency};
use std::collections::BTreeSet;

const READS_FAIL: DiskFault = DiskFault::ReadError { probability: 1.0 };
const WRITES_FAIL: DiskFault = DiskFault::WriteError { probability: 1.0 };
const SYNCS_FAIL: DiskFault = DiskFault::SyncError { probability: 1.0, drop_cache: false };
const SYNCS_FAIL_AND_DROP: DiskFault = DiskFault::SyncError { probability: 1.0, drop_cache: true };

#[test]
fn a_read_error_is_an_input_output_error_until_it_ends() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        begin(READS_FAIL);
        on(&cluster, async |disk| {
            let file = disk.open("file").await.unwrap();
            assert_eq!(errno(file.read_at(&mut [0; 5], 0).await), EIO);
            assert_eq!(file.len().await.unwrap(), 5, "metadata is in memory");
        })
        .await;
        end(READS_FAIL);
        assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, b"bytes");
    });
}

#[test]
fn a_failed_write_leaves_a_prefix_of_whole_sectors() {
    let outcomes = outcomes(40, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[0; 2048]).await).await;
        begin(WRITES_FAIL);
        on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            assert_eq!(errno(file.write_at(&[1; 2048], 0).await), EIO);
        })
        .await;
        end(WRITES_FAIL);
        let bytes = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        let written = bytes.iter().take_while(|byte| **byte == 1).count();
        assert!(bytes[written..].iter().all(|byte| *byte == 0));
        written
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [0, 512, 1024, 1536]);
}

#[test]
fn a_failed_sync_tells_once_and_may_have_lost_what_it_was_to_sync() {
    let outcomes = outcomes(60, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"old").await).await;
        begin(SYNCS_FAIL);
        on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
            assert_eq!(errno(file.sync_all().await), EIO);
            end(SYNCS_FAIL);
            file.sync_all().await.expect("the error was told; nothing is dirty");
            assert_eq!(disk.read("file").await.unwrap(), b"new", "the cache keeps it, for now");
        })
        .await;
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.unwrap()).await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [b"new", b"old"]);
}

#[test]
fn a_failed_sync_may_drop_what_readers_saw() {
    let outcomes = outcomes(60, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"old").await).await;
        begin(SYNCS_FAIL_AND_DROP);
        let seen = on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
            assert_eq!(errno(file.sync_all().await), EIO);
            disk.read("file").await.unwrap()
        })
        .await;
        lose_power();
        let left = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        assert_eq!(seen, left, "readers see what is on the medium");
        left
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [b"new", b"old"]);
}

#[test]
fn what_is_written_again_after_a_failed_sync_is_durable_after_a_sync() {
    for fault in [SYNCS_FAIL, SYNCS_FAIL_AND_DROP] {
        outcomes(30, |cluster| async move {
            on(&cluster, async |disk| durable(&disk, "file", b"old").await).await;
            begin(fault);
            on(&cluster, async move |disk| {
                let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                file.write_all_at(b"new", 0).await.unwrap();
                assert_eq!(errno(file.sync_all().await), EIO);
                end(fault);
                file.write_all_at(b"new", 0).await.unwrap();
                file.sync_all().await.unwrap();
            })
            .await;
            lose_power();
            assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, b"new");
        });
    }
}

#[test]
fn every_handle_that_was_open_hears_of_a_failed_sync_once() {
    on_a_machine(1, |cluster| async move {
        begin(SYNCS_FAIL);
        on(&cluster, async |disk| {
            let (one, other) = (disk.create("file").await.unwrap(), disk.open("file").await.unwrap());
            one.write_all_at(b"dirty", 0).await.unwrap();
            assert_eq!(errno(one.sync_all().await), EIO);
            end(SYNCS_FAIL);
            let later = disk.open("file").await.unwrap();
            assert_eq!(errno(other.sync_all().await), EIO);
            other.sync_all().await.unwrap();
            one.sync_all().await.unwrap();
            later.sync_all().await.unwrap();
        })
        .await;
    });
}

#[test]
fn a_failed_sync_of_a_directory_can_be_repeated() {
    outcomes(20, |cluster| async move {
        begin(SYNCS_FAIL);
        on(&cluster, async |disk| {
            disk.create("file").await.unwrap();
            assert_eq!(errno(disk.sync_dir(".").await), EIO);
            end(SYNCS_FAIL);
            disk.sync_dir(".").await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| assert!(disk.exists("file").await.unwrap())).await;
    });
}

#[test]
fn a_full_disk_refuses_new_pages_and_keeps_what_it_has() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"kept").await).await;
        begin(DiskFault::Full);
        on(&cluster, async |disk| {
            assert_eq!(errno(disk.write("other", b"new").await), ENOSPC);
            let log = appending().open(&disk, "log").await.unwrap();
            assert_eq!(errno(log.append(b"new").await), ENOSPC);
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            assert_eq!(errno(file.write_at(b"far", 1 << 20).await), ENOSPC);
            assert_eq!(disk.read("file").await.unwrap(), b"kept");
            file.write_all_at(b"KEPT", 0).await.expect("its page is there");
            file.sync_all().await.unwrap();
        })
        .await;
        end(DiskFault::Full);
        on(&cluster, async |disk| {
            disk.write("other", b"new").await.unwrap();
            assert_eq!(disk.read("file").await.unwrap(), b"KEPT");
        })
        .await;
    });
}

#[test]
fn a_disk_holds_its_capacity_in_pages_and_what_is_freed_can_be_used_again() {
    let settings = DiskSettings { capacity: 10 * 4096, ..without_garbage() };
    with_disk(1, settings, |cluster| async move {
        on(&cluster, async |disk| {
            disk.write("six", [6; 6 * 4096]).await.unwrap();
            let file = disk.create("file").await.unwrap();
            assert_eq!(file.write_at(&[1; 5 * 4096], 0).await.unwrap(), 4 * 4096, "as much as fits");
            assert_eq!(errno(file.write_at(&[1; 1], 4 * 4096).await), ENOSPC);
            assert_eq!(file.len().await.unwrap(), 4 * 4096);
            file.set_len(1 << 30).await.expect("a hole takes no page");
            file.set_len(4096).await.unwrap();
            file.write_all_at(&[2; 4096], 9 * 4096).await.expect("what was cut off is free");
            disk.remove_file("six").await.unwrap();
            disk.write("eight", [8; 8 * 4096]).await.expect("and so is what was removed");
            assert_eq!(errno(disk.write("one", b"more").await), ENOSPC);
        })
        .await;
        lose_power();
        on(&cluster, async |disk| {
            for name in disk.read_dir(".").await.unwrap() {
                disk.remove_file(name).await.unwrap();
            }
            disk.write("ten", [10; 10 * 4096]).await.expect("nothing leaks over a power loss");
        })
        .await;
    });
}

#[test]
fn an_append_that_does_not_fit_fails_and_leaves_what_did() {
    let settings = DiskSettings { capacity: 2 * 4096, ..without_garbage() };
    with_disk(1, settings, |cluster| async move {
        on(&cluster, async |disk| {
            let log = appending().open(&disk, "log").await.unwrap();
            log.append(&[1; 5000]).await.unwrap();
            assert_eq!(errno(log.append(&[2; 5000]).await), ENOSPC);
            let bytes = disk.read("log").await.unwrap();
            assert!(bytes.len() == 8192 && bytes[..5000] == [1; 5000] && bytes[5000..] == [2; 3192]);
        })
        .await;
    });
}

#[test]
fn a_stalled_disk_answers_when_it_is_released() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        begin(DiskFault::Stall);
        let read = cluster.on(N1, async {
            let disk = Disk::of_this_machine();
            disk.read("file").await.unwrap()
        });
        tokio::time::sleep(us(3_600_000_000)).await;
        assert!(!read.is_finished());
        let released = now();
        end(DiskFault::Stall);
        assert_eq!(read.await.unwrap(), b"bytes");
        assert!(now() - released < us(200), "opened at once, and the rest as fast as ever");
    });
}

#[test]
fn a_hung_disk_never_answers_what_was_asked_while_it_hung() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        let slow = DiskFault::Slow { factor: 10.0 };
        begin(slow);
        let sync = async {
            let file = Disk::of_this_machine().open("file").await.unwrap();
            file.sync_all().await
        };
        let (before, under_way) = (cluster.on(N1, sync), async {
            tokio::time::sleep(us(4000)).await;
            Disk::of_this_machine().open("file").await.unwrap().sync_all().await
        });
        let under_way = cluster.on(N1, under_way);
        tokio::time::sleep(us(7000)).await;
        begin(DiskFault::Hang);
        let asked = cluster.on(N1, async { Disk::of_this_machine().read("file").await });
        tokio::time::sleep(us(1_000_000)).await;
        end(DiskFault::Hang);
        end(slow);
        tokio::time::sleep(us(3_600_000_000)).await;
        assert!(before.is_finished(), "it was answered before");
        assert!(!under_way.is_finished() && !asked.is_finished(), "nobody remembers them");
        assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, b"bytes");
    });
}

#[test]
fn a_machine_that_dies_in_a_stall_boots_into_it() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        begin(DiskFault::Stall);
        cluster.on(N1, async { Disk::of_this_machine().read("file").await });
        tokio::time::sleep(us(1000)).await;
        world::crash(N1, Death::Power);
        world::restart(N1);
        let booted = cluster.on(N1, async { Disk::of_this_machine().read("file").await });
        tokio::time::sleep(us(1_000_000)).await;
        assert!(!booted.is_finished(), "the disk is as it was");
        end(DiskFault::Stall);
        assert_eq!(booted.await.unwrap().unwrap(), b"bytes");
    });
}

#[test]
fn a_fault_can_begin_and_end_while_its_machine_is_down() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        world::crash(N1, Death::Power);
        begin(READS_FAIL);
        begin(SYNCS_FAIL);
        end(SYNCS_FAIL);
        world::restart(N1);
        on(&cluster, async |disk| {
            assert_eq!(errno(disk.read("file").await), EIO);
            disk.sync_dir(".").await.unwrap();
        })
        .await;
    });
}

#[test]
fn faults_overlap_and_each_ends_by_itself() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"bytes").await).await;
        let mild = DiskFault::ReadError { probability: 0.0 };
        for fault in [READS_FAIL, mild, READS_FAIL] {
            begin(fault);
        }
        let read = async |disk: Disk| disk.read("file").await.map_err(|error| error.raw_os_error());
        end(mild);
        assert_eq!(on(&cluster, read).await, Err(Some(EIO)));
        end(READS_FAIL);
        assert_eq!(on(&cluster, read).await, Err(Some(EIO)), "there were two");
        end(READS_FAIL);
        assert!(on(&cluster, read).await.is_ok());
        assert!(!steer(|world| world.clear_disk_fault(N1, READS_FAIL)), "none is left");
        [READS_FAIL, WRITES_FAIL, DiskFault::Stall].into_iter().for_each(begin);
        steer(|world| world.clear_disk_faults(N1));
        on(&cluster, async |disk| disk.write("file", b"all over").await.unwrap()).await;
    });
}

#[test]
fn a_fault_or_a_setting_out_of_range_is_refused_by_name_and_bound() {
    on_a_machine(1, |_| async {
        let refused = |fault| steer(|world| world.set_disk_fault(N1, fault)).unwrap_err().to_string();
        let probability = "is not a probability, from 0 to 1";
        assert_eq!(
            refused(DiskFault::ReadError { probability: 1.5 }),
            format!("disk.read_error.probability: 1.5 {probability}")
        );
        assert_eq!(
            refused(DiskFault::WriteError { probability: -0.1 }),
            format!("disk.write_error.probability: -0.1 {probability}")
        );
        assert_eq!(
            refused(DiskFault::SyncError { probability: f64::NAN, drop_cache: true }),
            format!("disk.sync_error.probability: NaN {probability}")
        );
        assert_eq!(
            refused(DiskFault::Slow { factor: 0.5 }),
            "disk.slow.factor: 0.5 is not at least 1 and finite"
        );
        let refused = |settings| steer(|world| world.set_disk(N1, settings)).unwrap_err().to_string();
        let settings = without_garbage;
        assert_eq!(
            refused(DiskSettings { bandwidth: 0, ..settings() }),
            "disk.bandwidth: 0 is not at least 1"
        );
        assert_eq!(
            refused(DiskSettings { garbage: 2.0, ..settings() }),
            format!("disk.garbage: 2 {probability}")
        );
        assert_eq!(
            refused(DiskSettings { sync: Latency::uniform(us(2), us(1)), ..settings() }),
            "disk.sync: 2000 is not at most its upper end"
        );
    });
}

#[test]
fn a_fault_that_cannot_strike_draws_nothing() {
    let case = |faults: &'static [DiskFault]| {
        outcomes(20, move |cluster| async move {
            faults.iter().for_each(|fault| begin(*fault));
            let digest = on(&cluster, async |disk| {
                durable(&disk, "file", &[1; 3000]).await;
                disk.open("file").await.unwrap().sync_all().await.unwrap();
                steer(|world| world.digest())
            })
            .await;
            faults.iter().for_each(|fault| end(*fault));
            begin(DiskFault::ReadError { probability: 0.5 });
            let reads = on(&cluster, async |disk| {
                let mut reads = Vec::new();
                for _ in 0..20 {
                    reads.push(disk.read("file").await.is_ok());
                }
                reads
            })
            .await;
            (digest, reads)
        })
    };
    let impossible = &[
        DiskFault::ReadError { probability: 0.0 },
        DiskFault::WriteError { probability: 0.0 },
        DiskFault::SyncError { probability: 0.0, drop_cache: true },
        DiskFault::BitFlip { probability: 0.0 },
        DiskFault::Misdirect { probability: 0.0 },
    ];
    assert_eq!(case(&[]), case(impossible));
}

#[test]
fn what_a_power_loss_leaves_does_not_depend_on_the_faults_before_it() {
    let case = |faulty: bool| -> Vec<Vec<u8>> {
        let run = |seed| {
            on_a_machine(seed, move |cluster| async move {
                on(&cluster, async |disk| durable(&disk, "file", &[0; 4096]).await).await;
                if faulty {
                    begin(DiskFault::ReadError { probability: 0.5 });
                    on(&cluster, async |disk| _ = disk.read("file").await).await;
                }
                on(&cluster, async |disk| {
                    let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                    file.write_all_at(&[1; 4096], 0).await.unwrap();
                })
                .await;
                steer(|world| world.clear_disk_faults(N1));
                lose_power();
                on(&cluster, async |disk| disk.read("file").await.unwrap()).await
            })
        };
        (0..30).map(run).collect()
    };
    let left = case(false);
    assert_eq!(left, case(true));
    assert!(left.iter().collect::<BTreeSet<_>>().len() > 10, "and it differs from seed to seed");
}
