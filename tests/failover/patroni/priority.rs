//! Members that come first, and members that never lead, after Patroni's `priority_failover`.

use super::cluster::{case_of_tagged, operator};
use crate::support::seconds;
use protocols::patroni::{Options, Synchronous, Tags};

/// Its number is its priority, less three; 6 never leads.
fn tags(id: u8) -> Tags {
    let nofailover = (id == 6).then_some(true);
    Tags { failover_priority: u32::from(id) - 3, nofailover, ..Tags::default() }
}

#[test]
fn who_never_leads_waits_for_the_leader_to_come_back() {
    case_of_tagged(Options::default(), tags, async |cluster| {
        let first = cluster.settles().await;
        assert_ne!(first, 6);
        [4, 5].into_iter().for_each(|id| cluster.crash(id));
        seconds(120).await;
        assert_eq!(cluster.primary(), None);
        cluster.restart(9 - first);
        cluster.until(60, "another leads", |cluster| cluster.primary() == Some(9 - first)).await;
        cluster.restart(first);
        cluster.settles().await;
    });
}

#[test]
fn nobody_can_be_asked_to_hand_over_to_who_never_leads() {
    case_of_tagged(Options::default(), tags, async |cluster| {
        let first = cluster.settles().await;
        operator().switchover(None, Some(6)).await.unwrap();
        seconds(60).await;
        assert_eq!(cluster.primary(), Some(first));
    });
}

/// The highest has the lowest number.
fn reversed(id: u8) -> Tags {
    Tags { failover_priority: 10 - u32::from(id), ..Tags::default() }
}

/// Who leads after this one's machine has died, among three that have equally much.
fn leads_after_the_first(tags: fn(u8) -> Tags, next: fn(u8) -> u8) {
    case_of_tagged(Options::default(), tags, async move |cluster| {
        let first = cluster.settles().await;
        seconds(20).await;
        cluster.crash(first);
        cluster.until(60, "another leads", |cluster| cluster.primary().is_some()).await;
        assert_eq!(cluster.primary(), Some(next(first)), "after {first}");
        cluster.restart(first);
        cluster.settles().await;
    });
}

#[test]
fn of_those_that_have_equally_much_the_highest_priority_leads() {
    leads_after_the_first(reversed, |first| if first == 4 { 5 } else { 4 });
    let all_may_lead = |id| Tags { nofailover: None, ..tags(id) };
    leads_after_the_first(all_may_lead, |first| if first == 6 { 5 } else { 6 });
}

#[test]
fn no_write_waits_for_who_is_not_to_be_waited_for() {
    let options = Options { synchronous_mode: Synchronous::Strict, ..Options::default() };
    let no_sync = |id| Tags { nosync: id != 6, ..Tags::default() };
    case_of_tagged(options, no_sync, async |cluster| {
        let primary = cluster.settles().await;
        if primary == 6 {
            seconds(30).await;
            assert!(cluster.write("a", 1).await.is_err());
            return;
        }
        cluster.writes_again(60, "a", 1).await;
        cluster.crash(6);
        for _ in 0..10 {
            seconds(4).await;
            assert!(cluster.write("b", 2).await.is_err());
        }
        cluster.restart(6);
        cluster.writes_again(60, "b", 3).await;
    });
}
