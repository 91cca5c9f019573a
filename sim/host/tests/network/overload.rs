//! A limit on what is under way.

use crate::{N1, N2, hold, ms, simulate, sleep};
use host::net::{TcpListener, TcpStream, UdpSocket};
use host::world::{self, Excess, Limits};
use tokio::io::AsyncWriteExt;

#[test]
fn datagrams_beyond_the_limit_are_an_overload_that_names_the_link() {
    simulate(async |cluster| {
        world::with(|world| world.set_limits(Limits { messages: 10_000, ..Limits::default() }));
        let socket = cluster.on(N2, UdpSocket::bind("0.0.0.0:0")).await.unwrap().unwrap();
        hold(N2, N1);
        for _ in 0..9_000 {
            socket.send_to(&[7; 8], "10.0.0.1:7000").await.unwrap();
        }
        assert_eq!(world::with(|world| world.overload().cloned()), None);
        for _ in 0..100_000 {
            socket.send_to(&[7; 8], "10.0.0.1:7000").await.unwrap();
        }
        let overload = world::with(|world| world.overload().cloned()).unwrap();
        let busiest = overload.busiest.clone().unwrap();
        assert_eq!(busiest.link, ("n2".to_owned(), "n1".to_owned()));
        assert!((10_000..12_000).contains(&busiest.messages), "{overload}");
        assert_eq!(
            overload.to_string(),
            format!(
                "{0} messages are under way and unread; most go from n2 to n1: {0} messages, {1} bytes, last \
                 \"\\x07\\x07\\x07\\x07\\x07\\x07\\x07\\x07\"",
                busiest.messages, busiest.bytes
            )
        );
    });
}

#[test]
fn few_datagrams_with_many_bytes_are_an_overload() {
    simulate(async |cluster| {
        world::with(|world| world.set_limits(Limits { bytes: 1 << 20, ..Limits::default() }));
        let socket = cluster.on(N2, UdpSocket::bind("0.0.0.0:0")).await.unwrap().unwrap();
        hold(N2, N1);
        for _ in 0..16 {
            socket.send_to(&[7; 60_000], "10.0.0.1:7000").await.unwrap();
        }
        assert_eq!(world::with(|world| world.overload().cloned()), None);
        for _ in 0..8 {
            socket.send_to(&[7; 60_000], "10.0.0.1:7000").await.unwrap();
        }
        let overload = world::with(|world| world.overload().cloned()).unwrap();
        assert!(matches!(overload.excess, Excess::Bytes(1_048_576..)), "{overload}");
    });
}

#[test]
fn events_without_end_are_an_overload_that_wakes_whoever_waits_for_one() {
    simulate(async |cluster| {
        let storm = cluster.on(N1, async {
            loop {
                for _ in 0..1000 {
                    host::probe!("storm");
                }
                sleep(ms(1)).await;
            }
        });
        let overload = world::overloaded().await;
        storm.abort();
        // A million at once and 0.1 a microsecond against one a microsecond.
        assert!(matches!(overload.excess, Excess::Events(1_050_000..1_200_000)), "{overload}");
        assert_eq!(overload.loudest.map(|(probe, _)| probe), Some("storm"));
    });
}

#[test]
fn as_many_events_as_the_quota_allows_are_none() {
    simulate(async |cluster| {
        let busy = cluster.on(N1, async {
            for _ in 0..500 {
                for _ in 0..2000 {
                    host::probe!("busy");
                }
                sleep(ms(10)).await;
            }
        });
        tokio::select! {
            biased;
            overload = world::overloaded() => panic!("{overload}"),
            done = busy => done.unwrap(),
        }
    });
}

#[test]
fn packets_of_many_diallers_that_wait_are_an_overload_too() {
    simulate(async |cluster| {
        world::with(|world| world.set_limits(Limits { messages: 500, ..Limits::default() }));
        hold(N2, N1);
        for _ in 0..1000 {
            cluster.on(N2, TcpStream::connect("10.0.0.1:7000"));
        }
        sleep(ms(10)).await;
        assert!(world::with(|world| world.overload().is_some()));
    });
}

#[test]
fn messages_that_were_received_do_not_count() {
    simulate(async |cluster| {
        world::with(|world| world.set_limits(Limits { messages: 1000, ..Limits::default() }));
        let sockets = [N1, N2].map(|machine| cluster.on(machine, UdpSocket::bind("0.0.0.0:7000")));
        let [receiver, sender] = sockets;
        let (receiver, sender) = (receiver.await.unwrap().unwrap(), sender.await.unwrap().unwrap());
        for _ in 0..5_000 {
            sender.send_to(&[7; 8], "10.0.0.1:7000").await.unwrap();
            receiver.recv(&mut [0; 8]).await.unwrap();
        }
        assert_eq!(world::with(|world| world.overload().cloned()), None);
    });
}

#[test]
fn a_writer_to_a_held_link_is_limited_by_its_window_and_no_overload() {
    simulate(async |cluster| {
        world::with(|world| world.set_limits(Limits { messages: 1000, ..Limits::default() }));
        let listener = cluster.on(N1, TcpListener::bind("0.0.0.0:7000")).await.unwrap().unwrap();
        let mut stream = cluster.on(N2, TcpStream::connect("10.0.0.1:7000")).await.unwrap().unwrap();
        let _accepted = listener.accept().await.unwrap();
        hold(N2, N1);
        for _ in 0..100_000 {
            stream.write_u8(1).await.unwrap();
        }
        assert_eq!(world::with(|world| world.overload().cloned()), None);
    });
}
