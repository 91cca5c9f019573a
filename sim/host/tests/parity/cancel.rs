//! What a dropped future leaves behind.

use crate::two_worlds::{ends, kind, machine, moment, noise, parties, signal};
use host::net::{TcpListener, TcpStream};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

#[test]
fn a_cancelled_read_loses_nothing() {
    ends(
        async |mut stream| {
            for byte in 0..200 {
                stream.write_u8(byte).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        },
        async |mut stream| {
            let mut received = Vec::new();
            let mut bytes = [0; 16];
            let mut interval = tokio::time::interval(Duration::from_millis(2));
            loop {
                tokio::select! {
                    read = stream.read(&mut bytes) => match read.unwrap() {
                        0 => break,
                        read => received.extend_from_slice(&bytes[..read]),
                    },
                    _ = interval.tick() => {}
                }
            }
            assert_eq!(received, (0..200).collect::<Vec<u8>>());
        },
    );
}

#[test]
fn a_cancelled_accept_loses_nothing() {
    parties(
        async |listener| {
            let mut accepted = 0;
            while accepted < 50 {
                tokio::select! {
                    connection = listener.accept() => {
                        let (mut stream, _) = connection.unwrap();
                        stream.write_u8(accepted).await.unwrap();
                        accepted += 1;
                    }
                    () = tokio::time::sleep(Duration::from_millis(1)) => {}
                }
            }
        },
        async |address| {
            for number in 0..50 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), number);
            }
        },
    );
}

#[test]
fn a_cancelled_write_all_has_written_a_prefix() {
    let (tell, told) = signal();
    ends(
        async |mut stream| {
            let bytes = noise(64 << 20, 1);
            timeout(Duration::from_millis(300), stream.write_all(&bytes)).await.expect_err("nobody reads");
            tell.send(()).unwrap();
        },
        async |mut stream| {
            told.await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            assert!(!received.is_empty() && received.len() < 64 << 20);
            assert!(received == noise(received.len(), 1), "{} bytes are no prefix", received.len());
        },
    );
}

#[test]
fn a_cancelled_write_does_not_keep_others_from_ending_the_stream() {
    let (tell, told) = signal();
    ends(
        async |mut stream| {
            let bytes = vec![0; 64 << 20];
            timeout(Duration::from_millis(300), stream.write_all(&bytes)).await.expect_err("nobody reads");
            stream.shutdown().await.unwrap();
            tell.send(()).unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), 1);
        },
        async |mut stream| {
            told.await.unwrap();
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
            stream.write_u8(1).await.unwrap();
        },
    );
}

#[test]
fn a_cancelled_connect_leaves_its_listener_in_order() {
    parties(
        async |listener| {
            // Whether the cancelled connection shows up depends on how far its handshake came.
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                match stream.read_u8().await {
                    Ok(byte) => break assert_eq!(byte, 1),
                    Err(error) => {
                        assert!(matches!(
                            error.kind(),
                            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                        ));
                    }
                }
            }
        },
        async |address| {
            tokio::select! {
                biased;
                () = std::future::ready(()) => {}
                _ = TcpStream::connect(address) => {}
            }
            tokio::select! {
                biased;
                _ = TcpStream::connect(address) => {}
                () = tokio::task::yield_now() => {}
            }
            moment().await;
            TcpStream::connect(address).await.unwrap().write_u8(1).await.unwrap();
        },
    );
}

#[test]
fn a_cancelled_reader_leaves_its_place_to_the_next() {
    ends(
        async |mut stream| {
            moment().await;
            stream.write_u8(1).await.unwrap();
        },
        async |stream| {
            let (mut read, _write) = stream.into_split();
            timeout(Duration::from_millis(1), read.read_u8()).await.expect_err("nothing was written");
            let reader = tokio::spawn(async move { read.read_u8().await.unwrap() });
            assert_eq!(reader.await.unwrap(), 1);
        },
    );
}

#[test]
fn a_listener_dropped_while_its_port_is_dialled_refuses_or_resets() {
    machine(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dialler = tokio::spawn(async move { TcpStream::connect(address).await?.read_u8().await });
        tokio::task::yield_now().await;
        drop(listener);
        let error = kind(dialler.await.unwrap());
        assert!(matches!(error, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset), "{error}");
    });
}
