//! What nodes and clients do, with the `host` and the `protocols` of the peer that has this file as a module.

use super::{host, protocols};
use crate::workload::{CLIENTS, LASTS, NODES, System, Tally, node_address, node_addresses};
use host::disk::Disk;
use host::time::{Instant, sleep_until, timeout};
use protocols::bank::{self, AccountId, Act, BranchId};
use protocols::registry::{self, NodeId, Pid};
use protocols::store::{self, Condition};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::io;
use std::time::Duration;

/// One life of node `n`, from 1.
pub async fn node(system: System, n: u16) -> io::Result<()> {
    match system {
        System::Registry => {
            let peers = (1..=NODES).filter(|peer| *peer != n).map(|peer| (NodeId(peer), node_address(peer)));
            let config = registry::Config {
                id: NodeId(n),
                listen: node_address(n),
                peers: peers.collect(),
                options: registry::Options::default(),
                resolve: None,
            };
            registry::run(config).await
        }
        System::Bank => {
            let options = bank::Options::default();
            let config = bank::Config { id: BranchId(n), branches: node_addresses(), options };
            bank::run(config, Disk::at(format!("n{n}")).await?).await
        }
        System::Store => {
            let options = store::Options::default();
            let (id, replicas, says) = (n.into(), node_addresses(), store::ROLE);
            let config = store::Config { id, replicas, options, says };
            store::run(config, Disk::at(format!("n{n}")).await?).await
        }
    }
}

/// Client `id`, from 1, until the run is over: one operation after the other, each when it is due, or at once where the
/// client is late.
pub async fn client(system: System, id: u16, seed: u64) -> Tally {
    let mut draw = ChaCha8Rng::seed_from_u64(seed ^ (u64::from(id) << 48));
    let (begin, mut due, mut tally) = (Instant::now(), FIRST_OPERATION, Tally::default());
    let mut client = Client::new(system, id);
    loop {
        due += Duration::from_micros(below(&mut draw, 2 * BETWEEN_OPERATIONS.as_micros() as u64));
        if due > LASTS {
            return tally;
        }
        if begin.elapsed() < due {
            sleep_until(begin + due).await;
        }
        if begin.elapsed() > LASTS {
            return tally;
        }
        let (choice, key, other) = (below(&mut draw, 100), below(&mut draw, KEYS), below(&mut draw, KEYS));
        match timeout(PATIENCE, client.operate(choice, key as u32, other as u32)).await {
            Ok(Some(())) => tally.answered += 1,
            Ok(None) | Err(_) => {
                tally.unanswered += 1;
                client = Client::new(system, id);
            }
        }
    }
}

/// A client of a system.
enum Client {
    Registry { id: u16, connection: Option<registry::Client>, last: Option<Pid> },
    Bank(bank::Client),
    Store(store::Client),
}

impl Client {
    fn new(system: System, id: u16) -> Self {
        match system {
            System::Registry => Client::Registry { id, connection: None, last: None },
            System::Bank => Client::Bank(bank::Client::new(node_addresses())),
            System::Store => Client::Store(store::Client::new(node_addresses())),
        }
    }

    /// One operation, by a choice of 100; none if it may not have been done. A refusal is an answer.
    async fn operate(&mut self, choice: u64, key: u32, other: u32) -> Option<()> {
        match self {
            Client::Registry { id, connection, last } => {
                let node = match connection {
                    Some(node) => node,
                    None => {
                        let home = node_address((*id - 1) % NODES + 1);
                        connection.insert(registry::Client::connect(home).await.ok()?)
                    }
                };
                let name = format!("name-{}", key * u32::from(CLIENTS) + u32::from(*id));
                match names(node, last, choice, &name).await {
                    Err(error) if !error.is_definite() => None,
                    Ok(()) | Err(_) => Some(()),
                }
            }
            Client::Bank(bank) => match money(bank, choice, AccountId(key), AccountId(other)).await {
                Err(error) if !error.is_definite() => None,
                Ok(()) | Err(_) => Some(()),
            },
            Client::Store(store) => match pairs(store, choice, &format!("key-{key}"), other).await {
                Err(error) if !error.is_definite() => None,
                Ok(()) | Err(_) => Some(()),
            },
        }
    }
}

/// As `registry/netsplit` has it: each client names processes of its own.
async fn names(
    node: &mut registry::Client,
    last: &mut Option<Pid>,
    choice: u64,
    name: &str,
) -> Result<(), registry::ClientError> {
    match (choice, *last) {
        (0..25, _) | (_, None) => {
            let pid = node.spawn().await?;
            node.register(name, pid, "").await?;
            *last = Some(pid);
        }
        (25..30, Some(pid)) => node.register(name, pid, "alias").await?,
        (30..42, _) => node.unregister(name).await?,
        (42..48, _) => {
            if let Some((pid, _)) = node.lookup(name).await? {
                node.kill(pid).await?;
            }
        }
        _ => drop(node.lookup(name).await?),
    }
    Ok(())
}

/// As `bank/quiet` has it.
async fn money(
    bank: &mut bank::Client,
    choice: u64,
    account: AccountId,
    to: AccountId,
) -> Result<(), bank::ClientError> {
    let act = match choice {
        0..25 => Act::Deposit(account, AMOUNT),
        25..38 => Act::Withdraw(account, AMOUNT),
        38..82 => Act::Transfer(account, to, AMOUNT),
        82..96 => return bank.balance(account).await.map(drop),
        _ => return bank.audit(bank.home(account)).await.map(drop),
    };
    let id = bank.new_id();
    bank.request(id, act).await.map(drop)
}

/// As `store/quiet` has it, without leases and watches.
async fn pairs(
    store: &mut store::Client,
    choice: u64,
    key: &str,
    value: u32,
) -> Result<(), store::ClientError> {
    let value = value.to_string();
    match choice {
        0..43 => store.get(key).await.map(drop),
        43..72 => store.put(key, &value, None).await.map(drop),
        72..93 => store.put_if(key, Condition::Value(value.clone()), &value, None).await.map(drop),
        _ => store.delete(key).await.map(drop),
    }
}

fn below(draw: &mut ChaCha8Rng, bound: u64) -> u64 {
    draw.next_u64() % bound
}

/// By then the nodes listen.
const FIRST_OPERATION: Duration = Duration::from_secs(1);

/// On average, of one client: four do 50 a second.
const BETWEEN_OPERATIONS: Duration = Duration::from_millis(80);

/// So long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names of a client, accounts, or keys.
const KEYS: u64 = 16;

/// What is paid at once.
const AMOUNT: i64 = 3;
