//! A replica that is no member: it was removed, and is not added again yet.
//!
//! It has nothing any more, tells clients that it is none, and waits until a leader takes it for a later member, which it
//! becomes. Its operator would have emptied its data directory and started it again, which etcd asks for.

use super::connection;
use super::latest::Latest;
use super::member;
use super::message::{Hello, Reply, Request};
use super::options::Config;
use super::raft::Owner;
use super::view::View;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, ReadError};
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::probe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Waits until the replica is wanted as a later member than this one, its last.
pub(super) async fn wait(
    listener: &TcpListener,
    config: &Config,
    last: u64,
    malformed_frames: &Arc<AtomicU64>,
    tasks: &mut Tasks,
) -> Owner {
    let outside = Arc::new(Outside {
        config: config.clone(),
        last,
        malformed_frames: Arc::clone(malformed_frames),
        wanted: Latest::new(last),
    });
    host::view::register({
        let outside = Arc::clone(&outside);
        move || outside.view()
    });
    probe!(config.says, "removed", 0_u64);
    let greet = |stream| Arc::clone(&outside).greet(stream);
    tokio::select! {
        biased;
        later = outside.wanted.until(|wanted| wanted > last) => Owner::Member(later),
        never = connection::accept(listener, config, tasks, greet) => match never {},
    }
}

/// A replica as its tasks share it.
struct Outside {
    config: Config,
    /// The member that it was.
    last: u64,
    malformed_frames: Arc<AtomicU64>,
    /// The latest member that another takes this replica for.
    wanted: Latest<u64>,
}

impl Outside {
    fn view(&self) -> View {
        View {
            id: self.config.id,
            member: self.last,
            voters: BTreeSet::new(),
            voters_since: 0,
            leader: None,
            leads: None,
            applied: 0,
            revision: 0,
            digest: 0,
            leases: BTreeMap::new(),
            leased: BTreeMap::new(),
            malformed_frames: self.malformed_frames.load(Ordering::Relaxed),
        }
    }

    async fn greet(self: Arc<Self>, stream: TcpStream) {
        let serve = |hello, frames, half| self.serve(hello, frames, half);
        connection::greet(stream, &self.config, &self.malformed_frames, serve).await;
    }

    async fn serve(&self, hello: Hello, frames: FrameReader, half: OwnedWriteHalf) -> Result<(), ReadError> {
        match hello {
            Hello::Client => return refuse(frames, half).await,
            Hello::Member { to, .. } if member::replica(to) == self.config.id => self.wanted.raise(to),
            Hello::Member { .. } | Hello::Replica(_) => {}
        }
        Ok(())
    }
}

async fn refuse(mut frames: FrameReader, mut half: OwnedWriteHalf) -> Result<(), ReadError> {
    loop {
        let _: Request = frames.next().await?;
        transport::write_now(&mut half, &Reply::NoMember, &mut Vec::new()).await?;
    }
}
