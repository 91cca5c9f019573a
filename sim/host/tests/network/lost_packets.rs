//! Packets of an established connection that get lost: each recovers, or times out. Nothing hangs.

use crate::{N1, N2, assert_about, connection, cut, heal, kind, mend, ms, now, part, simulate, sleep};
use host::net::TcpStream;
use host::world::{self, Death};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Writes until there is no more room. Returns how much went in.
async fn fill(stream: &mut TcpStream) -> usize {
    let mut written = 0;
    while let Ok(wrote) = tokio::time::timeout(ms(100), stream.write(&[0; 4096])).await {
        written += wrote.unwrap();
    }
    written
}

#[test]
fn a_lost_fin_is_sent_again() {
    simulate(async |cluster| {
        let (n1, mut n2) = connection(&cluster).await;
        part();
        let begin = now();
        drop(n1);
        sleep(ms(100)).await;
        heal();
        assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
        assert_about(now() - begin, ms(210));
    });
}

#[test]
fn a_lost_reset_is_sent_again_when_it_is_asked_for() {
    simulate(async |cluster| {
        let (n1, mut n2) = connection(&cluster).await;
        n2.write_u8(1).await.unwrap();
        sleep(ms(50)).await;
        cut(N1, N2);
        drop(n1);
        sleep(ms(100)).await;
        mend(N1, N2);
        tokio::time::timeout(ms(600_000), n2.read_u8())
            .await
            .expect_err("as in life, nobody tells a mere reader");
        n2.write_u8(2).await.unwrap();
        let begin = now();
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
        assert_about(now() - begin, ms(20));
    });
}

#[test]
fn a_lost_window_update_is_asked_for() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let written = fill(&mut n2).await;
        part();
        let mut bytes = vec![0; written];
        n1.read_exact(&mut bytes).await.unwrap();
        sleep(ms(1000)).await;
        heal();
        let begin = now();
        n2.write_u8(1).await.unwrap();
        n1.read_u8().await.unwrap();
        assert!(now() - begin < ms(2000), "{:?}", now() - begin);
    });
}

#[test]
fn a_window_update_wakes_the_writer_after_one_latency() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let written = fill(&mut n2).await;
        // Away from the persist timer's attempts.
        sleep(ms(10)).await;
        let begin = now();
        let writer = cluster.on(N2, async move {
            n2.write_u8(1).await.unwrap();
            now()
        });
        n1.read_exact(&mut vec![0; written]).await.unwrap();
        assert_about(writer.await.unwrap() - begin, ms(10));
    });
}

#[test]
fn a_writer_waits_for_a_slow_reader_for_as_long_as_it_lives() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let written = fill(&mut n2).await;
        let writer = cluster.on(N2, async move { n2.write_u8(1).await });
        sleep(ms(3_600_000)).await;
        assert!(!writer.is_finished());
        n1.read_exact(&mut vec![0; written]).await.unwrap();
        n1.read_u8().await.unwrap();
        writer.await.unwrap().unwrap();
    });
}

#[test]
fn a_writer_that_waits_for_room_behind_a_cut_times_out() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        fill(&mut n2).await;
        part();
        let begin = now();
        assert_eq!(kind(n2.write_u8(1).await), ErrorKind::TimedOut);
        let waited = now() - begin;
        assert!(ms(119_000) < waited && waited <= ms(120_100), "{waited:?}");
    });
}

#[test]
fn a_writer_that_waits_for_a_machine_without_power_times_out() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        fill(&mut n2).await;
        world::crash(N1, Death::Power);
        assert_eq!(kind(n2.write_u8(1).await), ErrorKind::TimedOut);
        assert!(now() < ms(122_000), "{:?}", now());
    });
}

#[test]
fn a_writer_that_waits_for_a_machine_that_came_back_is_reset() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        fill(&mut n2).await;
        world::crash(N1, Death::Power);
        sleep(ms(1000)).await;
        world::restart(N1);
        assert_eq!(kind(n2.write_u8(1).await), ErrorKind::ConnectionReset);
        assert!(now() < ms(10_000), "{:?}", now());
    });
}

#[test]
fn a_writer_that_waits_for_a_dead_process_whose_reset_was_lost_is_reset() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        fill(&mut n2).await;
        part();
        world::crash(N1, Death::Process);
        sleep(ms(1000)).await;
        heal();
        assert_eq!(kind(n2.write_u8(1).await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_writer_blocked_many_times_leaves_no_timers_behind() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let writer = cluster.on(N2, async move { n2.write_all(&vec![1; 8 << 20]).await.unwrap() });
        let mut bytes = vec![0; 64 * 1024];
        while n1.read(&mut bytes).await.unwrap() > 0 {
            sleep(ms(1)).await;
        }
        writer.await.unwrap();
        let events = world::with(|world| world.pending_events());
        assert!(events < 200, "{events} events to come");
    });
}

#[test]
fn a_stalled_stream_ends_with_its_data_although_its_writer_has_let_go() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        n2.write_all(b"last ").await.unwrap();
        n2.write_all(b"words").await.unwrap();
        drop(n2);
        sleep(ms(10_000)).await;
        heal();
        let mut text = String::new();
        n1.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "last words");
    });
}

#[test]
fn a_reset_never_overtakes_the_data_before_it() {
    use crate::support::{self, machines};
    use host::world::{Config, Latency};
    for seed in 0..50 {
        let config = Config { latency: Latency::uniform(ms(1), ms(50)), ..machines(seed, 2) };
        support::simulate(config, |cluster| async move {
            let (mut n1, mut n2) = connection(&cluster).await;
            n2.write_u8(1).await.unwrap();
            sleep(ms(100)).await;
            for byte in 0..20 {
                n1.write_u8(byte).await.unwrap();
            }
            drop(n1);
            for byte in 0..20 {
                assert_eq!(n2.read_u8().await.unwrap(), byte);
            }
            assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
        });
    }
}

#[test]
fn a_cut_during_any_step_of_a_conversation_only_delays_it() {
    for millisecond in 0..60 {
        simulate(async move |cluster| {
            let (mut n1, mut n2) = connection(&cluster).await;
            let question = cluster.on(N2, async move {
                n2.write_u8(1).await.unwrap();
                assert_eq!(n2.read_u8().await.unwrap(), 2);
                n2.shutdown().await.unwrap();
                assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
            });
            let answer = cluster.on(N1, async move {
                assert_eq!(n1.read_u8().await.unwrap(), 1);
                n1.write_u8(2).await.unwrap();
                assert_eq!(n1.read(&mut [0; 8]).await.unwrap(), 0);
            });
            sleep(ms(millisecond)).await;
            part();
            sleep(ms(15)).await;
            heal();
            question.await.unwrap();
            answer.await.unwrap();
            assert!(now() < Duration::from_secs(2), "{:?}", now());
            sleep(ms(1000)).await;
            assert_eq!(world::with(|world| world.open_connections()), 0);
        });
    }
}
