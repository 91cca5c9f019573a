//! What a power loss leaves of names.

use super::{appending, durable, lose_power, on, outcomes, with_disk, without_garbage};
use crate::support::Cluster;
use host::disk::{Disk, OpenOptions};
use host::world::{DirectoryOrder, DiskSettings};
use std::collections::BTreeSet;

const BOTH: [DirectoryOrder; 2] = [DirectoryOrder::Ordered, DirectoryOrder::Weak];

/// Every outcome in this many seeds, on a file system of this kind.
fn outcomes_on<T: Ord + Send, F: Future<Output = T>>(
    directories: DirectoryOrder,
    seeds: u64,
    case: impl Fn(Cluster) -> F + Send + Sync,
) -> BTreeSet<T> {
    (0..seeds).map(|seed| with_disk(seed, DiskSettings { directories, ..without_garbage() }, &case)).collect()
}

/// The names in the root, without the order of their making.
async fn names(disk: &Disk) -> String {
    let names = disk.read_dir(".").await.unwrap();
    names.iter().map(|name| name.to_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_rename_without_sync_dir_may_be_undone_and_is_never_half_done() {
    for order in BOTH {
        let outcomes = outcomes_on(order, 40, |cluster| async move {
            on(&cluster, async |disk| {
                durable(&disk, "file", b"old").await;
                durable(&disk, "file.new", b"new").await;
                disk.rename("file.new", "file").await.unwrap();
            })
            .await;
            lose_power();
            on(&cluster, async |disk| (names(&disk).await, disk.read("file").await.unwrap())).await
        });
        let expected = [("file".to_owned(), b"new".to_vec()), ("file file.new".to_owned(), b"old".to_vec())];
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), expected, "{order:?}");
    }
}

#[test]
fn a_rename_between_directories_is_never_half_done_either() {
    for order in BOTH {
        let outcomes = outcomes_on(order, 40, |cluster| async move {
            on(&cluster, async |disk| {
                disk.create_dir("a").await.unwrap();
                disk.create_dir("b").await.unwrap();
                disk.write("a/file", b"").await.unwrap();
                disk.sync_dir("a").await.unwrap();
                disk.sync_dir(".").await.unwrap();
                disk.rename("a/file", "b/file").await.unwrap();
            })
            .await;
            lose_power();
            on(&cluster, async |disk| {
                (disk.exists("a/file").await.unwrap(), disk.exists("b/file").await.unwrap())
            })
            .await
        });
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(false, true), (true, false)], "{order:?}");
    }
}

#[test]
fn a_rename_is_durable_when_either_directory_was_synced() {
    for order in BOTH {
        for synced in ["a", "b"] {
            let outcomes = outcomes_on(order, 20, |cluster| async move {
                on(&cluster, async move |disk| {
                    disk.create_dir("a").await.unwrap();
                    disk.create_dir("b").await.unwrap();
                    disk.sync_dir(".").await.unwrap();
                    disk.write("a/file", b"").await.unwrap();
                    disk.rename("a/file", "b/file").await.unwrap();
                    disk.sync_dir(synced).await.unwrap();
                })
                .await;
                lose_power();
                on(&cluster, async |disk| disk.exists("b/file").await.unwrap()).await
            });
            assert_eq!(outcomes, BTreeSet::from([true]), "{order:?}, {synced}");
        }
    }
}

#[test]
fn a_replacement_shows_the_old_bytes_or_the_new_ones_and_no_others() {
    for order in BOTH {
        let outcomes = outcomes_on(order, 60, |cluster| async move {
            on(&cluster, async |disk| {
                durable(&disk, "file", &[b'o'; 3000]).await;
                let file = disk.create("file.new").await.unwrap();
                file.write_all_at(&[b'n'; 4000], 0).await.unwrap();
                file.sync_all().await.unwrap();
                disk.rename("file.new", "file").await.unwrap();
            })
            .await;
            lose_power();
            on(&cluster, async |disk| disk.read("file").await.unwrap()).await
        });
        assert_eq!(outcomes, BTreeSet::from([vec![b'o'; 3000], vec![b'n'; 4000]]), "{order:?}");
    }
}

#[test]
fn a_replacement_whose_bytes_were_not_synced_may_be_empty() {
    let outcomes = outcomes(60, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "file", b"old").await;
            disk.write("file.new", b"new").await.unwrap();
            disk.rename("file.new", "file").await.unwrap();
            disk.sync_dir(".").await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.unwrap()).await
    });
    assert!(outcomes.contains(&b""[..]) && outcomes.contains(&b"new"[..]), "{outcomes:?}");
    assert!(!outcomes.contains(&b"old"[..]), "the rename itself is durable");
}

#[test]
fn a_file_without_a_durable_name_may_be_gone_though_its_bytes_were_synced() {
    let outcomes = outcomes(30, |cluster| async move {
        on(&cluster, async |disk| {
            let file = disk.create("file").await.unwrap();
            file.write_all_at(b"synced", 0).await.unwrap();
            file.sync_all().await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| disk.read("file").await.ok()).await
    });
    assert_eq!(outcomes, BTreeSet::from([None, Some(b"synced".to_vec())]));
}

#[test]
fn a_removed_file_may_come_back_until_its_directory_was_synced() {
    let case = |synced: bool| {
        outcomes(30, move |cluster| async move {
            on(&cluster, async move |disk| {
                durable(&disk, "file", b"undead").await;
                disk.remove_file("file").await.unwrap();
                if synced {
                    disk.sync_dir(".").await.unwrap();
                }
            })
            .await;
            lose_power();
            on(&cluster, async |disk| disk.read("file").await.ok()).await
        })
    };
    assert_eq!(case(false), BTreeSet::from([None, Some(b"undead".to_vec())]));
    assert_eq!(case(true), BTreeSet::from([None]));
}

#[test]
fn an_append_after_a_rename_survives() {
    for order in BOTH {
        outcomes_on(order, 20, |cluster| async move {
            on(&cluster, async |disk| {
                let log = appending().open(&disk, "log").await.unwrap();
                log.append(b"before").await.unwrap();
                disk.rename("log", "log.1").await.unwrap();
                log.append(b", after").await.unwrap();
                log.sync_data().await.unwrap();
                disk.sync_dir(".").await.unwrap();
            })
            .await;
            lose_power();
            assert_eq!(on(&cluster, async |disk| disk.read("log.1").await.unwrap()).await, b"before, after");
        });
    }
}

#[test]
fn a_sync_through_the_handle_of_a_renamed_and_replaced_name_reaches_the_right_file() {
    outcomes(20, |cluster| async move {
        on(&cluster, async |disk| {
            let first = disk.create("file").await.unwrap();
            disk.rename("file", "first").await.unwrap();
            let second = disk.create("file").await.unwrap();
            first.write_all_at(b"one", 0).await.unwrap();
            second.write_all_at(b"two", 0).await.unwrap();
            first.sync_all().await.unwrap();
            second.sync_all().await.unwrap();
            disk.sync_dir(".").await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| {
            assert_eq!(disk.read("first").await.unwrap(), b"one");
            assert_eq!(disk.read("file").await.unwrap(), b"two");
        })
        .await;
    });
}

#[test]
fn ordered_directories_keep_a_prefix_and_weak_ones_any_part_of_the_changes() {
    let case = |order| {
        outcomes_on(order, 200, |cluster| async move {
            on(&cluster, async |disk| {
                for name in ["1", "2", "3"] {
                    disk.write(name, b"").await.unwrap();
                }
            })
            .await;
            lose_power();
            on(&cluster, async |disk| names(&disk).await).await
        })
    };
    assert_eq!(case(DirectoryOrder::Ordered).into_iter().collect::<Vec<_>>(), ["", "1", "1 2", "1 2 3"]);
    assert_eq!(case(DirectoryOrder::Weak).len(), 8);
}

#[test]
fn weak_directories_keep_the_history_of_a_name_and_of_a_file_in_order() {
    let outcomes = outcomes_on(DirectoryOrder::Weak, 200, |cluster| async move {
        on(&cluster, async |disk| {
            durable(&disk, "a", b"first").await;
            disk.rename("a", "b").await.unwrap();
            disk.rename("b", "c").await.unwrap();
            let second = disk.create("a").await.unwrap();
            second.write_all_at(b"second", 0).await.unwrap();
            second.sync_all().await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| {
            let mut all = String::new();
            for name in disk.read_dir(".").await.unwrap() {
                let bytes = disk.read(&name).await.unwrap();
                all += &format!("{}={} ", name.to_str().unwrap(), String::from_utf8(bytes).unwrap());
            }
            all
        })
        .await
    });
    let expected = ["a=first ", "a=second b=first ", "a=second c=first ", "b=first ", "c=first "];
    assert_eq!(
        outcomes.into_iter().collect::<Vec<_>>(),
        expected,
        "the first file is always somewhere, once"
    );
}

#[test]
fn a_weak_sync_of_one_directory_says_nothing_about_another() {
    let outcomes = outcomes_on(DirectoryOrder::Weak, 40, |cluster| async move {
        on(&cluster, async |disk| {
            disk.create_dir("a").await.unwrap();
            disk.create_dir("b").await.unwrap();
            disk.sync_dir(".").await.unwrap();
            disk.write("a/file", b"").await.unwrap();
            disk.write("b/file", b"").await.unwrap();
            disk.sync_dir("b").await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| {
            (disk.exists("a/file").await.unwrap(), disk.exists("b/file").await.unwrap())
        })
        .await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(false, true), (true, true)]);
}

#[test]
fn what_is_in_a_directory_without_a_durable_name_goes_with_it() {
    let outcomes = outcomes_on(DirectoryOrder::Weak, 40, |cluster| async move {
        on(&cluster, async |disk| {
            disk.create_dir("dir").await.unwrap();
            disk.write("dir/file", b"").await.unwrap();
            disk.sync_dir("dir").await.unwrap();
        })
        .await;
        lose_power();
        on(&cluster, async |disk| (disk.exists("dir").await.unwrap(), disk.exists("dir/file").await.unwrap()))
            .await
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(false, false), (true, true)]);
}

#[test]
fn directories_that_moved_into_each_other_do_not_end_up_inside_themselves() {
    for seed in 0..100 {
        let settings = DiskSettings { directories: DirectoryOrder::Weak, ..without_garbage() };
        with_disk(seed, settings, |cluster| async move {
            on(&cluster, async |disk| {
                disk.create_dir("a").await.unwrap();
                disk.create_dir("b").await.unwrap();
                disk.sync_dir(".").await.unwrap();
                disk.rename("a", "b/a").await.unwrap();
                disk.rename("b/a", "c").await.unwrap();
                disk.rename("b", "c/b").await.unwrap();
            })
            .await;
            lose_power();
            on(&cluster, async |disk| {
                let (mut found, mut open) = (0, vec![".".to_owned()]);
                while let Some(path) = open.pop() {
                    for name in disk.read_dir(&path).await.unwrap() {
                        found += 1;
                        open.push(format!("{path}/{}", name.to_str().unwrap()));
                    }
                }
                assert_eq!(found, 2, "both directories can be reached");
            })
            .await;
        });
    }
}

#[test]
fn a_disk_opened_at_a_folder_does_not_lose_the_folder() {
    for order in BOTH {
        outcomes_on(order, 20, |cluster| async move {
            on(&cluster, async |_| Disk::at("var/lib/node").await.unwrap()).await;
            lose_power();
            on(&cluster, async |disk| assert!(disk.metadata("var/lib/node").await.unwrap().is_dir())).await;
        });
    }
}

#[test]
fn the_kernel_commits_by_itself_when_very_many_changes_are_pending() {
    outcomes(3, |cluster| async move {
        on(&cluster, async |disk| {
            let new = OpenOptions::new().write(true).create_new(true);
            for number in 0..5000 {
                new.open(&disk, format!("{number:04}")).await.unwrap();
            }
        })
        .await;
        lose_power();
        let left = on(&cluster, async |disk| disk.read_dir(".").await.unwrap().len()).await;
        assert!(left >= 2048, "{left} of 5000 names are left");
    });
}
