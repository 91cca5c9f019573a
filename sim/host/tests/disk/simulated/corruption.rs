//! Wrong bytes: on the medium, seen when the cache is gone, healed by overwriting.

use super::{EIO, N1, SECTOR, begin, durable, end, lose_power, on, on_a_machine, outcomes, steer};
use crate::two_worlds::errno;
use host::disk::{Disk, OpenOptions};
use host::world::{Decay, DiskFault};

const EVERY_SECTOR_FLIPS: DiskFault = DiskFault::BitFlip { probability: 1.0 };
const ALL_GOES_ASTRAY: DiskFault = DiskFault::Misdirect { probability: 1.0 };

fn drop_caches() {
    steer(|world| world.drop_disk_caches(N1));
}

/// How many bits of a file are set.
async fn bits(disk: &Disk) -> u32 {
    disk.read("file").await.unwrap().iter().map(|byte| byte.count_ones()).sum()
}

#[test]
fn a_flipped_bit_shows_when_the_cache_is_gone_and_heals_by_overwriting() {
    for lose_cache in [drop_caches, lose_power] {
        on_a_machine(1, |cluster| async move {
            begin(EVERY_SECTOR_FLIPS);
            on(&cluster, async |disk| {
                durable(&disk, "file", &[0; 4 * SECTOR]).await;
                assert_eq!(bits(&disk).await, 0, "the cache has the right bytes");
            })
            .await;
            end(EVERY_SECTOR_FLIPS);
            lose_cache();
            on(&cluster, async |disk| {
                let bytes = disk.read("file").await.unwrap();
                assert!(
                    bytes
                        .chunks(SECTOR)
                        .all(|sector| sector.iter().map(|b| b.count_ones()).sum::<u32>() == 1)
                );
                let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
                file.write_all_at(&[0; 2 * SECTOR], 0).await.unwrap();
                file.sync_all().await.unwrap();
            })
            .await;
            lose_cache();
            on(&cluster, async |disk| assert_eq!(bits(&disk).await, 2, "two sectors are as they were")).await;
        });
    }
}

#[test]
fn writing_a_cached_page_back_heals_a_flip_beside_the_write() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[0; SECTOR]).await).await;
        steer(|world| world.decay_disk(N1, 1, Decay::Flip));
        on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(&[0], 7).await.unwrap();
            file.sync_all().await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 0)).await;
    });
}

#[test]
fn a_flip_that_was_read_before_the_write_stays_beside_it() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[0; SECTOR]).await).await;
        steer(|world| world.decay_disk(N1, 1, Decay::Flip));
        lose_power();
        on(&cluster, async |disk| {
            let flipped = disk.read("file").await.unwrap().iter().position(|byte| *byte != 0).unwrap();
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(&[0], (flipped as u64 + 1) % SECTOR as u64).await.unwrap();
            file.sync_all().await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 1)).await;
    });
}

#[test]
fn a_misdirected_write_leaves_its_place_as_it_was_and_spoils_another() {
    let outcomes = outcomes(60, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", &[b'o'; 4 * SECTOR]).await;
            durable(&disk, "victim", &[b'v'; 4 * SECTOR]).await;
        })
        .await;
        begin(ALL_GOES_ASTRAY);
        on(&cluster, async |disk| {
            let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(&[b'n'; SECTOR], SECTOR as u64).await.unwrap();
            file.sync_all().await.expect("the device believes it");
            assert_eq!(disk.read("file").await.unwrap()[SECTOR], b'n', "and so does the cache");
        })
        .await;
        end(ALL_GOES_ASTRAY);
        drop_caches();
        on(&cluster, async |disk| {
            let both = [disk.read("file").await.unwrap(), disk.read("victim").await.unwrap()].concat();
            let sectors: String = both.chunks(SECTOR).map(|sector| char::from(sector[0])).collect();
            assert!(both.chunks(SECTOR).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
            sectors
        })
        .await
    });
    assert!(
        outcomes.iter().all(|sectors| sectors.matches('n').count() == 1),
        "it is somewhere: {outcomes:?}"
    );
    assert_eq!(outcomes.len(), 8, "which may be its own place, by chance: {outcomes:?}");
}

#[test]
fn a_misdirected_write_heals_when_either_place_is_written_again() {
    on_a_machine(2, |cluster| async move {
        begin(ALL_GOES_ASTRAY);
        on(&cluster, async |disk| durable(&disk, "file", &[1; 8 * SECTOR]).await).await;
        end(ALL_GOES_ASTRAY);
        on(&cluster, async |disk| durable(&disk, "file", &[2; 8 * SECTOR]).await).await;
        lose_power();
        assert_eq!(on(&cluster, async |disk| disk.read("file").await.unwrap()).await, [2; 8 * SECTOR]);
    });
}

#[test]
fn a_sector_that_decayed_silently_has_one_bit_wrong() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[0; 100]).await).await;
        assert_eq!(
            steer(|world| world.decay_disk(N1, 1, Decay::Flip)),
            1,
            "there is one sector to pick from"
        );
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 0)).await;
        drop_caches();
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 1)).await;
    });
}

#[test]
fn decay_shows_at_once_where_nobody_has_read_since_the_boot() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[0; 100]).await).await;
        lose_power();
        steer(|world| world.decay_disk(N1, 1, Decay::Flip));
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 1)).await;
        steer(|world| world.decay_disk(N1, 1, Decay::Flip));
        on(&cluster, async |disk| assert_eq!(bits(&disk).await, 1, "now it is cached")).await;
    });
}

#[test]
fn an_unreadable_sector_fails_reads_that_touch_it_until_it_is_overwritten() {
    on_a_machine(1, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[5; 3 * SECTOR]).await).await;
        assert_eq!(steer(|world| world.decay_disk(N1, 100, Decay::Unreadable)), 3);
        assert_eq!(
            on(&cluster, async |disk| disk.read("file").await.unwrap()).await,
            [5; 3 * SECTOR],
            "cached"
        );
        lose_power();
        on(&cluster, async |disk| {
            let file = OpenOptions::new().read(true).write(true).open(&disk, "file").await.unwrap();
            assert_eq!(errno(file.read_at(&mut [0; 1], 0).await), EIO);
            file.write_all_at(&[6; SECTOR], SECTOR as u64).await.unwrap();
            let mut sector = [0; SECTOR];
            file.read_exact_at(&mut sector, SECTOR as u64).await.unwrap();
            assert_eq!(sector, [6; SECTOR]);
            assert_eq!(errno(file.read_at(&mut [0; 2], SECTOR as u64 - 1).await), EIO);
            assert_eq!(errno(file.read_at(&mut [0; 2], 2 * SECTOR as u64 - 1).await), EIO);
            file.sync_all().await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| {
            let file = disk.open("file").await.unwrap();
            file.read_exact_at(&mut [0; SECTOR], SECTOR as u64).await.unwrap();
            assert_eq!(errno(disk.read("file").await), EIO);
        })
        .await;
    });
}

#[test]
fn an_overwrite_that_was_not_synced_does_not_heal_for_good() {
    let outcomes = outcomes(30, |cluster| async move {
        on(&cluster, async |disk| durable(&disk, "file", &[5; SECTOR]).await).await;
        steer(|world| world.decay_disk(N1, 20, Decay::Unreadable));
        lose_power();
        on(&cluster, async |disk| {
            let file = OpenOptions::new().read(true).write(true).open(&disk, "file").await.unwrap();
            file.write_all_at(&[6; SECTOR], 0).await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.ok()).await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [None, Some(vec![6; SECTOR])]);
}

#[test]
fn an_empty_disk_does_not_decay() {
    on_a_machine(1, |_| async {
        assert_eq!(steer(|world| world.decay_disk(N1, 10, Decay::Flip)), 0);
    });
}
