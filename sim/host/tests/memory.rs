//! Runs leave no memory behind. A target of its own: other tests of the process would be measured too.
#![cfg(madsim)]
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

#[path = "support/mod.rs"]
mod support;

use host::net::{TcpListener, TcpStream};
use host::world::{self, MachineId};
use std::time::Duration;
use support::{machines, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const N1: MachineId = MachineId::numbered(1);
const N2: MachineId = MachineId::numbered(2);
const N3: MachineId = MachineId::numbered(3);

/// Resident memory, in KiB.
fn resident_kib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm.split_whitespace().nth(1).expect("resident pages").parse().expect("a number");
    pages * 4
}

/// Three machines that talk, one of which dies in the middle of it, and one of which hangs up on nobody.
fn run(seed: u64) {
    simulate(machines(seed, 3), |cluster| async move {
        for machine in MachineId::first(3) {
            cluster.on(machine, async {
                let listener = TcpListener::bind("0.0.0.0:7000").await.unwrap();
                while let Ok((mut stream, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        while let Ok(number) = stream.read_u64().await {
                            let Ok(()) = stream.write_u64(number).await else { break };
                        }
                    });
                }
            });
            for peer in ["n1:7000", "n2:7000", "n3:7000"] {
                cluster.on(machine, async move {
                    let mut stream = TcpStream::connect(peer).await?;
                    for _ in 0.. {
                        stream.write_all(&[0; 256]).await?;
                        stream.read_exact(&mut [0; 256]).await?;
                        // Loopback takes no time at all.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    std::io::Result::Ok(())
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        world::with(|world| world.cut(N1, N2));
        world::crash(N3, world::Death::Process);
        tokio::time::sleep(Duration::from_millis(100)).await;
    });
}

#[test]
fn a_thousand_runs_leave_no_memory() {
    (0..200).for_each(run);
    let before = resident_kib();
    (200..1200).for_each(run);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB in 1,000 runs");
}
