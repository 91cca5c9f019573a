//! Binding, the backlog, accepting.

use crate::two_worlds::{SERVER_IP, kind, machine, moment, parties, signal};
use host::net::{TcpListener, TcpStream};
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn port_zero_gives_a_free_port() {
    machine(|| async {
        let first = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let second = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let ports = [&first, &second].map(|listener| listener.local_addr().unwrap().port());
        assert!(ports[0] != 0 && ports[1] != 0 && ports[0] != ports[1], "{ports:?}");
    });
}

#[test]
fn a_bound_port_is_in_use() {
    machine(|| async {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        assert_eq!(kind(TcpListener::bind(listener.local_addr().unwrap()).await), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_dropped_listener_frees_its_port() {
    machine(|| async {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        TcpListener::bind(address).await.unwrap();
    });
}

#[test]
fn a_port_can_be_bound_while_its_former_connections_live() {
    parties(
        async |listener| {
            let (mut stream, _) = listener.accept().await.unwrap();
            let address = listener.local_addr().unwrap();
            drop(listener);
            let listener = TcpListener::bind(address).await.unwrap();
            stream.write_all(b"still here").await.unwrap();
            drop(stream);
            listener.accept().await.unwrap();
        },
        async |address| {
            let mut text = String::new();
            TcpStream::connect(address).await.unwrap().read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "still here");
            TcpStream::connect(address).await.unwrap();
        },
    );
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    machine(|| async {
        assert_eq!(kind(TcpListener::bind("192.0.2.1:0").await), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn a_listener_on_every_address_says_so_and_is_reached_through_each() {
    machine(|| async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_unspecified());
        for ip in ["127.0.0.1", SERVER_IP] {
            let stream = TcpStream::connect((ip, address.port())).await.unwrap();
            let (accepted, _) = listener.accept().await.unwrap();
            assert_eq!(accepted.local_addr().unwrap(), stream.peer_addr().unwrap());
        }
    });
}

#[test]
fn a_listener_on_every_address_excludes_one_on_a_single_address() {
    machine(|| async {
        let every = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = every.local_addr().unwrap().port();
        assert_eq!(kind(TcpListener::bind(("127.0.0.1", port)).await), ErrorKind::AddrInUse);
        drop(every);
        let _single = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        assert_eq!(kind(TcpListener::bind(("0.0.0.0", port)).await), ErrorKind::AddrInUse);
    });
}

#[test]
fn two_addresses_have_the_same_port_each_for_itself() {
    machine(|| async {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let second = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let stream = TcpStream::connect(("127.0.0.2", port)).await.unwrap();
        let (accepted, _) = second.accept().await.unwrap();
        assert_eq!(accepted.local_addr().unwrap(), stream.peer_addr().unwrap());
    });
}

#[test]
fn a_listener_on_one_address_is_not_reached_through_another() {
    machine(|| async {
        let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(kind(TcpStream::connect(("127.0.0.1", port)).await), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_backlog_keeps_what_was_written_before_accept() {
    let (tell, told) = signal();
    parties(
        async |listener| {
            told.await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "early");
        },
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"early").await.unwrap();
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
    );
}

#[test]
fn a_dropped_listener_resets_who_waits_in_its_backlog() {
    let (tell, told) = signal();
    parties(
        async |listener| {
            told.await.unwrap();
            drop(listener);
        },
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            moment().await;
            tell.send(()).unwrap();
            assert_eq!(kind(stream.read_u8().await), ErrorKind::ConnectionReset);
        },
    );
}

#[test]
fn an_accepted_connection_outlives_its_listener() {
    parties(
        async |listener| {
            let (mut stream, _) = listener.accept().await.unwrap();
            drop(listener);
            moment().await;
            stream.write_u8(7).await.unwrap();
        },
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), 7);
        },
    );
}

#[test]
fn two_tasks_accept_from_one_listener() {
    parties(
        async |listener| {
            let listener = Arc::new(listener);
            let accept = || {
                let listener = listener.clone();
                tokio::spawn(async move {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    stream.write_u8(1).await.unwrap();
                    // Never accepts again: the other connection is the other task's.
                })
            };
            for task in [accept(), accept()] {
                task.await.unwrap();
            }
        },
        async |address| {
            moment().await;
            let mut streams = Vec::new();
            for _ in 0..2 {
                streams.push(TcpStream::connect(address).await.unwrap());
                moment().await;
            }
            for stream in &mut streams {
                assert_eq!(stream.read_u8().await.unwrap(), 1);
            }
        },
    );
}

#[test]
fn a_connection_that_died_in_the_backlog_is_accepted_and_says_so() {
    let (tell, told) = signal();
    parties(
        async |listener| {
            told.await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_eq!(kind(stream.read_u8().await), ErrorKind::UnexpectedEof);
        },
        async |address| {
            drop(TcpStream::connect(address).await.unwrap());
            moment().await;
            tell.send(()).unwrap();
        },
    );
}

#[test]
fn a_hundred_connections_at_once_are_all_served() {
    parties(
        async |listener| {
            let mut tasks = Vec::new();
            for _ in 0..100 {
                let (mut stream, _) = listener.accept().await.unwrap();
                tasks.push(tokio::spawn(async move {
                    let number = stream.read_u32().await.unwrap();
                    stream.write_u32(number * 2).await.unwrap();
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        },
        async |address| {
            let clients = (0..100).map(|number| async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_u32(number).await.unwrap();
                assert_eq!(stream.read_u32().await.unwrap(), number * 2);
            });
            futures::future::join_all(clients).await;
        },
    );
}
