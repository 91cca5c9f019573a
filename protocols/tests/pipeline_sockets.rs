//! The log pipeline on the operating system's sockets and files: the same code as in the simulation.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::pipeline::{Client, ClientError, Config, ObjectId, Options, Part, Refusal, Summary, serve};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const GOOD: &str = "2017-02-20T03:59:59.6Z web 10.0.0.1:2817 10.0.1.2:80 0.000073 0.001048 0.000057 200 200 0 29 \
                    \"GET https://example.com:443/a b HTTP/1.1\" \"curl/7\" - -";

struct Pipeline {
    config: Config,
    collector: JoinHandle<std::io::Result<()>>,
    others: Vec<JoinHandle<std::io::Result<()>>>,
    folders: [TempDir; 3],
}

impl Pipeline {
    async fn start() -> Pipeline {
        let listener = || async { TcpListener::bind(LOCALHOST).await.unwrap() };
        let (bucket, runner, collector) = (listener().await, listener().await, listener().await);
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let options = Options {
            visibility: Duration::from_secs(1),
            retry: Duration::from_millis(20),
            snapshot_bytes: 4096,
            segment_bytes: 2048,
            ..Options::default()
        };
        let config = Config {
            bucket: address(&bucket),
            runners: vec![address(&runner)],
            collector: address(&collector),
            options,
        };
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let mut others = Vec::new();
        for (listener, part, folder) in
            [(bucket, Part::Bucket, &folders[0]), (runner, Part::Runner(0), &folders[1])]
        {
            let disk = Disk::at(folder.path()).await.unwrap();
            others.push(tokio::spawn(serve(listener, part, config.clone(), disk)));
        }
        let disk = Disk::at(folders[2].path()).await.unwrap();
        let collector = tokio::spawn(serve(collector, Part::Collector, config.clone(), disk));
        Pipeline { config, collector, others, folders }
    }

    /// Ends the collector in the middle of whatever it does, and starts it from its files.
    async fn restart_collector(&mut self) {
        self.collector.abort();
        let _ = (&mut self.collector).await;
        let listener = TcpListener::bind(self.config.collector).await.unwrap();
        let disk = Disk::at(self.folders[2].path()).await.unwrap();
        self.collector = tokio::spawn(serve(listener, Part::Collector, self.config.clone(), disk));
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.others.iter().chain([&self.collector]).for_each(JoinHandle::abort);
    }
}

/// The views of all that this process has run.
async fn views() -> Vec<Summary> {
    let debug_port = TcpListener::bind(LOCALHOST).await.unwrap();
    let address = debug_port.local_addr().unwrap();
    tokio::spawn(host::view::serve(debug_port));
    let mut json = String::new();
    TcpStream::connect(address).await.unwrap().read_to_string(&mut json).await.unwrap();
    serde_json::from_str(&json).unwrap()
}

/// How many lines the collector that has the most has of each object, once nothing is announced any more.
async fn lines_in_the_end(objects: usize) -> Vec<usize> {
    for _ in 0..500 {
        let views = views().await;
        let all_done = |view: &Summary| match view {
            Summary::Bucket { objects: found, open } => *found == objects && open.is_empty(),
            _ => false,
        };
        if views.iter().any(all_done) {
            let lines = views.into_iter().filter_map(|view| match view {
                Summary::Collector { lines } => Some(lines.into_values().collect::<Vec<_>>()),
                _ => None,
            });
            return lines.max_by_key(|lines| lines.iter().sum::<usize>()).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not all is done within ten seconds");
}

/// Connects, sends what is no frame, and waits until it is hung up on.
async fn is_hung_up_on(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0xff; 64]).await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    // A reset is as good as an end.
    drop(read.expect("it hangs up"));
}

#[tokio::test]
async fn every_line_arrives_while_the_collector_restarts_and_nonsense_costs_its_connection() {
    let mut pipeline = Pipeline::start().await;
    let client = Client::new(pipeline.config.bucket);
    let body = |lines: usize| format!("{GOOD}\nshort line\n\"\n").repeat(lines / 3);
    for number in 1..=40_usize {
        let key = format!("logs/a b+c%/{number}.log");
        let stored = client.put(&key, body(3 * number).as_bytes()).await.unwrap();
        assert_eq!(stored, ObjectId(number as u64));
        if number % 15 == 0 {
            pipeline.restart_collector().await;
        }
    }
    for address in [pipeline.config.bucket, pipeline.config.runners[0], pipeline.config.collector] {
        is_hung_up_on(address).await;
    }
    let again = client.put("logs/a b+c%/7.log", body(21).as_bytes()).await.unwrap();
    assert_eq!(again, ObjectId(7));
    let other = client.put("logs/a b+c%/7.log", b"other").await;
    assert!(matches!(other, Err(ClientError::Refused(Refusal::Exists(ObjectId(7))))), "{other:?}");
    let expected: Vec<usize> = (1..=40).map(|number| 3 * number).collect();
    assert_eq!(lines_in_the_end(40).await, expected);
    assert_eq!(client.get("logs/a b+c%/1.log").await.unwrap(), body(3).as_bytes());
    assert_eq!(client.delete("logs/a b+c%/1.log").await.unwrap(), ObjectId(1));
    let gone = client.get("logs/a b+c%/1.log").await;
    assert!(matches!(gone, Err(ClientError::Refused(Refusal::NoSuchKey))), "{gone:?}");
}
