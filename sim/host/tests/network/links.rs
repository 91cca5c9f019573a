//! What links do to data: latency, loss, cuts, holds.

use crate::support::{self, machines};
use crate::{
    ADDRESS, N1, N2, assert_about, byte_after, connection, cut, heal, hold, kind, mend, ms, now, part,
    release, simulate, sleep,
};
use host::net::{TcpListener, TcpStream};
use host::world::{self, Config, Death, Latency};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn every_byte_travels_for_as_long_as_its_link_says() {
    let config = Config { latency: Latency::uniform(ms(5), ms(15)), ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        let mut times = Vec::new();
        for _ in 0..300 {
            let sent = now();
            n2.write_u8(1).await.unwrap();
            times.push(byte_after(&mut n1, sent).await);
        }
        let (least, most) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
        assert!(ms(5) <= least && most <= ms(15) + crate::SLACK, "{least:?} to {most:?}");
        assert!(least < ms(6) && most > ms(14), "{least:?} to {most:?}");
    });
}

#[test]
fn a_direction_never_reorders() {
    let config = Config { latency: Latency::uniform(ms(1), ms(100)), ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        let writer = cluster.on(N2, async move {
            for number in 0..500 {
                n2.write_u32(number).await.unwrap();
                sleep(ms(1)).await;
            }
        });
        for number in 0..500 {
            assert_eq!(n1.read_u32().await.unwrap(), number);
        }
        writer.await.unwrap();
    });
}

#[test]
fn what_leaves_over_a_cut_arrives_with_the_first_retransmission_after_the_heal() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        let sent = now();
        n2.write_u8(1).await.unwrap();
        sleep(ms(1000)).await;
        heal();
        // Retransmissions follow after 200, 600 and 1400 ms.
        assert_about(byte_after(&mut n1, sent).await, ms(1410));
    });
}

#[test]
fn what_is_on_the_wire_of_a_cut_is_lost_when_it_would_arrive() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let sent = now();
        n2.write_u8(1).await.unwrap();
        sleep(ms(5)).await;
        part();
        sleep(ms(50)).await;
        heal();
        assert_about(byte_after(&mut n1, sent).await, ms(10 + 200 + 10));
    });
}

#[test]
fn a_cut_that_ends_while_a_packet_travels_does_not_touch_it() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let sent = now();
        n2.write_u8(1).await.unwrap();
        sleep(ms(2)).await;
        part();
        sleep(ms(5)).await;
        heal();
        assert_about(byte_after(&mut n1, sent).await, ms(10));
    });
}

#[test]
fn overlapping_cuts_are_over_when_the_last_one_is() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        cut(N2, N1);
        heal();
        let sent = now();
        n2.write_u8(1).await.unwrap();
        sleep(ms(100)).await;
        mend(N2, N1);
        assert_about(byte_after(&mut n1, sent).await, ms(210));
    });
}

#[test]
fn data_written_during_a_cut_arrives_in_order() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let writer = cluster.on(N2, async move {
            for number in 0..3000 {
                n2.write_u32(number).await.unwrap();
                sleep(ms(1)).await;
            }
        });
        let reader = cluster.on(N1, async move {
            for number in 0..3000 {
                assert_eq!(n1.read_u32().await.unwrap(), number);
            }
        });
        for _ in 0..10 {
            part();
            sleep(ms(150)).await;
            heal();
            sleep(ms(150)).await;
        }
        writer.await.unwrap();
        reader.await.unwrap();
    });
}

#[test]
fn a_sender_behind_a_cut_times_out_after_two_minutes_and_its_peer_hears_nothing() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        let sent = now();
        n2.write_u8(1).await.unwrap();
        assert_eq!(kind(n2.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - sent, ms(120_000));
        tokio::time::timeout(ms(3_600_000), n1.read_u8()).await.expect_err("nothing passes a cut");
        heal();
        // Its peer's kernel has forgotten the connection, and says so when it is asked.
        n1.write_u8(1).await.unwrap();
        assert_eq!(kind(n1.read_u8().await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_one_way_cut_delivers_the_data_and_times_the_sender_out_for_want_of_acknowledgements() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        cut(N1, N2);
        let sent = now();
        n2.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n1, sent).await, ms(10));
        assert_eq!(kind(n2.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - sent, ms(120_010));
    });
}

#[test]
fn a_one_way_cut_that_heals_in_time_costs_nothing_but_time() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        cut(N1, N2);
        n2.write_u8(1).await.unwrap();
        sleep(ms(60_000)).await;
        mend(N1, N2);
        n2.write_u8(2).await.unwrap();
        assert_eq!((n1.read_u8().await.unwrap(), n1.read_u8().await.unwrap()), (1, 2));
        sleep(ms(300_000)).await;
        n1.write_u8(3).await.unwrap();
        assert_eq!(n2.read_u8().await.unwrap(), 3);
    });
}

#[test]
fn an_idle_connection_survives_any_cut() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        sleep(ms(24 * 3_600_000 / 2)).await;
        heal();
        let sent = now();
        n2.write_u8(1).await.unwrap();
        assert_about(byte_after(&mut n1, sent).await, ms(10));
    });
}

#[test]
fn a_hold_keeps_packets_on_the_wire_and_delivers_them_in_order_after_its_end() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_u8(1).await.unwrap();
        sleep(ms(5)).await;
        hold(N2, N1);
        for byte in 2..=10 {
            n2.write_u8(byte).await.unwrap();
            sleep(ms(100)).await;
        }
        tokio::time::timeout(ms(1000), n1.readable_byte()).await.expect_err("the link holds everything");
        release(N2, N1);
        let released = now();
        assert_about(byte_after(&mut n1, released).await, ms(10));
        for byte in 2..=10 {
            assert_eq!(n1.read_u8().await.unwrap(), byte);
        }
    });
}

trait ReadableByte {
    async fn readable_byte(&mut self) -> u8;
}

impl ReadableByte for TcpStream {
    async fn readable_byte(&mut self) -> u8 {
        self.read_u8().await.unwrap()
    }
}

#[test]
fn a_hold_of_acknowledgements_alone_stops_nothing_once_it_ends() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        hold(N1, N2);
        n2.write_u8(1).await.unwrap();
        sleep(ms(30_000)).await;
        release(N1, N2);
        n1.read_u8().await.unwrap();
        let sent = now();
        n2.write_u8(2).await.unwrap();
        assert_about(byte_after(&mut n1, sent).await, ms(10));
    });
}

#[test]
fn a_held_reset_follows_the_data_that_was_held_before_it() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_u8(1).await.unwrap();
        sleep(ms(50)).await;
        hold(N1, N2);
        n1.write_u8(7).await.unwrap();
        // n1 has not read what n2 wrote.
        drop(n1);
        sleep(ms(50)).await;
        release(N1, N2);
        assert_eq!(n2.read_u8().await.unwrap(), 7);
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn what_is_held_on_the_wire_outlives_its_sender() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_u8(1).await.unwrap();
        sleep(ms(5)).await;
        hold(N2, N1);
        sleep(ms(50)).await;
        n2.write_u8(2).await.unwrap();
        world::crash(N2, Death::Power);
        release(N2, N1);
        // The second byte was not on the wire: n2 waited for an acknowledgement of the first.
        assert_eq!(n1.read_u8().await.unwrap(), 1);
        tokio::time::timeout(ms(3_600_000), n1.read_u8()).await.expect_err("n2 is dead");
    });
}

#[test]
fn a_cut_loses_what_a_hold_kept_on_the_wire() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        hold(N2, N1);
        n2.write_u8(1).await.unwrap();
        sleep(ms(50)).await;
        cut(N2, N1);
        world::crash(N2, Death::Power);
        release(N2, N1);
        mend(N2, N1);
        tokio::time::timeout(ms(3_600_000), n1.read_u8())
            .await
            .expect_err("it was lost, and its sender is dead");
    });
}

#[test]
fn a_hold_within_a_cut_delays_what_the_cut_lost_until_both_are_over() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        hold(N2, N1);
        n2.write_u8(1).await.unwrap();
        cut(N2, N1);
        sleep(ms(300)).await;
        mend(N2, N1);
        sleep(ms(300)).await;
        release(N2, N1);
        let released = now();
        assert_about(byte_after(&mut n1, released).await, ms(10));
    });
}

#[test]
fn a_lossy_link_delivers_everything_in_order() {
    for seed in 0..5 {
        let config = Config { loss: 0.3, latency: Latency::uniform(ms(1), ms(10)), ..machines(seed, 2) };
        support::simulate(config, |cluster| async move {
            let (mut n1, n2) = connection(&cluster).await;
            let echo = cluster.on(N1, async move {
                for number in 0..1000 {
                    assert_eq!(n1.read_u32().await.unwrap(), number);
                    n1.write_u32(number).await.unwrap();
                }
                n1.shutdown().await.unwrap();
            });
            let (mut read, mut write) = n2.into_split();
            let writer = cluster.on(N2, async move {
                for number in 0..1000 {
                    write.write_u32(number).await.unwrap();
                    sleep(ms(1)).await;
                }
            });
            for number in 0..1000 {
                assert_eq!(read.read_u32().await.unwrap(), number);
            }
            assert_eq!(kind(read.read_u8().await), ErrorKind::UnexpectedEof);
            writer.await.unwrap();
            echo.await.unwrap();
        });
    }
}

#[test]
fn a_link_that_loses_everything_times_the_dialler_out() {
    let config = Config { loss: 1.0, ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        let _listener = crate::listen(&cluster).await;
        assert_eq!(kind(crate::dial(&cluster).await), ErrorKind::TimedOut);
    });
}

#[test]
fn loopback_is_instant_and_lossless_whatever_the_links_do() {
    let config = Config { loss: 1.0, ..machines(1, 2) };
    support::simulate(config, |cluster| async move {
        part();
        cluster
            .on(N1, async {
                let listener = TcpListener::bind("0.0.0.0:7000").await.unwrap();
                for address in [ADDRESS, "127.0.0.1:7000"] {
                    let begin = now();
                    let mut dialler = TcpStream::connect(address).await.unwrap();
                    let (mut acceptor, _) = listener.accept().await.unwrap();
                    for byte in 0..100 {
                        dialler.write_u8(byte).await.unwrap();
                        assert_eq!(acceptor.read_u8().await.unwrap(), byte);
                    }
                    assert!(now() - begin < Duration::from_micros(50), "{:?}", now() - begin);
                }
            })
            .await
            .unwrap();
    });
}

#[test]
fn a_listener_on_loopback_is_not_reached_from_another_machine() {
    simulate(async |cluster| {
        let _listener = cluster.on(N1, TcpListener::bind("127.0.0.1:7000")).await.unwrap().unwrap();
        assert_eq!(kind(crate::dial(&cluster).await), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn an_address_without_a_machine_is_unreachable_and_a_name_without_one_is_not_found() {
    simulate(async |cluster| {
        let unreachable = cluster.on(N1, TcpStream::connect("10.9.9.9:1")).await.unwrap();
        assert_eq!(kind(unreachable), ErrorKind::NetworkUnreachable);
        let unknown = cluster.on(N1, TcpStream::connect("n9:1")).await.unwrap();
        assert_eq!(kind(unknown), ErrorKind::NotFound);
    });
}
