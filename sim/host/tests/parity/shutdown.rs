//! How connections end: FIN, RST, and what the calls after them say.

use crate::two_worlds::{ends, kind, moment, signal};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn a_dropped_end_is_the_end_of_the_stream() {
    ends(
        async |stream| drop(stream),
        async |mut stream| assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0),
    );
}

#[test]
fn the_end_of_the_stream_lasts() {
    ends(
        async |stream| drop(stream),
        async |mut stream| {
            for _ in 0..3 {
                assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
            }
        },
    );
}

#[test]
fn after_a_shutdown_the_other_direction_still_works() {
    ends(
        async |mut stream| {
            stream.shutdown().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "the last word");
        },
        async |mut stream| {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
            moment().await;
            stream.write_all(b"the last ").await.unwrap();
            moment().await;
            stream.write_all(b"word").await.unwrap();
        },
    );
}

#[test]
fn a_write_after_shutdown_is_a_broken_pipe() {
    ends(
        async |mut stream| {
            stream.shutdown().await.unwrap();
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
        },
        async |mut stream| {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        },
    );
}

#[test]
fn a_second_shutdown_is_no_error() {
    ends(
        async |mut stream| {
            stream.shutdown().await.unwrap();
            stream.shutdown().await.unwrap();
        },
        async |mut stream| assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0),
    );
}

#[test]
fn data_sent_before_the_end_is_read_before_the_end() {
    ends(
        async |mut stream| {
            stream.write_all(b"last words").await.unwrap();
        },
        async |mut stream| {
            moment().await;
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "last words");
        },
    );
}

#[test]
fn two_ends_that_shut_down_part_in_peace() {
    async fn part(mut stream: host::net::TcpStream) {
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "bye");
    }
    ends(part, part);
}

#[test]
fn the_first_write_to_a_closed_end_succeeds_and_the_next_is_a_broken_pipe() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            told.await.unwrap();
            assert_eq!(stream.write(b"x").await.unwrap(), 1);
            moment().await;
            // Not "connection reset": this end has seen the other's FIN.
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        },
    );
}

#[test]
fn an_end_dropped_with_unread_data_resets_the_other() {
    ends(
        async |stream| {
            moment().await;
            drop(stream);
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            assert_eq!(kind(stream.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        },
    );
}

#[test]
fn a_reset_is_told_once_and_then_the_stream_has_ended() {
    ends(
        async |stream| {
            moment().await;
            drop(stream);
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            assert_eq!(kind(stream.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
        },
    );
}

#[test]
fn a_writer_learns_of_a_reset_once_and_then_of_a_broken_pipe() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            moment().await;
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            told.await.unwrap();
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::ConnectionReset);
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        },
    );
}

#[test]
fn data_that_arrived_before_a_reset_is_still_readable() {
    let (tell, told) = signal();
    ends(
        async |mut stream| {
            stream.write_all(b"before").await.unwrap();
            moment().await;
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            told.await.unwrap();
            let mut bytes = [0; 16];
            let read = stream.read(&mut bytes).await.unwrap();
            assert_eq!(&bytes[..read], b"before");
            assert_eq!(kind(stream.read(&mut bytes).await), ErrorKind::ConnectionReset);
        },
    );
}

#[test]
fn data_that_arrives_at_a_closed_end_resets_its_sender() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            drop(stream);
            tell.send(()).unwrap();
        },
        async |mut stream| {
            told.await.unwrap();
            // Perhaps the FIN is here already, perhaps not; the outcome is an error all the same.
            let error = loop {
                if let Err(error) = stream.write(b"anybody there?").await {
                    break error.kind();
                }
                moment().await;
            };
            assert!(matches!(error, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
        },
    );
}

#[test]
fn a_dead_connection_has_a_local_address_and_no_peer() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            moment().await;
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            let local = stream.local_addr().unwrap();
            stream.write_all(b"never read").await.unwrap();
            told.await.unwrap();
            assert_eq!(kind(stream.peer_addr()), ErrorKind::NotConnected);
            assert_eq!(stream.local_addr().unwrap(), local);
        },
    );
}

#[test]
fn a_dead_connection_shuts_down_without_an_error() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            moment().await;
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            told.await.unwrap();
            stream.shutdown().await.unwrap();
        },
    );
}

#[test]
fn a_writer_that_waits_for_room_fails_when_its_reader_goes_away() {
    ends(
        async |stream| {
            for _ in 0..5 {
                moment().await;
            }
            drop(stream);
        },
        async |mut stream| {
            let error = kind(stream.write_all(&vec![0; 64 << 20]).await);
            assert!(matches!(error, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
        },
    );
}

#[test]
fn a_reader_that_was_reset_after_the_end_of_the_stream_sees_the_end() {
    let (tell, told) = signal();
    ends(
        async |stream| {
            drop(stream);
            moment().await;
            tell.send(()).unwrap();
        },
        async |mut stream| {
            told.await.unwrap();
            stream.write_all(b"x").await.unwrap();
            moment().await;
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        },
    );
}
