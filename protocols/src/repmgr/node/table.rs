//! `repmgr.nodes`: a table that the primary writes, and that comes to the others as all its data do.

use crate::database::{Client, Condition, Write};
use crate::repmgr::message::Nodes;
use std::net::SocketAddr;
use std::time::Duration;

/// Clients count their writes from below.
const OWN_WRITES: u64 = 1 << 63;

/// The table as a database has it; none if it does not answer in time.
pub(super) async fn read(database: SocketAddr, within: Duration) -> Option<Nodes> {
    let value = Client::new(database).patience(within).get(Nodes::KEY).await.ok()?;
    Some(value.map(|value| serde_json::from_str(&value).unwrap_or_default()).unwrap_or_default())
}

/// Changes the table at a primary. Whether it says so in the end.
pub(super) async fn change(primary: SocketAddr, within: Duration, change: impl Fn(&mut Nodes)) -> Option<()> {
    let mut client = Client::new(primary).patience(within);
    // Somebody else may change it meanwhile.
    for _ in 0..5 {
        let old = client.get(Nodes::KEY).await.ok()?;
        let mut nodes: Nodes =
            old.as_deref().map(|value| serde_json::from_str(value).unwrap_or_default()).unwrap_or_default();
        change(&mut nodes);
        let value = serde_json::to_string(&nodes).expect("it has only types with names");
        if old.as_ref() == Some(&value) {
            return Some(());
        }
        let condition = old.map_or(Condition::Absent, Condition::Is);
        let id = OWN_WRITES | host::entropy::u64();
        let write = Write { id, key: Nodes::KEY.to_owned(), value, condition };
        if client.write(write).await.ok()? {
            return Some(());
        }
    }
    None
}
