//! What another version has written is refused, with a clear error, and stays as it is.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::common::wal;
use protocols::{database, store};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// A log in this folder with one record of a version that does not exist yet.
async fn from_the_future(disk: &Disk, folder: &str) {
    let (log, mut writer, _) = wal::open(disk, folder, wal::Options::default()).await.unwrap();
    log.append(&[2, 0, 0, 0]).unwrap();
    writer.commit().await.unwrap();
}

/// The bytes of every file of the log but its salt, which is new whenever it is opened.
fn sizes(folder: &Path) -> BTreeMap<String, u64> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len())).collect()
}

#[tokio::test]
async fn a_replica_of_the_store_does_not_touch_what_another_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::at(folder.path()).await.unwrap();
    from_the_future(&disk, "raft").await;
    let before = sizes(&folder.path().join("raft"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let replicas: Vec<SocketAddr> = vec![listener.local_addr().unwrap()];
    let config = store::Config { id: 1, replicas, options: store::Options::default(), says: store::ROLE };
    let error = store::serve(listener, config, disk).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "raft is corrupt at byte 0: a record is of another version");
    assert_eq!(sizes(&folder.path().join("raft")), before);
}

#[tokio::test]
async fn a_database_does_not_touch_what_another_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::at(folder.path()).await.unwrap();
    from_the_future(&disk, "wal").await;
    let before = sizes(&folder.path().join("wal"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = database::Config { id: 1, address, options: database::Options::default() };
    let process = tokio::spawn(database::serve(listener, config, disk));
    let refused = database::Supervisor::new(address).start(database::Start::Primary).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the database did not: wal is corrupt at byte 0: a record is of another version"
    );
    assert_eq!(sizes(&folder.path().join("wal")), before);
    process.abort();
}
