//! What a death leaves of a file.

use super::{
    N1, SECTOR, appending, begin, die, durable, lose_power, on, on_a_machine, outcomes, us, with_disk,
    without_garbage,
};
use crate::two_worlds::{ENOENT, errno, noise};
use host::disk::{Disk, OpenOptions};
use host::world::{Death, DiskFault, DiskSettings, SectorSize};

#[test]
fn unsynced_writes_may_be_lost_and_synced_ones_never() {
    let outcomes = outcomes(100, |cluster| async move {
        on(&cluster, async |disk| {
            let log = appending().open(&disk, "log").await.unwrap();
            log.append(&[1; 700]).await.unwrap();
            log.sync_data().await.unwrap();
            disk.sync_dir(".").await.unwrap();
            log.append(&[2; 700]).await.unwrap();
            log.append(&[3; 700]).await.unwrap();
        })
        .await;
        lose_power();
        let log = on(&cluster, async |disk| disk.read("log").await.unwrap()).await;
        assert!(log.len() >= 700 && log[..700].iter().all(|byte| *byte == 1), "what was synced is there");
        log
    });
    let of_len = |len: usize| outcomes.iter().filter(|log| log.len() == len).count();
    assert!(of_len(700) > 0 && of_len(2100) > 0, "nothing of it arrives, and all of it");
    let torn = outcomes.iter().filter(|log| log.len() > 700 && log[700..].contains(&0)).count();
    assert!(torn > 0, "a longer file may have holes");
}

#[test]
fn an_overwrite_in_place_tears_at_sector_boundaries_and_nowhere_else() {
    for sector in [SectorSize::Bytes512, SectorSize::Bytes4096] {
        let mut mixed = 0;
        for seed in 0..60 {
            let settings = DiskSettings { sector, ..without_garbage() };
            let bytes = with_disk(seed, settings, |cluster| async move {
                on(&cluster, async |disk| {
                    durable(&disk, "file", &[b'o'; 30_000]).await;
                    let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                    file.write_all_at(&[b'n'; 20_000], 5_000).await.unwrap();
                })
                .await;
                lose_power();
                on(&cluster, async |disk| disk.read("file").await.unwrap()).await
            });
            assert_eq!(bytes.len(), 30_000);
            assert!(bytes[..5_000].iter().chain(&bytes[25_000..]).all(|byte| *byte == b'o'));
            let size = sector.bytes();
            for first in (0..30_000).step_by(size) {
                let written = &bytes[first.clamp(5_000, 25_000)..(first + size).clamp(5_000, 25_000)];
                assert!(written.iter().all(|byte| *byte == written[0]), "a whole sector at {first}");
            }
            let written = &bytes[5_000..25_000];
            mixed += u32::from(written.contains(&b'o') && written.contains(&b'n'));
        }
        assert!(mixed > 10, "{sector:?}: {mixed} of 60 are torn");
    }
}

#[test]
fn a_torn_sector_may_hold_garbage_but_only_where_it_was_written_to() {
    let mut garbage = 0;
    for seed in 0..60 {
        let settings = DiskSettings { garbage: 1.0, ..DiskSettings::default() };
        let bytes = with_disk(seed, settings, |cluster| async move {
            on(&cluster, async |disk| {
                durable(&disk, "file", &[b'o'; 2 * SECTOR]).await;
                let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                file.write_all_at(&[b'n'; 300], 400).await.unwrap();
            })
            .await;
            lose_power();
            on(&cluster, async |disk| disk.read("file").await.unwrap()).await
        });
        assert!(bytes[..400].iter().chain(&bytes[700..]).all(|byte| *byte == b'o'), "powersafe overwrite");
        garbage += u32::from(bytes[400..700].iter().any(|byte| !b"on".contains(byte)));
    }
    assert!(garbage > 5, "{garbage} of 60");
}

#[test]
fn a_machine_that_dies_as_it_writes_leaves_half_of_the_last_write_whatever_the_seed() {
    let outcomes = outcomes(20, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "log", b"old").await;
            let file = OpenOptions::new().write(true).open(&disk, "log").await.unwrap();
            file.write_all_at(b"new", 3).await.unwrap();
            file.write_all_at(&[b'n'; 2 * SECTOR], SECTOR as u64).await.unwrap();
            file.write_all_at(b"tail", 3 * SECTOR as u64).await.unwrap();
            let other = OpenOptions::new().write(true).create(true).open(&disk, "other").await.unwrap();
            other.write_all_at(&[b'n'; 2 * SECTOR], 0).await.unwrap();
        })
        .await;
        die(Death::Torn);
        on(&cluster, async |disk| {
            let log = disk.read("log").await.unwrap();
            assert_eq!((&log[..6], &log[SECTOR..3 * SECTOR]), (&b"oldnew"[..], &[b'n'; 2 * SECTOR][..]));
            assert_eq!(log[3 * SECTOR..], [0; 4], "the length has arrived, and the sector has not");
            disk.read("other").await.unwrap()
        })
        .await
    });
    let half = [vec![b'n'; SECTOR], vec![0; SECTOR]].concat();
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [half]);
}

#[test]
fn unsynced_writes_reach_the_medium_in_any_order() {
    let outcomes = outcomes(100, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", &[0; 3 * SECTOR]).await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            for number in 0..3 {
                file.write_all_at(&[1; SECTOR], number * SECTOR as u64).await.unwrap();
            }
        })
        .await;
        lose_power();
        let bytes = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        [0, 1, 2].map(|number| bytes[number * SECTOR])
    });
    assert_eq!(outcomes.len(), 8, "each of the three may be there without the others: {outcomes:?}");
}

#[test]
fn a_sector_never_shows_a_later_write_without_an_earlier_one() {
    let outcomes = outcomes(200, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", &[0; SECTOR]).await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            for number in 0..4 {
                file.write_all_at(&[1], number * 100).await.unwrap();
            }
        })
        .await;
        lose_power();
        let bytes = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        [0, 100, 200, 300].map(|place| bytes[place])
    });
    let prefixes = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]];
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), prefixes);
}

#[test]
fn what_was_cut_off_comes_back_whole_or_not_at_all() {
    let outcomes = outcomes(100, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", &[7; 5000]).await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.set_len(1000).await.unwrap();
            file.set_len(5000).await.unwrap();
        })
        .await;
        lose_power();
        let bytes = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        let beyond = bytes.get(1000..).unwrap_or_default();
        assert!(bytes[..1000].iter().all(|byte| *byte == 7) && beyond.iter().all(|byte| *byte == beyond[0]));
        (bytes.len(), beyond.first().copied())
    });
    let expected = [(1000, None), (5000, Some(0)), (5000, Some(7))];
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), expected, "cut, cut and extended, untouched");
}

#[test]
fn a_process_crash_keeps_what_was_not_synced() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| {
            disk.create_dir("dir").await.unwrap();
            disk.write("dir/old", b"bytes").await.unwrap();
            disk.rename("dir/old", "dir/new").await.unwrap();
        })
        .await;
        die(Death::Process);
        on(&cluster, async |disk| {
            assert_eq!(disk.read("dir/new").await.unwrap(), b"bytes");
            assert_eq!(errno(disk.read("dir/old").await), ENOENT);
        })
        .await;
    });
}

#[test]
fn what_a_process_crash_kept_a_later_power_loss_may_take() {
    let outcomes = outcomes(30, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", b"old").await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
        })
        .await;
        die(Death::Process);
        assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, b"new");
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.unwrap()).await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [b"new", b"old"]);
}

#[test]
fn what_the_next_life_syncs_includes_what_the_last_one_wrote() {
    outcomes(30, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", b"old").await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
        })
        .await;
        die(Death::Process);
        on(&cluster, async |disk| disk.open("file").await.unwrap().sync_all().await.unwrap()).await;
        lose_power();
        assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, b"new");
    });
}

#[test]
fn a_wiped_disk_is_empty_and_usable() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"durable, once").await).await;
        die(Death::Wiped);
        on(&cluster, async |disk| {
            assert!(disk.read_dir(".").await.unwrap().is_empty());
            disk.write("file", b"new").await.unwrap();
            assert_eq!(disk.read("file").await.unwrap(), b"new");
        })
        .await;
    });
}

#[test]
fn a_sync_covers_what_was_written_before_it_was_asked_for_and_not_what_came_during_it() {
    let outcomes = outcomes(40, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", &[0; 2 * SECTOR]).await;
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(&[1; SECTOR], 0).await.unwrap();
            let (synced, written) =
                tokio::join!(file.sync_data(), file.write_at(&[2; SECTOR], SECTOR as u64));
            assert!(synced.is_ok() && written.is_ok());
        })
        .await;
        lose_power();
        let bytes = on(&cluster, async |disk| disk.read("file").await.unwrap()).await;
        (bytes[0], bytes[SECTOR])
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(1, 0), (1, 2)]);
}

#[test]
fn a_sync_under_way_when_the_power_fails_promises_nothing() {
    let outcomes = outcomes(40, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", b"old").await).await;
        begin(DiskFault::Slow { factor: 10.0 });
        let task = cluster.on(N1, async {
            let disk = Disk::of_this_machine();
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(b"new", 0).await.unwrap();
            file.sync_all().await.unwrap();
            unreachable!("a sync takes 5 ms on this disk");
        });
        tokio::time::sleep(us(2000)).await;
        lose_power();
        assert!(task.await.is_err());
        on(&cluster, async |disk| disk.read("file").await.unwrap()).await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [b"new", b"old"]);
}

#[test]
fn the_kernel_writes_back_by_itself_what_exceeds_its_share_of_memory() {
    for seed in 0..20 {
        let settings = DiskSettings { dirty_max: 100_000, ..without_garbage() };
        with_disk(seed, settings, |cluster| async move {
            on(&cluster, async |disk| {
                durable(&disk, "log", b"").await;
                let log = appending().open(&disk, "log").await.unwrap();
                for number in 0..100 {
                    log.append(&noise(10_000, number)).await.unwrap();
                }
            })
            .await;
            lose_power();
            let log = on(&cluster, async |disk| disk.read("log").await.unwrap()).await;
            assert!(log.len() >= 900_000, "{} bytes are left", log.len());
            for number in 0..90 {
                assert!(log[number * 10_000..][..10_000] == noise(10_000, number as u64));
            }
        });
    }
}

#[test]
fn a_power_loss_is_no_news_to_a_disk_that_was_synced() {
    on_a_machine(3, |cluster| async move {
        on(&cluster, async |disk| {
            for number in 0..20 {
                durable(&disk, &format!("file {number}"), &noise(number * 777, number as u64)).await;
            }
        })
        .await;
        for _ in 0..3 {
            lose_power();
        }
        on(&cluster, async |disk| {
            for number in 0..20 {
                let bytes = disk.read(format!("file {number}")).await.unwrap();
                assert!(bytes == noise(number * 777, number as u64));
            }
        })
        .await;
    });
}
