//! What each known defect costs. Without it, `behaviours.rs` has the same faults and no harm.

use super::cluster::{case, the_store};
use crate::support::seconds;
use protocols::patroni::{Flaw, Options, Synchronous};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn with_an_old_view_of_the_lock_there_are_two_primaries() {
    let options = Options { flaw: Some(Flaw::StaleLockView), ..Options::default() };
    case(options, async |cluster| {
        let first = cluster.settles().await;
        cluster.cut(first, &the_store());
        // Otherwise they would ask, and hear that a primary is alive.
        cluster.cut(first, &cluster.others(first));
        cluster.until(60, "two primaries", |cluster| cluster.primaries().len() == 2).await;
        assert!(cluster.write_at(first, "lost", 1).await.unwrap());
    });
}

#[test]
fn with_a_lease_that_is_outlived_the_watchdog_does_not_help() {
    let options = Options { flaw: Some(Flaw::LeaseOutlived), ..Options::default() };
    case(options, async |cluster| {
        let first = cluster.settles().await;
        cluster.pause_process(first, "agent");
        cluster.until(60, "two primaries", |cluster| cluster.primaries().len() == 2).await;
        assert!(cluster.write_at(first, "lost", 1).await.unwrap());
    });
}

/// The machines of a primary and of a standby that has everything die. Whether the other one, which lacks twenty
/// entries, takes over within two minutes.
fn a_standby_that_lacks_too_much_takes_over(flaw: Option<Flaw>) -> bool {
    let took_over = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&took_over);
    case(Options { maximum_lag_on_failover: 10, flaw, ..Options::default() }, async move |cluster| {
        let first = cluster.settles().await;
        cluster.writes_again(20, "a", 1).await;
        let [good, lags] = cluster.others(first);
        cluster.cut(lags, &[first]);
        for value in 2..=21 {
            assert!(cluster.write("a", value).await.unwrap());
        }
        // So that the leader has said what it has.
        seconds(15).await;
        cluster.crash(good);
        cluster.crash(first);
        seconds(120).await;
        answer.store(cluster.primary() == Some(lags), Ordering::Relaxed);
        cluster.restart(good);
        cluster.until(60, "a primary", |cluster| cluster.primary().is_some()).await;
    });
    took_over.load(Ordering::Relaxed)
}

#[test]
fn who_lacks_too_much_does_not_take_over_unless_lag_is_not_compared() {
    assert!(!a_standby_that_lacks_too_much_takes_over(None));
    assert!(a_standby_that_lacks_too_much_takes_over(Some(Flaw::LaggingWinner)));
}

#[test]
fn without_counting_votes_who_hears_nobody_takes_over_and_acknowledged_writes_are_lost() {
    let synchronous_mode = Synchronous::Quorum;
    let flaw = Some(Flaw::QuorumNotCounted);
    case(Options { synchronous_mode, flaw, ..Options::default() }, async |cluster| {
        let first = cluster.settles().await;
        let [gone, alone] = cluster.others(first);
        seconds(60).await;
        cluster.cut(alone, &[first, gone]);
        assert!(cluster.write("lost", 1).await.unwrap());
        cluster.crash(first);
        cluster.crash(gone);
        cluster.until(60, "it leads", |cluster| cluster.primary() == Some(alone)).await;
        cluster.mend(alone, &[first, gone]);
        cluster.restart(first);
        cluster.restart(gone);
        assert_eq!(cluster.settles().await, alone);
        cluster.writes_again(60, "kept", 2).await;
        assert_eq!(cluster.read("lost").await.unwrap(), None);
    });
}
