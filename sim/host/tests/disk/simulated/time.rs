//! How long a disk takes, in simulated time.

use super::{N1, begin, end, now, on, on_a_machine, steer, us, with_disk, without_garbage};
use crate::support::{Cluster, machines, simulate};
use futures::future::join_all;
use host::disk::Disk;
use host::world::{DiskFault, DiskSettings, Latency, MachineId};
use std::sync::Arc;
use std::time::Duration;

/// madsim's polls cost up to 100 ns each.
const SLACK: Duration = Duration::from_micros(2);

/// How long a task with a fresh file takes on the machine.
async fn time_of<F: Future<Output = ()> + Send + 'static>(
    cluster: &Cluster,
    task: impl FnOnce(Arc<host::disk::File>) -> F + Send + 'static,
) -> Duration {
    on(cluster, async |disk: Disk| {
        let file = Arc::new(disk.create("file").await.unwrap());
        let begun = now();
        task(file).await;
        now() - begun
    })
    .await
}

#[track_caller]
fn assert_takes(time: Duration, expected: Duration) {
    assert!((expected..expected + SLACK).contains(&time), "{time:?} instead of {expected:?}");
}

#[test]
fn an_operation_takes_20_us_and_a_sync_half_a_millisecond_more() {
    on_a_machine(1, |cluster| async move {
        let time = time_of(&cluster, async |file| _ = file.write_at(b"x", 0).await.unwrap()).await;
        assert_takes(time, us(20));
        let time = time_of(&cluster, async |file| _ = file.read_at(&mut [0], 0).await.unwrap()).await;
        assert_takes(time, us(20));
        let time = time_of(&cluster, async |file| file.sync_all().await.unwrap()).await;
        assert_takes(time, us(520));
        let time =
            time_of(&cluster, async |_| assert!(!Disk::of_this_machine().exists("x").await.unwrap())).await;
        assert_takes(time, us(20));
    });
}

#[test]
fn bytes_take_their_time_at_the_bandwidth() {
    on_a_machine(1, |cluster| async move {
        let time =
            time_of(&cluster, async |file| file.write_all_at(&vec![0; 2_000_000], 0).await.unwrap()).await;
        assert_takes(time, us(20 + 1000));
    });
}

#[test]
fn operations_that_are_asked_for_at_once_queue_for_the_disk_and_share_the_latency() {
    on_a_machine(1, |cluster| async move {
        let time = time_of(&cluster, async |file| {
            let writes = (0..100).map(|number| {
                let file = file.clone();
                async move { file.write_at(b"x", number).await.unwrap() }
            });
            join_all(writes).await;
        })
        .await;
        assert_takes(time, us(100 * 5 + 15));
    });
}

#[test]
fn syncs_under_way_at_once_share_a_flush() {
    on_a_machine(1, |cluster| async move {
        let time = time_of(&cluster, async |file| {
            join_all((0..10).map(|_| file.sync_data())).await;
        })
        .await;
        assert_takes(time, us(10 * 5 + 15 + 500));
    });
}

#[test]
fn a_slow_disk_takes_so_many_times_as_long() {
    on_a_machine(1, |cluster| async move {
        let slow = DiskFault::Slow { factor: 50.0 };
        begin(slow);
        let time = time_of(&cluster, async |file| file.sync_all().await.unwrap()).await;
        assert_takes(time, us(50 * 520));
        end(slow);
        let time = time_of(&cluster, async |file| file.sync_all().await.unwrap()).await;
        assert_takes(time, us(520));
    });
}

#[test]
fn one_disk_does_not_wait_for_another() {
    simulate(machines(1, 2), |cluster| async move {
        steer(|world| world.set_disk_fault(N1, DiskFault::Stall)).unwrap();
        let (other, begun) = (MachineId::numbered(2), now());
        cluster.on(other, async { Disk::of_this_machine().write("file", b"").await }).await.unwrap().unwrap();
        assert!(now() - begun < us(100));
        let read = cluster.on(other, async { Disk::of_this_machine().read_dir(".").await });
        assert_eq!(read.await.unwrap().unwrap(), ["file"]);
        steer(|world| world.clear_disk_faults(N1));
        let read = cluster.on(N1, async { Disk::of_this_machine().read_dir(".").await });
        assert!(read.await.unwrap().unwrap().is_empty(), "each has its own files");
    });
}

#[test]
fn a_latency_may_have_a_distribution() {
    let settings = DiskSettings {
        latency: Latency::uniform(us(10), us(100)),
        sync: Latency::log_normal(us(1000), us(30_000)),
        ..without_garbage()
    };
    with_disk(1, settings, |cluster| async move {
        let (mut reads, mut syncs) = (Vec::new(), Vec::new());
        for _ in 0..200 {
            reads.push(time_of(&cluster, async |file| _ = file.read_at(&mut [0], 0).await.unwrap()).await);
            syncs.push(time_of(&cluster, async |file| file.sync_all().await.unwrap()).await);
        }
        reads.sort_unstable();
        syncs.sort_unstable();
        assert!(reads[0] >= us(15) && reads[0] < us(20), "{:?}", reads[0]);
        assert!(reads[199] >= us(95) && reads[199] < us(107), "{:?}", reads[199]);
        assert!((us(700)..us(1500)).contains(&syncs[100]), "{:?}", syncs[100]);
        assert!(syncs[199] > us(10_000), "{:?}", syncs[199]);
    });
}
