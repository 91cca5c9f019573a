//! Who is the master, as applications are told: `POST /master` at an endpoint of theirs.

use super::http::{self, Patience};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Where an application's endpoint takes it.
pub(crate) const PATH: &str = "/master";

/// A master, and since when it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Master {
    /// The node.
    pub node: u32,
    /// Where its database listens.
    pub database: SocketAddr,
    /// When it was promoted, by its own wall clock, in ns since 1970.
    pub promoted_ns: u64,
}

impl Master {
    /// As it is written.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).expect("it has only types with names")
    }

    /// As it was read; none if it is nothing of the kind.
    pub(crate) fn read(data: &str) -> Option<Master> {
        serde_json::from_str(data).ok()
    }

    /// Tells an application. Whether it took it: it may know of a later one.
    ///
    /// # Errors
    ///
    /// When it does not answer in time; whether it took it is not known then.
    pub(crate) async fn tell(&self, application: SocketAddr, within: Duration) -> io::Result<bool> {
        let patience = Patience { connect: within, answer: within };
        let answer = http::ask(application, "POST", PATH, self.written().as_bytes(), patience).await?;
        Ok(answer.status == 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let master = Master { node: 4, database: ([10, 0, 0, 4], 7000).into(), promoted_ns: 7 };
        assert_eq!(Master::read(&master.written()), Some(master));
        assert_eq!(Master::read("n4"), None);
    }
}
