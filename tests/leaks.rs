//! What happens when node code takes something from outside of its seed.
//!
//! Each leak that a dependency might bring is planted in a node on purpose, and is either *detected* (two runs of one seed
//! have different digests, in this process or against a fresh one: what `run --twice` and every sweep compare) or
//! *harmless* (the recipe answers it from the seed).
#![allow(clippy::unwrap_used)] // the helpers of a test are the test
#![allow(clippy::disallowed_methods)] // what is disallowed is what this is about

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::{Client, ClientContext, Digest, NodeContext, Operation, Outcome, System};
use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

/// Names the leak to a child process, which then prints its digest.
const CHILD: &str = "LEAK_IN_A_CHILD";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Leak {
    Nothing,
    ThreadRngOfRand08,
    Ahash,
    Static,
    Address,
    RealClock,
    StdHashMap,
    Select,
    Yields,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    leak: Leak,
}

struct Leaky;

impl System for Leaky {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = ();

    const NAME: &'static str = "leaky";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    fn probes() -> Vec<&'static str> {
        vec!["leaked"]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        loop {
            let leaked = leaked(node.options.leak).await;
            host::probe!("leaked", leaked);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    fn checkers(&self) -> Checkers<(), (), ()> {
        Checkers::new()
    }
}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        Outcome::Ok(())
    }
}

async fn leaked(leak: Leak) -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    match leak {
        Leak::Nothing => 0,
        Leak::ThreadRngOfRand08 => rand_08::random(),
        Leak::Ahash => ahash::RandomState::new().hash_one(7),
        Leak::Static => CALLS.fetch_add(1, Ordering::Relaxed),
        Leak::Address => std::ptr::from_ref(&CALLS).addr() as u64,
        Leak::RealClock => {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let began = Instant::now();
            since.as_nanos() as u64 ^ began.elapsed().as_nanos() as u64
        }
        Leak::StdHashMap => {
            let map: HashMap<u64, ()> = (0..64).map(|key| (key, ())).collect();
            map.keys().fold(0, |hash: u64, key| hash.wrapping_mul(31) + key)
        }
        Leak::Yields => {
            tokio::task::yield_now().await;
            1
        }
        Leak::Select => {
            let mut taken = 0u64;
            for _ in 0..63 {
                tokio::select! { () = async {} => taken *= 2, () = async {} => taken = taken * 2 + 1 }
            }
            taken
        }
    }
}

fn digest(leak: Leak) -> Digest {
    let text = r#"
        title = "a leak"
        system = "leaky"
        workload = { clients = 1, rate = "1/s", for = "1s", mix = { nothing = 1 } }
        cluster = { nodes = 1, options = { leak = "LEAK" } }
    "#;
    let leak = serde_json::to_value(leak).unwrap();
    let text = text.replace("LEAK", leak.as_str().unwrap());
    let scenario = Scenario::parse("leak", &text, &[], &Catalog::new(&[&Leaky])).unwrap();
    once(&Leaky, &scenario, 1, Attention::QUICK).0.digest
}

/// Not a test of its own: what the child process runs.
#[test]
fn a_child_prints_its_digest() {
    if let Ok(leak) = std::env::var(CHILD) {
        let digest = digest(serde_json::from_value(leak.into()).unwrap());
        writeln!(std::io::stdout(), "digest={digest}").unwrap();
    }
}

fn digest_in_a_child(leak: Leak) -> Digest {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_child_prints_its_digest", "--nocapture"])
        .env(CHILD, serde_json::to_value(leak).unwrap().as_str().unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, digest) = text.split_once("digest=").expect("the child prints one");
    digest[..32].parse().unwrap()
}

fn is_detected(leak: Leak) -> bool {
    let first = digest(leak);
    first != digest(leak) || first != digest_in_a_child(leak)
}

#[test]
fn a_node_that_leaks_nothing_is_the_same_everywhere() {
    assert!(!is_detected(Leak::Nothing));
}

#[test]
fn the_thread_rng_of_rand_0_8_is_detected() {
    assert!(is_detected(Leak::ThreadRngOfRand08));
}

#[test]
fn a_static_is_detected() {
    assert!(is_detected(Leak::Static));
}

#[test]
fn the_order_of_ahash_is_detected() {
    assert!(is_detected(Leak::Ahash));
}

#[test]
fn an_address_is_detected() {
    assert!(is_detected(Leak::Address));
}

#[test]
fn the_real_clock_is_out_of_reach() {
    assert!(!is_detected(Leak::RealClock));
}

#[test]
fn the_order_of_the_standard_hash_map_is_the_seeds() {
    assert!(!is_detected(Leak::StdHashMap));
}

#[test]
fn the_branches_of_select_are_the_seeds() {
    assert!(!is_detected(Leak::Select));
}

#[test]
fn yielding_gives_way_and_comes_back() {
    assert!(!is_detected(Leak::Yields));
}
