//! Standbys that stream from standbys, after Patroni's `cascading_replication`.

use super::cluster::{Cluster, case_of_tagged, operator};
use crate::support::seconds;
use protocols::patroni::{Options, Synchronous, Tags};

/// 6 streams from 5; 4 leads as long as it can, and 5 comes next.
fn tags(id: u8) -> Tags {
    let replicatefrom = (id == 6).then_some(5);
    Tags { failover_priority: 7 - u32::from(id), replicatefrom, ..Tags::default() }
}

fn only_4_leads(id: u8, replicatefrom: Option<u32>) -> Tags {
    Tags { nofailover: Some(id != 4), replicatefrom, ..Tags::default() }
}

/// 4 leads 5, and 5 leads 6.
async fn begins(cluster: Cluster) {
    let first = cluster.settles().await;
    if first != 4 {
        operator().switchover(None, Some(4)).await.unwrap();
    }
    streams(cluster, [(4, 5), (5, 6)]).await;
}

async fn streams(cluster: Cluster, links: [(u8, u8); 2]) {
    let links = links.map(|(from, to)| (from, u32::from(to)));
    let what = format!("{links:?}");
    let holds = move |cluster: Cluster| {
        links.iter().all(|(from, to)| cluster.view(*from).is_some_and(|view| view.standbys == [*to]))
    };
    cluster.until(120, &what, holds).await;
}

/// Writes, and sees that all have it.
async fn writes_everywhere(cluster: Cluster, value: u64) {
    cluster.writes_again(60, "a", value).await;
    seconds(1).await;
    let ends = [4, 5, 6].map(|id| cluster.view(id).map(|view| (view.durable, view.timeline)));
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}

#[test]
fn a_standby_streams_from_the_standby_that_its_tag_names() {
    case_of_tagged(
        Options::default(),
        |id| only_4_leads(id, tags(id).replicatefrom),
        async |cluster| {
            begins(cluster).await;
            writes_everywhere(cluster, 1).await;
            seconds(60).await;
            streams(cluster, [(4, 5), (5, 6)]).await;
        },
    );
}

#[test]
fn when_that_standby_dies_it_streams_from_the_leader_until_it_is_back() {
    case_of_tagged(
        Options::default(),
        |id| only_4_leads(id, tags(id).replicatefrom),
        async |cluster| {
            begins(cluster).await;
            cluster.crash(5);
            let from_the_leader = |cluster: Cluster| cluster.view(4).unwrap().standbys == [6];
            let took = cluster.until(40, "it streams from the leader", from_the_leader).await;
            assert!(took.as_secs() <= 20, "{took:?}");
            cluster.writes_again(20, "b", 1).await;
            cluster.restart(5);
            streams(cluster, [(4, 5), (5, 6)]).await;
            writes_everywhere(cluster, 2).await;
        },
    );
}

#[test]
fn a_cascade_goes_on_when_the_standby_in_it_becomes_the_leader_and_when_it_is_one_no_more() {
    case_of_tagged(Options::default(), tags, async |cluster| {
        begins(cluster).await;
        writes_everywhere(cluster, 1).await;
        cluster.crash(4);
        cluster.until(60, "5 leads", |cluster| cluster.primary() == Some(5)).await;
        cluster.restart(4);
        cluster.settles().await;
        writes_everywhere(cluster, 2).await;
        assert_eq!(cluster.view(5).unwrap().standbys, [4, 6]);
        operator().switchover(Some(5), Some(4)).await.unwrap();
        streams(cluster, [(4, 5), (5, 6)]).await;
        writes_everywhere(cluster, 3).await;
    });
}

#[test]
fn two_that_name_each_other_stream_from_the_leader() {
    let circle = |id| {
        let replicatefrom = [None, Some(6), Some(5)][usize::from(id) - 4];
        only_4_leads(id, replicatefrom)
    };
    case_of_tagged(Options::default(), circle, async |cluster| {
        assert_eq!(cluster.settles().await, 4);
        for _ in 0..60 {
            seconds(1).await;
            assert_eq!(cluster.view(4).unwrap().standbys, [5, 6]);
        }
    });
}

#[test]
fn no_write_waits_for_who_streams_from_a_standby() {
    let options = Options { synchronous_mode: Synchronous::Strict, ..Options::default() };
    case_of_tagged(
        options,
        |id| only_4_leads(id, tags(id).replicatefrom),
        async |cluster| {
            begins(cluster).await;
            cluster.writes_again(40, "a", 1).await;
            cluster.crash(6);
            seconds(10).await;
            for value in 2..=10 {
                assert!(cluster.write("a", value).await.unwrap());
            }
        },
    );
}
