//! A system that measures the world: each node says in probes whom it hears, how fast it computes, what its clock shows
//! and what its disk answers. On each machine run a process that echoes and one that calls the echo of the next machine.
//! It promises nothing; what it saw is read from the trace.

use host::disk::{Disk, OpenOptions};
use host::net::{TcpListener, TcpStream};
use host::world::{FaultEvent, Happening};
use host::{probe, process};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::Catalog;
use sim::check::{Checkers, Harm};
use sim::once;
use sim::run::{Attention, Recording, Report};
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

/// How often a node looks at the others, at its clock and at its disk.
pub const LOOK: Duration = Duration::from_millis(100);
const ECHO_PORT: u16 = 7001;

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Options {}

pub struct Lab;

impl System for Lab {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = ();

    const NAME: &'static str = "lab";
    const PROCESSES: &'static [&'static str] = &["echo", "caller"];

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    fn probes() -> Vec<&'static str> {
        vec!["boot", "role", "side", "hears", "ticks", "clock", "disk", "rare", "serves", "echo", "asks"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        boot(&node.disk()).await?;
        host::view::register(|| ());
        probe!("role", if node.id == 1 { "primary" } else { "standby" });
        if let Some(side) = ["left", "right"].get(node.id as usize - 1) {
            probe!("side", *side);
        }
        tokio::spawn(count());
        tokio::spawn(watch_clock());
        tokio::spawn(watch_disk(node.disk()));
        let echo = |of: u32| SocketAddr::new(node.nodes[of as usize % node.nodes.len()].ip(), ECHO_PORT);
        let (own, next) = (echo(node.id - 1), echo(node.id));
        tokio::task::spawn_local(process::run("echo", move || serve(own)));
        tokio::task::spawn_local(process::run("caller", move || call(next)));
        converse(node).await
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    fn checkers(&self) -> Checkers<(), (), ()> {
        let no_wiped_disk = |harm: &[Harm]| match harm.iter().position(|harm| harm.wiped) {
            Some(index) => Err(format!("the disk of n{} was wiped", index + 1)),
            None => Ok(()),
        };
        Checkers::new().recovers_if(no_wiped_disk).convergence(|views| match views.up().count() {
            0..3 => Err("a node is down".to_owned()),
            _ => Ok(()),
        })
    }
}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        probe!("asks");
        Outcome::Ok(())
    }
}

/// Counts this boot on the disk, and says how many there were as far as the disk remembers.
async fn boot(disk: &Disk) -> io::Result<()> {
    let before = disk.read("boots").await.map_or(0, |bytes| bytes.len() as u64);
    let file = OpenOptions::new().write(true).create(true).open(disk, "boots").await?;
    file.write_all_at(b"x", before).await?;
    file.sync_all().await?;
    disk.sync_dir(".").await?;
    probe!("boot", before + 1);
    Ok(())
}

/// Ticks every millisecond, and says how often in each 100 ms.
async fn count() {
    loop {
        let (start, mut ticks) = (Instant::now(), 0_u64);
        while start.elapsed() < LOOK {
            sleep(Duration::from_millis(1)).await;
            ticks += 1;
        }
        probe!("ticks", ticks);
        if host::buggify!(0.1) {
            probe!("rare");
        }
    }
}

async fn watch_clock() {
    loop {
        sleep(LOOK).await;
        probe!("clock", host::clock::unix_ns());
    }
}

async fn watch_disk(disk: Disk) {
    loop {
        sleep(LOOK).await;
        let start = Instant::now();
        let outcome = match write(&disk).await {
            Ok(()) => "works".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        probe!("disk", outcome, start.elapsed().as_micros() as u64);
    }
}

async fn write(disk: &Disk) -> io::Result<()> {
    let file = disk.create("scratch").await?;
    file.write_all_at(b"scratch", 0).await?;
    file.sync_all().await
}

/// Echoes each byte, to one caller after the other.
async fn serve(own: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(own).await?;
    probe!("serves");
    loop {
        let (mut stream, _) = listener.accept().await?;
        while let Ok(byte) = stream.read_u8().await {
            if stream.write_u8(byte).await.is_err() {
                break;
            }
        }
    }
}

/// Says what becomes of a byte that it sends to the next machine's echo, on a connection that it keeps.
async fn call(next: SocketAddr) {
    let mut connection = None;
    loop {
        sleep(LOOK).await;
        if connection.is_none() {
            connection = TcpStream::connect(next).await.ok();
        }
        let Some(stream) = &mut connection else {
            probe!("echo", "refused");
            continue;
        };
        let echo = async {
            stream.write_u8(1).await?;
            stream.read_u8().await
        };
        match timeout(LOOK, echo).await {
            Ok(Ok(_)) => probe!("echo", "answers"),
            Ok(Err(_)) => {
                connection = None;
                probe!("echo", "closed");
            }
            Err(_) => probe!("echo", "silent"),
        }
    }
}

/// Tells every node its number, and says from whom it heard in the last while.
async fn converse(node: NodeContext<Options>) -> io::Result<()> {
    let listener = TcpListener::bind(node.nodes[node.id as usize - 1]).await?;
    let heard: Rc<RefCell<BTreeSet<u8>>> = Rc::default();
    let hears = heard.clone();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Ok(Ok(number)) = timeout(LOOK, stream.read_u8()).await {
                hears.borrow_mut().insert(number);
            }
        }
    });
    loop {
        let others = node.nodes.iter().filter(|address| **address != node.nodes[node.id as usize - 1]);
        for address in others.copied() {
            tokio::spawn(timeout(LOOK, tell(address, node.id as u8)));
        }
        sleep(LOOK).await;
        let heard = std::mem::take(&mut *heard.borrow_mut());
        let names: Vec<String> = heard.iter().map(|number| format!("n{number}")).collect();
        probe!("hears", names.join(" "));
    }
}

async fn tell(address: SocketAddr, number: u8) -> io::Result<()> {
    TcpStream::connect(address).await?.write_u8(number).await
}

/// What a run showed.
pub struct Seen {
    pub report: Report,
    recording: Recording,
}

/// Runs the lab with these faults: three nodes unless `more` says otherwise, links of 1 ms, for 20 s.
pub fn run(more: &str, faults: &str) -> Seen {
    run_seed(1, more, faults)
}

pub fn run_seed(seed: u64, more: &str, faults: &str) -> Seen {
    let scenario = scenario(more, faults).unwrap_or_else(|error| panic!("{error:?}"));
    let (report, recording) = once(&Lab, &scenario, seed, Attention::RECORDED);
    assert_eq!(report.digest, once(&Lab, &scenario, seed, Attention::QUICK).0.digest, "a run replays");
    Seen { report, recording: recording.expect("a recorded run") }
}

pub fn scenario(more: &str, faults: &str) -> Result<Scenario, sim::scenario::ScenarioError> {
    let nodes = if more.contains("nodes") { "" } else { "cluster = { nodes = 3 }" };
    let text = format!(
        r#"
        title = "the lab"
        system = "lab"
        {nodes}
        network.latency = "1ms"
        workload = {{ clients = 1, rate = "1/s", for = "20s", mix = {{ nothing = 1 }} }}
        check = {{ settle = "3s" }}
        {more}
        {faults}
        "#
    );
    Scenario::parse("lab.toml", &text, &[], &Catalog::new(&[&Lab]))
}

impl Seen {
    /// What a node published under a name: when, in ms since the workload began, and its values.
    pub fn probes(&self, node: u32, name: &str) -> Vec<(i64, Vec<String>)> {
        let published = |event: &host::world::TraceEvent| match &event.happening {
            Happening::Probe { host: Some(host), name: probe, values }
                if host.number() == node && *probe == name =>
            {
                let at_ms = event.at_ns as i64 / 1_000_000 - 1000;
                Some((at_ms, values.iter().map(ToString::to_string).collect()))
            }
            _ => None,
        };
        self.recording.trace.iter().filter_map(published).collect()
    }

    /// The first values that a node published under a name between two times, in ms.
    pub fn between(&self, node: u32, name: &str, from: i64, to: i64) -> Vec<String> {
        let probes = self.probes(node, name).into_iter();
        probes.filter(|(at, _)| (from..to).contains(at)).map(|(_, values)| values[0].clone()).collect()
    }

    /// The one thing that a node said between two times, in ms.
    pub fn constant(&self, node: u32, name: &str, from: i64, to: i64) -> String {
        let values: BTreeSet<String> = self.between(node, name, from, to).into_iter().collect();
        assert_eq!(values.len(), 1, "n{node} {name} from {from} to {to} ms: {values:?}");
        values.into_iter().next().unwrap_or_default()
    }

    /// Whom each node hears throughout, between two times.
    pub fn hears(&self, from: i64, to: i64) -> BTreeMap<u32, String> {
        let nodes = self.recording.machines.iter().filter(|name| name.starts_with('n')).count();
        (1..=nodes as u32).map(|node| (node, self.constant(node, "hears", from, to))).collect()
    }

    /// What happened to faults: when, in ms since the workload began, and in which words.
    pub fn faults(&self) -> Vec<(i64, String)> {
        self.fault_events().map(|(at, event)| (at, event.text.clone())).collect()
    }

    /// The same as data.
    pub fn fault_events(&self) -> impl Iterator<Item = (i64, &FaultEvent)> {
        self.recording.trace.iter().filter_map(|event| match &event.happening {
            Happening::Fault(fault) => Some((event.at_ns as i64 / 1_000_000 - 1000, fault)),
            _ => None,
        })
    }

    /// The lines of `trace.jsonl` about one kind of event.
    pub fn lines(&self, event: &str) -> Vec<serde_json::Value> {
        let lines = self.recording.lines();
        let lines = lines.map(|line| serde_json::to_value(line).expect("a line is JSON"));
        lines.filter(|line| line["event"] == event).collect()
    }

    /// The violations, as checker and evidence.
    pub fn violations(&self) -> Vec<(&str, &str)> {
        self.report.violations.iter().map(|v| (v.checker.as_str(), v.message.as_str())).collect()
    }
}
