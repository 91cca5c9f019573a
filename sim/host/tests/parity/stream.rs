//! Bytes on an open connection.

use crate::two_worlds::{ends, kind, moment, noise, signal};
use host::net::{Keepalive, set_keepalive, set_user_timeout};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const MEGABYTE: usize = 1 << 20;

#[test]
fn a_stream_knows_no_boundaries_between_writes() {
    let (sent, expected) = (noise(20_000, 1), noise(20_000, 1));
    ends(
        async move |mut stream| {
            let (mut rest, mut len) = (sent.as_slice(), 1);
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(len.min(rest.len()));
                stream.write_all(chunk).await.unwrap();
                (rest, len) = (after, len * 3 % 611 + 1);
                tokio::task::yield_now().await;
            }
        },
        async move |mut stream| {
            let (mut received, mut len) = (Vec::new(), 1);
            loop {
                let mut chunk = vec![0; len];
                let read = stream.read(&mut chunk).await.unwrap();
                if read == 0 {
                    break;
                }
                received.extend_from_slice(&chunk[..read]);
                len = len * 5 % 397 + 1;
            }
            assert_eq!(received, expected);
        },
    );
}

#[test]
fn four_megabytes_arrive_intact_in_both_directions_at_once() {
    ends(
        async |stream| exchange(stream, noise(4 * MEGABYTE, 1), noise(4 * MEGABYTE, 2)).await,
        async |stream| exchange(stream, noise(4 * MEGABYTE, 2), noise(4 * MEGABYTE, 1)).await,
    );
}

async fn exchange(stream: host::net::TcpStream, sent: Vec<u8>, expected: Vec<u8>) {
    let (mut read, mut write) = stream.into_split();
    let writer = async move {
        write.write_all(&sent).await.unwrap();
        drop(write);
    };
    let reader = async move {
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        assert!(received == expected, "{} bytes differ from {}", received.len(), expected.len());
    };
    tokio::join!(writer, reader);
}

#[test]
fn a_writer_waits_while_nobody_reads_and_goes_on_when_somebody_does() {
    let (tell, told) = signal();
    ends(
        async move |mut stream| {
            let chunk = vec![7; 64 * 1024];
            let mut written = 0;
            while let Ok(outcome) = timeout(Duration::from_millis(300), stream.write(&chunk)).await {
                written += outcome.unwrap();
                assert!(written < 256 * MEGABYTE, "it never waits");
            }
            tell.send(()).unwrap();
            stream.write_all(b"more").await.unwrap();
            stream.write_u64(written as u64).await.unwrap();
        },
        async move |mut stream| {
            told.await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            let written = received.len() - 12;
            assert_eq!(received[written..written + 4], *b"more");
            assert_eq!(received[written + 4..], (written as u64).to_be_bytes());
        },
    );
}

#[test]
fn a_write_takes_what_has_room() {
    ends(
        async |mut stream| {
            let bytes = vec![1; 64 * MEGABYTE];
            let taken = stream.write(&bytes).await.unwrap();
            assert!(0 < taken && taken < bytes.len(), "{taken} bytes were taken");
        },
        async |mut stream| {
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
        },
    );
}

#[test]
fn an_empty_write_writes_nothing() {
    ends(
        async |mut stream| {
            assert_eq!(stream.write(&[]).await.unwrap(), 0);
            moment().await;
            stream.write_u8(1).await.unwrap();
        },
        async |mut stream| {
            let mut bytes = [0; 2];
            assert_eq!((stream.read(&mut bytes).await.unwrap(), bytes[0]), (1, 1));
        },
    );
}

#[test]
fn written_bytes_leave_without_a_flush() {
    let (tell, told) = signal();
    ends(
        async |mut stream| {
            stream.write_all(b"unflushed").await.unwrap();
            told.await.unwrap();
            stream.flush().await.unwrap();
        },
        async |mut stream| {
            let mut bytes = [0; 9];
            stream.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"unflushed");
            tell.send(()).unwrap();
        },
    );
}

#[test]
fn a_question_and_its_answer_take_turns() {
    ends(
        async |mut stream| {
            for number in 0..1000 {
                assert_eq!(stream.read_u32().await.unwrap(), number);
                stream.write_u32(number + 1).await.unwrap();
            }
        },
        async |mut stream| {
            for number in 0..1000 {
                stream.write_u32(number).await.unwrap();
                assert_eq!(stream.read_u32().await.unwrap(), number + 1);
            }
        },
    );
}

#[test]
fn both_ends_may_write_before_they_read() {
    async fn greet(mut stream: host::net::TcpStream) {
        stream.write_all(&noise(10_000, 3)).await.unwrap();
        let mut received = vec![0; 10_000];
        stream.read_exact(&mut received).await.unwrap();
        assert_eq!(received, noise(10_000, 3));
    }
    ends(greet, greet);
}

#[test]
fn no_delay_is_accepted() {
    ends(async |stream| stream.set_nodelay(true).unwrap(), async |stream| stream.set_nodelay(false).unwrap());
}

#[test]
fn a_read_into_a_small_buffer_leaves_the_rest() {
    ends(
        async |mut stream| stream.write_all(b"abcdef").await.unwrap(),
        async |mut stream| {
            moment().await;
            for expected in [b"ab", b"cd", b"ef"] {
                let mut bytes = [0; 2];
                assert_eq!((stream.read(&mut bytes).await.unwrap(), &bytes), (2, expected));
            }
        },
    );
}

#[test]
fn options_of_a_connection_are_taken() {
    ends(
        async |stream| {
            stream.set_nodelay(true).unwrap();
            let second = Duration::from_secs(1);
            set_keepalive(&stream, Some(Keepalive { idle: second, interval: second, count: 3 })).unwrap();
            set_keepalive(&stream, None).unwrap();
            set_user_timeout(&stream, 30 * second).unwrap();
            let none = Keepalive { count: 0, ..Keepalive::default() };
            assert_eq!(kind(set_keepalive(&stream, Some(none))), ErrorKind::InvalidInput);
        },
        async |mut stream| {
            assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
        },
    );
}
