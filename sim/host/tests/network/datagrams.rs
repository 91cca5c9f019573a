//! What links and deaths do to datagrams.

use crate::support::{self, Cluster, machines};
use crate::{N1, N2, assert_about, cut, heal, hold, kind, mend, ms, now, part, release, simulate, sleep};
use host::net::UdpSocket;
use host::world::{self, Bandwidth, Config, Death, Latency, LinkFault, LinkSettings, MachineId, Reorder};
use std::io::ErrorKind;
use std::time::Duration;

async fn socket(cluster: &Cluster, machine: MachineId) -> UdpSocket {
    cluster.on(machine, UdpSocket::bind(("0.0.0.0", 7000))).await.unwrap().unwrap()
}

/// A socket of n1 and one of n2, connected to each other.
async fn pair(cluster: &Cluster) -> (UdpSocket, UdpSocket) {
    let (n1, n2) = (socket(cluster, N1).await, socket(cluster, N2).await);
    n1.connect("10.0.0.2:7000").await.unwrap();
    n2.connect("10.0.0.1:7000").await.unwrap();
    (n1, n2)
}

fn worsen(fault: LinkFault) {
    world::with(|world| world.set_link_fault(N1, N2, fault)).unwrap();
}

async fn number(socket: &UdpSocket) -> u32 {
    let mut bytes = [0; 4];
    assert_eq!(socket.recv(&mut bytes).await.unwrap(), 4);
    u32::from_be_bytes(bytes)
}

async fn send(socket: &UdpSocket, number: u32) {
    socket.send(&number.to_be_bytes()).await.unwrap();
}

/// What a socket receives until nothing has come for a second.
async fn numbers(socket: &UdpSocket) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Ok(number) = tokio::time::timeout(ms(1000), number(socket)).await {
        numbers.push(number);
    }
    numbers
}

#[test]
fn a_datagram_travels_for_as_long_as_its_link_says() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        let sent = now();
        send(&n1, 7).await;
        assert_eq!(number(&n2).await, 7);
        assert_about(now() - sent, ms(10));
    });
}

/// A world is taken down within a millisecond; one of these is due in the very poll that does.
#[test]
fn what_is_due_as_a_world_ends_is_lost() {
    simulate(async |cluster| {
        let (n1, _n2) = pair(&cluster).await;
        for number in 0..40_000 {
            send(&n1, number).await;
            tokio::task::yield_now().await;
        }
        sleep(ms(8)).await;
    });
}

#[test]
fn datagrams_that_arrive_at_one_instant_keep_their_order() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        for number in 0..200 {
            send(&n1, number).await;
        }
        let sent = now();
        assert!(numbers(&n2).await.into_iter().eq(0..200));
        assert!(now() - sent < ms(1100));
    });
}

#[test]
fn datagrams_with_latencies_of_their_own_overtake_each_other() {
    let config = Config { latency: Latency::uniform(ms(1), ms(10)), ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let (n1, n2) = pair(&cluster).await;
        for number in 0..100 {
            send(&n1, number).await;
        }
        let mut received = numbers(&n2).await;
        assert!(!received.is_sorted());
        received.sort_unstable();
        assert!(received.into_iter().eq(0..100));
    });
}

#[test]
fn a_lost_datagram_is_not_sent_again() {
    let config = Config { loss: 0.3, ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let (n1, n2) = pair(&cluster).await;
        for number in 0..200 {
            send(&n1, number).await;
        }
        let received = numbers(&n2).await;
        assert!((110..170).contains(&received.len()), "{} of 200", received.len());
        assert!(received.is_sorted(), "what arrives is in order");
    });
}

#[test]
fn a_cut_loses_datagrams_those_on_the_wire_included() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        send(&n1, 1).await;
        sleep(ms(5)).await;
        part();
        send(&n1, 2).await;
        sleep(ms(50)).await;
        heal();
        send(&n1, 3).await;
        assert_eq!(numbers(&n2).await, [3]);
    });
}

#[test]
fn a_hold_keeps_datagrams_on_the_wire_until_it_ends() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        send(&n1, 1).await;
        sleep(ms(5)).await;
        hold(N1, N2);
        send(&n1, 2).await;
        sleep(ms(500)).await;
        send(&n1, 3).await;
        assert_eq!(kind(n2.try_recv(&mut [0; 4])), ErrorKind::WouldBlock);
        release(N1, N2);
        let mut received = numbers(&n2).await;
        received.sort_unstable();
        assert_eq!(received, [1, 2, 3]);
    });
}

#[test]
fn a_cut_loses_the_datagrams_that_a_hold_kept() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        hold(N1, N2);
        send(&n1, 1).await;
        cut(N1, N2);
        release(N1, N2);
        mend(N1, N2);
        send(&n1, 2).await;
        assert_eq!(numbers(&n2).await, [2]);
    });
}

#[test]
fn a_doubling_link_delivers_some_datagrams_twice() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        worsen(LinkFault::Duplicating { probability: 0.5 });
        for number in 0..100 {
            send(&n1, number).await;
        }
        let received = numbers(&n2).await;
        assert!((130..170).contains(&received.len()), "{} of 100", received.len());
        assert!((0..100).all(|number| (1..3).contains(&received.iter().filter(|n| **n == number).count())));
    });
}

#[test]
fn a_reordering_link_makes_datagrams_late_and_loses_none() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        worsen(LinkFault::Reordering(Reorder { probability: 0.2, by: ms(50) }));
        for number in 0..100 {
            send(&n1, number).await;
            sleep(ms(2)).await;
        }
        let mut received = numbers(&n2).await;
        let in_place = received.iter().zip(0..).filter(|(received, sent)| **received == *sent).count();
        assert!(in_place < 90, "{in_place} in their places");
        received.sort_unstable();
        assert!(received.into_iter().eq(0..100));
    });
}

#[test]
fn a_corrupting_link_changes_one_byte_of_some_datagrams() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        worsen(LinkFault::Corrupting { probability: 0.5 });
        let mut damaged = 0;
        for _ in 0..200 {
            n1.send(&[7; 32]).await.unwrap();
            let mut bytes = [0; 32];
            n2.recv(&mut bytes).await.unwrap();
            let wrong = bytes.iter().filter(|byte| **byte != 7).count();
            assert!(wrong <= 1, "{wrong} bytes");
            damaged += wrong;
        }
        assert!((80..120).contains(&damaged), "{damaged} of 200");
    });
}

#[test]
fn a_full_queue_loses_the_datagrams_that_come_last() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        // 32 bytes with their header, every 10 ms; some 100 of them may wait.
        worsen(LinkFault::Thin(Bandwidth { bytes_per_second: 3200, queue: 3200 }));
        let sent = now();
        for number in 0..150 {
            send(&n1, number).await;
        }
        assert!((0..100).eq({
            let mut received = Vec::new();
            for _ in 0..100 {
                received.push(number(&n2).await);
            }
            received
        }));
        assert_about(now() - sent, ms(1010));
        assert!(numbers(&n2).await.is_empty());
    });
}

#[test]
fn switching_duplication_on_moves_no_other_datagram() {
    let run = |fault: Option<LinkFault>| {
        let config = Config { latency: Latency::uniform(ms(1), ms(10)), loss: 0.2, ..machines(1, 2) };
        support::simulate(config, |cluster| async move {
            let (n1, n2) = pair(&cluster).await;
            fault.into_iter().for_each(worsen);
            let mut arrivals = Vec::new();
            for number in 0..100 {
                let sent = now();
                send(&n1, number).await;
                sleep(ms(20)).await;
                let mut bytes = [0; 4];
                arrivals.push(n2.try_recv(&mut bytes).is_ok());
                while n2.try_recv(&mut bytes).is_ok() {}
                assert!(now() - sent < ms(21));
            }
            arrivals
        })
    };
    let plain = run(None);
    assert!(plain.iter().filter(|arrived| **arrived).count() < 95);
    let doubled = run(Some(LinkFault::Duplicating { probability: 1.0 }));
    // A copy may get through where the original does not, and never the other way round.
    assert!(plain.iter().zip(&doubled).all(|(plain, doubled)| doubled >= plain));
}

#[test]
fn a_refusal_travels_back_over_the_link() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        drop(n2);
        let sent = now();
        send(&n1, 1).await;
        assert_eq!(kind(n1.recv(&mut [0; 4]).await), ErrorKind::ConnectionRefused);
        assert_about(now() - sent, ms(20));
        cut(N2, N1);
        send(&n1, 1).await;
        tokio::time::timeout(ms(60_000), n1.recv(&mut [0; 4])).await.expect_err("it was lost");
    });
}

#[test]
fn a_machine_without_power_neither_takes_nor_refuses_a_datagram() {
    simulate(async |cluster| {
        let (n1, _n2) = pair(&cluster).await;
        world::crash(N2, Death::Power);
        send(&n1, 1).await;
        tokio::time::timeout(ms(60_000), n1.recv(&mut [0; 4])).await.expect_err("nobody answers");
        world::restart(N2);
        send(&n1, 1).await;
        assert_eq!(kind(n1.recv(&mut [0; 4]).await), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_dead_process_refuses_and_what_it_sent_still_arrives() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        send(&n2, 5).await;
        world::crash(N2, Death::Process);
        assert_eq!(number(&n1).await, 5);
        send(&n1, 1).await;
        assert_eq!(kind(n1.recv(&mut [0; 4]).await), ErrorKind::ConnectionRefused);
        assert_eq!(kind(n2.try_recv(&mut [0; 4])), ErrorKind::ConnectionAborted);
    });
}

#[test]
fn a_paused_machine_buffers_datagrams_until_its_buffer_is_full() {
    simulate(async |cluster| {
        let (n1, n2) = pair(&cluster).await;
        let reader = cluster.on(N2, async move {
            sleep(ms(100)).await;
            numbers(&n2).await
        });
        sleep(ms(1)).await;
        world::pause(N2);
        for number in 0..1000 {
            send(&n1, number).await;
        }
        sleep(ms(2000)).await;
        world::resume(N2);
        let received = reader.await.unwrap();
        assert!((200..400).contains(&received.len()), "{} of 1000", received.len());
        assert!(received.iter().copied().eq(0..received.len() as u32), "the first ones");
    });
}

#[test]
fn loopback_is_instant_and_lossless_for_datagrams_too() {
    let config = Config { loss: 1.0, ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        part();
        cluster
            .on(N1, async {
                let socket = UdpSocket::bind("0.0.0.0:7000").await.unwrap();
                for address in ["10.0.0.1:7000", "127.0.0.1:7000"] {
                    let begin = now();
                    for number in 0..100_u32 {
                        socket.send_to(&number.to_be_bytes(), address).await.unwrap();
                    }
                    for sent in 0..100 {
                        assert_eq!(number(&socket).await, sent);
                    }
                    assert!(now() - begin < Duration::from_micros(50), "{:?}", now() - begin);
                }
            })
            .await
            .unwrap();
    });
}

#[test]
fn a_socket_on_loopback_cannot_reach_another_machine() {
    simulate(async |cluster| {
        let socket = cluster.on(N1, UdpSocket::bind("127.0.0.1:7000")).await.unwrap().unwrap();
        assert_eq!(kind(socket.send_to(b"x", "10.0.0.2:7000").await), ErrorKind::InvalidInput);
        assert_eq!(kind(socket.send_to(b"x", "10.9.9.9:7000").await), ErrorKind::NetworkUnreachable);
    });
}

/// Two machines that exchange datagrams over links on which everything happens.
fn turmoil(seed: u64, recording: bool) -> world::Digest {
    let config = Config { recording, ..machines(seed, 2) };
    support::simulate(config, |cluster| async move {
        let settings = LinkSettings {
            loss: 0.05,
            duplicate: 0.05,
            reorder: Some(Reorder { probability: 0.1, by: ms(30) }),
            corrupt: 0.05,
            bandwidth: Some(Bandwidth { bytes_per_second: 20_000, queue: 5000 }),
            ..LinkSettings::new(Latency::log_normal(ms(2), ms(20)))
        };
        for (from, to) in [(N1, N2), (N2, N1)] {
            world::with(|world| world.set_link(from, to, settings.clone())).unwrap();
        }
        for (machine, peer) in [(N1, "n2:7000"), (N2, "n1:7000")] {
            cluster.on(machine, async move {
                let socket = UdpSocket::bind(("0.0.0.0", 7000)).await.unwrap();
                socket.connect(peer).await.unwrap();
                let mut bytes = [0; 100];
                loop {
                    tokio::select! {
                        received = socket.recv(&mut bytes) => drop(received),
                        () = sleep(ms(1)) => drop(socket.send(&host::entropy::u64().to_be_bytes()).await),
                    }
                }
            });
        }
        for _ in 0..5 {
            sleep(ms(300)).await;
            hold(N1, N2);
            sleep(ms(300)).await;
            release(N1, N2);
            part();
            sleep(ms(100)).await;
            heal();
        }
        world::with(|world| {
            assert!(world.messages() > 500, "{} messages", world.messages());
            world.digest()
        })
    })
}

#[test]
fn the_same_seed_gives_the_same_datagrams() {
    for seed in 0..3 {
        let digest = turmoil(seed, false);
        assert_eq!(digest, turmoil(seed, false));
        assert_eq!(digest, turmoil(seed, true), "recording changes nothing");
        assert_ne!(digest, turmoil(seed + 100, false));
    }
}
