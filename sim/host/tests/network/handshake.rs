//! How connections begin when packets are lost on the way.

use crate::{
    N1, N2, assert_about, connection, cut, dial, heal, hold, kind, listen, mend, ms, now, part, release,
    simulate, sleep,
};
use host::world::{self, Death};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn connecting_takes_a_round_trip_and_so_does_a_refusal() {
    simulate(async |cluster| {
        let begin = now();
        assert_eq!(kind(dial(&cluster).await), ErrorKind::ConnectionRefused);
        assert_about(now() - begin, ms(20));
        let _listener = listen(&cluster).await;
        let begin = now();
        dial(&cluster).await.unwrap();
        assert_about(now() - begin, ms(20));
    });
}

#[test]
fn a_dialler_behind_a_cut_times_out_after_its_syn_retries() {
    simulate(async |cluster| {
        let _listener = listen(&cluster).await;
        part();
        let begin = now();
        assert_eq!(kind(dial(&cluster).await), ErrorKind::TimedOut);
        assert_about(now() - begin, ms(127_000));
    });
}

#[test]
fn a_lost_syn_is_sent_again_after_a_second() {
    simulate(async |cluster| {
        let _listener = listen(&cluster).await;
        cut(N2, N1);
        let begin = now();
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(100)).await;
        mend(N2, N1);
        dialler.await.unwrap().unwrap();
        assert_about(now() - begin, ms(1020));
    });
}

#[test]
fn a_lost_syn_ack_is_sent_again() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        cut(N1, N2);
        let begin = now();
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(100)).await;
        mend(N1, N2);
        dialler.await.unwrap().unwrap();
        // The dialler's SYN comes again after 1 s, the acceptor's SYN-ACK at 1.01 s: both at once.
        assert_about(now() - begin, ms(1020));
        listener.accept().await.unwrap();
    });
}

#[test]
fn a_lost_refusal_is_sent_again() {
    simulate(async |cluster| {
        cut(N1, N2);
        let begin = now();
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(100)).await;
        mend(N1, N2);
        assert_eq!(kind(dialler.await.unwrap()), ErrorKind::ConnectionRefused);
        assert_about(now() - begin, ms(1020));
    });
}

#[test]
fn a_lost_ack_is_asked_for_again() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        let begin = now();
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(15)).await;
        cut(N2, N1);
        let _dialler = dialler.await.unwrap().unwrap();
        sleep(ms(100)).await;
        mend(N2, N1);
        listener.accept().await.unwrap();
        // SYN-ACK at 10 ms and again at 1010 ms, its ACK another 20 ms later.
        assert_about(now() - begin, ms(1030));
    });
}

#[test]
fn data_completes_a_handshake_whose_ack_was_lost() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        let begin = now();
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(15)).await;
        cut(N2, N1);
        let mut dialler = dialler.await.unwrap().unwrap();
        sleep(ms(80)).await;
        mend(N2, N1);
        dialler.write_u8(1).await.unwrap();
        let sent = now();
        let (mut acceptor, _) = listener.accept().await.unwrap();
        assert_eq!(acceptor.read_u8().await.unwrap(), 1);
        assert!(now() - begin < ms(200), "{:?}", now() - sent);
    });
}

#[test]
fn data_for_a_handshake_that_nobody_remembers_is_answered_by_a_reset() {
    // The acceptor's ACK is lost, and then its listener goes, with the dialler there or gone.
    for dialler_stays in [true, false] {
        simulate(async |cluster| {
            let listener = listen(&cluster).await;
            let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
            sleep(ms(15)).await;
            cut(N2, N1);
            let mut dialler = dialler.await.unwrap().unwrap();
            sleep(ms(20)).await;
            mend(N2, N1);
            drop(listener);
            dialler.write_u8(1).await.unwrap();
            if dialler_stays {
                assert_eq!(kind(dialler.read_u8().await), ErrorKind::ConnectionReset);
            }
            drop(dialler);
            sleep(ms(100_000)).await;
            assert_eq!(world::with(|world| world.open_connections()), 0);
        });
    }
}

#[test]
fn a_process_that_dies_between_syn_ack_and_ack_resets_the_dialler() {
    simulate(async |cluster| {
        let _listener = listen(&cluster).await;
        let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(15)).await;
        world::crash(N1, Death::Process);
        world::restart(N1);
        let listener = listen(&cluster).await;
        // The handshake of an earlier life does not reach the new listener.
        let mut dialler = dialler.await.unwrap().unwrap();
        assert_eq!(kind(dialler.read_u8().await), ErrorKind::ConnectionReset);
        tokio::time::timeout(ms(200_000), listener.accept()).await.expect_err("nobody has dialled this life");
    });
}

#[test]
fn a_held_handshake_goes_on_after_the_hold() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        for link in [(N2, N1), (N1, N2)] {
            hold(link.0, link.1);
            let dialler = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
            sleep(ms(500)).await;
            let released = now();
            release(link.0, link.1);
            let _dialler = dialler.await.unwrap().unwrap();
            listener.accept().await.unwrap();
            assert!(now() - released <= ms(30) + crate::SLACK, "{:?}", now() - released);
        }
    });
}

#[test]
fn a_cancelled_dialler_leaves_nothing_behind() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        for patience in [1, 15, 19] {
            let dialler = cluster.on(N2, async move {
                tokio::time::timeout(ms(patience), host::net::TcpStream::connect(crate::ADDRESS))
                    .await
                    .expect_err("too soon");
            });
            dialler.await.unwrap();
        }
        tokio::time::timeout(ms(1000), listener.accept()).await.expect_err("no handshake was completed");
        assert_eq!(world::with(|world| world.open_connections()), 0);
    });
}

#[test]
fn a_full_backlog_keeps_the_next_dialler_waiting_until_there_is_room() {
    simulate(async |cluster| {
        let listener = listen(&cluster).await;
        let mut diallers = Vec::new();
        for _ in 0..1024 {
            diallers.push(dial(&cluster).await.unwrap());
        }
        sleep(ms(100)).await;
        let begin = now();
        let late = cluster.on(N2, host::net::TcpStream::connect(crate::ADDRESS));
        sleep(ms(2000)).await;
        assert!(!late.is_finished());
        listener.accept().await.unwrap();
        late.await.unwrap().unwrap();
        assert_about(now() - begin, ms(3020));
    });
}

#[test]
fn the_second_connection_of_a_pair_has_nothing_of_the_first() {
    simulate(async |cluster| {
        let (mut n1, n2) = connection(&cluster).await;
        n1.write_all(b"for the first").await.unwrap();
        drop((n1, n2));
        let (mut n1, mut n2) = connection(&cluster).await;
        n1.write_all(b"for the second").await.unwrap();
        drop(n1);
        let mut text = String::new();
        n2.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "for the second");
    });
}

#[test]
fn a_cut_during_any_step_of_a_handshake_only_delays_it() {
    for millisecond in 0..40 {
        simulate(async move |cluster| {
            let listener = listen(&cluster).await;
            let dialler = cluster.on(N2, async {
                let mut stream = host::net::TcpStream::connect(crate::ADDRESS).await.unwrap();
                stream.write_u8(1).await.unwrap();
                stream.read_u8().await.unwrap()
            });
            let acceptor = cluster.on(N1, async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let byte = stream.read_u8().await.unwrap();
                stream.write_u8(byte + 1).await.unwrap();
            });
            sleep(ms(millisecond)).await;
            part();
            sleep(ms(12)).await;
            heal();
            assert_eq!(dialler.await.unwrap(), 2);
            acceptor.await.unwrap();
            assert!(now() < ms(2000), "{:?}", now());
        });
    }
}
