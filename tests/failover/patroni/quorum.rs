//! Writes that wait for any so many of all standbys, after Patroni's `quorum_commit`.

use super::cluster::{Cluster, case, operator};
use crate::support::{seconds, stores};
use protocols::patroni::{Options, Synchronous};
use protocols::store::Client;

fn quorum() -> Options {
    Options { synchronous_mode: Synchronous::Quorum, ..Options::default() }
}

/// Waits until the `sync` key says so: leader, standbys, quorum.
async fn says(leader: u8, standbys: &[u8], quorum: u32) {
    let standbys: Vec<String> = standbys.iter().map(u8::to_string).collect();
    let counted = if quorum == 0 { String::new() } else { format!(",\"quorum\":{quorum}") };
    let expected = format!("{{\"leader\":{leader},\"standbys\":[{}]{counted}}}", standbys.join(","));
    let mut store = Client::new(stores());
    let mut said = None;
    for _ in 0..90 {
        said = store.get("/service/cluster/sync").await.unwrap().map(|key| key.value);
        if said.as_ref() == Some(&expected) {
            return;
        }
        seconds(1).await;
    }
    panic!("the key should say {expected}, and says {said:?}");
}

/// Twenty writes, all acknowledged.
async fn writes_twenty(cluster: Cluster) {
    for value in 1..=20 {
        assert!(cluster.write(&format!("k{value}"), value).await.unwrap());
    }
}

async fn has_all_twenty(cluster: Cluster) {
    for value in 1..=20 {
        assert_eq!(cluster.read(&format!("k{value}")).await.unwrap(), Some(value.to_string()));
    }
}

#[test]
fn voters_and_quorum_follow_who_joins_and_who_leaves() {
    case(quorum(), async |cluster| {
        let primary = cluster.settles().await;
        let [one, other] = cluster.others(primary);
        says(primary, &[one, other], 1).await;
        cluster.crash(one);
        says(primary, &[other], 0).await;
        cluster.crash(other);
        says(primary, &[], 0).await;
        // Nobody is left to wait for.
        cluster.writes_again(40, "alone", 1).await;
        cluster.restart(other);
        says(primary, &[other], 0).await;
        cluster.restart(one);
        says(primary, &[one, other], 1).await;
        assert_eq!(cluster.settles().await, primary);
    });
}

#[test]
fn with_two_to_wait_for_out_of_two_any_voter_may_lead() {
    case(Options { synchronous_node_count: 2, ..quorum() }, async |cluster| {
        let primary = cluster.settles().await;
        let [one, other] = cluster.others(primary);
        says(primary, &[one, other], 0).await;
        seconds(20).await;
        writes_twenty(cluster).await;
        cluster.crash(primary);
        cluster.crash(one);
        cluster.until(60, "the last one leads", |cluster| cluster.primary() == Some(other)).await;
        cluster.writes_again(60, "after", 21).await;
        has_all_twenty(cluster).await;
        cluster.restart(primary);
        cluster.restart(one);
        cluster.settles().await;
    });
}

#[test]
fn what_any_one_standby_has_survives_the_primary() {
    case(quorum(), async |cluster| {
        let first = cluster.settles().await;
        let [fast, slow] = cluster.others(first);
        says(first, &[fast, slow], 1).await;
        seconds(20).await;
        // It lacks what is written now, before anybody notices.
        cluster.cut(slow, &[first]);
        writes_twenty(cluster).await;
        cluster.crash(first);
        cluster.until(60, "the one that has it leads", |cluster| cluster.primary() == Some(fast)).await;
        cluster.mend(slow, &[first]);
        cluster.writes_again(60, "after", 21).await;
        has_all_twenty(cluster).await;
        cluster.restart(first);
        cluster.settles().await;
        says(fast, &[first.min(slow), first.max(slow)], 1).await;
    });
}

#[test]
fn who_hears_too_few_voters_does_not_take_over() {
    case(quorum(), async |cluster| {
        let first = cluster.settles().await;
        let [gone, alone] = cluster.others(first);
        says(first, &[gone, alone], 1).await;
        seconds(20).await;
        cluster.cut(alone, &[first, gone]);
        writes_twenty(cluster).await;
        cluster.crash(first);
        cluster.crash(gone);
        seconds(120).await;
        assert_eq!(cluster.primary(), None);
        cluster.restart(gone);
        cluster.mend(alone, &[first, gone]);
        cluster.until(60, "it leads, or follows", |cluster| cluster.primary() == Some(gone)).await;
        cluster.writes_again(60, "after", 21).await;
        has_all_twenty(cluster).await;
        cluster.restart(first);
        cluster.settles().await;
    });
}

#[test]
fn in_strict_quorum_mode_writes_wait_for_the_last_voters() {
    let options = Options { synchronous_mode: Synchronous::QuorumStrict, ..Options::default() };
    case(options, async |cluster| {
        let primary = cluster.settles().await;
        let [one, other] = cluster.others(primary);
        says(primary, &[one, other], 1).await;
        cluster.writes_again(40, "a", 1).await;
        [one, other].into_iter().for_each(|id| cluster.crash(id));
        for _ in 0..10 {
            seconds(4).await;
            assert!(cluster.write("b", 2).await.is_err());
        }
        assert_eq!(cluster.primary(), Some(primary));
        cluster.restart(one);
        cluster.writes_again(60, "b", 3).await;
    });
}

#[test]
fn a_planned_switchover_of_a_quorum_goes_to_the_candidate() {
    case(quorum(), async |cluster| {
        let first = cluster.settles().await;
        let [one, to] = cluster.others(first);
        says(first, &[one, to], 1).await;
        seconds(20).await;
        writes_twenty(cluster).await;
        operator().switchover(Some(first.into()), Some(to.into())).await.unwrap();
        cluster.until(30, "the candidate leads", |cluster| cluster.primary() == Some(to)).await;
        assert_eq!(cluster.settles().await, to);
        cluster.writes_again(60, "after", 21).await;
        has_all_twenty(cluster).await;
        says(to, &[one.min(first), one.max(first)], 1).await;
    });
}
