//! Peers that say nothing: keep-alive and the user time-out.

use crate::{N1, N2, assert_about, connection, cut, kind, ms, now, part, simulate, sleep};
use host::net::{Keepalive, set_keepalive, set_user_timeout};
use host::world::{self, Death};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A dead peer is found out after 10 + 3 × 2 s.
const PROBING: Keepalive = Keepalive { idle: ms(10_000), interval: ms(2000), count: 3 };

#[test]
fn keepalive_finds_out_a_peer_behind_a_cut() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        let begin = now();
        part();
        assert_eq!(kind(n1.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - begin, ms(16_000));
        // Its peer did not ask.
        tokio::time::timeout(ms(3_600_000), n2.read_u8()).await.expect_err("it hears nothing");
    });
}

#[test]
fn keepalive_needs_both_directions() {
    simulate(async |cluster| {
        let (mut n1, _n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        cut(N2, N1);
        assert_eq!(kind(n1.read_u8().await), ErrorKind::TimedOut);
    });
}

#[test]
fn keepalive_keeps_a_silent_connection_whose_peer_answers() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        // Its kernel answers for a process that stands still.
        world::pause(N2);
        tokio::time::timeout(ms(3_600_000), n1.read_u8()).await.expect_err("nothing was sent");
        world::resume(N2);
        n2.write_u8(7).await.unwrap();
        assert_eq!(n1.read_u8().await.unwrap(), 7);
    });
}

#[test]
fn a_cut_that_ends_before_the_last_probe_costs_nothing() {
    simulate(async |cluster| {
        let (mut n1, _n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        sleep(ms(9000)).await;
        part();
        sleep(ms(4500)).await;
        crate::heal();
        tokio::time::timeout(ms(3_600_000), n1.read_u8()).await.expect_err("it lives");
    });
}

#[test]
fn what_arrives_puts_the_first_probe_off() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        sleep(ms(8000)).await;
        n2.write_u8(1).await.unwrap();
        assert_eq!(n1.read_u8().await.unwrap(), 1);
        let heard = now();
        part();
        assert_eq!(kind(n1.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - heard, ms(16_000));
    });
}

#[test]
fn a_probe_is_answered_by_a_reset_from_a_machine_that_lost_the_connection() {
    simulate(async |cluster| {
        let (mut n1, _n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        let begin = now();
        world::crash(N2, Death::Power);
        sleep(ms(1000)).await;
        world::restart(N2);
        assert_eq!(kind(n1.read_u8().await), ErrorKind::ConnectionReset);
        assert_about(now() - begin, ms(10_010));
    });
}

#[test]
fn without_keepalive_a_silent_end_never_learns() {
    simulate(async |cluster| {
        let (mut n1, _n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        set_keepalive(&n1, None).unwrap();
        world::crash(N2, Death::Power);
        tokio::time::timeout(ms(3_600_000), n1.read_u8()).await.expect_err("it was switched off");
    });
}

#[test]
fn a_user_timeout_replaces_the_two_minutes() {
    simulate(async |cluster| {
        let (mut n1, mut n2) = connection(&cluster).await;
        set_user_timeout(&n1, ms(5000)).unwrap();
        part();
        let begin = now();
        n1.write_u8(1).await.unwrap();
        n2.write_u8(1).await.unwrap();
        assert_eq!(kind(n1.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - begin, ms(5000));
        assert_eq!(kind(n2.read_u8().await), ErrorKind::TimedOut);
        assert_about(now() - begin, ms(120_000));
    });
}

#[test]
fn a_connection_that_is_closed_is_probed_no_more() {
    simulate(async |cluster| {
        let (n1, n2) = connection(&cluster).await;
        set_keepalive(&n1, Some(PROBING)).unwrap();
        set_keepalive(&n2, Some(PROBING)).unwrap();
        drop((n1, n2));
        sleep(ms(30_000)).await;
        assert_eq!(world::with(|world| world.pending_events()), 0);
    });
}
