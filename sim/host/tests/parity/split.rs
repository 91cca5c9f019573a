//! Halves of a connection.

use crate::two_worlds::{ends, kind, moment, noise};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn two_halves_work_in_two_tasks() {
    ends(
        async |stream| {
            let (mut read, mut write) = stream.into_split();
            let echo = tokio::spawn(async move { tokio::io::copy(&mut read, &mut write).await.unwrap() });
            assert_eq!(echo.await.unwrap(), 100_000);
        },
        async |stream| {
            let (mut read, mut write) = stream.into_split();
            let writer = tokio::spawn(async move { write.write_all(&noise(100_000, 1)).await.unwrap() });
            let mut received = Vec::new();
            read.read_to_end(&mut received).await.unwrap();
            writer.await.unwrap();
            assert!(received == noise(100_000, 1));
        },
    );
}

#[test]
fn a_dropped_write_half_ends_the_stream_and_leaves_reading() {
    ends(
        async |stream| {
            let (mut read, write) = stream.into_split();
            drop(write);
            assert_eq!(read.read_u8().await.unwrap(), 9);
        },
        async |mut stream| {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
            stream.write_u8(9).await.unwrap();
        },
    );
}

#[test]
fn a_dropped_read_half_leaves_writing() {
    ends(
        async |stream| {
            let (read, mut write) = stream.into_split();
            drop(read);
            moment().await;
            write.write_u8(9).await.unwrap();
        },
        async |mut stream| assert_eq!(stream.read_u8().await.unwrap(), 9),
    );
}

#[test]
fn dropping_both_halves_closes_the_connection() {
    ends(
        async |stream| {
            let (read, write) = stream.into_split();
            moment().await;
            drop(write);
            drop(read);
        },
        async |mut stream| {
            stream.write_all(b"never read").await.unwrap();
            // FIN from the write half, then RST for what the read half had not read.
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
            moment().await;
            assert_eq!(kind(stream.write(b"x").await), ErrorKind::BrokenPipe);
        },
    );
}

#[test]
fn both_halves_know_the_addresses() {
    ends(
        async |stream| {
            let addresses = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
            let (read, write) = stream.into_split();
            assert_eq!((read.local_addr().unwrap(), read.peer_addr().unwrap()), addresses);
            assert_eq!((write.local_addr().unwrap(), write.peer_addr().unwrap()), addresses);
        },
        async |mut stream| {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        },
    );
}

#[test]
fn a_write_half_that_is_shut_down_and_dropped_ends_the_stream_once() {
    ends(
        async |stream| {
            let (mut read, mut write) = stream.into_split();
            write.write_u8(1).await.unwrap();
            write.shutdown().await.unwrap();
            drop(write);
            assert_eq!(read.read_u8().await.unwrap(), 2);
        },
        async |mut stream| {
            assert_eq!(stream.read_u8().await.unwrap(), 1);
            assert_eq!(kind(stream.read_u8().await), ErrorKind::UnexpectedEof);
            stream.write_u8(2).await.unwrap();
        },
    );
}

#[test]
fn the_generic_split_of_tokio_works_too() {
    ends(
        async |stream| {
            let (mut read, mut write) = tokio::io::split(stream);
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            // Unlike an owned half, a generic one does not end the stream when it is dropped.
            write.shutdown().await.unwrap();
        },
        async |mut stream| {
            stream.write_all(b"echo").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "echo");
        },
    );
}
