//! The write-ahead log on disks that fail: what the module promises, against an oracle that remembers everything.
//!
//! `protocols/tests/wal.rs` has what does not need a failing disk, on files of the operating system.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod oracle;

use futures::future::LocalBoxFuture;
use host::disk::Disk;
use host::world::lab::{self, Lab};
use host::world::{self, Config, Death, DiskFault, DiskSettings, Latency, MachineId};
use oracle::Oracle;
use protocols::common::wal::{self, AppendError, Log, Lsn, OpenError, Options, Recovered, Writer};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const N1: MachineId = MachineId::numbered(1);
const FOLDER: &str = "log";

/// Small, so that everything happens soon.
const OPTIONS: Options = Options {
    segment_bytes: 700,
    record_bytes_max: 300,
    patience: Duration::from_secs(5),
    snapshots_kept: 1,
    keeps_torn_tail: false,
};

/// A machine with a disk. The test is its operator.
struct Operator(Lab);

/// Runs a case in a world with one machine.
fn simulate<F: Future<Output = ()> + 'static>(seed: u64, case: impl FnOnce(Operator) -> F + Send + 'static) {
    run_boxed(seed, Box::new(move |operator| Box::pin(case(operator))));
}

/// Not generic: an executor for every case would take minutes to compile.
fn run_boxed(seed: u64, case: Box<dyn FnOnce(Operator) -> LocalBoxFuture<'static, ()> + Send>) {
    lab::run(Config::new(seed, lab::machines(1)), async |lab| {
        lab.machine();
        case(Operator(lab)).await;
    });
}

impl Operator {
    /// Does something on the machine, and waits for its end.
    async fn on<T, F>(&self, task: impl FnOnce(Disk) -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let filled = Arc::new(Mutex::new(None));
        let fills = filled.clone();
        self.start(async move {
            let done = task(Disk::of_this_machine()).await;
            *fills.lock().unwrap() = Some(done);
        })
        .await
        .expect("the machine lives as long as its task");
        let done = filled.lock().unwrap().take();
        done.expect("the task is done")
    }

    /// Starts something on the machine.
    fn start(&self, task: impl Future<Output = ()> + Send + 'static) -> madsim::task::JoinHandle<()> {
        self.0.on(N1, task)
    }

    fn die(&self, death: Death) {
        world::crash(N1, death);
        world::restart(N1);
    }
}

fn begin(fault: DiskFault) {
    world::with(|world| world.set_disk_fault(N1, fault)).expect("the fault is in range");
}

fn end(fault: DiskFault) {
    assert!(world::with(|world| world.clear_disk_fault(N1, fault)), "{fault:?} is under way");
}

async fn open(disk: &Disk) -> (Log, Writer, Recovered) {
    wal::open(disk, FOLDER, OPTIONS).await.unwrap()
}

/// How many records there are, by the number of the last.
fn found(recovered: &Recovered) -> u64 {
    let snapshot = recovered.snapshot.as_ref().map_or(0, |snapshot| snapshot.upto.0);
    recovered.records.last().map_or(snapshot, |(lsn, _)| lsn.0)
}

/// Lives of a machine, each as long as chance has it, with a log that is written to all the time.
fn lives(seeds: std::ops::Range<u64>, deaths: &'static [Death], fault: Option<DiskFault>) {
    for seed in seeds {
        simulate(seed, move |operator| async move {
            let slow =
                DiskSettings { sync: Latency::constant(Duration::from_millis(2)), ..DiskSettings::default() };
            world::with(|world| world.set_disk(N1, slow)).unwrap();
            let oracle = Arc::new(Mutex::new(Oracle::new(seed)));
            for life in 0..8 {
                let (mine, disk_fails) = (oracle.clone(), fault.is_some());
                if let Some(fault) = fault.filter(|_| life % 2 == 1) {
                    begin(fault);
                }
                operator.start(async move { oracle::live(&mine, disk_fails).await });
                let lasts = oracle.lock().unwrap().draw(5, 60);
                tokio::time::sleep(Duration::from_millis(lasts)).await;
                operator.die(deaths[life % deaths.len()]);
                if let Some(fault) = fault.filter(|_| life % 2 == 1) {
                    end(fault);
                }
            }
            let mine = oracle.clone();
            operator
                .on(move |disk| async move {
                    let (_, _, recovered) = open(&disk).await;
                    mine.lock().unwrap().check(&recovered);
                })
                .await;
            assert!(oracle.lock().unwrap().committed > 0, "seed {seed}: nothing happened");
        });
    }
}

#[test]
fn what_was_committed_survives_every_loss_of_power_and_the_rest_is_a_prefix() {
    lives(0..60, &[Death::Power], None);
}

#[test]
fn what_was_committed_survives_every_mix_of_deaths() {
    lives(60..120, &[Death::Process, Death::Power, Death::Process, Death::Process, Death::Power], None);
}

#[test]
fn what_was_committed_survives_syncs_that_fail() {
    for drop_cache in [false, true] {
        let fault = DiskFault::SyncError { probability: 0.2, drop_cache };
        lives(0..40, &[Death::Process, Death::Power], Some(fault));
    }
}

#[test]
fn what_was_committed_survives_writes_that_fail() {
    lives(0..40, &[Death::Process, Death::Power], Some(DiskFault::WriteError { probability: 0.1 }));
}

#[test]
fn what_was_committed_survives_a_disk_that_is_full_now_and_then() {
    lives(0..40, &[Death::Process, Death::Power], Some(DiskFault::Full));
}

#[test]
fn after_a_failed_sync_the_log_takes_nothing_more() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let (log, mut writer, _) = open(&disk).await;
                log.append(b"one").unwrap();
                writer.commit().await.unwrap();
                log.append(b"two").unwrap();
                let fault = DiskFault::SyncError { probability: 1.0, drop_cache: false };
                begin(fault);
                writer.commit().await.unwrap_err();
                end(fault);
                // The next sync would succeed, and say nothing of what this one has lost.
                assert!(matches!(log.append(b"three"), Err(AppendError::Failed(_))));
                writer.commit().await.unwrap_err();
                log.durable(Lsn(2)).await.unwrap_err();
            })
            .await;
    });
}

/// The page cache shows what the disk does not have. What was read of it must be on the disk before it is believed.
#[test]
fn what_open_has_returned_survives_although_it_was_in_the_cache_only() {
    for seed in 0..40 {
        simulate(seed, |operator| async move {
            operator
                .on(|disk| async move {
                    let (log, mut writer, _) = open(&disk).await;
                    log.append(&[7; 200]).unwrap();
                    let fault = DiskFault::SyncError { probability: 1.0, drop_cache: false };
                    begin(fault);
                    writer.commit().await.unwrap_err();
                    end(fault);
                })
                .await;
            operator.die(Death::Process);
            let read = operator.on(|disk| async move { found(&open(&disk).await.2) }).await;
            assert_eq!(read, 1, "the cache has it");
            operator.die(Death::Power);
            let read = operator.on(|disk| async move { found(&open(&disk).await.2) }).await;
            assert_eq!(read, 1, "and now the disk has it");
        });
    }
}

#[test]
fn a_full_disk_refuses_what_is_new_and_keeps_what_is_queued() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let (log, mut writer, _) = open(&disk).await;
                log.append(&[1; 200]).unwrap();
                writer.commit().await.unwrap();
                begin(DiskFault::Full);
                // What fits into the last page fits.
                let mut queued = 1;
                let committing = tokio::spawn(async move {
                    loop {
                        if writer.commit().await.unwrap().0 >= 30 {
                            return writer;
                        }
                    }
                });
                let refused = loop {
                    match log.append(&[2; 200]) {
                        Ok(lsn) => queued = lsn.0,
                        Err(error) => break error,
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                };
                assert!(matches!(refused, AppendError::Full));
                assert!(queued < 30, "{queued} records of 200 bytes do not fit into a page");
                tokio::time::sleep(Duration::from_secs(30)).await;
                assert!(matches!(log.append(b"later"), Err(AppendError::Full)));
                end(DiskFault::Full);
                log.durable(Lsn(queued)).await.unwrap();
                while log.append(&[3; 200]).unwrap() < Lsn(30) {}
                committing.await.unwrap();
            })
            .await;
        operator.die(Death::Power);
        let read = operator.on(|disk| async move { found(&open(&disk).await.2) }).await;
        assert_eq!(read, 30);
    });
}

#[test]
fn a_disk_that_does_not_answer_has_failed() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let (log, mut writer, _) = open(&disk).await;
                log.append(b"one").unwrap();
                begin(DiskFault::Hang);
                writer.commit().await.unwrap_err();
                assert!(matches!(wal::open(&disk, FOLDER, OPTIONS).await, Err(OpenError::Io { .. })));
                end(DiskFault::Hang);
                open(&disk).await;
            })
            .await;
    });
}

/// A log of so many segments, a record each.
async fn write_segments(disk: &Disk, segments: u64) -> (Log, Writer) {
    let options = Options { segment_bytes: 1, ..OPTIONS };
    let (log, mut writer, _) = wal::open(disk, FOLDER, options).await.unwrap();
    for number in 0..segments {
        log.append(&number.to_le_bytes()).unwrap();
        writer.commit().await.unwrap();
    }
    (log, writer)
}

/// The segments that are there, by their names.
async fn segments(disk: &Disk) -> Vec<String> {
    let names = disk.read_dir(FOLDER).await.unwrap();
    let names = names.into_iter().map(|name| name.into_string().unwrap());
    names.filter(|name| name.ends_with(".log")).collect()
}

#[test]
fn who_reads_a_log_piece_by_piece_has_patience_with_a_slow_disk_and_none_with_one_that_stops() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let sync = Latency::constant(Duration::from_micros(15));
                let settings = DiskSettings { sync, ..DiskSettings::default() };
                world::with(|world| world.set_disk(N1, settings)).unwrap();
                drop(write_segments(&disk, 20).await);
                // Less than a second for each operation, and more than the patience for all.
                let slow = DiskFault::Slow { factor: 20_000.0 };
                begin(slow);
                assert!(matches!(wal::open(&disk, FOLDER, OPTIONS).await, Err(OpenError::Io { .. })));
                let mut pieces = 0;
                let each = |_: wal::Piece<'_>| {
                    pieces += 1;
                    Ok(())
                };
                wal::open_each(&disk, FOLDER, OPTIONS, each).await.unwrap();
                assert_eq!(pieces, 20);
                end(slow);
                for stops_at in [0, 7] {
                    if stops_at == 0 {
                        begin(DiskFault::Hang);
                    }
                    let mut pieces = 0;
                    let each = |_: wal::Piece<'_>| {
                        pieces += 1;
                        if pieces == stops_at {
                            begin(DiskFault::Hang);
                        }
                        Ok(())
                    };
                    let opening = wal::open_each(&disk, FOLDER, OPTIONS, each);
                    let opened = tokio::time::timeout(Duration::from_secs(60), opening).await;
                    assert!(matches!(opened, Ok(Err(OpenError::Io { .. }))), "it stops at {stops_at}");
                    assert_eq!(pieces, stops_at);
                    end(DiskFault::Hang);
                }
            })
            .await;
    });
}

#[test]
fn a_snapshot_takes_the_place_of_all_segments_with_what_it_has_whenever_they_were_begun() {
    for life in [1, 2] {
        simulate(1, move |operator| async move {
            operator
                .on(move |disk| async move {
                    let (log, mut writer) = write_segments(&disk, 4).await;
                    if life == 2 {
                        (_, writer, _) = open(&disk).await;
                    }
                    assert_eq!(segments(&disk).await.len(), 5);
                    assert!(writer.snapshot(Lsn(3), b"three").await.unwrap());
                    assert_eq!(segments(&disk).await.len(), 2, "the one with record 4, and the one after it");
                    assert!(writer.snapshot(Lsn(4), b"four").await.unwrap());
                    assert_eq!(segments(&disk).await.len(), 1);
                    drop(log);
                    assert_eq!(found(&open(&disk).await.2), 4);
                })
                .await;
        });
    }
}

#[test]
fn a_snapshot_that_a_crash_left_beside_a_newer_one_is_gone_when_the_log_is_open() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let (_log, mut writer) = write_segments(&disk, 4).await;
                assert!(writer.snapshot(Lsn(3), b"three").await.unwrap());
                let (newer, older) =
                    (format!("{FOLDER}/{:016x}.snapshot", 3), format!("{FOLDER}/{:016x}.snapshot", 2));
                disk.write(&older, disk.read(&newer).await.unwrap()).await.unwrap();
                assert_eq!(found(&open(&disk).await.2), 4);
                let mut names = disk.read_dir(FOLDER).await.unwrap();
                names.retain(|name| name.to_str().unwrap().ends_with(".snapshot"));
                assert_eq!(names.len(), 1);
                assert!(newer.ends_with(names[0].to_str().unwrap()), "the newer stays");
            })
            .await;
    });
}

#[test]
fn a_full_segment_goes_on_where_there_is_no_room_for_the_next() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                let (log, mut writer, _) = open(&disk).await;
                log.append(&[1; 300]).unwrap();
                writer.commit().await.unwrap();
                // The page of the segment has room, and no other is free.
                begin(DiskFault::Full);
                for _ in 0..3 {
                    log.append(&[2; 300]).unwrap();
                    writer.commit().await.unwrap();
                    assert_eq!(segments(&disk).await.len(), 1);
                }
                end(DiskFault::Full);
                log.append(&[3; 300]).unwrap();
                writer.commit().await.unwrap();
                assert_eq!(segments(&disk).await.len(), 2);
                assert_eq!(found(&open(&disk).await.2), 5);
            })
            .await;
    });
}

#[test]
fn a_segment_under_the_name_of_another_is_reported() {
    simulate(1, |operator| async move {
        operator
            .on(|disk| async move {
                drop(write_segments(&disk, 3).await);
                open(&disk).await;
                let names = segments(&disk).await.into_iter().map(|name| format!("{FOLDER}/{name}"));
                let [.., second, third, _] = &names.collect::<Vec<_>>()[..] else { panic!("there are four") };
                disk.rename(second, third).await.unwrap();
                let told = wal::open(&disk, FOLDER, OPTIONS).await.unwrap_err();
                assert!(matches!(&told, OpenError::Corrupt { file, .. } if file == third), "{told}");
                // Where it belongs it is read, and the one that it has replaced is missed.
                disk.rename(third, second).await.unwrap();
                let told = wal::open(&disk, FOLDER, OPTIONS).await.unwrap_err();
                assert!(matches!(told, OpenError::Missing { expected: Lsn(3), .. }), "{told}");
            })
            .await;
    });
}

#[test]
fn flipped_bits_are_reported_or_cut_and_never_read() {
    let (mut reported, mut cut, mut unharmed) = (0, 0, 0);
    for seed in 0..60 {
        let outcome = Arc::new(Mutex::new((0, 0, 0)));
        let counts = outcome.clone();
        simulate(seed, move |operator| async move {
            let oracle = Arc::new(Mutex::new(Oracle::new(seed)));
            let mine = oracle.clone();
            operator.on(move |_| async move { oracle::write(&mine, 12).await }).await;
            world::with(|world| {
                world.drop_disk_caches(N1);
                world.decay_disk(N1, 1, world::Decay::Flip);
            });
            let opened = operator
                .on(|disk| async move { wal::open(&disk, FOLDER, OPTIONS).await.map(|opened| opened.2) })
                .await;
            let mut counts = counts.lock().unwrap();
            match opened {
                Err(OpenError::Corrupt { .. } | OpenError::Missing { .. }) => counts.0 += 1,
                Err(error) => panic!("{error}"),
                Ok(recovered) if recovered.cut_bytes > 0 => {
                    // The last block: it might have been torn.
                    oracle.lock().unwrap().check_contents(&recovered);
                    counts.1 += 1;
                }
                Ok(recovered) => {
                    oracle.lock().unwrap().check(&recovered);
                    counts.2 += 1;
                }
            }
        });
        let counts = outcome.lock().unwrap();
        (reported, cut, unharmed) = (reported + counts.0, cut + counts.1, unharmed + counts.2);
    }
    assert!(reported > 0 && cut > 0, "{reported} reported, {cut} cut, {unharmed} unharmed");
}

/// The flaw that the zoo has: without the cut, what comes after the torn tail is lost.
#[test]
fn a_torn_tail_that_is_kept_loses_what_is_written_behind_it() {
    let lost = |keeps_torn_tail: bool| {
        let lost = Arc::new(Mutex::new(false));
        let tells = lost.clone();
        simulate(1, move |operator| async move {
            let options = Options { keeps_torn_tail, ..OPTIONS };
            operator
                .on(move |disk| async move {
                    let (log, mut writer, _) = wal::open(&disk, FOLDER, options).await.unwrap();
                    log.append(b"one").unwrap();
                    writer.commit().await.unwrap();
                    // A block whose end did not reach the disk.
                    let file = disk.read_dir(FOLDER).await.unwrap().pop().unwrap();
                    let path = format!("{FOLDER}/{}", file.to_str().unwrap());
                    let mut bytes = disk.read(&path).await.unwrap();
                    let torn = bytes[bytes.len() - 27..bytes.len() - 3].to_vec();
                    bytes.extend_from_slice(&torn);
                    disk.write(&path, bytes).await.unwrap();
                    let (log, mut writer, _) = wal::open(&disk, FOLDER, options).await.unwrap();
                    log.append(b"two").unwrap();
                    writer.commit().await.unwrap();
                    let (_, _, recovered) = wal::open(&disk, FOLDER, options).await.unwrap();
                    *tells.lock().unwrap() = found(&recovered) < 2;
                })
                .await;
        });
        *lost.lock().unwrap()
    };
    assert!(lost(true));
    assert!(!lost(false));
}
