//! The shared memory of a node: what its daemon leaves for others, in its database's process; and whether it is paused, which
//! a file beside the database remembers (`repmgrd_state.txt`).

use crate::common::transport::{self, FrameReader};
use crate::common::versioned;
use crate::repmgr::message::{Ask, Told};
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::disk::Disk;
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, timeout};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const FILE: &str = "repmgrd_state";
const FILE_VERSION: u8 = 1;

/// A node's shared memory. It begins empty whenever what serves it does, but for whether its daemon is paused.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    daemon: bool,
    runs: u32,
    upstream: Option<u32>,
    seen: Option<Instant>,
    follow: Option<u32>,
    paused: bool,
}

/// Serves a node's shared memory there, until the future is dropped: it ends with the database's process.
///
/// # Errors
///
/// When the address cannot be bound.
pub async fn memory(address: SocketAddr, memory: Memory, disk: Disk) -> io::Result<Infallible> {
    let paused = match disk.read(FILE).await {
        Ok(bytes) => versioned::decode(FILE_VERSION, &bytes).unwrap_or_default(),
        Err(_) => false,
    };
    let listener = TcpListener::bind(address).await?;
    let runs = memory.lock().runs;
    *memory.lock() = Content { runs, paused, ..Content::default() };
    let mut answering = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some(()) = answering.next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => answering.push(memory.answer(stream, &disk)),
                // Out of sockets, for a moment.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
}

async fn save(disk: &Disk, paused: bool) -> io::Result<()> {
    let file = disk.create(FILE).await?;
    file.write_all_at(&versioned::encode(FILE_VERSION, &paused), 0).await
}

/// A daemon runs, as long as there is this.
pub(super) struct Runs(Memory);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.lock().runs -= 1;
    }
}

impl Memory {
    /// Whether this node's daemon runs: what its process's number is for. It may stand still.
    pub fn daemon_runs(&self) -> bool {
        self.lock().runs > 0
    }

    pub(super) fn runs(&self) -> Runs {
        self.lock().runs += 1;
        Runs(self.clone())
    }

    /// A daemon begins: whom it was told to follow before is over.
    pub(super) fn begins(&self, upstream: Option<u32>) {
        let mut content = self.lock();
        (content.daemon, content.upstream, content.follow) = (true, upstream, None);
    }

    /// Its daemon sees its upstream.
    pub(super) fn sees(&self, upstream: u32) {
        let mut content = self.lock();
        (content.daemon, content.upstream, content.seen) = (true, Some(upstream), Some(Instant::now()));
    }

    /// Whom its daemon was told to follow.
    pub(super) fn told_to_follow(&self) -> Option<u32> {
        self.lock().follow
    }

    /// It may be told anew.
    pub(super) fn forgets_whom_to_follow(&self) {
        self.lock().follow = None;
    }

    /// Whether its daemon fails nothing over.
    pub(super) fn is_paused(&self) -> bool {
        self.lock().paused
    }

    async fn answer(&self, stream: TcpStream, disk: &Disk) {
        let (read, mut half) = stream.into_split();
        let asked = timeout(Duration::from_secs(5), FrameReader::new(read).next()).await;
        let Ok(Ok(ask)) = asked else { return };
        let told = {
            let mut content = self.lock();
            match ask {
                Ask::State => {}
                Ask::Follow(node) => content.follow = Some(node),
                Ask::Pause(paused) => content.paused = paused,
            }
            let seen_ms = content.seen.map(|seen| seen.elapsed().as_millis() as u64);
            Told { daemon: content.daemon, upstream: content.upstream, seen_ms }
        };
        if let Ask::Pause(paused) = ask {
            // As repmgr's: what cannot be written is forgotten with the process.
            let _ = save(disk, paused).await;
        }
        // Whoever asked may be gone.
        let _ = transport::write_now(&mut half, &told, &mut Vec::new()).await;
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
