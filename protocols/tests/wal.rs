//! The write-ahead log on files of the operating system. `tests/wal` of the workspace has it on disks that fail.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::common::wal::{self, AppendError, Lsn, OpenError, Options, Recovered, Snapshot};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const OPTIONS: Options = Options {
    segment_bytes: 500,
    record_bytes_max: 300,
    patience: std::time::Duration::from_secs(60),
    snapshots_kept: 1,
    keeps_torn_tail: false,
};

struct Case {
    folder: TempDir,
    disk: Disk,
}

impl Case {
    async fn new() -> Case {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::at(folder.path()).await.unwrap();
        Case { folder, disk }
    }

    /// Appends and commits so many records, numbered, each with a commit of its own.
    async fn write(&self, records: u64) {
        let (log, mut writer, _) = wal::open(&self.disk, "log", OPTIONS).await.unwrap();
        for _ in 0..records {
            let lsn = log.append(&record(log.last().0 + 1)).unwrap();
            assert_eq!(writer.commit().await.unwrap(), lsn);
        }
    }

    async fn read(&self) -> Result<Recovered, OpenError> {
        wal::open(&self.disk, "log", OPTIONS).await.map(|(_, _, recovered)| recovered)
    }

    /// The files of one kind, in order.
    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.folder.path().join("log")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            all.filter(|path| path.extension().is_some_and(|extension| extension == kind)).collect();
        files.sort();
        files
    }
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record {lsn} ").repeat(4).into_bytes()
}

fn numbered(recovered: &Recovered) -> Vec<u64> {
    for (lsn, bytes) in &recovered.records {
        assert_eq!(*bytes, record(lsn.0));
    }
    recovered.records.iter().map(|(lsn, _)| lsn.0).collect()
}

#[tokio::test]
async fn a_log_is_there_when_it_is_opened_again() {
    let case = Case::new().await;
    assert!(numbered(&case.read().await.unwrap()).is_empty());
    case.write(3).await;
    case.write(2).await;
    assert_eq!(numbered(&case.read().await.unwrap()), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn segments_rotate_and_a_snapshot_takes_their_place() {
    let case = Case::new().await;
    case.write(40).await;
    assert!(case.files("log").len() > 3);
    let (log, mut writer, _) = wal::open(&case.disk, "log", OPTIONS).await.unwrap();
    assert!(writer.bytes_since_snapshot() > 40 * 40);
    assert!(writer.snapshot(Lsn(40), b"forty").await.unwrap());
    assert_eq!((case.files("log").len(), case.files("snapshot").len()), (1, 1));
    assert_eq!(writer.bytes_since_snapshot(), 0);
    log.append(&record(41)).unwrap();
    writer.commit().await.unwrap();
    let recovered = case.read().await.unwrap();
    assert_eq!(recovered.snapshot, Some(Snapshot { upto: Lsn(40), state: b"forty".to_vec() }));
    assert_eq!(numbered(&recovered), [41]);
}

#[tokio::test]
async fn a_snapshot_may_be_ahead_of_what_is_committed() {
    let case = Case::new().await;
    case.write(2).await;
    let (log, mut writer, _) = wal::open(&case.disk, "log", OPTIONS).await.unwrap();
    log.append(&record(3)).unwrap();
    log.append(&record(4)).unwrap();
    assert!(writer.snapshot(Lsn(3), b"three").await.unwrap());
    // Neither 3 nor 4 was written. The log goes on behind the snapshot.
    drop((log, writer));
    let recovered = case.read().await.unwrap();
    assert_eq!(recovered.snapshot, Some(Snapshot { upto: Lsn(3), state: b"three".to_vec() }));
    assert!(numbered(&recovered).is_empty());
    case.write(2).await;
    assert_eq!(numbered(&case.read().await.unwrap()), [4, 5]);
}

#[tokio::test]
async fn one_commit_is_for_all_who_wait() {
    let case = Case::new().await;
    let (log, mut writer, _) = wal::open(&case.disk, "log", OPTIONS).await.unwrap();
    let waiting: Vec<_> = (1..=100)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move {
                let lsn = log.append(&[number]).unwrap();
                log.durable(lsn).await.unwrap();
            })
        })
        .collect();
    while log.last() < Lsn(100) {
        tokio::task::yield_now().await;
    }
    assert_eq!(writer.commit().await.unwrap(), Lsn(100));
    for waiter in waiting {
        waiter.await.unwrap();
    }
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused_and_costs_no_number() {
    let case = Case::new().await;
    let (log, _writer, _) = wal::open(&case.disk, "log", OPTIONS).await.unwrap();
    let refused = log.append(&[0; 301]).unwrap_err();
    assert!(matches!(refused, AppendError::TooLong { bytes: 301, max: 300 }), "{refused}");
    assert_eq!(log.append(&[0; 300]).unwrap(), Lsn(1));
}

#[tokio::test]
async fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let case = Case::new().await;
    case.write(3).await;
    let segment = case.files("log").pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    let third = whole.len() - (4 + 4 + 4 + 8) - 4 - record(3).len();
    for torn in third..whole.len() {
        fs::write(&segment, &whole[..torn]).unwrap();
        let recovered = case.read().await.unwrap();
        assert_eq!(numbered(&recovered), [1, 2], "torn at {torn} of {}", whole.len());
        assert_eq!(recovered.cut_bytes, (torn - third) as u64);
    }
    // It is gone for good, and the log goes on.
    case.write(1).await;
    assert_eq!(numbered(&case.read().await.unwrap()), [1, 2, 3]);
}

#[tokio::test]
async fn corruption_in_the_middle_is_reported_with_its_place() {
    let case = Case::new().await;
    case.write(30).await;
    let segments = case.files("log");
    let (first, last) = (&segments[0], &segments[segments.len() - 1]);
    for (segment, at) in [(first, 5), (first, 100), (last, 40)] {
        let whole = fs::read(segment).unwrap();
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(segment, &flipped).unwrap();
        let told = case.read().await.unwrap_err();
        let OpenError::Corrupt { file, offset, .. } = &told else { panic!("{told}") };
        assert!(segment.ends_with(file), "{file}");
        assert!(*offset <= at as u64 && at as u64 - offset < 100, "byte {at} is told as {offset}");
        fs::write(segment, &whole).unwrap();
        assert_eq!(numbered(&case.read().await.unwrap()).len(), 30);
    }
}

#[tokio::test]
async fn a_missing_segment_is_reported() {
    let case = Case::new().await;
    case.write(30).await;
    let second = case.files("log").remove(1);
    fs::remove_file(second).unwrap();
    let told = case.read().await.unwrap_err();
    assert!(matches!(told, OpenError::Missing { .. }), "{told}");
}

#[tokio::test]
async fn a_snapshot_that_does_not_check_out_is_reported() {
    let case = Case::new().await;
    case.write(3).await;
    let (_, mut writer, _) = wal::open(&case.disk, "log", OPTIONS).await.unwrap();
    writer.snapshot(Lsn(3), b"three").await.unwrap();
    let snapshot = case.files("snapshot").pop().unwrap();
    let mut bytes = fs::read(&snapshot).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&snapshot, bytes).unwrap();
    let told = case.read().await.unwrap_err();
    assert!(matches!(told, OpenError::Corrupt { offset: 0, .. }), "{told}");
}
