//! Replication by sets and reads at a replica, on the operating system's sockets and files.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::replication::{Client, ClientError, Config, Needs, Options, Part, run};
use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

fn config(options: Options) -> Config {
    // All are held at once, so that no two are alike.
    let free = [(); 4].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [source, replica, reader, target] = free.map(|listener| listener.local_addr().unwrap());
    Config { source, replica, reader, target, options }
}

async fn start(part: Part, config: &Config, folder: &Path) -> JoinHandle<io::Result<()>> {
    let disk = Disk::at(folder.join(format!("{part:?}"))).await.unwrap();
    tokio::spawn(run(part, config.clone(), disk))
}

/// What the auditor has seen, as JSON: the contents of the source, the replica and the target.
async fn audited(debug_port: SocketAddr) -> [serde_json::Value; 3] {
    let mut json = String::new();
    TcpStream::connect(debug_port).await.unwrap().read_to_string(&mut json).await.unwrap();
    let views: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let view = views.into_iter().find(serde_json::Value::is_array).unwrap();
    [0, 1, 2].map(|database| {
        let mut contents = view[database]["contents"].clone();
        if let Some(contents) = contents.as_object_mut() {
            contents.remove("progress/subscriber");
        }
        contents
    })
}

#[tokio::test]
async fn tables_go_along_while_the_target_restarts_and_a_session_reads_its_writes() {
    let options = Options { retry: Duration::from_millis(20), ..Options::default() };
    let options = Options { compare: Duration::from_millis(100), ..options };
    let (config, folder) = (config(options), tempfile::tempdir().unwrap());
    let mut running = Vec::new();
    for part in [Part::Source, Part::Replica, Part::Auditor] {
        running.push(start(part, &config, folder.path()).await);
    }
    let mut target = start(Part::Target, &config, folder.path()).await;
    let mut client = Client::new(config.clone());
    // It takes a moment until the source runs.
    while client.make_table("orders").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for round in 1..=60 {
        if round == 20 {
            client.make_table("later").await.unwrap();
        }
        let table = if round < 20 { "orders" } else { "later" };
        let number = client.next_number(table).await.unwrap().unwrap();
        let token = client.write_row(table, number, &round.to_string()).await.unwrap();
        let needs = Needs { token: Some(token), within: Some(Duration::from_secs(1)) };
        match client.read_row(table, number, needs).await {
            Ok(read) => assert_eq!(read, Some(round.to_string())),
            // On a busy machine.
            Err(ClientError::Behind) => {}
            Err(error) => panic!("{error}"),
        }
        if round == 30 {
            target.abort();
            let _ = (&mut target).await;
            target = start(Part::Target, &config, folder.path()).await;
        }
    }
    let wrong = client.make_table("a/b").await;
    assert!(matches!(wrong, Err(ClientError::Name(_))), "{wrong:?}");

    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let debug_port = listener.local_addr().unwrap();
    tokio::spawn(host::view::serve(listener));
    for attempt in 0.. {
        let [source, replica, target] = audited(debug_port).await;
        let rows = source.as_object().map_or(0, serde_json::Map::len);
        if rows == 60 + 4 && source == replica && source == target {
            break;
        }
        assert!(attempt < 200, "not within twenty seconds: {source} {replica} {target}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running.iter().chain([&target]).for_each(JoinHandle::abort);
}

#[tokio::test]
async fn a_set_that_names_an_unknown_table_ends_with_its_name() {
    let tables = Some(BTreeSet::from(["odd".to_owned()]));
    let (config, folder) = (config(Options { tables, ..Options::default() }), tempfile::tempdir().unwrap());
    let source = start(Part::Source, &config, folder.path()).await;
    let target = start(Part::Target, &config, folder.path()).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), target).await.expect("it ends").unwrap();
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "tables: there is no table odd");
    source.abort();
}
