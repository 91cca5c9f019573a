//! Time to converge after a heal, by nodes and names: `cargo bench --bench converge`.
//!
//! Every node boots with its share of the names, cut off from all others: as after a netsplit that was long enough for
//! each to be given up and purged. Then everything heals, at any moment between two attempts to connect. Measured, in
//! simulated time: from the heal to the last connection; from the heal to the last snapshot applied, when every node has
//! every name; the time between the two; and how many bytes arrived until then. Tables are compared afterwards, large
//! ones in every fiftieth run. Links have a latency of 2 ms (p99 20 ms) and carry 100 Mbit/s, so that data takes time.
//!
//! `SPLITBRAIN_SEEDS=1000` sets how many runs of each. A protocol, or two numbers, nodes and names, choose among them:
//! `cargo bench --bench converge -- converged 5 100000`.
#![allow(clippy::print_stdout)] // a table is the result

mod support;

use host::world::lab::{self, Lab};
use host::world::{self, Bandwidth, Config, Latency, LinkSettings, MachineId};
use protocols::registry::{self, DEFAULT_SCOPE, NodeId, Options, Protocol, View};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

const PORT: u16 = 7000;
const SPLIT: Duration = Duration::from_secs(12);
const WAIT: Duration = Duration::from_secs(30);
/// 100 Mbit/s, and a queue of a tenth of a second.
const BANDWIDTH: Bandwidth = Bandwidth { bytes_per_second: 12_500_000, queue: 1_250_000 };

/// One run, from the heal.
struct Healed {
    /// To the last connection, in ns.
    connected_ns: u64,
    /// To the last snapshot, in ns.
    converged_ns: u64,
    snapshots: usize,
    /// What arrived until then.
    bytes: u64,
}

fn main() {
    let seeds = support::seeds(20);
    println!(
        "{:<9} {:>5} {:>6} {:>5} {:>24} {:>24} {:>24} {:>9} {:>9}",
        "protocol",
        "nodes",
        "names",
        "runs",
        "connected ms",
        "converged ms",
        "in between ms",
        "data kB",
        "wall"
    );
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u32> = asked.iter().filter_map(|word| word.parse().ok()).collect();
    for names in [10, 1_000, 100_000] {
        for (protocol, name) in [(Protocol::Converged, "converged"), (Protocol::Syn, "syn")] {
            let other = if name == "syn" { "converged" } else { "syn" };
            if asked.iter().any(|word| word == other) {
                continue;
            }
            let wanted = |nodes: &u32| numbers.is_empty() || numbers == [*nodes, names];
            for nodes in [3, 5, 9].into_iter().filter(wanted) {
                measure(protocol, name, nodes, names, seeds);
            }
        }
    }
    println!("memory at its highest: {} MB", memory_mb());
}

fn measure(protocol: Protocol, name: &str, nodes: u32, names: u32, seeds: u64) {
    let start = Instant::now();
    let healed = support::on_all_cores(seeds, |seed| run(protocol, nodes, names, seed));
    let wall = start.elapsed() / u32::try_from(seeds).unwrap_or(u32::MAX);
    let times = |of: fn(&Healed) -> u64| {
        let mut times: Vec<f64> = healed.iter().map(|healed| of(healed) as f64 / 1e6).collect();
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        format!("{:>8.1}{:>8.1}{:>8.1}", at(0.5), at(0.99), at(1.0))
    };
    let connected = times(|healed| healed.connected_ns);
    let converged = times(|healed| healed.converged_ns);
    let between = times(|healed| healed.converged_ns.saturating_sub(healed.connected_ns));
    let data = healed.iter().map(|healed| healed.bytes).sum::<u64>() as f64 / healed.len() as f64 / 1e3;
    println!(
        "{name:<9} {nodes:>5} {names:>6} {seeds:>5} {connected} {converged} {between} {data:>9.0} {wall:>9.1?}"
    );
    let expected = (nodes * (nodes - 1)) as usize;
    assert!(healed.iter().all(|healed| healed.snapshots >= expected), "somebody has not been told");
}

fn run(protocol: Protocol, nodes: u32, names: u32, seed: u64) -> Healed {
    let machines = lab::machines(u8::try_from(nodes).expect("a few nodes"));
    lab::run(Config::new(seed, machines), async |lab| heal(lab, protocol, nodes, names, seed).await)
}

async fn heal(lab: Lab, protocol: Protocol, nodes: u32, names: u32, seed: u64) -> Healed {
    let ip = |id: u32| IpAddr::V4(Ipv4Addr::new(10, 0, 0, id as u8));
    let latency = Latency::log_normal(Duration::from_millis(2), Duration::from_millis(20));
    let mut link = LinkSettings::new(latency);
    link.bandwidth = Some(BANDWIDTH);
    each_pair(nodes, |world, from, to| {
        world.set_link(from, to, link.clone()).expect("the link is within its bounds");
        world.cut(from, to);
    });
    for id in 1..=nodes {
        let share = names / nodes + u32::from(id <= names % nodes);
        let options = Options { protocol, preload: share, ..Options::default() };
        let peers = (1..=nodes).filter(|peer| *peer != id);
        let peers = peers.map(|peer| (NodeId(peer as u16), SocketAddr::new(ip(peer), PORT))).collect();
        let listen = SocketAddr::new(ip(id), PORT);
        let config = registry::Config { id: NodeId(id as u16), listen, peers, options, resolve: None };
        lab.on(lab.machine(), registry::run(config));
    }
    tokio::time::sleep(SPLIT + phase(seed)).await;
    each_pair(nodes, world::World::mend);
    let (from, bytes_before) = world::with(|world| (world.now_ns(), world.bytes()));
    let mut healed = Healed { connected_ns: 0, converged_ns: 0, snapshots: 0, bytes: 0 };
    let until = tokio::time::sleep(WAIT);
    tokio::pin!(until);
    loop {
        tokio::select! {
            biased;
            probes = world::next_probes() => for probe in probes {
                match probe.name {
                    "node-up" => healed.connected_ns = now_ns() - from,
                    "snapshot" => {
                        healed.converged_ns = now_ns() - from;
                        healed.snapshots += 1;
                        healed.bytes = world::with(|world| world.bytes()) - bytes_before;
                    }
                    _ => {}
                }
            },
            () = &mut until => break,
        }
    }
    if names < 100_000 || seed.is_multiple_of(50) {
        compare(nodes, names);
    }
    healed
}

/// All tables are the same, and have every name.
fn compare(nodes: u32, names: u32) {
    let first: View = world::view(MachineId::numbered(1)).expect("n1 is up");
    let first = &first.scope(DEFAULT_SCOPE).expect("n1 has the scope").entries;
    assert_eq!(first.len(), names as usize);
    for host in MachineId::first(nodes as usize).skip(1) {
        let other: View = world::view(host).expect("the node is up");
        let other = &other.scope(DEFAULT_SCOPE).expect("the node has the scope").entries;
        assert!(other == first, "n{} has another table", host.number());
    }
}

/// Where between two attempts to connect, a second apart, the heal comes: anywhere, evenly over the seeds.
fn phase(seed: u64) -> Duration {
    Duration::from_micros(seed.wrapping_mul(618_034) % 1_000_000)
}

fn each_pair(nodes: u32, mut act: impl FnMut(&mut world::World, MachineId, MachineId)) {
    world::with(|world| {
        for from in MachineId::first(nodes as usize) {
            for to in MachineId::first(nodes as usize).filter(|to| *to != from) {
                act(world, from, to);
            }
        }
    });
}

fn now_ns() -> u64 {
    world::with(|world| world.now_ns())
}

/// The most memory that this process has held.
fn memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|kb| kb.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
