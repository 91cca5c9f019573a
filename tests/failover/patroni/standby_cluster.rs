//! Clusters that follow a primary elsewhere, after Patroni's `standby_cluster`.

use super::cluster::{Cluster, REMOTE, case_of_standbys, operator};
use crate::support::{address, seconds};
use protocols::database::{Role, Start, Supervisor};

/// Starts the primary elsewhere, and waits until the cluster follows it. Its leader.
async fn begins(cluster: Cluster) -> u8 {
    Supervisor::new(address(REMOTE)).start(Start::Primary).await.unwrap();
    assert!(cluster.write_at(REMOTE, "a", 1).await.unwrap());
    follows(cluster, None).await
}

/// Waits until one streams from elsewhere, and the others from it. Which it is, other than `but`.
async fn follows(cluster: Cluster, but: Option<u8>) -> u8 {
    let leader = move |cluster: Cluster| {
        let remote = cluster.view(REMOTE)?;
        let [leader] = remote.standbys[..] else { return None };
        let leader = leader as u8;
        let others = cluster.others(leader).map(u32::from);
        (Some(leader) != but && cluster.view(leader)?.standbys == others).then_some(leader)
    };
    cluster.until(120, "one follows, and the others follow it", |cluster| leader(cluster).is_some()).await;
    leader(cluster).unwrap()
}

/// All have what the primary elsewhere has, and none is a primary.
async fn all_have(cluster: Cluster, value: u64) {
    assert!(cluster.write_at(REMOTE, "b", value).await.unwrap());
    seconds(1).await;
    let ends = [4, 5, 6, REMOTE].map(|id| cluster.view(id).map(|view| (view.durable, view.timeline)));
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    assert!(cluster.primaries().is_empty());
}

#[test]
fn one_follows_the_primary_elsewhere_and_the_others_follow_it() {
    case_of_standbys(async |cluster| {
        let leader = begins(cluster).await;
        all_have(cluster, 2).await;
        assert_eq!(operator().leader().await.unwrap(), Some(leader.into()));
        seconds(60).await;
        assert_eq!(follows(cluster, None).await, leader);
        assert!(cluster.write("c", 3).await.is_err(), "clients find no primary here");
    });
}

#[test]
fn when_its_leader_dies_another_follows_the_primary_elsewhere() {
    case_of_standbys(async |cluster| {
        let first = begins(cluster).await;
        cluster.crash(first);
        let [one, other] = cluster.others(first).map(u32::from);
        let holds = move |cluster: Cluster| {
            [(one, other), (other, one)].iter().any(|(leader, follower)| {
                let leads = cluster.view(REMOTE).is_some_and(|view| view.standbys == [*leader]);
                leads && cluster.view(*leader as u8).is_some_and(|view| view.standbys == [*follower])
            })
        };
        cluster.until(60, "another follows", holds).await;
        assert!(cluster.write_at(REMOTE, "c", 2).await.unwrap());
        cluster.restart(first);
        follows(cluster, Some(first)).await;
        all_have(cluster, 3).await;
    });
}

#[test]
fn its_leader_hands_over_to_another_as_planned() {
    case_of_standbys(async |cluster| {
        let first = begins(cluster).await;
        operator().switchover(Some(first.into()), None).await.unwrap();
        follows(cluster, Some(first)).await;
        all_have(cluster, 2).await;
    });
}

#[test]
fn let_go_it_is_promoted_as_a_whole() {
    case_of_standbys(async |cluster| {
        let leader = begins(cluster).await;
        all_have(cluster, 2).await;
        operator().promote_cluster().await.unwrap();
        assert_eq!(cluster.settles().await, leader);
        cluster.writes_again(60, "c", 3).await;
        assert_eq!(cluster.read("b").await.unwrap(), Some("2".to_owned()));
        let numbers = [leader, REMOTE].map(|id| cluster.view(id).unwrap().timeline.unwrap().number);
        assert_eq!(numbers, [2, 1]);
        assert_eq!(cluster.view(REMOTE).unwrap().role, Role::Primary, "each goes its own way");
        assert!(cluster.view(REMOTE).unwrap().standbys.is_empty());
    });
}

#[test]
fn told_to_follow_again_it_gives_up_what_only_it_has() {
    case_of_standbys(async |cluster| {
        begins(cluster).await;
        operator().promote_cluster().await.unwrap();
        cluster.settles().await;
        cluster.writes_again(60, "lost", 2).await;
        operator().follow_primary(address(REMOTE)).await.unwrap();
        // As long as the primary elsewhere has nothing else, this cluster only has more.
        seconds(30).await;
        assert!(cluster.primaries().is_empty());
        assert!(cluster.write_at(REMOTE, "else", 9).await.unwrap());
        let leader = follows(cluster, None).await;
        all_have(cluster, 3).await;
        operator().promote_cluster().await.unwrap();
        cluster.until(60, "it leads", |cluster| cluster.primary() == Some(leader)).await;
        cluster.writes_again(60, "kept", 4).await;
        assert_eq!(cluster.read("lost").await.unwrap(), None);
    });
}
