//! A user of a log who remembers everything that was appended, and what was said to be durable.

use super::{FOLDER, Lsn, OPTIONS, open};
use host::disk::Disk;
use host::world::{Draw, Stream};
use protocols::common::wal::{self, Recovered};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Oracle {
    draw: Draw,
    /// Every record that may be in the log, by its number less one.
    appended: Vec<Vec<u8>>,
    /// So many are promised.
    pub committed: u64,
    lives: u64,
}

impl Oracle {
    pub fn new(seed: u64) -> Self {
        let draw = Draw::new(seed, Stream::Other { purpose: "test", entity: "oracle" });
        Oracle { draw, appended: Vec::new(), committed: 0, lives: 0 }
    }

    pub fn draw(&mut self, from: u64, to: u64) -> u64 {
        self.draw.between(from, to)
    }

    /// What a log says is what was appended: all that was committed, and perhaps more, up to some record.
    pub fn check(&mut self, recovered: &Recovered) {
        let found = self.check_contents(recovered);
        assert!(found >= self.committed, "{found} records, and {} were committed", self.committed);
        // What open returns is durable, and what it did not return will never come.
        self.appended.truncate(usize::try_from(found).unwrap());
        self.committed = found;
    }

    /// The same, but for how much there must be. Returns how much there is.
    pub fn check_contents(&self, recovered: &Recovered) -> u64 {
        let mut next = 1;
        if let Some(snapshot) = &recovered.snapshot {
            assert_eq!(snapshot.state, state(snapshot.upto));
            next = snapshot.upto.0 + 1;
        }
        for (lsn, record) in &recovered.records {
            assert_eq!(lsn.0, next, "no hole");
            assert_eq!(record, &self.appended[usize::try_from(next).unwrap() - 1], "record {next}");
            next += 1;
        }
        next - 1
    }

    fn record(&mut self) -> Vec<u8> {
        let (length, life) = (self.draw.between(0, 250) as usize, self.lives as u8);
        (0..length).map(|_| self.draw.bits() as u8 ^ life).collect()
    }
}

/// What a snapshot up to a record holds.
fn state(upto: Lsn) -> Vec<u8> {
    upto.0.to_le_bytes().repeat(40)
}

/// One life: opens the log, checks it, and appends, commits and takes snapshots until it is killed. Where the disk
/// fails, the log is opened anew.
pub async fn live(oracle: &Mutex<Oracle>, disk_fails: bool) {
    let disk = Disk::of_this_machine();
    oracle.lock().unwrap().lives += 1;
    loop {
        let (log, mut writer, recovered) = match wal::open(&disk, FOLDER, OPTIONS).await {
            Ok(opened) => opened,
            Err(wal::OpenError::Io { .. }) if disk_fails => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        oracle.lock().unwrap().check(&recovered);
        loop {
            let wants_snapshot = {
                let mut oracle = oracle.lock().unwrap();
                for _ in 0..oracle.draw(1, 4) {
                    let record = oracle.record();
                    match log.append(&record) {
                        Ok(lsn) => {
                            oracle.appended.push(record);
                            assert_eq!(lsn.0, oracle.appended.len() as u64);
                        }
                        Err(error) => assert!(disk_fails, "{error}"),
                    }
                }
                oracle.draw(0, 9) == 0
            };
            // With records in it that are not committed.
            if wants_snapshot {
                let upto = log.last();
                match writer.snapshot(upto, &state(upto)).await {
                    Ok(true) => {
                        let mut oracle = oracle.lock().unwrap();
                        oracle.committed = oracle.committed.max(upto.0);
                    }
                    Ok(false) => assert!(disk_fails),
                    Err(_) => break,
                }
            }
            match writer.commit().await {
                Ok(lsn) => {
                    let mut oracle = oracle.lock().unwrap();
                    oracle.committed = oracle.committed.max(lsn.0);
                }
                Err(error) => {
                    assert!(disk_fails, "{error}");
                    break;
                }
            }
        }
    }
}

/// Writes so many records, each committed.
pub async fn write(oracle: &Arc<Mutex<Oracle>>, records: u32) {
    let (log, mut writer, _) = open(&Disk::of_this_machine()).await;
    for _ in 0..records {
        let record = oracle.lock().unwrap().record();
        oracle.lock().unwrap().appended.push(record.clone());
        log.append(&record).unwrap();
        let committed = writer.commit().await.unwrap().0;
        oracle.lock().unwrap().committed = committed;
    }
}
