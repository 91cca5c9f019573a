//! A seed decides everything, and the digest sees everything.

use super::{N1, begin, die, durable, steer};
use crate::support::{Cluster, machines, simulate};
use host::disk::Disk;
use host::world::{Config, Death, Decay, Digest, DiskFault, DiskOperation, Happening, TraceEvent};

/// Two tasks, a crash, faults: what the disk looks like afterwards, the digest and the trace.
fn run(seed: u64, recording: bool, byte: u8) -> (Vec<Vec<u8>>, Digest, Vec<TraceEvent>) {
    simulate(Config { recording, ..machines(seed, 1) }, |cluster: Cluster| async move {
        super::on(&cluster, async |disk| {
            durable(&disk, "0", b"begin").await;
            durable(&disk, "1", b"begin").await;
        })
        .await;
        begin(DiskFault::WriteError { probability: 0.1 });
        begin(DiskFault::BitFlip { probability: 0.1 });
        for task in 0..2u8 {
            cluster.on(N1, async move {
                let disk = Disk::of_this_machine();
                let log = super::appending().open(&disk, format!("{task}")).await.unwrap();
                for number in 0..50 {
                    let _ = log.append(&[byte + task; 300]).await;
                    if number % 7 == 0 {
                        let _ = log.sync_data().await;
                    }
                }
                std::future::pending::<()>().await;
            });
        }
        tokio::time::sleep(super::us(8000)).await;
        steer(|world| world.decay_disk(N1, 3, Decay::Flip));
        die(Death::Power);
        let read = cluster.on(N1, async {
            let disk = Disk::of_this_machine();
            let mut all = Vec::new();
            for name in disk.read_dir(".").await.unwrap() {
                all.push(disk.read(name).await.unwrap());
            }
            all
        });
        let left = read.await.unwrap();
        steer(|world| (left, world.digest(), world.take_trace()))
    })
}

#[test]
fn the_same_seed_leaves_the_same_bytes_and_the_same_digest() {
    let mut digests = Vec::new();
    for seed in 0..20 {
        let (left, digest, trace) = run(seed, false, 1);
        let (again, same, recorded) = run(seed, true, 1);
        assert_eq!((left, digest), (again, same), "recorded or not");
        assert!(trace.is_empty() && !recorded.is_empty());
        digests.push(digest);
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 20, "every seed is another run");
}

#[test]
fn a_digest_sees_what_is_written() {
    assert_ne!(run(1, false, 1).1, run(1, false, 2).1);
}

#[test]
fn a_trace_tells_what_was_asked_of_which_file_and_what_came_of_it() {
    let trace = run(3, true, 1).2;
    let names = ["n1".to_owned()];
    let lines: Vec<String> = trace
        .iter()
        .zip(1..)
        .map(|(event, number)| serde_json::to_string(&event.line(number, &names)).unwrap())
        .collect();
    let has = |wanted: &str| lines.iter().any(|line| line.contains(wanted));
    assert!(has(r#""event":"disk","from":"n1","bytes":5,"text":"write 0 at 0""#), "{:#?}", &lines[..6]);
    assert!(has(r#""text":"append 1 at "#) && has(r#""text":"synced 0"#) && has(r#""text":"power loss"#));
    assert!(has("Input/output error"));
    let of = |wanted: DiskOperation| {
        let matches = |event: &&TraceEvent| matches!(event.happening, Happening::Disk { operation, .. } if operation == wanted);
        trace.iter().filter(matches).count()
    };
    assert!(of(DiskOperation::Append) > 50 && of(DiskOperation::Sync) >= of(DiskOperation::Synced));
    assert_eq!(of(DiskOperation::PowerLoss), 1);
}
