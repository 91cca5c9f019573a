//! Datagrams.

use crate::two_worlds::{SERVER_IP, kind, machine, moment, noise, signal, sockets};
use host::net::UdpSocket;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A socket on a free port of the server's machine.
async fn bound() -> UdpSocket {
    UdpSocket::bind((SERVER_IP, 0)).await.unwrap()
}

/// An address of the server's machine where no socket is.
async fn nobody() -> SocketAddr {
    bound().await.local_addr().unwrap()
}

/// Two sockets of one machine that talk to each other.
async fn pair() -> (UdpSocket, UdpSocket) {
    let (one, two) = (bound().await, bound().await);
    one.connect(two.local_addr().unwrap()).await.unwrap();
    two.connect(one.local_addr().unwrap()).await.unwrap();
    (one, two)
}

async fn text(socket: &UdpSocket) -> String {
    let mut bytes = [0; 100];
    let len = socket.recv(&mut bytes).await.unwrap();
    String::from_utf8(bytes[..len].to_vec()).unwrap()
}

#[test]
fn a_datagram_arrives_whole_with_its_senders_address() {
    sockets(
        async |server| {
            let mut bytes = [0; 2000];
            let (len, from) = server.recv_from(&mut bytes).await.unwrap();
            assert_eq!(&bytes[..len], noise(1000, 1));
            assert_eq!(server.send_to(b"thanks", from).await.unwrap(), 6);
        },
        async |client, address| {
            assert_eq!(client.send_to(&noise(1000, 1), address).await.unwrap(), 1000);
            let mut bytes = [0; 100];
            let (len, from) = client.recv_from(&mut bytes).await.unwrap();
            assert_eq!((&bytes[..len], from), (b"thanks".as_slice(), address));
        },
    );
}

#[test]
fn a_datagram_is_a_message_and_never_joined_with_the_next() {
    machine(|| async {
        let (one, two) = pair().await;
        for part in ["a", "bc", "def"] {
            one.send(part.as_bytes()).await.unwrap();
        }
        moment().await;
        assert_eq!([text(&two).await, text(&two).await, text(&two).await], ["a", "bc", "def"]);
    });
}

#[test]
fn what_does_not_fit_into_the_buffer_is_lost() {
    machine(|| async {
        let (one, two) = pair().await;
        one.send(b"long message").await.unwrap();
        one.send(b"next").await.unwrap();
        let mut bytes = [0; 4];
        assert_eq!((two.recv(&mut bytes).await.unwrap(), &bytes), (4, b"long"));
        assert_eq!(text(&two).await, "next");
    });
}

#[test]
fn an_empty_datagram_arrives() {
    machine(|| async {
        let (one, two) = pair().await;
        assert_eq!(one.send(&[]).await.unwrap(), 0);
        assert_eq!(two.recv(&mut [0; 4]).await.unwrap(), 0);
    });
}

#[test]
fn the_longest_datagram_arrives_and_a_longer_one_is_refused() {
    machine(|| async {
        let (one, two) = pair().await;
        let longest = noise(65_507, 2);
        one.send(&longest).await.unwrap();
        let mut bytes = vec![0; 70_000];
        let len = two.recv(&mut bytes).await.unwrap();
        assert!(bytes[..len] == longest, "{len} bytes");
        // EMSGSIZE has no kind of its own.
        assert_eq!(one.send(&noise(65_508, 2)).await.unwrap_err().raw_os_error(), Some(90));
    });
}

#[test]
fn a_socket_without_a_peer_must_be_told_where_to_send() {
    machine(|| async {
        let socket = bound().await;
        // EDESTADDRREQ has no kind of its own.
        assert_eq!(socket.send(b"where to?").await.unwrap_err().raw_os_error(), Some(89));
        assert_eq!(kind(socket.peer_addr()), ErrorKind::NotConnected);
    });
}

#[test]
fn port_zero_is_no_destination() {
    machine(|| async {
        let socket = bound().await;
        assert_eq!(kind(socket.send_to(b"x", (SERVER_IP, 0)).await), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_connected_socket_knows_its_peer_and_its_own_address() {
    sockets(
        async |server| {
            let (_, from) = server.recv_from(&mut [0; 8]).await.unwrap();
            server.send_to(from.to_string().as_bytes(), from).await.unwrap();
        },
        async |client, address| {
            assert!(client.local_addr().unwrap().ip().is_unspecified());
            client.connect(address).await.unwrap();
            assert_eq!(client.peer_addr().unwrap(), address);
            client.send(b"who am I").await.unwrap();
            assert_eq!(text(&client).await, client.local_addr().unwrap().to_string());
        },
    );
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    machine(|| async {
        let (one, two) = pair().await;
        let stranger = bound().await;
        stranger.send_to(b"psst", two.local_addr().unwrap()).await.unwrap();
        one.send(b"hello").await.unwrap();
        assert_eq!(text(&two).await, "hello");
        assert_eq!(kind(two.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
    });
}

#[test]
fn what_strangers_sent_before_a_socket_was_connected_is_still_read() {
    machine(|| async {
        let (one, two) = (bound().await, bound().await);
        one.send_to(b"early", two.local_addr().unwrap()).await.unwrap();
        moment().await;
        two.connect(bound().await.local_addr().unwrap()).await.unwrap();
        assert_eq!(text(&two).await, "early");
    });
}

#[test]
fn a_connected_socket_may_send_elsewhere() {
    machine(|| async {
        let (one, two, three) = (bound().await, bound().await, bound().await);
        one.connect(two.local_addr().unwrap()).await.unwrap();
        one.send_to(b"aside", three.local_addr().unwrap()).await.unwrap();
        assert_eq!(text(&three).await, "aside");
    });
}

#[test]
fn a_socket_that_is_connected_again_has_a_new_peer() {
    machine(|| async {
        let (one, two, three) = (bound().await, bound().await, bound().await);
        one.connect(two.local_addr().unwrap()).await.unwrap();
        one.connect(three.local_addr().unwrap()).await.unwrap();
        one.send(b"hello").await.unwrap();
        assert_eq!(text(&three).await, "hello");
        assert_eq!(one.peer_addr().unwrap(), three.local_addr().unwrap());
    });
}

#[test]
fn a_connected_socket_learns_that_nobody_is_there() {
    sockets(
        async |server| drop(server),
        async |client, address| {
            client.connect(address).await.unwrap();
            moment().await;
            client.send(b"anybody?").await.unwrap();
            assert_eq!(kind(client.recv(&mut [0; 8]).await), ErrorKind::ConnectionRefused);
        },
    );
}

#[test]
fn a_refusal_wakes_who_waits_to_receive() {
    machine(|| async {
        let socket = Arc::new(bound().await);
        socket.connect(nobody().await).await.unwrap();
        let waiting = socket.clone();
        let waiting = tokio::spawn(async move { waiting.recv(&mut [0; 8]).await });
        moment().await;
        socket.send(b"anybody?").await.unwrap();
        assert_eq!(kind(waiting.await.unwrap()), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_refusal_makes_no_socket_readable() {
    machine(|| async {
        let socket = bound().await;
        socket.connect(nobody().await).await.unwrap();
        socket.send(b"anybody?").await.unwrap();
        moment().await;
        // Linux reports an error, which is not readability.
        timeout(Duration::from_millis(100), socket.readable()).await.unwrap_err();
    });
}

#[test]
fn a_refusal_is_told_once_and_by_a_send_too() {
    machine(|| async {
        let socket = bound().await;
        socket.connect(nobody().await).await.unwrap();
        socket.send(b"anybody?").await.unwrap();
        moment().await;
        assert_eq!(kind(socket.send(b"anybody?").await), ErrorKind::ConnectionRefused);
        assert_eq!(kind(socket.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_refusal_comes_before_what_can_be_read() {
    machine(|| async {
        let (one, two) = pair().await;
        two.send(b"last words").await.unwrap();
        moment().await;
        drop(two);
        one.send(b"still there?").await.unwrap();
        moment().await;
        assert_eq!(kind(one.recv(&mut [0; 32]).await), ErrorKind::ConnectionRefused);
        assert_eq!(text(&one).await, "last words");
    });
}

#[test]
fn a_socket_without_a_peer_does_not_learn_that_nobody_is_there() {
    machine(|| async {
        let socket = bound().await;
        socket.send_to(b"anybody?", nobody().await).await.unwrap();
        moment().await;
        assert_eq!(kind(socket.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
        socket.send_to(b"anybody?", nobody().await).await.unwrap();
    });
}

#[test]
fn a_stranger_is_refused_by_a_connected_socket() {
    machine(|| async {
        let (_one, two) = pair().await;
        let stranger = bound().await;
        stranger.connect(two.local_addr().unwrap()).await.unwrap();
        stranger.send(b"psst").await.unwrap();
        assert_eq!(kind(stranger.recv(&mut [0; 8]).await), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn nothing_to_read_would_block() {
    machine(|| async {
        let socket = bound().await;
        assert_eq!(kind(socket.try_recv_from(&mut [0; 8])), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_peek_leaves_the_datagram_there() {
    machine(|| async {
        let (one, two) = pair().await;
        one.send(b"look").await.unwrap();
        let mut bytes = [0; 2];
        assert_eq!(two.peek_from(&mut bytes).await.unwrap(), (2, one.local_addr().unwrap()));
        assert_eq!(text(&two).await, "look");
    });
}

#[test]
fn a_readable_socket_has_something_to_receive() {
    sockets(
        async |server| {
            server.readable().await.unwrap();
            let mut bytes = [0; 8];
            assert_eq!(server.try_recv(&mut bytes).unwrap(), 5);
        },
        async |client, address| {
            moment().await;
            client.writable().await.unwrap();
            client.send_to(b"ready", address).await.unwrap();
            moment().await;
        },
    );
}

#[test]
fn a_full_receive_buffer_keeps_the_first_and_drops_the_rest() {
    machine(|| async {
        let (one, two) = pair().await;
        for number in 0..5000_u32 {
            one.send(&number.to_be_bytes()).await.unwrap();
        }
        moment().await;
        let mut received = Vec::new();
        let mut bytes = [0; 4];
        while two.try_recv(&mut bytes).is_ok() {
            received.push(u32::from_be_bytes(bytes));
        }
        // Linux counts what the kernel keeps besides: a few hundred are held.
        assert!((100..1000).contains(&received.len()), "{} of 5000", received.len());
        assert!(received.iter().copied().eq(0..received.len() as u32), "not the first");
        one.send(b"room").await.unwrap();
        assert_eq!(text(&two).await, "room");
    });
}

#[test]
fn a_bound_port_is_taken() {
    machine(|| async {
        let socket = bound().await;
        let address = socket.local_addr().unwrap();
        assert_eq!(kind(UdpSocket::bind(address).await), ErrorKind::AddrInUse);
        assert_eq!(kind(UdpSocket::bind(("0.0.0.0", address.port())).await), ErrorKind::AddrInUse);
        drop(socket);
        UdpSocket::bind(address).await.unwrap();
    });
}

#[test]
fn ports_of_datagrams_and_of_streams_do_not_collide() {
    machine(|| async {
        let socket = bound().await;
        host::net::TcpListener::bind(socket.local_addr().unwrap()).await.unwrap();
    });
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    machine(|| async {
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(kind(UdpSocket::bind((elsewhere, 0)).await), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn a_socket_on_all_addresses_hears_on_each() {
    machine(|| async {
        let all = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        let port = all.local_addr().unwrap().port();
        let sender = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        for address in [SERVER_IP, "127.0.0.1", "localhost"] {
            sender.send_to(address.as_bytes(), (address, port)).await.unwrap();
            assert_eq!(text(&all).await, address);
        }
    });
}

#[test]
fn a_socket_talks_to_itself() {
    machine(|| async {
        let socket = bound().await;
        socket.connect(socket.local_addr().unwrap()).await.unwrap();
        socket.send(b"note to self").await.unwrap();
        assert_eq!(text(&socket).await, "note to self");
    });
}

#[test]
fn a_cancelled_receive_loses_nothing() {
    sockets(
        async |server| {
            let mut received = Vec::new();
            let mut interval = tokio::time::interval(Duration::from_millis(2));
            let mut bytes = [0; 8];
            while received.len() < 200 {
                tokio::select! {
                    datagram = server.recv_from(&mut bytes) => {
                        assert_eq!(datagram.unwrap().0, 1);
                        received.push(bytes[0]);
                    }
                    _ = interval.tick() => {}
                }
            }
            received.sort_unstable();
            assert_eq!(received, (0..200).collect::<Vec<u8>>());
        },
        async |client, address| {
            for byte in 0..200 {
                client.send_to(&[byte], address).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            moment().await;
        },
    );
}

#[test]
fn many_tasks_receive_from_one_socket_and_none_twice() {
    sockets(
        async |server| {
            let server = Arc::new(server);
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let server = server.clone();
                    tokio::spawn(async move {
                        let mut received = Vec::new();
                        let mut bytes = [0; 8];
                        while let Ok(Ok(_)) = timeout(Duration::from_secs(2), server.recv(&mut bytes)).await {
                            received.push(bytes[0]);
                        }
                        received
                    })
                })
                .collect();
            let mut received = Vec::new();
            for task in tasks {
                received.extend(task.await.unwrap());
            }
            received.sort_unstable();
            assert_eq!(received, (0..100).collect::<Vec<u8>>());
        },
        async |client, address| {
            for byte in 0..100 {
                client.send_to(&[byte], address).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            moment().await;
        },
    );
}

#[test]
fn datagrams_for_a_closed_socket_do_not_reach_the_next_one_on_its_port() {
    let (closed, is_closed) = signal();
    sockets(
        async |server| {
            server.recv_from(&mut [0; 8]).await.unwrap();
            // The second one is in the buffer by now, and goes with it.
            moment().await;
            let address = server.local_addr().unwrap();
            drop(server);
            let next = UdpSocket::bind(address).await.unwrap();
            closed.send(()).unwrap();
            assert_eq!(text(&next).await, "third");
        },
        async |client, address| {
            client.send_to(b"first", address).await.unwrap();
            client.send_to(b"second", address).await.unwrap();
            is_closed.await.unwrap();
            client.send_to(b"third", address).await.unwrap();
            moment().await;
        },
    );
}
