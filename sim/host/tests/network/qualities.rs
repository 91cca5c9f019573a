//! What links are like: settings of their own, and faults that make them worse for a while.

use crate::support::{self, machines};
use crate::{N1, N2, assert_about, byte_after, connection, kind, listen, ms, now, simulate, sleep};
use host::net::TcpStream;
use host::world::{self, Bandwidth, Config, Latency, LinkFault, LinkSettings, MachineId, Reorder};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// 100 kB/s, and 20 kB may wait.
const THIN: Bandwidth = Bandwidth { bytes_per_second: 100_000, queue: 20_000 };

fn settings() -> LinkSettings {
    LinkSettings::new(Latency::constant(ms(10)))
}

fn set(from: MachineId, to: MachineId, settings: LinkSettings) {
    world::with(|world| world.set_link(from, to, settings)).unwrap();
}

fn worsen(from: MachineId, to: MachineId, fault: LinkFault) {
    world::with(|world| world.set_link_fault(from, to, fault)).unwrap();
}

fn better(from: MachineId, to: MachineId, fault: LinkFault) -> bool {
    world::with(|world| world.clear_link_fault(from, to, fault))
}

#[test]
fn each_direction_of_a_link_has_settings_of_its_own() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        set(N1, N2, LinkSettings::new(Latency::constant(ms(70))));
        let sent = now();
        n1.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n2, sent).await, ms(70));
        let sent = now();
        n2.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n1, sent).await, ms(10));
    });
}

#[test]
fn what_is_on_the_wire_of_a_link_that_changes_arrives_when_it_would_have() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let sent = now();
        n1.write_u8(1).await.unwrap();
        worsen(N1, N2, LinkFault::Slow { by: ms(500) });
        assert_about(byte_after(&mut n2, sent).await, ms(10));
    });
}

#[test]
fn a_slow_link_adds_to_every_latency_until_it_is_mended() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let slow = LinkFault::Slow { by: ms(300) };
        worsen(N1, N2, slow);
        let sent = now();
        n1.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n2, sent).await, ms(310));
        assert!(better(N1, N2, slow));
        let sent = now();
        n1.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n2, sent).await, ms(10));
    });
}

#[test]
fn faults_of_a_link_end_one_by_one_and_the_worst_that_is_left_counts() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let slow = |by| LinkFault::Slow { by: ms(by) };
        [100, 300, 300].into_iter().for_each(|by| worsen(N1, N2, slow(by)));
        for (ends, left) in [(None, 300), (Some(300), 300), (Some(300), 100), (Some(100), 0)] {
            assert!(ends.is_none_or(|by| better(N1, N2, slow(by))));
            let sent = now();
            n1.write_u8(1).await.unwrap();
            assert_about(byte_after(&mut n2, sent).await, ms(10 + left));
        }
        assert!(!better(N1, N2, slow(100)), "it is over");
    });
}

#[test]
fn a_link_that_loses_everything_for_a_while_only_delays_a_stream() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let lossy = LinkFault::Lossy { probability: 1.0 };
        worsen(N1, N2, lossy);
        let sent = now();
        n1.write_u8(1).await.unwrap();
        sleep(ms(300)).await;
        better(N1, N2, lossy);
        // Retransmissions follow after 200 and 600 ms.
        assert_about(byte_after(&mut n2, sent).await, ms(610));
    });
}

#[test]
fn a_thin_link_passes_no_more_than_its_bandwidth() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        worsen(N1, N2, LinkFault::Thin(THIN));
        let begin = now();
        let writer = cluster.on(N1, async move { n1.write_all(&vec![7; 200_000]).await });
        n2.read_exact(&mut vec![0; 200_000]).await.unwrap();
        writer.await.unwrap().unwrap();
        let took = now() - begin;
        assert!(ms(2010) <= took && took < ms(2100), "{took:?} for 2 s of bytes");
    });
}

#[test]
fn what_waits_in_the_queue_of_a_thin_link_delays_who_comes_later() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        let mut streams = Vec::new();
        for _ in 0..2 {
            let dialler = cluster.on(N2, TcpStream::connect(crate::ADDRESS)).await.unwrap().unwrap();
            streams.push((listener.accept().await.unwrap().0, dialler));
        }
        worsen(N2, N1, LinkFault::Thin(THIN));
        let sent = now();
        streams[0].1.write_all(&vec![0; 9_960]).await.unwrap();
        streams[1].1.write_u8(1).await.unwrap();
        // 10,000 bytes with the header, then 41.
        assert_about(byte_after(&mut streams[1].0, sent).await, ms(10) + Duration::from_micros(100_410));
    });
}

#[test]
fn connections_that_crowd_a_thin_link_share_it() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        let mut streams = Vec::new();
        for _ in 0..3 {
            let dialler = cluster.on(N2, TcpStream::connect(crate::ADDRESS)).await.unwrap().unwrap();
            streams.push((listener.accept().await.unwrap().0, dialler));
        }
        worsen(N2, N1, LinkFault::Thin(THIN));
        let begin = now();
        let mut readers = Vec::new();
        for (mut reader, mut dialler) in streams {
            cluster.on(N2, async move {
                dialler.write_all(&vec![7; 100_000]).await.unwrap();
                dialler.shutdown().await.unwrap();
            });
            readers.push(cluster.on(N1, async move {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).await.unwrap();
                (bytes.len(), now())
            }));
        }
        for reader in readers {
            let (len, end) = reader.await.unwrap();
            assert_eq!(len, 100_000);
            // All 300 kB take 3 s; nobody is done before the others have had most of theirs.
            assert!(ms(2000) < end - begin && end - begin < ms(3300), "{:?}", end - begin);
        }
    });
}

#[test]
fn a_link_that_doubles_and_reorders_delivers_every_byte_once_and_in_order() {
    let config = Config { latency: Latency::uniform(ms(1), ms(10)), loss: 0.05, ..machines(3, 2) };
    support::simulate(config, |cluster| async move {
        for (from, to) in [(N1, N2), (N2, N1)] {
            worsen(from, to, LinkFault::Duplicating { probability: 0.5 });
            worsen(from, to, LinkFault::Reordering(Reorder { probability: 0.5, by: ms(50) }));
        }
        for _ in 0..20 {
            let (mut n1, mut n2) = connection(&cluster).await;
            let writer = cluster.on(N2, async move {
                for number in 0..100 {
                    n2.write_u32(number).await.unwrap();
                    sleep(ms(1)).await;
                }
            });
            for number in 0..100 {
                assert_eq!(n1.read_u32().await.unwrap(), number);
            }
            assert_eq!(kind(n1.read_u8().await), ErrorKind::UnexpectedEof);
            writer.await.unwrap();
        }
    });
}

/// When each of a hundred bytes arrives over a link with this fault.
fn arrivals(fault: Option<LinkFault>) -> Vec<Duration> {
    let config = Config { latency: Latency::uniform(ms(1), ms(10)), loss: 0.1, ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        if let Some(fault) = fault {
            worsen(N1, N2, fault);
        }
        let mut times = Vec::new();
        for _ in 0..100 {
            let sent = now();
            n1.write_u8(1).await.unwrap();
            times.push(byte_after(&mut n2, sent).await);
        }
        times
    })
}

#[test]
fn switching_a_fault_on_moves_no_draw_of_latency_or_loss() {
    let plain = arrivals(None);
    // TCP throws copies away: nothing at all may change.
    assert_eq!(arrivals(Some(LinkFault::Duplicating { probability: 0.5 })), plain);
    let slow = arrivals(Some(LinkFault::Slow { by: ms(1) }));
    let (one, two) = (plain.iter().sum::<Duration>(), slow.iter().sum::<Duration>());
    let lost = plain.iter().filter(|time| **time > ms(200)).count();
    assert!(lost > 3, "{lost} lost");
    // One more ms for each; what is retransmitted waits as long for its timer as before.
    assert!(two - one >= ms(100) && two - one < ms(101), "{:?}", two - one);
}

#[test]
fn a_link_that_cannot_be_is_refused_by_its_field() {
    simulate(async |_cluster| {
        let refused =
            |settings| world::with(|world| world.set_link(N1, N2, settings)).unwrap_err().to_string();
        assert_eq!(
            refused(LinkSettings { loss: 1.5, ..settings() }),
            "link.loss: 1.5 is not a probability, from 0 to 1"
        );
        assert_eq!(
            refused(LinkSettings { duplicate: f64::NAN, ..settings() }),
            "link.duplicate: NaN is not a probability, from 0 to 1"
        );
        let bandwidth = Some(Bandwidth { bytes_per_second: 0, ..THIN });
        assert_eq!(refused(LinkSettings { bandwidth, ..settings() }), "link.bandwidth: 0 is not at least 1");
        let fault = LinkFault::Thin(Bandwidth { queue: 100, ..THIN });
        let refused = world::with(|world| world.set_link_fault(N1, N2, fault)).unwrap_err();
        assert_eq!(refused.to_string(), "link.queue: 100 is not at least 3000, two full frames");
    });
}
