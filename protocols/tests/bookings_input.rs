//! Bad input and bad logs: typed errors, and nothing lost.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::bookings::{
    self, Answer, Client, Command, Config, Currency, Hotel, Id, JournalError, Options, Poison, Refusal, Room,
    SettleError, Settlement, Stay, Version, poison, settle,
};
use protocols::common::wal::{self, OpenError};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A service of one node, whose process the test starts and kills.
struct Service {
    folder: TempDir,
    options: Options,
}

fn stay(room: u32, check_in: &str, check_out: &str) -> Stay {
    Stay {
        guest: 1,
        hotel: Hotel(1),
        room: Room(room),
        check_in: check_in.parse().unwrap(),
        check_out: check_out.parse().unwrap(),
        occupants: 1,
        currency: Currency(*b"EUR"),
    }
}

impl Service {
    fn new() -> Service {
        let options = Options { snapshot_every: Duration::from_millis(20), ..Options::default() };
        Service { folder: tempfile::tempdir().unwrap(), options }
    }

    async fn disk(&self) -> Disk {
        Disk::at(self.folder.path()).await.unwrap()
    }

    /// Runs a life of the node, with a client for it.
    async fn live<T>(&self, work: impl AsyncFnOnce(&mut Client) -> T) -> T {
        let listener = TcpListener::bind(LOCALHOST).await.unwrap();
        let nodes = vec![listener.local_addr().unwrap()];
        let config = Config { id: 1, nodes: nodes.clone(), options: self.options.clone() };
        let task = tokio::spawn(bookings::serve(listener, config, self.disk().await));
        let done = work(&mut Client::new(nodes)).await;
        task.abort();
        let _ = task.await;
        done
    }

    /// Why a node does not start.
    async fn refuses(&self) -> std::io::Error {
        let listener = TcpListener::bind(LOCALHOST).await.unwrap();
        let nodes = vec![listener.local_addr().unwrap()];
        let config = Config { id: 1, nodes, options: self.options.clone() };
        bookings::serve(listener, config, self.disk().await).await.unwrap_err()
    }

    /// The files of the log with an ending, in order.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("log")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == ending));
        files.sort();
        files
    }

    /// Appends a line that is none of ours.
    async fn append(&self, bytes: &[u8]) {
        let options = wal::Options { snapshots_kept: 2, ..wal::Options::default() };
        let (log, mut writer, _) = wal::open(&self.disk().await, "log", options).await.unwrap();
        log.append(bytes).unwrap();
        writer.commit().await.unwrap();
    }
}

async fn book(client: &mut Client, stay: Stay) -> (Id, Answer) {
    let id = client.new_id();
    (id, client.request(id, Command::Book(stay)).await.unwrap())
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name_and_the_node_lives_on() {
    let service = Service::new();
    let good = stay(101, "2023-12-01", "2023-12-03");
    service
        .live(async |client| {
            let none = bookings::Date { year: 2023, month: 2, day: 29 };
            let refused = |answer| match answer {
                (_, Answer::Refused(refusal)) => refusal,
                other => panic!("{other:?}"),
            };
            let answer = book(client, Stay { check_in: none, ..good }).await;
            assert_eq!(refused(answer), Refusal::NoSuchDate { date: none });
            let backwards = Stay { check_in: good.check_out, check_out: good.check_in, ..good };
            let answer = book(client, backwards).await;
            assert!(matches!(refused(answer), Refusal::CheckOutBeforeCheckIn { .. }));
            let answer = book(client, Stay { room: Room(999), ..good }).await;
            assert_eq!(refused(answer), Refusal::UnknownRoom { hotel: Hotel(1), room: Room(999) });
            assert!(matches!(book(client, good).await.1, Answer::Booked { price: 218, .. }));
            let overlapping = stay(101, "2023-12-02", "2023-12-04");
            assert!(matches!(refused(book(client, overlapping).await), Refusal::Taken { .. }));
        })
        .await;
}

#[tokio::test]
async fn a_truncated_snapshot_is_set_aside_and_the_older_one_and_the_log_lead_to_the_same_state() {
    let service = Service::new();
    let mut booked = Vec::new();
    for night in 1..=6 {
        let stay = stay(101, &format!("2023-12-{night:02}"), &format!("2023-12-{:02}", night + 1));
        booked.push(
            service
                .live(async |client| {
                    let (id, answer) = book(client, stay).await;
                    assert!(matches!(answer, Answer::Booked { .. }));
                    // The timer of the snapshots is due meanwhile.
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    id
                })
                .await,
        );
    }
    let snapshots = service.files("snapshot");
    assert_eq!(snapshots.len(), 2, "{snapshots:?}");
    let bytes = fs::read(&snapshots[1]).unwrap();
    fs::write(&snapshots[1], &bytes[..bytes.len() / 2]).unwrap();
    service
        .live(async |client| {
            for id in &booked {
                assert!(client.find(*id).await.unwrap().is_some(), "{id}");
            }
        })
        .await;
    assert_eq!(service.files("unreadable").len(), 1, "it is kept");

    // Without the log behind the older one there is no way, and it is said so.
    let snapshots = service.files("snapshot");
    for snapshot in &snapshots {
        fs::write(snapshot, b"nonsense").unwrap();
    }
    let error = service.refuses().await;
    let journal = error.get_ref().unwrap().downcast_ref::<JournalError>().unwrap();
    assert!(matches!(journal, JournalError::Open(OpenError::Corrupt { .. })), "{journal}");
    assert_eq!(service.files("snapshot"), snapshots, "they are as they were");
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let service = Service::new();
    service.live(async |client| book(client, stay(101, "2023-12-01", "2023-12-03")).await).await;
    service.append(&[9, 1, 2, 3]).await;
    let before: Vec<Vec<u8>> = service.files("log").iter().map(|file| fs::read(file).unwrap()).collect();
    for _ in 0..2 {
        let error = service.refuses().await;
        let journal = error.get_ref().unwrap().downcast_ref::<JournalError>().unwrap();
        assert!(matches!(journal, JournalError::Newer { found: 9, .. }), "{journal}");
    }
    let after: Vec<Vec<u8>> = service.files("log").iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn poison_and_a_line_that_nobody_can_read_are_set_aside_listed_and_settled() {
    let service = Service::new();
    let (first, taken) = (stay(101, "2023-12-01", "2023-12-03"), stay(101, "2023-12-02", "2023-12-04"));
    let booked = service
        .live(async |client| {
            let (id, _) = book(client, first).await;
            let import = client.new_id();
            let answer = client.request(import, Command::Import(taken)).await.unwrap();
            assert!(matches!(answer, Answer::SetAside { version: Version(2), why: Refusal::Taken { .. } }));
            id
        })
        .await;
    service.append(&[1, 255, 255]).await;
    let disk = service.disk().await;
    let listed = poison(&disk, &service.options).await.unwrap();
    assert!(matches!(listed[0], (Version(2), Poison::Failed { .. })), "{listed:?}");
    assert_eq!(listed[1], (Version(3), Poison::Unreadable(vec![1, 255, 255])));

    settle(&disk, &service.options, Version(2), Settlement::Compensate).await.unwrap();
    settle(&disk, &service.options, Version(3), Settlement::Discard).await.unwrap();
    assert_eq!(poison(&disk, &service.options).await.unwrap(), []);
    let again = settle(&disk, &service.options, Version(3), Settlement::Discard).await;
    assert!(matches!(again, Err(SettleError::Refused(Refusal::NotSetAside { version: Version(3) }))));
    // And the service goes on, with what was booked.
    service
        .live(async |client| {
            assert!(client.find(booked).await.unwrap().is_some());
            let (_, answer) = book(client, stay(102, "2023-12-01", "2023-12-03")).await;
            assert!(matches!(answer, Answer::Booked { version: Version(7), .. }), "{answer:?}");
        })
        .await;
}

#[tokio::test]
async fn what_is_not_on_offer_any_more_is_set_aside_when_it_is_replayed() {
    let mut service = Service::new();
    service.options.snapshot_every = Duration::from_secs(60);
    service.live(async |client| book(client, stay(104, "2023-12-01", "2023-12-03")).await).await;
    service.options.rooms = 3;
    let listed = poison(&service.disk().await, &service.options).await.unwrap();
    assert!(
        matches!(listed[..], [(Version(1), Poison::Failed { why: Refusal::UnknownRoom { .. }, .. })]),
        "{listed:?}"
    );
}
