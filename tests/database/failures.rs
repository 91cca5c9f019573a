//! Crashes, disks, the watchdog, bad input.

use crate::cluster::{address, case, host, seconds};
use host::world::{self, Death, Decay, DiskFault};
use protocols::database::{Client, Options, Refusal, Replication, Role, Start, Write};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

#[test]
fn what_was_acknowledged_survives_the_loss_of_power() {
    case(Options { checkpoint_bytes: 3000, ..Options::default() }, |cluster| async move {
        cluster.supervisor(1).start(Start::Primary).await.unwrap();
        for value in 1..=60 {
            cluster.write(1, &format!("k{}", value % 5), value).await.unwrap();
        }
        cluster.crash(1, Death::Power);
        cluster.restart(1);
        assert_eq!(cluster.status(1).await.role, Role::Stopped);
        cluster.supervisor(1).start(Start::Primary).await.unwrap();
        for value in 56..=60 {
            let read = cluster.read(1, &format!("k{}", value % 5)).await.unwrap();
            assert_eq!(read, Some(value.to_string()));
        }
        let timeline = cluster.status(1).await.timeline().unwrap();
        assert_eq!(timeline.number, 1, "a crash keeps the timeline");
    });
}

#[test]
fn a_primary_that_is_not_petted_stops_and_one_that_is_does_not() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        let mut supervisor = cluster.supervisor(1);
        for _ in 0..3 {
            supervisor.pet(Some(Duration::from_secs(2))).await.unwrap();
            seconds(1.5).await;
        }
        cluster.write(1, "a", 1).await.unwrap();
        seconds(1.0).await;
        cluster.is(1, Role::Stopped, Replication::Idle);
        supervisor.start(Start::Primary).await.unwrap();
        supervisor.pet(Some(Duration::from_secs(2))).await.unwrap();
        supervisor.pet(None).await.unwrap();
        seconds(5.0).await;
        cluster.is(1, Role::Primary, Replication::Idle);
    });
}

#[test]
fn a_machine_that_stood_still_longer_than_its_watchdog_allows_takes_no_write() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        let mut client = Client::new(address(1)).patience(Duration::from_secs(20));
        let write =
            |id| Write { id, key: "a".to_owned(), value: id.to_string(), condition: Default::default() };
        client.write(write(1)).await.unwrap();
        cluster.supervisor(1).pet(Some(Duration::from_secs(3))).await.unwrap();
        world::pause(host(1));
        let waiting = tokio::spawn(async move { client.write(write(2)).await });
        seconds(10.0).await;
        world::resume(host(1));
        assert!(waiting.await.unwrap().is_err());
        cluster.is(1, Role::Stopped, Replication::Idle);
    });
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.write(1, "a", 1).await.unwrap();
        world::with(|world| world.set_disk_fault(host(1), DiskFault::Full)).unwrap();
        let (mut refused, long) = (0, "x".repeat(3000));
        for id in 2..=20 {
            let write = Write { id, key: "b".to_owned(), value: long.clone(), condition: Default::default() };
            let wrote = Client::new(address(1)).patience(Duration::from_secs(1)).write(write).await;
            refused +=
                u32::from(wrote.is_err_and(|error| error.to_string() == Refusal::DiskFull.to_string()));
        }
        assert!(refused > 0);
        assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("1"));
        world::with(|world| world.clear_disk_fault(host(1), DiskFault::Full));
        seconds(1.0).await;
        assert!(cluster.write(1, "a", 30).await.unwrap());
        seconds(1.0).await;
        assert_eq!(cluster.view(1).durable, cluster.view(2).durable);
    });
}

#[test]
fn a_failed_sync_stops_the_database_which_recovers_what_it_acknowledged() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.write(1, "a", 1).await.unwrap();
        let fault = DiskFault::SyncError { probability: 1.0, drop_cache: true };
        world::with(|world| world.set_disk_fault(host(1), fault)).unwrap();
        cluster.write(1, "a", 2).await.unwrap_err();
        cluster.is(1, Role::Stopped, Replication::Idle);
        assert!(cluster.supervisor(1).start(Start::Primary).await.is_err(), "the disk still fails");
        world::with(|world| world.clear_disk_fault(host(1), fault));
        cluster.supervisor(1).start(Start::Primary).await.unwrap();
        let read = cluster.read(1, "a").await.unwrap();
        assert!(read.as_deref() == Some("1") || read.as_deref() == Some("2"), "{read:?}");
    });
}

#[test]
fn a_corrupt_log_is_refused_with_its_place_and_stays_as_it_is() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        for value in 1..=50 {
            cluster.write(1, "a", value).await.unwrap();
        }
        cluster.supervisor(1).stop().await.unwrap();
        let garbage = world::with(|world| {
            world.drop_disk_caches(host(1));
            world.decay_disk(host(1), 64, Decay::Flip)
        });
        assert!(garbage > 0);
        let refused = cluster.supervisor(1).start(Start::Primary).await.unwrap_err().to_string();
        assert!(refused.contains("is corrupt at byte"), "{refused}");
        let again = cluster.supervisor(1).start(Start::Primary).await.unwrap_err().to_string();
        assert_eq!(refused, again);
        cluster.is(1, Role::Stopped, Replication::Idle);
    });
}

#[test]
fn a_write_that_is_too_long_or_has_no_id_is_refused() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        let mut client = Client::new(address(1));
        for (id, key) in [(0, "a".to_owned()), (1, String::new()), (1, "x".repeat(5000))] {
            let write = Write { id, key, value: String::new(), condition: Default::default() };
            let refused = client.write(write).await.unwrap_err().to_string();
            assert!(
                refused.starts_with("a write has an id that is not 0, a key of 1 to 4096 bytes"),
                "{refused}"
            );
        }
    });
}

#[test]
fn a_malformed_frame_costs_its_sender_the_connection_and_nobody_else() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        let mut stream = host::net::TcpStream::connect(address(1)).await.unwrap();
        stream.write_all(&[0, 0, 0, 3, 255, 255, 255]).await.unwrap();
        seconds(1.0).await;
        assert_eq!(cluster.view(1).malformed_frames, 1);
        assert!(cluster.write(1, "a", 1).await.unwrap());
    });
}
