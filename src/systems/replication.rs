//! Kinds of replication under test.
//!
//! Machines are the source, its replica, the target, and the auditor. Each client makes tables of its own, while others
//! go along already; it inserts rows under numbers of the table's sequence, counts in a row of its own, and reads that
//! row at the replica.
//!
//! Judged: **own-writes** (who reads with a token sees what it wrote), **bounded** (a read within a bound lacks nothing
//! older), and of what the auditor sees in the end, in `compared.rs`: **tables** (the target has the set's tables as
//! the source has them), **sequences** (the target's do not give a number twice), **replica** (it has what the source
//! has) and **drills** (each of five methods of backup works).

mod compared;

use host::time::Instant;
use protocols::replication::{
    self, Client as Connection, ClientError, Config, Needs, Options, Part, Token, View,
};
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Harm, Seen};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Where the replica's reader listens.
const READER_PORT: u16 = 7001;
/// What a bounded read asks for.
const WITHIN: Duration = Duration::from_millis(500);
/// The row that a client counts in.
const COUNTER: u64 = 0;
/// So many acknowledged counts are remembered.
const COUNTS_MAX: usize = 256;

/// A source, a replica, a target and an auditor.
#[derive(Debug)]
pub struct Replication;

/// What a client can be told to do. All of it is about tables of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Make one more table.
    Make,
    /// Take a number and write the row of that number.
    Insert,
    /// Count one more.
    Count,
    /// Read the count at the replica, as this session wrote it.
    ReadOwn,
    /// Read the count at the replica, half a second old at most.
    ReadBounded,
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// It was done.
    Done,
    /// The row of this number was written.
    Inserted(u64),
    /// The count.
    Count(u64),
}

impl System for Replication {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "replication";
    const PROCESSES: &'static [&'static str] = replication::PROCESSES;

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("make", |_, _| Op::Make),
            Operation("insert", |_, _| Op::Insert),
            Operation("count", |_, _| Op::Count),
            Operation("read-own", |_, _| Op::ReadOwn),
            Operation("read-bounded", |_, _| Op::ReadBounded),
        ]
    }

    /// Of what is here, and of the databases.
    fn probes() -> Vec<&'static str> {
        let all = [replication::PROBES, protocols::database::PROBES, &[OWN_WRITE_MISSED, STALE]].concat();
        all.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let config = config(&node.nodes, node.options.clone())?;
        let part = [Part::Source, Part::Replica, Part::Target, Part::Auditor][node.id as usize - 1];
        Box::pin(replication::run(part, config, node.disk())).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        let session = config(&client.nodes, client.options).ok().map(Connection::new);
        // After an operation whose outcome is unknown a client begins anew, with a name of its own.
        let name = format!("c{}-{:08x}", client.id, host::entropy::u64() as u32);
        Session { name, session, tables: 0, count: 0, token: None, acknowledged: VecDeque::new() }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        Checkers::new()
            .invariant("own-writes", |seen| no_probe(seen, OWN_WRITE_MISSED))
            .invariant("bounded", |seen| no_probe(seen, STALE))
            .eventually("tables", compared::tables)
            .eventually("sequences", compared::sequences)
            .eventually("replica", compared::replica)
            .eventually("drills", compared::drills)
            .recovers_if(intact)
    }
}

const OWN_WRITE_MISSED: &str = "own write missed";
const STALE: &str = "read staler than its bound";

fn config(nodes: &[SocketAddr], options: Options) -> io::Result<Config> {
    let [source, replica, target, _] = nodes else {
        let message =
            format!("nodes: {} are not 4: a source, a replica, a target and an auditor", nodes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    let reader = SocketAddr::new(replica.ip(), READER_PORT);
    Ok(Config { source: *source, replica: *replica, reader, target: *target, options })
}

/// A client, and what it knows of its own writes.
struct Session {
    name: String,
    /// None where the cluster is of another size.
    session: Option<Connection>,
    /// So many it has made.
    tables: u32,
    /// The last count that it has tried to write.
    count: u64,
    /// Of the last count that was acknowledged.
    token: Option<(Token, u64)>,
    /// When counts were acknowledged, the latest last.
    acknowledged: VecDeque<(Instant, u64)>,
}

impl Session {
    fn table(&self, number: u32) -> String {
        format!("{}-{number}", self.name)
    }

    async fn insert(session: &mut Connection, table: &str) -> Result<Option<u64>, ClientError> {
        let Some(number) = session.next_number(table).await? else { return Ok(None) };
        session.write_row(table, number, &format!("row {number}")).await?;
        Ok(Some(number))
    }

    async fn read(session: &mut Connection, table: &str, needs: Needs) -> Result<u64, ClientError> {
        let value = session.read_row(table, COUNTER, needs).await?;
        Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
    }

    async fn act(&mut self, op: &Op) -> Result<Option<Ret>, ClientError> {
        let (first, last) = (self.table(1), self.table(self.tables));
        let next = self.table(self.tables + 1);
        let Some(session) = &mut self.session else { return Ok(None) };
        match op {
            Op::Make => {
                session.make_table(&next).await?;
                self.tables += 1;
                Ok(Some(Ret::Done))
            }
            _ if self.tables == 0 => Ok(None),
            Op::Insert => Ok(Self::insert(session, &last).await?.map(Ret::Inserted)),
            Op::Count => {
                self.count += 1;
                let count = self.count;
                let token = session.write_row(&first, COUNTER, &count.to_string()).await?;
                self.token = Some((token, count));
                if self.acknowledged.len() == COUNTS_MAX {
                    self.acknowledged.pop_front();
                }
                self.acknowledged.push_back((Instant::now(), count));
                Ok(Some(Ret::Count(count)))
            }
            Op::ReadOwn => {
                let Some((token, wrote)) = self.token else { return Ok(None) };
                let needs = Needs { token: Some(token), ..Needs::default() };
                let read = Self::read(session, &first, needs).await?;
                if read < wrote {
                    host::probe!(OWN_WRITE_MISSED, first.as_str(), wrote, read);
                }
                Ok(Some(Ret::Count(read)))
            }
            Op::ReadBounded => {
                let asked = Instant::now();
                let old = |at: &Instant| asked.duration_since(*at) > WITHIN;
                let least =
                    self.acknowledged.iter().rev().find(|(at, _)| old(at)).map_or(0, |(_, count)| *count);
                let needs = Needs { within: Some(WITHIN), ..Needs::default() };
                let read = Self::read(session, &first, needs).await?;
                if read < least {
                    host::probe!(STALE, first.as_str(), least, read);
                }
                Ok(Some(Ret::Count(read)))
            }
        }
    }
}

impl Client<Op, Ret> for Session {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        match self.act(op).await {
            Ok(Some(ret)) => Outcome::Ok(ret),
            Ok(None) => Outcome::Fail("there is nothing yet that it could be done with".to_owned()),
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

/// What a client found.
fn no_probe(seen: &Seen<'_, View>, name: &str) -> Result<(), Broken> {
    match seen.probe.filter(|probe| probe.name == name).map(|probe| &probe.values[..]) {
        Some([row, had, read]) => {
            let why = format!("{name}: the count of {row} was {had}, and {read} was read");
            Err(Broken::new(why).key(row))
        }
        _ => Ok(()),
    }
}

/// The source has the only whole copy, and the target what its subscriber has done with it.
fn intact(harm: &[Harm]) -> Result<(), Broken> {
    let lost = |harm: &Harm| harm.down || harm.wiped || harm.corrupted;
    match harm.iter().position(lost) {
        Some(node) => {
            let number = node as u32 + 1;
            Err(Broken::new(format!("n{number} is down for good, or has lost what its disk had synced"))
                .node(number))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_another_size_is_refused() {
        let at = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let nodes: Vec<SocketAddr> = (1..=4).map(at).collect();
        assert!(config(&nodes, Options::default()).is_ok());
        let error = config(&nodes[1..], Options::default()).unwrap_err();
        assert!(error.to_string().starts_with("nodes: 3 are not 4"), "{error}");
    }

    #[test]
    fn a_machine_that_is_lost_for_good_is_beyond_what_is_promised() {
        let mut harm = [Harm { crashes: 3, ..Harm::default() }; 4];
        assert!(intact(&harm).is_ok());
        harm[2].wiped = true;
        assert!(intact(&harm).unwrap_err().evidence.starts_with("n3 "));
    }
}
