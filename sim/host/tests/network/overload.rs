//! A limit on what is under way.

use crate::{N1, N2, hold, ms, simulate, sleep};
use host::net::{TcpListener, TcpStream, UdpSocket};
use host::world;
use tokio::io::AsyncWriteExt;

#[test]
fn datagrams_beyond_the_limit_are_an_overload_that_names_the_link() {
    simulate(async |cluster| {
        world::with(|world| world.set_message_limit(10_000));
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
        assert_eq!(overload.link, ("n2".to_owned(), "n1".to_owned()));
        assert!((10_000..12_000).contains(&overload.messages), "{overload}");
        assert_eq!(
            overload.to_string(),
            format!("{0} messages are under way and unread, {0} of them from n2 to n1", overload.messages)
        );
    });
}

#[test]
fn packets_of_many_diallers_that_wait_are_an_overload_too() {
    simulate(async |cluster| {
        world::with(|world| world.set_message_limit(500));
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
        world::with(|world| world.set_message_limit(1000));
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
        world::with(|world| world.set_message_limit(1000));
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
