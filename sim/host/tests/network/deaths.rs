//! How machines die and come back, and what others learn of it.

use crate::support::{self, machines};
use crate::{
    ADDRESS, N1, N2, assert_about, connection, dial, heal, hold, kind, listen, ms, now, part, release,
    simulate, sleep,
};
use host::net::{TcpListener, TcpStream};
use host::world::{self, Death};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

#[test]
fn a_crashed_process_ends_its_streams_after_one_latency() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        let begin = now();
        world::crash(N1, Death::Process);
        assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
        assert_about(now() - begin, ms(10));
    });
}

#[test]
fn a_crashed_process_that_had_not_read_everything_resets_its_peer() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        n2.write_u8(1).await.unwrap();
        sleep(ms(50)).await;
        let begin = now();
        world::crash(N1, Death::Process);
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
        assert_about(now() - begin, ms(10));
    });
}

#[test]
fn what_a_process_wrote_before_it_crashed_arrives() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        n1.write_all(b"last words").await.unwrap();
        world::crash(N1, Death::Process);
        let mut text = String::new();
        n2.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "last words");
    });
}

#[test]
fn nobody_learns_of_a_crash_through_a_cut() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        part();
        world::crash(N1, Death::Process);
        timeout(ms(60_000), n2.read_u8()).await.expect_err("nothing passes a cut");
        heal();
        assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn news_of_a_crash_waits_for_the_end_of_a_hold() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        hold(N1, N2);
        world::crash(N1, Death::Process);
        timeout(ms(60_000), n2.read_u8()).await.expect_err("the link holds everything");
        release(N1, N2);
        let released = now();
        assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
        assert_about(now() - released, ms(10));
    });
}

#[test]
fn a_backlog_dies_with_its_process() {
    simulate(async |cluster| {
        let _listener = listen(&cluster).await;
        let mut n2 = dial(&cluster).await.unwrap();
        sleep(ms(50)).await;
        world::crash(N1, Death::Process);
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_machine_that_loses_its_power_says_nothing() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        // Unread data would make a mere process answer with RST.
        n2.write_u8(1).await.unwrap();
        sleep(ms(50)).await;
        n1.write_u8(7).await.unwrap();
        sleep(ms(5)).await;
        world::crash(N1, Death::Power);
        assert_eq!(n2.read_u8().await.unwrap(), 7, "it was on the wire");
        timeout(ms(3_600_000), n2.read_u8()).await.expect_err("the dead do not speak");
    });
}

#[test]
fn a_paused_machine_that_loses_its_power_says_nothing_either() {
    simulate(async |cluster| {
        let (n1, mut n2) = connection(&cluster).await;
        // A task that madsim keeps aside while its node is paused, and drops when it is killed.
        cluster.on(N1, async move {
            let _n1 = n1;
            loop {
                sleep(ms(1)).await;
            }
        });
        sleep(ms(50)).await;
        world::pause(N1);
        sleep(ms(50)).await;
        world::crash(N1, Death::Power);
        timeout(ms(3_600_000), n2.read_u8()).await.expect_err("the dead do not speak");
    });
}

#[test]
fn a_machine_without_power_sends_no_retransmission() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        n1.write_u8(1).await.unwrap();
        sleep(ms(10)).await;
        world::crash(N1, Death::Power);
        heal();
        timeout(ms(3_600_000), n2.read_u8()).await.expect_err("only its memory had it");
    });
}

#[test]
fn who_writes_to_a_machine_without_power_times_out() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        world::crash(N1, Death::Power);
        sleep(ms(5000)).await;
        let begin = now();
        n2.write_u8(1).await.unwrap();
        assert_eq!(kind(n2.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - begin, ms(120_010));
    });
}

#[test]
fn who_writes_to_a_machine_that_is_back_is_reset() {
    for death in [Death::Process, Death::Power] {
        simulate(async |cluster| {
            let (_n1, mut n2) = connection(&cluster).await;
            part();
            world::crash(N1, death);
            heal();
            world::restart(N1);
            n2.write_u8(1).await.unwrap();
            sleep(ms(50)).await;
            let error = kind(n2.write_u8(2).await);
            assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
        });
    }
}

#[test]
fn who_wrote_to_a_machine_while_it_was_off_is_reset_once_it_is_back() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        world::crash(N1, Death::Power);
        n2.write_u8(1).await.unwrap();
        sleep(ms(2000)).await;
        world::restart(N1);
        let begin = now();
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
        assert!(now() - begin < ms(2000), "{:?}", now() - begin);
    });
}

#[test]
fn the_end_of_a_stream_is_answered_by_a_machine_that_does_not_know_the_stream() {
    simulate(async |cluster| {
        let (_n1, mut n2) = connection(&cluster).await;
        world::crash(N1, Death::Power);
        world::restart(N1);
        n2.shutdown().await.unwrap();
        assert_eq!(kind(n2.read_u8().await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_dead_process_refuses_and_a_dead_machine_does_not_answer() {
    simulate(async |cluster| {
        let _listener = listen(&cluster).await;
        world::crash(N1, Death::Process);
        assert_eq!(kind(dial(&cluster).await), ErrorKind::ConnectionRefused);
        world::restart(N1);
        world::crash(N1, Death::Power);
        assert_eq!(kind(dial(&cluster).await), ErrorKind::TimedOut);
    });
}

#[test]
fn who_dials_while_a_machine_boots_gets_through() {
    simulate(async |cluster| {
        world::crash(N1, Death::Power);
        let dialler = cluster.on(N2, TcpStream::connect(ADDRESS));
        sleep(ms(2000)).await;
        world::restart(N1);
        let listener = listen(&cluster).await;
        dialler.await.unwrap().unwrap();
        listener.accept().await.unwrap();
    });
}

#[test]
fn a_restarted_machine_binds_its_port_again() {
    for death in [Death::Process, Death::Power] {
        simulate(async |cluster| {
            // Held by the test, and so not dropped by the crash.
            let old = listen(&cluster).await;
            world::crash(N1, death);
            world::restart(N1);
            let new = listen(&cluster).await;
            assert_eq!(kind(old.accept().await), ErrorKind::ConnectionAborted);
            drop(old);
            dial(&cluster).await.unwrap();
            new.accept().await.unwrap();
        });
    }
}

#[test]
fn sockets_of_a_former_life_that_are_dropped_late_do_not_disturb_the_next() {
    for seed in 0..20 {
        support::simulate(machines(seed, 2), |cluster| async move {
            let (n1, mut n2) = connection(&cluster).await;
            let life = |stream: Option<TcpStream>| async move {
                let listener = TcpListener::bind(("0.0.0.0", 7000)).await.unwrap();
                let (mut accepted, _) = listener.accept().await.unwrap();
                accepted.write_u8(1).await.unwrap();
                std::future::pending::<()>().await;
                drop((listener, accepted, stream));
            };
            cluster.on(N1, life(Some(n1)));
            let mut first = dial(&cluster).await.unwrap();
            assert_eq!(first.read_u8().await.unwrap(), 1);
            world::crash(N1, Death::Process);
            world::restart(N1);
            // madsim drops the futures of the first life when it polls them next: about now.
            cluster.on(N1, life(None));
            let mut second = dial(&cluster).await.unwrap();
            assert_eq!(second.read_u8().await.unwrap(), 1);
            assert_eq!(first.read(&mut [0; 8]).await.unwrap(), 0);
            assert_eq!(n2.read(&mut [0; 8]).await.unwrap(), 0);
            timeout(ms(10_000), second.read_u8()).await.expect_err("it is open");
        });
    }
}

#[test]
fn a_paused_machine_still_receives() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        let listener = listen(&cluster).await;
        let reader = cluster.on(N1, async move {
            let mut bytes = vec![0; 100_000];
            n1.read_exact(&mut bytes).await.unwrap();
            (now(), listener.accept().await.is_ok())
        });
        world::pause(N1);
        n2.write_all(&vec![1; 100_000]).await.unwrap();
        // Its kernel even accepts connections.
        let _stream = timeout(ms(100), dial(&cluster)).await.expect("the kernel answers").unwrap();
        sleep(ms(60_000)).await;
        assert!(!reader.is_finished());
        let resumed = now();
        world::resume(N1);
        let (read, accepted) = reader.await.unwrap();
        assert!(accepted && read - resumed < ms(1), "{:?}", read - resumed);
    });
}

#[test]
fn a_connection_is_forgotten_once_nobody_holds_an_end() {
    simulate(async |cluster| {
        for _ in 0..100 {
            let (mut n1, mut n2) = connection(&cluster).await;
            n1.write_u8(1).await.unwrap();
            n2.write_u8(1).await.unwrap();
            drop(n1);
            drop(n2);
        }
        sleep(ms(100)).await;
        assert_eq!(world::with(|world| world.open_connections()), 0);
    });
}

#[test]
fn no_connection_outlives_both_of_its_machines() {
    for (first, second) in [(Death::Process, Death::Power), (Death::Power, Death::Process)] {
        simulate(async |cluster| {
            let _listener = listen(&cluster).await;
            let _streams = [dial(&cluster).await.unwrap(), dial(&cluster).await.unwrap()];
            let _dialling = cluster.on(N2, TcpStream::connect(ADDRESS));
            sleep(ms(5)).await;
            world::crash(N1, first);
            world::crash(N2, second);
            sleep(ms(200_000)).await;
            assert_eq!(world::with(|world| world.open_connections()), 0);
        });
    }
}
