//! Bytes: what was written is what is read.

use crate::two_worlds::{EINVAL, errno, noise, on_a_disk};
use futures::future::join_all;
use host::disk::OpenOptions;
use std::io::ErrorKind;
use std::sync::Arc;

#[test]
fn what_was_written_is_read_back() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        assert_eq!(file.write_at(b"hello, disk", 0).await.unwrap(), 11);
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, 7).await.unwrap();
        assert_eq!(&bytes, b"disk");
        assert_eq!(disk.read("file").await.unwrap(), b"hello, disk");
    });
}

#[test]
fn a_read_at_the_end_is_short_and_one_beyond_it_is_empty() {
    on_a_disk(async |disk| {
        disk.write("file", b"0123456789").await.unwrap();
        let file = disk.open("file").await.unwrap();
        let mut bytes = [7; 8];
        assert_eq!(file.read_at(&mut bytes, 6).await.unwrap(), 4);
        assert_eq!(&bytes, b"6789\x07\x07\x07\x07");
        assert_eq!(file.read_at(&mut bytes, 10).await.unwrap(), 0);
        assert_eq!(file.read_at(&mut bytes, 1 << 40).await.unwrap(), 0);
        assert_eq!(file.read_at(&mut [], 0).await.unwrap(), 0);
    });
}

#[test]
fn reading_exactly_more_than_there_is_fails() {
    on_a_disk(async |disk| {
        disk.write("file", b"short").await.unwrap();
        let file = disk.open("file").await.unwrap();
        let outcome = file.read_exact_at(&mut [0; 6], 0).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        file.read_exact_at(&mut [0; 5], 0).await.unwrap();
    });
}

#[test]
fn a_hole_reads_as_zeros() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        file.write_all_at(b"far", 100_000).await.unwrap();
        file.write_all_at(b"near", 10).await.unwrap();
        let bytes = disk.read("file").await.unwrap();
        assert_eq!(bytes.len(), 100_003);
        assert_eq!((&bytes[10..14], &bytes[100_000..]), (&b"near"[..], &b"far"[..]));
        assert!(bytes[..10].iter().chain(&bytes[14..100_000]).all(|byte| *byte == 0));
    });
}

#[test]
fn an_overwrite_changes_what_it_covers_and_nothing_else() {
    on_a_disk(async |disk| {
        let mut expected = noise(20_000, 1);
        disk.write("file", &expected).await.unwrap();
        let file = OpenOptions::new().write(true).open(&disk, "file").await.unwrap();
        for (offset, len) in [(0, 1), (4095, 2), (4096, 4096), (511, 514), (19_999, 1)] {
            let bytes = noise(len, offset as u64 + 2);
            file.write_all_at(&bytes, offset as u64).await.unwrap();
            expected[offset..offset + len].copy_from_slice(&bytes);
        }
        assert_eq!(disk.read("file").await.unwrap(), expected);
    });
}

#[test]
fn an_empty_write_changes_nothing_also_beyond_the_end() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        assert_eq!(file.write_at(b"", 500).await.unwrap(), 0);
        assert_eq!(file.len().await.unwrap(), 0);
    });
}

#[test]
fn a_large_file_holds_every_byte() {
    on_a_disk(async |disk| {
        let bytes = noise(3_000_000, 9);
        disk.write("file", &bytes).await.unwrap();
        assert!(disk.read("file").await.unwrap() == bytes);
        let mut middle = vec![0; 1_000_000];
        disk.open("file").await.unwrap().read_exact_at(&mut middle, 1_234_567).await.unwrap();
        assert!(middle == bytes[1_234_567..2_234_567]);
    });
}

#[test]
fn an_append_tells_where_it_wrote() {
    on_a_disk(async |disk| {
        let log = OpenOptions::new().append(true).create(true).open(&disk, "log").await.unwrap();
        assert_eq!(log.append(b"one").await.unwrap(), 0);
        assert_eq!(log.append(b"three").await.unwrap(), 3);
        assert_eq!(log.append(b"").await.unwrap(), 8);
        let again = OpenOptions::new().append(true).open(&disk, "log").await.unwrap();
        assert_eq!(again.append(b"!").await.unwrap(), 8);
        assert_eq!(disk.read("log").await.unwrap(), b"onethree!");
    });
}

#[test]
fn an_append_goes_to_the_end_that_others_have_moved() {
    on_a_disk(async |disk| {
        let log = OpenOptions::new().append(true).create(true).open(&disk, "log").await.unwrap();
        log.append(b"12345678").await.unwrap();
        let file = OpenOptions::new().write(true).open(&disk, "log").await.unwrap();
        file.set_len(2).await.unwrap();
        assert_eq!(log.append(b"x").await.unwrap(), 2);
        file.write_all_at(b"y", 5).await.unwrap();
        assert_eq!(log.append(b"z").await.unwrap(), 6);
        assert_eq!(disk.read("log").await.unwrap(), b"12x\0\0yz");
    });
}

#[test]
fn concurrent_appends_do_not_overlap() {
    on_a_disk(async |disk| {
        let options = OpenOptions::new().append(true).create(true);
        let one = Arc::new(options.open(&disk, "log").await.unwrap());
        let other = Arc::new(options.open(&disk, "log").await.unwrap());
        let appends = (0..64u8).map(|number| {
            let log = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move { (number, log.append(&[number; 37]).await.unwrap()) })
        });
        let appended = join_all(appends.collect::<Vec<_>>()).await;
        let bytes = disk.read("log").await.unwrap();
        assert_eq!(bytes.len(), 64 * 37);
        for (number, offset) in appended.into_iter().map(Result::unwrap) {
            assert!(
                bytes[offset as usize..][..37].iter().all(|byte| *byte == number),
                "{number} at {offset}"
            );
        }
    });
}

#[test]
fn concurrent_writes_at_different_places_all_arrive() {
    on_a_disk(async |disk| {
        let file = Arc::new(disk.create("file").await.unwrap());
        let writes = (0..50u8).map(|number| {
            let file = file.clone();
            tokio::spawn(
                async move { file.write_all_at(&[number; 100], u64::from(number) * 100).await.unwrap() },
            )
        });
        join_all(writes.collect::<Vec<_>>()).await;
        let bytes = disk.read("file").await.unwrap();
        assert_eq!(bytes, (0..50).flat_map(|number| [number; 100]).collect::<Vec<u8>>());
    });
}

#[test]
fn a_shorter_length_cuts_off_and_a_longer_one_adds_zeros() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        file.write_all_at(&[9; 10_000], 0).await.unwrap();
        file.set_len(100).await.unwrap();
        assert_eq!(file.len().await.unwrap(), 100);
        file.set_len(10_000).await.unwrap();
        let bytes = disk.read("file").await.unwrap();
        assert_eq!(bytes.len(), 10_000);
        assert!(bytes[..100].iter().all(|byte| *byte == 9));
        assert!(bytes[100..].iter().all(|byte| *byte == 0), "what was cut off does not come back");
    });
}

#[test]
fn a_cut_file_that_is_written_to_beyond_its_end_has_zeros_between() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        file.write_all_at(&[9; 5000], 0).await.unwrap();
        file.set_len(4).await.unwrap();
        file.write_all_at(b"end", 4500).await.unwrap();
        let bytes = disk.read("file").await.unwrap();
        assert!(
            bytes[..4] == [9; 4] && bytes[4..4500].iter().all(|byte| *byte == 0) && &bytes[4500..] == b"end"
        );
    });
}

#[test]
fn a_place_that_no_file_can_have_is_refused() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        assert_eq!(errno(file.write_at(b"x", u64::MAX).await), EINVAL);
        assert_eq!(errno(file.read_at(&mut [0], u64::MAX).await), EINVAL);
        // std itself refuses a length that is no i64, before the system is asked.
        let outcome = file.set_len(u64::MAX).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(errno(file.write_at(b"x", i64::MAX as u64).await), EINVAL);
        assert_eq!(errno(file.read_at(&mut [0], i64::MAX as u64).await), EINVAL);
        // ext4's limit; other file systems have theirs.
        #[cfg(madsim)]
        assert_eq!(errno(file.write_at(b"x", 16 << 40).await), 27);
        assert_eq!(file.len().await.unwrap(), 0);
    });
}

#[test]
fn writing_a_whole_file_replaces_all_that_was_in_it() {
    on_a_disk(async |disk| {
        disk.write("file", noise(9000, 3)).await.unwrap();
        disk.write("file", b"less").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"less");
        disk.write("file", b"").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"");
    });
}

#[test]
fn syncing_changes_nothing_that_a_reader_sees() {
    on_a_disk(async |disk| {
        let file = disk.create("file").await.unwrap();
        file.sync_all().await.unwrap();
        file.write_all_at(b"one", 0).await.unwrap();
        file.sync_data().await.unwrap();
        file.write_all_at(b"two", 3).await.unwrap();
        file.sync_all().await.unwrap();
        file.sync_all().await.unwrap();
        disk.sync_dir(".").await.unwrap();
        assert_eq!(disk.read("file").await.unwrap(), b"onetwo");
    });
}
