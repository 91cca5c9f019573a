//! Dialling.

use crate::two_worlds::{SERVER_IP, kind, machine, parties};
use host::net::{TcpListener, TcpStream, lookup_host};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn a_listening_port_accepts_who_connects() {
    parties(
        async |listener| {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"welcome").await.unwrap();
        },
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "welcome");
        },
    );
}

#[test]
fn a_port_on_which_nobody_listens_refuses() {
    parties(
        async |listener| drop(listener),
        async |address| {
            crate::two_worlds::moment().await;
            assert_eq!(kind(TcpStream::connect(address).await), ErrorKind::ConnectionRefused);
        },
    );
}

#[test]
fn a_refused_dialler_gets_through_once_somebody_listens() {
    machine(|| async {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(kind(TcpStream::connect(address).await), ErrorKind::ConnectionRefused);
        let _listener = TcpListener::bind(address).await.unwrap();
        TcpStream::connect(address).await.unwrap();
    });
}

#[test]
fn both_ends_agree_on_their_addresses() {
    parties(
        async |listener| {
            let (mut stream, dialler) = listener.accept().await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), dialler);
            assert_eq!(stream.local_addr().unwrap(), listener.local_addr().unwrap());
            stream.write_all(dialler.to_string().as_bytes()).await.unwrap();
        },
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
            let mut text = String::new();
            let local = stream.local_addr().unwrap();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, local.to_string());
        },
    );
}

#[test]
fn connections_are_accepted_in_the_order_in_which_they_were_made() {
    parties(
        async |listener| {
            for number in 0..5 {
                let (mut stream, _) = listener.accept().await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), number);
            }
        },
        async |address| {
            let mut streams = Vec::new();
            for number in 0..5 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_u8(number).await.unwrap();
                crate::two_worlds::moment().await;
                streams.push(stream);
            }
        },
    );
}

#[test]
fn every_connection_has_a_local_port_of_its_own() {
    parties(
        async |listener| {
            let mut ports = BTreeSet::new();
            let mut streams = Vec::new();
            for _ in 0..20 {
                let (stream, dialler) = listener.accept().await.unwrap();
                assert!(ports.insert(dialler.port()), "{dialler} twice");
                streams.push(stream);
            }
        },
        async |address| {
            let dialled = (0..20).map(|_| TcpStream::connect(address));
            let streams = futures::future::try_join_all(dialled).await.unwrap();
            assert_eq!(streams.len(), 20);
        },
    );
}

#[test]
fn a_machine_connects_to_its_own_address() {
    machine(|| async {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let mut dialler = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut acceptor, _) = listener.accept().await.unwrap();
        dialler.write_all(b"me").await.unwrap();
        let mut bytes = [0; 2];
        acceptor.read_exact(&mut bytes).await.unwrap();
        assert_eq!((&bytes, dialler.local_addr().unwrap().ip().to_string().as_str()), (b"me", SERVER_IP));
    });
}

#[test]
fn loopback_connects_from_loopback() {
    machine(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_, dialler) = listener.accept().await.unwrap();
        assert!(stream.local_addr().unwrap().ip().is_loopback() && dialler.ip().is_loopback());
    });
}

#[test]
fn the_unspecified_address_dials_this_machine() {
    machine(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = TcpStream::connect(("0.0.0.0", port)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    });
}

#[test]
fn a_name_stands_for_its_address() {
    parties(
        async |listener| {
            listener.accept().await.unwrap();
        },
        async |address| {
            let name = if cfg!(madsim) { "n1" } else { "localhost" };
            let stream = TcpStream::connect((name, address.port())).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
        },
    );
}

#[test]
fn localhost_is_this_machine() {
    machine(|| async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(format!("localhost:{port}")).await.unwrap();
    });
}

#[test]
fn an_address_has_many_spellings() {
    machine(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ip, port) = (Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port());
        TcpStream::connect((ip, port)).await.unwrap();
        TcpStream::connect((IpAddr::V4(ip), port)).await.unwrap();
        TcpStream::connect(SocketAddrV4::new(ip, port)).await.unwrap();
        TcpStream::connect(SocketAddr::from((ip, port))).await.unwrap();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        TcpStream::connect(("127.0.0.1".to_owned(), port)).await.unwrap();
        TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        TcpStream::connect(&*format!("127.0.0.1:{port}")).await.unwrap();
    });
}

#[test]
fn text_that_is_no_address_is_invalid_input() {
    machine(|| async {
        for text in ["", "nonsense", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:65536"] {
            assert_eq!(kind(TcpStream::connect(text).await), ErrorKind::InvalidInput, "{text:?}");
        }
    });
}

#[test]
fn a_name_is_looked_up_to_addresses_with_its_port() {
    machine(|| async {
        let addresses: Vec<SocketAddr> = lookup_host("localhost:80").await.unwrap().collect();
        assert!(addresses.contains(&(Ipv4Addr::LOCALHOST, 80).into()), "{addresses:?}");
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    });
}

#[test]
fn the_addresses_of_a_list_are_tried_in_turn() {
    machine(|| async {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let closed = TcpListener::bind((SERVER_IP, 0)).await.unwrap().local_addr().unwrap();
        let stream = TcpStream::connect(&[closed, address][..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert_eq!(kind(TcpStream::connect(&[closed, closed][..]).await), ErrorKind::ConnectionRefused);
    });
}

#[cfg(not(madsim))]
#[test]
fn a_real_machine_leaves_virtual_addresses_to_its_operating_system() {
    let address = "192.0.2.1".parse().unwrap();
    assert_eq!(kind(host::net::claim_address(address)), ErrorKind::Unsupported);
    assert_eq!(kind(host::net::claimed_addresses()), ErrorKind::Unsupported);
}
