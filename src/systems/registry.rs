//! The process registry under test.
//!
//! Client *i* uses node *i* (modulo the cluster) as its own, as a process in Erlang uses the registry of its own node.
//! It starts processes there, names them, and kills them. It also names processes of other nodes, when a lookup has
//! shown it one. It also watches its node for a while. With several scopes, keys are dealt out over them: each scope
//! has the same, fewer names, and one process can have names in all of them.
//!
//! Judged: **alive** (every process in a table lives), **convergence** (in each scope every node knows every other,
//! every table is the union of what the owners own, and every name has one owner), **count** (a node counts the names
//! that it has), **lookup** (no lookup shows a process of its own node that is dead), **own** (a node does not
//! contradict itself about a name that only one client knows: `watch.rs`), **stopped** (whom a resolver of your own gives
//! up and is to stop does not live on), **survivor** (of the processes that contend for a name, the resolution of the
//! conflict leaves one), **ranks** (in the converged protocol who is named comes after what was seen: `ranks.rs`) and
//! **refinement** (what nodes have of each other they copy as specified: see `refinement.rs`).

mod ranks;
mod refinement;
mod watch;

use protocols::registry::{
    self, Client as Connection, ClientError, Config, DEFAULT_SCOPE, InScope, NodeId, Options, Pid, ScopeView,
    View,
};
use ranks::Ranked;
use refinement::Refines;
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Seen, Views};
use sim::{Choice, Client, ClientContext, Draw, Mix, NodeContext, Operation, Outcome, System};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use watch::WRONG;

/// The process registry.
#[derive(Debug)]
pub struct Registry;

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Start a process and give it the name.
    Register(String),
    /// Give the process that this client named last one more name.
    Alias(String),
    /// Start a process on the next node and give it the name, from this client's own node.
    Place(String),
    /// Look the name up, and register the process found, on whatever node it runs, with new metadata.
    Update(String),
    /// Make the process that this client named last a member of the group.
    Join(String),
    /// End that membership.
    Leave(String),
    /// Crash the scope process that has the name, on this client's node; it comes back at once.
    CrashScope(String),
    /// Free the name.
    Unregister(String),
    /// Look the name up and kill the process found.
    Kill(String),
    /// Look the name up.
    Lookup(String),
    /// Watch this client's node, and the next, while it registers a name that nobody else knows, and frees it.
    Watch,
}

impl System for Registry {
    type Options = Options;
    type Op = Op;
    type Ret = Option<String>;
    type View = View;

    const NAME: &'static str = "registry";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("register", |mix, draw| Op::Register(name(mix, draw))),
            Operation("alias", |mix, draw| Op::Alias(name(mix, draw))),
            Operation("place", |mix, draw| Op::Place(name(mix, draw))),
            Operation("update", |mix, draw| Op::Update(name(mix, draw))),
            Operation("unregister", |mix, draw| Op::Unregister(name(mix, draw))),
            Operation("kill", |mix, draw| Op::Kill(name(mix, draw))),
            Operation("lookup", |mix, draw| Op::Lookup(name(mix, draw))),
            Operation("join", |mix, draw| Op::Join(name(mix, draw))),
            Operation("leave", |mix, draw| Op::Leave(name(mix, draw))),
            Operation("crashscope", |mix, draw| Op::CrashScope(name(mix, draw))),
            Operation("watch", |_, _| Op::Watch),
        ]
    }

    fn probes() -> Vec<&'static str> {
        [registry::PROBES, &[WRONG]].concat()
    }

    fn choices() -> &'static [Choice] {
        &[
            Choice { option: "net_tick", among: &["\"1s\"", "\"5s\"", "\"15s\""] },
            Choice { option: "redial", among: &["\"50ms\"", "\"500ms\"", "\"2s\""] },
            Choice { option: "call_timeout", among: &["\"200ms\"", "\"1s\"", "\"5s\""] },
            Choice { option: "preload", among: &["0", "3", "30"] },
        ]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let id = |index: usize| NodeId(index as u16 + 1);
        let this = NodeId(node.id as u16);
        let peers = node.nodes.iter().enumerate().map(|(index, address)| (id(index), *address));
        let config = Config {
            id: this,
            listen: node.address(),
            peers: peers.filter(|(peer, _)| *peer != this).collect(),
            options: node.options,
            resolve: None,
        };
        registry::run(config).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Option<String>> {
        let home = client.nodes[(client.id as usize - 1) % client.nodes.len()];
        let next = client.nodes[client.id as usize % client.nodes.len()];
        let (id, scopes) = (client.id, client.options.scopes);
        RegistryClient { id, home, next, scopes, connection: None, last: None, updates: 0 }
    }

    /// Here the name is drawn before the operation is: so the seeds on record go on to mean what they mean.
    fn next_op(&self, mix: &Mix, draw: &mut Draw) -> Op {
        let mut at_the_name = draw.clone();
        mix.key(draw);
        let Operation(_, make) = mix.pick(Self::operations(), draw);
        make(mix, &mut at_the_name)
    }

    fn checkers(&self) -> Checkers<Op, Option<String>, View> {
        let (mut beaten_by, mut refines, mut ranked) = (BTreeMap::new(), Refines::new(), Ranked::default());
        Checkers::new()
            .eventually("alive", alive)
            .convergence(converged)
            .eventually("count", counts)
            .eventually("stopped", stopped)
            .invariant("lookup", shown)
            .invariant("own", no_contradiction)
            .invariant("survivor", move |seen: &Seen<'_, View>| survivor(&mut beaten_by, seen))
            .invariant("ranks", move |seen| ranked.judge(seen))
            .invariant("refinement", move |seen| refines.judge(seen))
    }
}

/// The number of the key that a name is made of.
fn number_of(name: &str) -> usize {
    name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn name(mix: &Mix, draw: &mut Draw) -> String {
    format!("name-{}", mix.key(draw))
}

/// A client of its home node.
struct RegistryClient {
    id: u32,
    home: SocketAddr,
    next: SocketAddr,
    scopes: Vec<String>,
    connection: Option<Connection>,
    /// The process that it named last.
    last: Option<Pid>,
    updates: u32,
}

impl Client<Op, Option<String>> for RegistryClient {
    async fn call(&mut self, op: &Op) -> Outcome<Option<String>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Nothing was asked yet, so nothing can have happened.
            None => match Connection::connect(self.home).await {
                Ok(connection) => connection,
                Err(error) => return Outcome::Fail(error.to_string()),
            },
        };
        let result = self.operate(&mut connection, op).await;
        match result {
            Ok(found) => {
                self.connection = Some(connection);
                Outcome::Ok(found.map(|pid| pid.to_string()))
            }
            Err(error) if error.is_definite() => {
                self.connection = Some(connection);
                Outcome::Fail(error.to_string())
            }
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

impl RegistryClient {
    /// The scope that a name is in, and what it is called there.
    fn place<'a, 'b>(&self, node: &'a mut Connection, name: &'b str) -> (InScope<'a>, Cow<'b, str>) {
        let [_, _, ..] = self.scopes[..] else { return (node.scope(self.scope(0)), name.into()) };
        let (stem, number) = (name.rsplit_once('-').map_or(name, |(stem, _)| stem), number_of(name));
        (node.scope(self.scope(number)), format!("{stem}-{}", number / self.scopes.len()).into())
    }

    /// The scope that a key is dealt to.
    fn scope(&self, number: usize) -> &str {
        self.scopes.get(number % self.scopes.len().max(1)).map_or(DEFAULT_SCOPE, String::as_str)
    }

    async fn operate(&mut self, node: &mut Connection, op: &Op) -> Result<Option<Pid>, ClientError> {
        match op {
            Op::Register(name) => {
                let (mut node, name) = self.place(node, name);
                let pid = node.spawn().await?;
                node.register(&name, pid, "").await?;
                self.last = Some(pid);
                Ok(Some(pid))
            }
            Op::Alias(name) => {
                let Some(pid) = self.last else { return Ok(None) };
                let (mut node, name) = self.place(node, name);
                node.register(&name, pid, "alias").await?;
                Ok(Some(pid))
            }
            Op::Place(name) => {
                let pid = Connection::connect(self.next).await?.spawn().await?;
                let (mut node, name) = self.place(node, name);
                node.register(&name, pid, "placed").await?;
                Ok(Some(pid))
            }
            Op::Update(name) => {
                let (mut node, name) = self.place(node, name);
                let Some((pid, _)) = node.lookup(&name).await? else { return Ok(None) };
                self.updates += 1;
                node.register(&name, pid, &format!("update {}", self.updates)).await?;
                Ok(Some(pid))
            }
            Op::Join(group) => {
                let Some(pid) = self.last else { return Ok(None) };
                self.updates += 1;
                let (mut node, group) = self.place(node, group);
                node.join(&group, pid, &format!("join {}", self.updates)).await?;
                Ok(Some(pid))
            }
            Op::Leave(group) => {
                let Some(pid) = self.last else { return Ok(None) };
                let (mut node, group) = self.place(node, group);
                node.leave(&group, pid).await?;
                Ok(Some(pid))
            }
            Op::CrashScope(name) => {
                let (mut node, _) = self.place(node, name);
                node.crash_scope().await.map(|()| None)
            }
            Op::Unregister(name) => {
                let (mut node, name) = self.place(node, name);
                node.unregister(&name).await.map(|()| None)
            }
            Op::Kill(name) => {
                let (mut node, name) = self.place(node, name);
                let Some((pid, _)) = node.lookup(&name).await? else { return Ok(None) };
                node.kill(pid).await?;
                Ok(Some(pid))
            }
            Op::Lookup(name) => {
                let (mut node, name) = self.place(node, name);
                Ok(node.lookup(&name).await?.map(|(pid, _)| pid))
            }
            Op::Watch => {
                self.updates += 1;
                let own = format!("own/{}-{}", self.id, self.updates);
                let (mut node, name) = self.place(node, &own);
                let (nodes, scope) = ([self.home, self.next], self.scope(number_of(&own)));
                watch::while_it_changes(nodes, scope, &mut node, &name).await.map(Some)
            }
        }
    }
}

/// No node contradicts itself about a name that only one client knows.
fn no_contradiction(seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.probe.filter(|probe| probe.name == WRONG) else { return Ok(()) };
    match &probe.values[..] {
        [name, what] => Err(Broken::new(format!("{name}: {what}")).key(name)),
        _ => Ok(()),
    }
}

/// Every process that some table names is alive, says the node that runs it.
fn alive(views: &Views<View>) -> Result<(), Broken> {
    for (id, view) in views.up() {
        for (name, entry) in view.scopes.iter().flat_map(|scope| &*scope.entries) {
            let owner = views.get(entry.pid.node.0.into());
            if owner.is_some_and(|owner| !owner.alive.contains(&entry.pid)) {
                let why = format!("n{id} has {name} for {}, which is dead", entry.pid);
                return Err(Broken::new(why).node(id).key(name).process(entry.pid));
            }
        }
    }
    Ok(())
}

/// Every node counts the names that it has.
fn counts(views: &Views<View>) -> Result<(), Broken> {
    for (id, view) in views.up() {
        for scope in &view.scopes {
            let names = scope.entries.len();
            if scope.count != names as i64 {
                let why = format!("n{id} has {names} names and counts {}", scope.count);
                return Err(Broken::new(why).node(id));
            }
        }
    }
    Ok(())
}

/// Nobody lives that has lost a name and was to be stopped for it.
fn stopped(views: &Views<View>) -> Result<(), Broken> {
    for (id, view) in views.up() {
        if let Some(pid) = view.given_up.first() {
            let why = format!("n{id} still runs {pid}, which has lost a name and was to be stopped");
            return Err(Broken::new(why).node(id).process(pid));
        }
    }
    Ok(())
}

/// No lookup shows a process of the node asked that has died.
fn shown(seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.probe.filter(|probe| probe.name == "dead process shown") else { return Ok(()) };
    match &probe.values[..] {
        [name, pid] => {
            let why = format!("a lookup of {name} has shown {pid}, which is dead");
            Err(Broken::new(why).key(name).process(pid))
        }
        _ => Ok(()),
    }
}

/// A sentence that begins with a node.
fn about(sentence: String, node: NodeId) -> Broken {
    Broken::new(sentence).node(node.0.into())
}

/// The nodes of one scope, and what each believes of it.
type Members<'a> = Vec<(NodeId, &'a ScopeView)>;

/// In every scope, all nodes that have added it agree.
fn converged(views: &Views<View>) -> Result<(), Broken> {
    let mut scopes: BTreeMap<&str, Members<'_>> = BTreeMap::new();
    for (_, view) in views.up() {
        for scope in &view.scopes {
            scopes.entry(&scope.name).or_default().push((view.node, scope));
        }
    }
    for (name, members) in scopes {
        let agree = names_converged(&members).and_then(|()| groups_converged(&members));
        let in_scope = |why: Broken| match name {
            DEFAULT_SCOPE => why,
            _ => Broken { evidence: format!("in the scope {name}: {why}"), ..why },
        };
        agree.map_err(in_scope)?;
    }
    Ok(())
}

/// Every table is the union of what the owners own.
fn names_converged(members: &Members<'_>) -> Result<(), Broken> {
    let mut union: BTreeMap<&str, (Pid, &str)> = BTreeMap::new();
    for (node, view) in members {
        let strangers = members.iter().map(|(other, _)| other).filter(|other| *other != node);
        if let Some(stranger) = strangers.into_iter().find(|other| !view.known.contains(other)) {
            return Err(about(format!("{node} does not know {stranger}"), *node).node(stranger.0.into()));
        }
        for (name, entry) in view.entries.iter().filter(|(_, entry)| entry.pid.node == *node) {
            if let Some((other, _)) = union.insert(name, (entry.pid, &entry.meta)) {
                let why = format!("{name} has two owners: {other} and {}", entry.pid);
                return Err(about(why, *node)
                    .node(other.node.0.into())
                    .key(name)
                    .process(other)
                    .process(entry.pid));
            }
        }
    }
    for (node, view) in members {
        for (name, (pid, meta)) in &union {
            let why = |why: String| about(why, *node).node(pid.node.0.into()).key(name).process(pid);
            match view.entries.get(*name) {
                None => {
                    let says = format!("{node} has no {name}, which {} registered for {pid}", pid.node);
                    return Err(why(says));
                }
                Some(entry) if entry.pid != *pid => {
                    let says = format!("{node} has {name} for {}, its owner for {pid}", entry.pid);
                    return Err(why(says).process(entry.pid));
                }
                Some(entry) if entry.meta != *meta => {
                    let says = format!("{node} has {name} with {:?}, its owner with {meta:?}", entry.meta);
                    return Err(why(says));
                }
                Some(_) => {}
            }
        }
        if let Some((name, entry)) = view.entries.iter().find(|(name, _)| !union.contains_key(name.as_str()))
        {
            let why = format!("{node} has {name} for {}, which no owner has", entry.pid);
            return Err(about(why, *node).node(entry.pid.node.0.into()).key(name).process(entry.pid));
        }
    }
    Ok(())
}

/// Every node's groups are the union of what the members' nodes have.
fn groups_converged(members: &Members<'_>) -> Result<(), Broken> {
    let of = |owner: NodeId, view: &ScopeView| -> Vec<(String, Pid, String)> {
        let joined = view.groups.iter().flat_map(|(group, members)| {
            members.iter().map(move |(pid, meta)| (group.clone(), *pid, meta.clone()))
        });
        joined.filter(|(_, pid, _)| pid.node == owner).collect()
    };
    for (node, view) in members {
        for (owner, owned) in members {
            if owned.groups.is_empty() && view.groups.is_empty() {
                continue;
            }
            let (theirs, ours) = (of(*owner, owned), of(*owner, view));
            if let Some((group, pid, _)) = theirs.iter().find(|member| !ours.contains(member)) {
                let why = format!("{node} does not have {pid} in the group {group}, {owner} has");
                return Err(about(why, *node).node(owner.0.into()).key(group).process(pid));
            }
            if let Some((group, pid, _)) = ours.iter().find(|member| !theirs.contains(member)) {
                let why = format!("{node} has {pid} in the group {group}, its node has not");
                return Err(about(why, *node).node(pid.node.0.into()).key(group).process(pid));
            }
        }
    }
    Ok(())
}

/// Who killed whom over a name must not go in a circle: some contender lives.
fn survivor(beaten_by: &mut BTreeMap<String, String>, seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.probe.filter(|probe| probe.name == "conflict") else { return Ok(()) };
    let [name, kept, lost] = &probe.values[..] else { return Ok(()) };
    let (kept, lost) = (kept.to_string(), lost.to_string());
    // Both nodes publish the conflict; the loser's node is the one that kills.
    let loser_is_here = probe.host.is_some_and(|host| lost.starts_with(&format!("<n{}.", host.number())));
    if !loser_is_here {
        return Ok(());
    }
    let view = probe.host.and_then(|host| seen.views.get(host.number())).filter(|view| view.losers_end);
    if let Some(loser) = view.and_then(|view| view.alive.iter().find(|pid| pid.to_string() == lost)) {
        let why = format!("{name}: {lost} has lost it to {kept}, and lives on");
        return Err(Broken::new(why).key(name).process(loser));
    }
    beaten_by.insert(lost.clone(), kept.clone());
    let mut winner = kept;
    for _ in 0..beaten_by.len() {
        match beaten_by.get(&winner) {
            Some(next) if *next == lost => {
                let why = format!(
                    "{name}: {lost} was killed in favour of {winner}, which was killed in favour of it"
                );
                return Err(Broken::new(why).key(name).process(lost).process(winner));
            }
            Some(next) => winner.clone_from(next),
            None => break,
        }
    }
    Ok(())
}
