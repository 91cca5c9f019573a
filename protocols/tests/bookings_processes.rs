//! The booking service as two processes on loopback, with real files: SIGKILL, and the standby takes over.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::bookings::{Answer, Client, Command, Currency, Date, Day, Hotel, Id, Room, Stay};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command as Program};
use std::time::Duration;

/// A node, and its end with it.
struct Node(Child);

impl Node {
    fn start(number: usize, folder: &Path, nodes: &[SocketAddr]) -> Node {
        let addresses: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        let mut program = Program::new(env!("CARGO_BIN_EXE_bookings"));
        let folder = folder.join(number.to_string());
        program.arg("serve").arg(number.to_string()).arg(folder).arg(addresses.join(","));
        Node(program.spawn().unwrap())
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until there is an answer.
async fn request(client: &mut Client, command: Command) -> (Id, Answer) {
    let id = client.new_id();
    loop {
        match client.request(id, command).await {
            Ok(answer) => return (id, answer),
            Err(error) if error.is_definite() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("it asks for ever: {error}"),
        }
    }
}

/// The stay of a number: one night each, all different.
fn stay(number: u32) -> Stay {
    let first: Day = "2023-12-01".parse::<Date>().unwrap().day().unwrap();
    let (night, room) = (number % 31, number / 31);
    Stay {
        guest: number,
        hotel: Hotel(room / 4 + 1),
        room: Room(room % 4 + 101),
        check_in: first.plus(night).date().unwrap(),
        check_out: first.plus(night + 1).date().unwrap(),
        occupants: 2,
        currency: Currency(*b"EUR"),
    }
}

/// Books these stays, and returns what was told.
async fn book(client: &mut Client, numbers: std::ops::Range<u32>) -> Vec<Id> {
    let mut booked = Vec::new();
    for number in numbers {
        let (id, answer) = request(client, Command::Book(stay(number))).await;
        assert!(matches!(answer, Answer::Booked { .. }), "{number}: {answer:?}");
        booked.push(id);
    }
    booked
}

#[tokio::test]
async fn a_standby_takes_over_from_a_primary_that_was_killed_with_every_booking() {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // Both are held at once, so that they are not alike.
    let nodes = [free(), free()].map(|listener| listener.local_addr().unwrap()).to_vec();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut first = Node::start(1, folder.path(), &nodes);
    let _second = Node::start(2, folder.path(), &nodes);
    let mut client = Client::new(nodes.clone());
    let mut booked = book(&mut client, 0..60).await;
    let (_, cancelled) = request(&mut client, Command::Cancel(booked[7])).await;
    assert_eq!(cancelled, Answer::Cancelled { refund: 140 });

    // A primary that comes back has everything.
    first.kill();
    first = Node::start(1, folder.path(), &nodes);
    booked.extend(book(&mut client, 60..120).await);

    // It is gone: the standby is told to take over, once it has been told that it has everything.
    first.kill();
    let mut operator = Client::new(nodes.clone());
    loop {
        match operator.take_over(2).await {
            Ok(Answer::Done) => break,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    booked.extend(book(&mut client, 120..180).await);
    let _first = Node::start(1, folder.path(), &nodes);
    let twice = request(&mut client, Command::Book(stay(3))).await.1;
    assert!(matches!(twice, Answer::Refused(_)), "{twice:?}");
    let mut both = [vec![nodes[0]], vec![nodes[1]]].map(Client::new);
    for (number, id) in booked.iter().enumerate() {
        for reader in &mut both {
            let mut found = None;
            // The one that came back copies the state first.
            for _ in 0..100 {
                found = reader.find(*id).await.unwrap_or(None);
                if found.is_some() == (number != 7) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(found.is_some(), number != 7, "booking {number}");
        }
    }
}
