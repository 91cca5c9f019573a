//! Third-party code on our sockets.

use crate::two_worlds::{ends, noise};
use futures::{SinkExt, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio_util::bytes::Bytes;
use tokio_util::codec::{Framed, FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec};

#[test]
fn length_delimited_frames_come_out_as_they_went_in() {
    ends(
        async |stream| {
            let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
            while let Some(frame) = frames.next().await {
                frames.send(frame.unwrap().freeze()).await.unwrap();
            }
        },
        async |stream| {
            let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
            for len in [0, 1, 2, 1000, 100_000, 400_000] {
                frames.send(Bytes::from(noise(len, 1))).await.unwrap();
                assert!(frames.next().await.unwrap().unwrap() == noise(len, 1), "{len} bytes");
            }
        },
    );
}

#[test]
fn frames_on_two_halves_flow_both_ways() {
    ends(
        async |stream| {
            let (read, write) = stream.into_split();
            let requests = FramedRead::new(read, LengthDelimitedCodec::new());
            let answers = FramedWrite::new(write, LengthDelimitedCodec::new());
            requests.map_ok(Bytes::from).forward(answers).await.unwrap();
        },
        async |stream| {
            let (read, write) = stream.into_split();
            let mut requests = FramedWrite::new(write, LengthDelimitedCodec::new());
            let writer = tokio::spawn(async move {
                for number in 0..500_u32 {
                    requests.feed(Bytes::copy_from_slice(&number.to_be_bytes())).await.unwrap();
                }
                SinkExt::<Bytes>::close(&mut requests).await.unwrap();
            });
            let mut answers = FramedRead::new(read, LengthDelimitedCodec::new());
            for number in 0..500_u32 {
                assert_eq!(*answers.next().await.unwrap().unwrap(), number.to_be_bytes());
            }
            assert!(answers.next().await.is_none());
            writer.await.unwrap();
        },
    );
}

#[test]
fn lines_come_out_as_they_went_in() {
    ends(
        async |stream| {
            let mut lines = Framed::new(stream, LinesCodec::new());
            for line in ["one", "", "three", "ἕν"] {
                lines.send(line).await.unwrap();
            }
        },
        async |stream| {
            let lines: Vec<String> =
                Framed::new(stream, LinesCodec::new()).map(Result::unwrap).collect().await;
            assert_eq!(lines, ["one", "", "three", "ἕν"]);
        },
    );
}

#[test]
fn buffered_readers_and_writers_work() {
    ends(
        async |stream| {
            let mut writer = BufWriter::new(stream);
            writer.write_all(b"first\nsecond\n").await.unwrap();
            writer.shutdown().await.unwrap();
        },
        async |stream| {
            let mut lines = BufReader::new(stream).lines();
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("first"));
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("second"));
            assert_eq!(lines.next_line().await.unwrap(), None);
        },
    );
}

#[test]
fn a_proxy_copies_both_ways() {
    use host::net::{TcpListener, TcpStream};
    ends(
        async |mut outside| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let service = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut question = String::new();
                stream.read_to_string(&mut question).await.unwrap();
                stream.write_all(question.to_uppercase().as_bytes()).await.unwrap();
            });
            let mut inside = TcpStream::connect(address).await.unwrap();
            assert_eq!(tokio::io::copy_bidirectional(&mut outside, &mut inside).await.unwrap(), (5, 5));
            service.await.unwrap();
        },
        async |mut stream| {
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "HELLO");
        },
    );
}
