//! One seed, one run.

use crate::support::{self, machines};
use crate::{N1, ms, sleep};
use host::net::{TcpListener, TcpStream};
use host::world::{self, Config, Death, Digest, Draw, Latency, MachineId, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Three machines that talk to each other and to themselves while everything happens to them. Returns the digest, and
/// how many messages were delivered.
fn turmoil(seed: u64, recording: bool) -> (Digest, u64) {
    let latency = Latency::log_normal(ms(2), ms(20));
    let config = Config { latency, loss: 0.02, recording, ..machines(seed, 3) };
    support::simulate(config, |cluster| async move {
        for machine in MachineId::first(3) {
            start(&cluster, machine);
        }
        let mut draw = Draw::new(seed, Stream::Other { purpose: "test", entity: "faults" });
        for _ in 0..40 {
            sleep(draw.duration(ms(10), ms(500))).await;
            let (from, to) = (MachineId::new(draw.below(3) as usize), MachineId::new(draw.below(3) as usize));
            let lasts = draw.duration(ms(10), ms(3000));
            let fault = draw.below(5);
            match fault {
                0 => world::with(|world| world.cut(from, to)),
                1 => world::with(|world| world.hold(from, to)),
                2 => world::crash(from, Death::Process),
                3 => world::crash(from, Death::Power),
                _ => world::pause(from),
            }
            sleep(lasts).await;
            match fault {
                0 => world::with(|world| world.mend(from, to)),
                1 => world::with(|world| world.release(from, to)),
                2 | 3 => {
                    world::restart(from);
                    start(&cluster, from);
                }
                _ => world::resume(from),
            }
        }
        world::with(|world| {
            assert!(recording || world.take_trace().is_empty());
            (world.digest(), world.messages())
        })
    })
}

fn start(cluster: &support::Cluster, machine: MachineId) {
    cluster.on(machine, async {
        let listener = TcpListener::bind("0.0.0.0:7000").await.unwrap();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(number) = stream.read_u64().await {
                    let Ok(()) = stream.write_u64(number).await else { break };
                }
            });
        }
    });
    for peer in ["n1:7000", "n2:7000", "n3:7000"] {
        cluster.on(machine, async move {
            loop {
                let _ = tokio::time::timeout(ms(5000), ask(peer)).await;
                sleep(ms(50)).await;
            }
        });
    }
}

async fn ask(peer: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(peer).await?;
    loop {
        let question = host::entropy::u64();
        stream.write_u64(question).await?;
        tokio::select! {
            answer = stream.read_u64() => assert_eq!(answer?, question, "bytes were lost, doubled or mixed up"),
            () = sleep(ms(2000)) => return Ok(()),
        }
        sleep(ms(20)).await;
    }
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_seed_another() {
    for seed in 0..5 {
        let (digest, messages) = turmoil(seed, false);
        assert!(messages > 1000, "{messages} messages");
        assert_eq!((digest, messages), turmoil(seed, false));
        assert_eq!((digest, messages), turmoil(seed, true), "recording changes nothing");
        assert_ne!(digest, turmoil(seed + 100, false).0);
    }
}

#[test]
fn runs_on_other_threads_do_not_disturb_a_run() {
    let alone = turmoil(7, false);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..4)
            .map(|seed| scope.spawn(move || turmoil(if seed == 2 { 7 } else { seed }, false)))
            .collect();
        let digests: Vec<_> = others.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(digests[2], alone);
    });
}

#[test]
fn a_trace_is_kept_only_by_a_recorded_run() {
    for recording in [false, true] {
        support::simulate(Config { recording, ..machines(1, 2) }, |cluster| async move {
            let (mut n1, mut n2) = crate::connection(&cluster).await;
            n1.write_all(b"abc").await.unwrap();
            n2.read_exact(&mut [0; 3]).await.unwrap();
            let names = ["n1".to_owned(), "n2".to_owned()];
            let trace = world::with(world::World::take_trace);
            let lines: Vec<String> = (1..)
                .zip(&trace)
                .map(|(number, event)| event.line(number, &names))
                .map(|line| {
                    format!(
                        "{} {} {} {:?}",
                        line.time / 1_000_000,
                        line.event,
                        line.from.unwrap(),
                        line.bytes
                    )
                })
                .collect();
            let expected = ["20 connection n2 None", "40 delivered n1 Some(3)"];
            assert_eq!(lines, if recording { &expected[..] } else { &[] });
        });
    }
}

#[test]
fn an_unused_link_draws_nothing() {
    let digest = |third_machine: bool| {
        let config = Config {
            latency: Latency::uniform(ms(1), ms(10)),
            ..machines(1, if third_machine { 3 } else { 2 })
        };
        support::simulate(config, |cluster| async move {
            let (n1, mut n2) = crate::connection(&cluster).await;
            let echo = cluster.on(N1, async move {
                let (mut read, mut write) = n1.into_split();
                tokio::io::copy(&mut read, &mut write).await.unwrap();
            });
            n2.write_all(&[1; 10_000]).await.unwrap();
            n2.read_exact(&mut [0; 10_000]).await.unwrap();
            drop(n2);
            echo.await.unwrap();
            world::with(|world| world.digest())
        })
    };
    assert_eq!(digest(false), digest(true));
}
