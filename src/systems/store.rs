//! The store under test.
//!
//! Clients read, put, delete and replace keys; hold a lease for some seconds and renew it, and keep a key beyond it;
//! watch all keys for a while. Operators among them add replicas to the members and remove them.
//!
//! Judged: **linearizable** (each key by itself), **agreement** (replicas at one revision came to it by the same
//! changes), **lease** (a lease, and the key that goes with it, is there as long as its holder was told so, counted
//! from when it asked; a key that no longer goes with it outlives it; none goes with one that is gone), **refinement**
//! (leases are granted, renewed and ended as specified), **watch** (changes come in order, and none of a key is missing),
//! **convergence** (in the end a leader is there, and every member that votes has applied the same; who is none is not
//! asked for anything).

mod key_model;
mod refinement;

use host::time::{Instant, sleep, timeout};
use key_model::KeyModel;
use protocols::store::{
    self, Change, Client as Connection, ClientError, Condition, Config, Event, LeaseId, Options, Refusal,
    View,
};
use refinement::Refines;
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Harm, Seen, Views};
use sim::{Choice, Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

/// How long a client holds a lease, and the lease's time to live.
const HOLD: Duration = Duration::from_secs(4);
const TTL: Duration = Duration::from_secs(2);
/// The same of one that outlives its leader.
const TENURE_HOLD: Duration = Duration::from_secs(15);
const TENURE_TTL: Duration = Duration::from_secs(6);
/// This part of a lease may be lost to clocks that do not run alike.
const DRIFT: u32 = 100;
/// A replica that is named is one of so many, over and over those that there are.
const NAMED_MAX: u64 = 60;
/// How long a client watches.
const WATCH: Duration = Duration::from_secs(3);

/// The store.
#[derive(Debug)]
pub struct Store;

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// What is under a key?
    Get(u32),
    /// Put a value under it.
    Put(u32, u64),
    /// Put the second value under it if the first is there; 0: if nothing is.
    Cas(u32, u64, u64),
    /// Delete it.
    Delete(u32),
    /// Hold a lease for a while.
    Lease,
    /// Hold one that lasts longer than an election, for long.
    Tenure,
    /// Watch for a while.
    Watch,
    /// Make a replica a member: a number, over and over those that there are.
    #[serde(rename = "add-member")]
    AddMember(u32),
    /// Remove one from the members: a number, over and over those that there are.
    #[serde(rename = "remove-member")]
    RemoveMember(u32),
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// The value; 0 for none.
    Value(u64),
    /// It was done, or what was there was another.
    Done(bool),
    /// A lease was renewed so often.
    Held(u64),
    /// So many changes came.
    Watched(u64),
}

impl System for Store {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "store";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("get", |mix, draw| Op::Get(mix.key(draw))),
            Operation("put", |mix, draw| Op::Put(mix.key(draw), draw.between(1, 1 << 30))),
            // Small values, so that some succeed.
            Operation("cas", |mix, draw| Op::Cas(mix.key(draw), draw.below(4), draw.between(1, 3))),
            Operation("delete", |mix, draw| Op::Delete(mix.key(draw))),
            Operation("lease", |_, _| Op::Lease),
            Operation("tenure", |_, _| Op::Tenure),
            Operation("watch", |_, _| Op::Watch),
            Operation("add-member", |_, draw| Op::AddMember(draw.below(NAMED_MAX) as u32)),
            Operation("remove-member", |_, draw| Op::RemoveMember(draw.below(NAMED_MAX) as u32)),
        ]
    }

    /// Of the protocol, and what our clients find.
    fn probes() -> Vec<&'static str> {
        [store::PROBES, &[LEASE_EARLY, LEASE_TOOK_MORE, WATCH_GAP]].concat()
    }

    fn choices() -> &'static [Choice] {
        &[
            Choice { option: "snapshot_entries", among: &["5", "20", "60", "200"] },
            Choice { option: "compact_bytes", among: &["4096", "16384", "262144"] },
            Choice { option: "events_kept", among: &["4", "30", "1000"] },
            Choice { option: "election", among: &["\"400ms\"", "\"1s\"", "\"2500ms\""] },
        ]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let disk = node.disk();
        let (id, replicas) = (node.id.into(), node.nodes.clone());
        let config = Config { id, replicas, options: node.options, says: store::ROLE };
        store::run(config, disk).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        let replicas = client.nodes.len() as u64;
        let store = Connection::new(client.nodes).patience(Duration::from_secs(3));
        StoreClient { id: client.id, replicas, leases: 0, store }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let (mut came_to, mut refines) = (BTreeMap::new(), Refines::new());
        Checkers::new()
            .invariant("agreement", move |seen| agree(&mut came_to, seen))
            .invariant("lease", |seen| {
                no_probe(seen, LEASE_EARLY)?;
                no_probe(seen, LEASE_TOOK_MORE)?;
                bound(seen)
            })
            .invariant("refinement", move |seen| refines.judge(seen))
            .invariant("watch", |seen| no_probe(seen, WATCH_GAP))
            .convergence(converged)
            .linearizable_in_parts(KeyModel, key_model::split)
            .listener(Voters::default(), Voters::hear)
            .recovers_if(Voters::kept_their_disks)
            .into()
    }
}

const LEASE_EARLY: &str = "lease ended early";
const LEASE_TOOK_MORE: &str = "lease took a key that had left it";
const WATCH_GAP: &str = "watch missed a change";

/// A client: its number, of how many replicas, and how many leases it has held.
struct StoreClient {
    id: u32,
    replicas: u64,
    leases: u32,
    store: Connection,
}

impl Client<Op, Ret> for StoreClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let result = match *op {
            Op::Get(key) => self
                .store
                .get(&name(key))
                .await
                .map(|pair| Ret::Value(pair.and_then(|pair| pair.value.parse().ok()).unwrap_or(0))),
            Op::Put(key, value) => {
                self.store.put(&name(key), &value.to_string(), None).await.map(|_| Ret::Done(true))
            }
            Op::Cas(key, from, to) => {
                let condition = match from {
                    0 => Condition::Version(0),
                    value => Condition::Value(value.to_string()),
                };
                self.store.put_if(&name(key), condition, &to.to_string(), None).await.map(Ret::Done)
            }
            Op::Delete(key) => self.store.delete(&name(key)).await.map(Ret::Done),
            Op::Lease => self.hold(HOLD, TTL).await.map(|(_, renewed)| Ret::Held(renewed)),
            Op::Tenure => self.tenure().await.map(Ret::Held),
            Op::Watch => self.watch().await.map(Ret::Watched),
            Op::AddMember(named) => {
                self.store.add_member(self.replica(named)).await.map(|()| Ret::Done(true))
            }
            Op::RemoveMember(named) => {
                self.store.remove_member(self.replica(named)).await.map(|()| Ret::Done(true))
            }
        };
        match result {
            Ok(ret) => Outcome::Ok(ret),
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

impl StoreClient {
    /// Takes a lease, puts a key that goes with it, and renews it. Whoever was told that the lease lives until an
    /// instant must find the key before that instant.
    async fn hold(&mut self, hold: Duration, ttl: Duration) -> Result<(LeaseId, u64), ClientError> {
        self.leases += 1;
        let (key, lives) = (self.leased(), ttl - ttl / DRIFT);
        let until = Instant::now() + hold;
        let mut lives_until = Instant::now() + lives;
        let lease = self.store.grant(ttl).await?;
        let put = self.store.put(&key, "held", Some(lease)).await;
        if is_gone(&put) && Instant::now() < lives_until {
            host::probe!(LEASE_EARLY, key.as_str(), 0_u64);
        }
        put?;
        let mut renewed = 0_u64;
        while Instant::now() < until {
            sleep(ttl / 4).await;
            let asked = Instant::now();
            let answer = timeout(ttl / 4, self.store.keep_alive(lease)).await;
            if matches!(answer, Ok(Ok(_))) {
                (renewed, lives_until) = (renewed + 1, asked + lives);
            }
            let found = self.store.get(&key).await;
            let ended = answer.is_ok_and(|answer| is_gone(&answer)) || matches!(found, Ok(None));
            if ended && Instant::now() < lives_until {
                host::probe!(LEASE_EARLY, key.as_str(), renewed);
            }
        }
        Ok((lease, renewed))
    }

    /// Holds a lease for long, and then keeps the key without it: it is there when the lease has ended.
    async fn tenure(&mut self) -> Result<u64, ClientError> {
        let (lease, renewed) = self.hold(TENURE_HOLD, TENURE_TTL).await?;
        let key = self.leased();
        self.store.put(&key, "kept", None).await?;
        sleep(TENURE_TTL + TENURE_TTL / 4).await;
        if matches!(self.store.get(&key).await, Ok(None)) {
            host::probe!(LEASE_TOOK_MORE, key.as_str());
        }
        // By now the lease has ended, mostly, and nothing can go with it.
        let _ = self.store.put(&key, "late", Some(lease)).await;
        Ok(renewed)
    }

    /// The replica of a number that is counted over and over those that there are.
    fn replica(&self, named: u32) -> u64 {
        u64::from(named) % self.replicas + 1
    }

    /// The key that goes with its last lease.
    fn leased(&self) -> String {
        format!("lease/{}/{}", self.id, self.leases)
    }

    /// Watches all keys from now on, and checks that revisions grow and that no version of a key is left out.
    async fn watch(&mut self) -> Result<u64, ClientError> {
        let (revision, pairs) = self.store.get_prefix("").await?;
        let mut versions: BTreeMap<String, u64> =
            pairs.into_iter().map(|pair| (pair.key, pair.version)).collect();
        let (start, mut count, mut last) = (Instant::now(), 0, revision);
        let mut watch = self.store.watch_prefix("", revision + 1).await?;
        while let Ok(changes) = timeout(WATCH.saturating_sub(start.elapsed()), watch.next()).await {
            // The replica went, or the watch fell behind: it ends, and says so.
            let Ok(events) = changes else { break };
            for event in &events {
                count += 1;
                if let Err(gap) = follows(&mut versions, &mut last, event) {
                    host::probe!(WATCH_GAP, gap);
                }
            }
        }
        Ok(count)
    }
}

/// Whether a change is what comes after those before it.
fn follows(versions: &mut BTreeMap<String, u64>, last: &mut u64, event: &Event) -> Result<(), String> {
    let Event { revision, key, change } = event;
    if revision < last {
        return Err(format!("revision {revision} of {key} after {last}"));
    }
    *last = *revision;
    let before = versions.get(key).copied().unwrap_or(0);
    match change {
        Change::Put { version, .. } if *version == before + 1 => drop(versions.insert(key.clone(), *version)),
        Change::Put { version, .. } => return Err(format!("version {version} of {key} after {before}")),
        Change::Delete if before == 0 => return Err(format!("{key} deleted, and was not there")),
        Change::Delete => drop(versions.remove(key)),
    }
    Ok(())
}

/// Whether there is no such lease, any more.
fn is_gone<T>(answer: &Result<T, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Refused(Refusal::NoSuchLease)))
}

fn name(key: u32) -> String {
    format!("key/{key}")
}

fn no_probe(seen: &Seen<'_, View>, name: &str) -> Result<(), Broken> {
    match seen.probe.filter(|probe| probe.name == name).map(|probe| &probe.values[..]) {
        Some([key, renewed]) => {
            Err(Broken::new(format!("{name}: {key} is gone, after {renewed} renewals")).key(key))
        }
        Some([what]) => Err(format!("{name}: {what}").into()),
        _ => Ok(()),
    }
}

/// A key goes with a lease that is there.
fn bound(seen: &Seen<'_, View>) -> Result<(), Broken> {
    let host = seen.probe.and_then(|probe| probe.host);
    let Some(view) = host.and_then(|host| seen.views.get(host.number())) else { return Ok(()) };
    match view.leased.iter().find(|(_, lease)| !view.leases.contains_key(lease)) {
        Some((key, _)) => {
            let why = format!("n{} has {key} with a lease that is not there", view.id);
            Err(Broken::new(why).node(view.id as u32).key(key))
        }
        None => Ok(()),
    }
}

/// Whoever comes to a revision came to it by the same changes.
fn agree(came_to: &mut BTreeMap<String, String>, seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.on("applied") else { return Ok(()) };
    let [revision, digest] = &probe.values[..] else { return Ok(()) };
    let first = came_to.entry(revision.to_string()).or_insert_with(|| digest.to_string());
    if *first == digest.to_string() {
        return Ok(());
    }
    Err(Broken::new(format!("two replicas came to revision {revision} by other changes")).item(revision))
}

/// A leader is there, it votes, and all that vote have applied the same.
fn converged(views: &Views<View>) -> Result<(), Broken> {
    let leads: Vec<u64> =
        views.up().filter(|(_, view)| view.leads.is_some()).map(|(_, view)| view.id).collect();
    let [leader] = leads[..] else { return Err(format!("{} replicas lead", leads.len()).into()) };
    let Some(of_leader) = views.get(leader as u32) else { return Err(Broken::new("the leader is gone")) };
    if !of_leader.voters.contains(&leader) {
        return Err(Broken::new(format!("n{leader} leads, and is no member")).node(leader as u32));
    }
    for (node, view) in views.up().filter(|(_, view)| of_leader.voters.contains(&view.id)) {
        if view.leader != Some(leader) {
            let why = format!("n{node} does not know that n{leader} leads");
            return Err(Broken::new(why).node(node).node(leader as u32));
        }
        if (view.applied, view.revision, view.digest)
            != (of_leader.applied, of_leader.revision, of_leader.digest)
        {
            let (theirs, ours) = (of_leader.applied, view.applied);
            let why = format!("n{node} has applied {ours} entries, and n{leader}, which leads, {theirs}");
            return Err(Broken::new(why).node(node).node(leader as u32));
        }
    }
    if !of_leader.leases.is_empty() {
        return Err(format!("{} leases live on, and nobody renews them", of_leader.leases.len()).into());
    }
    Ok(())
}

/// The replicas that voted when they were changed last, and by which entry.
#[derive(Debug, Default)]
struct Voters {
    since: u64,
    replicas: BTreeSet<u64>,
}

impl Voters {
    /// A replica that publishes something shows who votes.
    fn hear(&mut self, seen: &Seen<'_, View>) {
        let host = seen.probe.and_then(|probe| probe.host);
        let Some(view) = host.and_then(|host| seen.views.get(host.number())) else { return };
        if self.replicas.is_empty() || view.voters_since > self.since {
            (self.since, self.replicas) = (view.voters_since, view.voters.clone());
        }
    }

    /// Of those that vote, a majority has its disks; a disk that was lost before its replica was added counts as lost.
    fn kept_their_disks(&self, harm: &[Harm]) -> Result<(), String> {
        let votes = |replica: u64| self.replicas.is_empty() || self.replicas.contains(&replica);
        let voters: Vec<&Harm> =
            (1..).zip(harm).filter(|(replica, _)| votes(*replica)).map(|(_, harm)| harm).collect();
        let lost = voters.iter().filter(|harm| harm.wiped || harm.corrupted).count();
        if 2 * lost < voters.len() {
            Ok(())
        } else {
            Err(format!("{lost} of {} disks were lost", voters.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::world::{MachineId, Probe};

    fn put(revision: u64, key: &str, version: u64) -> Event {
        Event { revision, key: key.to_owned(), change: Change::Put { value: String::new(), version } }
    }

    #[test]
    fn a_key_goes_with_a_lease_that_is_there() {
        let lease = LeaseId(7);
        let judged = |leases: &[LeaseId]| {
            let lives = store::Lease { ttl_ms: 2000, renewed: 0, lives_ms: 0 };
            let views = in_the_end(1, [9, 9, 0]);
            let view = View {
                leases: leases.iter().map(|lease| (*lease, lives)).collect(),
                leased: BTreeMap::from([("a".to_owned(), lease)]),
                ..views.get(1).expect("n1 is up").clone()
            };
            let (views, host) = (Views::new(vec![Some(view)]), Some(MachineId::numbered(1)));
            let probe = Probe { at_ns: 0, host, name: "applied", values: Vec::new() };
            bound(&Seen::new(Some(&probe), &views))
        };
        assert!(judged(&[lease]).is_ok());
        assert!(judged(&[LeaseId(8)]).is_err());
    }

    fn delete(revision: u64, key: &str) -> Event {
        Event { revision, key: key.to_owned(), change: Change::Delete }
    }

    fn gap(events: &[Event]) -> Option<String> {
        let (mut versions, mut last) = (BTreeMap::from([("a".to_owned(), 2)]), 7);
        events.iter().find_map(|event| follows(&mut versions, &mut last, event).err())
    }

    #[test]
    fn changes_in_order_and_without_a_gap_are_accepted() {
        assert_eq!(gap(&[put(8, "a", 3), delete(9, "a"), put(9, "b", 1), put(10, "a", 1)]), None);
    }

    #[test]
    fn a_missing_change_and_one_out_of_order_are_gaps() {
        assert_eq!(gap(&[put(9, "a", 4)]).unwrap(), "version 4 of a after 2");
        assert_eq!(gap(&[put(9, "a", 3), put(8, "b", 1)]).unwrap(), "revision 8 of b after 9");
        assert_eq!(gap(&[delete(8, "b")]).unwrap(), "b deleted, and was not there");
    }

    /// n1 and n2 vote, and n1 leads; this many entries are applied by n1, n2, and n3, which was removed.
    fn in_the_end(leads: u64, applied: [u64; 3]) -> Views<View> {
        let view = |id: u64, applied| View {
            id,
            member: id,
            voters: if id == 3 { BTreeSet::new() } else { BTreeSet::from([1, 2]) },
            voters_since: 5,
            leader: (id < 3).then_some(leads),
            leads: (id == leads).then_some(1),
            applied,
            revision: applied,
            digest: applied as u32,
            leases: BTreeMap::new(),
            leased: BTreeMap::new(),
            malformed_frames: 0,
        };
        Views::new((1..).zip(applied).map(|(id, applied)| Some(view(id, applied))).collect())
    }

    #[test]
    fn members_converge_and_who_was_removed_is_not_asked_for_anything() {
        assert!(converged(&in_the_end(1, [9, 9, 0])).is_ok());
        assert!(converged(&in_the_end(1, [9, 8, 0])).is_err(), "n2 lacks an entry");
        assert!(converged(&in_the_end(3, [9, 9, 9])).is_err(), "who leads is no member");
        assert!(converged(&in_the_end(0, [9, 9, 0])).is_err(), "nobody leads");
    }

    #[test]
    fn a_majority_of_those_that_vote_keeps_its_disks() {
        let (whole, wiped) = (Harm::default(), Harm { wiped: true, ..Harm::default() });
        let voters = |replicas: &[u64]| Voters { since: 0, replicas: replicas.iter().copied().collect() };
        assert!(voters(&[]).kept_their_disks(&[wiped, whole, whole]).is_ok());
        assert!(voters(&[]).kept_their_disks(&[wiped, wiped, whole]).is_err());
        assert!(voters(&[2, 3]).kept_their_disks(&[wiped, whole, whole]).is_ok());
        assert!(voters(&[1, 2]).kept_their_disks(&[wiped, whole, whole]).is_err());
    }
}
