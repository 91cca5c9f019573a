//! Random operations and deaths, against the oracle.

use super::oracle::Oracle;
use super::{die, on, with_disk, without_garbage};
use host::disk::{Disk, OpenOptions};
use host::world::{Death, DiskSettings, Draw, Stream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Lives in a run, and operations in a life, at most.
const LIVES: u64 = 6;
const OPERATIONS: u64 = 40;

/// Files are small enough to be compared, and large enough for a few sectors and pages.
const LEN_MAX: u64 = 9000;

/// What a run met.
#[derive(Default)]
struct Met {
    power_losses: u64,
    changed: u64,
}

/// One life: random operations by one task. The oracle is told what a reader must see, and asked after every step.
async fn live(disk: Disk, oracle: Arc<Mutex<Oracle>>, draw: Arc<Mutex<Draw>>) {
    let below = |bound: u64| draw.lock().unwrap().below(bound);
    let mut open = Vec::new();
    for _ in 0..below(OPERATIONS) {
        let name = format!("f{}", below(4));
        let exists = oracle.lock().unwrap().names().get(&name).copied();
        match (below(20), exists) {
            (0..4, None) => {
                let options = OpenOptions::new().read(true).write(true).create_new(true);
                let file = options.open(&disk, &name).await.unwrap();
                open.push((oracle.lock().unwrap().create(&name), file));
            }
            (0, Some(_)) => {
                disk.remove_file(&name).await.unwrap();
                oracle.lock().unwrap().remove(&name);
            }
            (1..4, Some(_)) => {
                let to = format!("f{}", below(4));
                disk.rename(&name, &to).await.unwrap();
                oracle.lock().unwrap().rename(&name, &to);
            }
            (4, _) => {
                disk.sync_dir(".").await.unwrap();
                oracle.lock().unwrap().sync_names();
            }
            (5, Some(id)) => {
                let options = OpenOptions::new().read(true).write(true);
                open.push((id, options.open(&disk, &name).await.unwrap()));
            }
            (step, _) if !open.is_empty() => {
                let (id, file) = &open[below(open.len() as u64) as usize];
                match step {
                    6..8 => {
                        let len = below(LEN_MAX);
                        file.set_len(len).await.unwrap();
                        oracle.lock().unwrap().set_len(*id, len as usize);
                    }
                    8..11 => {
                        let mark = oracle.lock().unwrap().mark(*id);
                        file.sync_all().await.unwrap();
                        oracle.lock().unwrap().sync(*id, mark);
                    }
                    _ => {
                        let (at, len) = (below(LEN_MAX), 1 + below(1500));
                        let bytes: Vec<u8> = vec![1 + below(255) as u8; len as usize];
                        file.write_all_at(&bytes, at).await.unwrap();
                        oracle.lock().unwrap().write(*id, at as usize, &bytes);
                    }
                }
                let mut bytes = vec![0; file.len().await.unwrap() as usize];
                file.read_exact_at(&mut bytes, 0).await.unwrap();
                assert!(
                    bytes == oracle.lock().unwrap().bytes(*id),
                    "what a handle reads is what was written"
                );
            }
            _ => {}
        }
    }
}

/// Everything on the disk.
async fn all(disk: Disk) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in disk.read_dir(".").await.unwrap() {
        all.insert(name.clone().into_string().unwrap(), disk.read(&name).await.unwrap());
    }
    all
}

fn run(seed: u64) -> Met {
    let dirty_max = if seed.is_multiple_of(3) { 5000 } else { 1 << 20 };
    with_disk(seed, DiskSettings { dirty_max, ..without_garbage() }, |cluster| async move {
        let oracle = Arc::new(Mutex::new(Oracle::new()));
        let draw =
            Arc::new(Mutex::new(Draw::new(seed, Stream::Other { purpose: "test", entity: "operations" })));
        let mut met = Met::default();
        for _ in 0..LIVES {
            let (told, drawn) = (oracle.clone(), draw.clone());
            on(&cluster, |disk| live(disk, told, drawn)).await;
            let seen = on(&cluster, all).await;
            {
                let oracle = oracle.lock().unwrap();
                let expected: BTreeMap<_, _> = oracle
                    .names()
                    .iter()
                    .map(|(name, id)| (name.clone(), oracle.bytes(*id).to_vec()))
                    .collect();
                assert!(seen == expected, "seed {seed}: what readers see is what was done");
            }
            let death = if draw.lock().unwrap().chance(0.7) { Death::Power } else { Death::Process };
            die(death);
            let left = on(&cluster, all).await;
            if death == Death::Process {
                assert!(left == seen, "seed {seed}: a process crash changes nothing");
                continue;
            }
            met.power_losses += 1;
            met.changed += u64::from(left != seen);
            let verdict = oracle.lock().unwrap().power_loss(&left);
            verdict.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        met
    })
}

#[test]
fn what_a_power_loss_leaves_can_always_be_explained() {
    let mut total = Met::default();
    for seed in 0..2000 {
        let met = run(seed);
        total.power_losses += met.power_losses;
        total.changed += met.changed;
    }
    assert!(total.power_losses > 5000 && total.changed > 3000, "the cases are worth something");
}
