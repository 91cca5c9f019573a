//! `repmgr.nodes` and `repmgr.events`: tables that the primary writes, and that come to the others as all its data do.

use super::message::{Event, Events, Nodes};
use crate::database::{Client, Condition, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;

/// Clients count their writes from below.
const OWN_WRITES: u64 = 1 << 63;

/// The table of nodes as a database has it; none if it does not answer in time.
pub(super) async fn read(database: SocketAddr, within: Duration) -> Option<Nodes> {
    read_value(database, within, Nodes::KEY).await
}

/// The events as a database has them; none if it does not answer in time.
pub(super) async fn read_events(database: SocketAddr, within: Duration) -> Option<Events> {
    read_value(database, within, Events::KEY).await
}

/// Changes the table of nodes at a primary. Whether it says so in the end.
pub(super) async fn change(primary: SocketAddr, within: Duration, change: impl Fn(&mut Nodes)) -> Option<()> {
    change_value(primary, within, Nodes::KEY, change).await
}

/// Writes down at a primary that a node is one, by its own wall clock. Whether it says so in the end.
pub(super) async fn record(primary: SocketAddr, within: Duration, node: u32) -> Option<()> {
    let event = Event { node, at_ns: host::clock::unix_ns() };
    change_value(primary, within, Events::KEY, |events: &mut Events| events.add(event)).await
}

async fn read_value<T: DeserializeOwned + Default>(
    database: SocketAddr,
    within: Duration,
    key: &str,
) -> Option<T> {
    let value = Client::new(database).patience(within).get(key).await.ok()?;
    Some(parse(value.as_deref()))
}

async fn change_value<T: Serialize + DeserializeOwned + Default>(
    primary: SocketAddr,
    within: Duration,
    key: &str,
    change: impl Fn(&mut T),
) -> Option<()> {
    let mut client = Client::new(primary).patience(within);
    // Somebody else may change it meanwhile.
    for _ in 0..5 {
        let old = client.get(key).await.ok()?;
        let mut table: T = parse(old.as_deref());
        change(&mut table);
        let value = serde_json::to_string(&table).expect("it has only types with names");
        if old.as_ref() == Some(&value) {
            return Some(());
        }
        let condition = old.map_or(Condition::Absent, Condition::Is);
        let id = OWN_WRITES | host::entropy::u64();
        let write = Write { id, key: key.to_owned(), value, condition };
        if client.write(write).await.ok()? {
            return Some(());
        }
    }
    None
}

fn parse<T: DeserializeOwned + Default>(value: Option<&str>) -> T {
    value.and_then(|value| serde_json::from_str(value).ok()).unwrap_or_default()
}
