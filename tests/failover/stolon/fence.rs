//! Proxies are the fence: no write goes to a master after one went to its successor.

use super::cluster::{PROXIES, all_stores, case, crash, others, view, write};
use crate::support::{address, host, link, seconds};
use host::world;
use protocols::database::{Client, Role};
use protocols::stolon::{ClusterData, Flaw, Options};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Writes through a proxy every so often. Returns when writes succeeded, and the last of them.
async fn writes(proxy: u8, from: u64, until: Instant) -> Vec<Instant> {
    let mut at = Vec::new();
    let mut id = from;
    while Instant::now() < until {
        id += 1;
        if write(Client::new(address(proxy)), id, &format!("through {proxy}")).await.is_ok() {
            at.push(Instant::now());
        }
        sleep(Duration::from_millis(200)).await;
    }
    at
}

/// A proxy gives up later than a new master works.
fn options(flaw: Option<Flaw>) -> Options {
    Options { proxy_timeout: Duration::from_secs(30), flaw, ..Options::default() }
}

/// The master's keeper dies, and one proxy cannot reach the store. Returns whether a write through it succeeded after one
/// through the other had gone to the new master.
async fn overlaps(former: u8) -> bool {
    let [cut_off, other] = PROXIES;
    world::crash_process(host(former), "keeper");
    seconds(20).await;
    link(cut_off, &all_stores(), false);
    let until = Instant::now() + Duration::from_secs(120);
    let through_cut_off = tokio::spawn(writes(cut_off, 1000, until));
    let through_other = tokio::spawn(writes(other, 2000, until));
    let (old, new) = (through_cut_off.await.unwrap(), through_other.await.unwrap());
    // The other proxy routes nowhere in between.
    let pause = new.windows(2).map(|pair| (pair[1] - pair[0], pair[1])).max().unwrap();
    assert!(pause.0 > Duration::from_secs(2), "it was told to route nowhere");
    old.last().unwrap() > &pause.1
}

#[test]
fn a_proxy_that_cannot_reach_the_store_is_waited_for() {
    case(options(None), |cluster| async move {
        let former = cluster.well().await;
        assert!(!overlaps(former).await);
    });
}

#[test]
fn without_the_fence_writes_of_two_masters_overlap() {
    case(options(Some(Flaw::ProxyWithoutFence)), |cluster| async move {
        let former = cluster.well().await;
        assert!(overlaps(former).await);
    });
}

#[test]
fn a_master_that_is_cut_off_stays_one_and_nobody_is_routed_to_it() {
    case(Options::default(), |mut cluster| async move {
        let former = cluster.well().await;
        let rest: Vec<u8> = (1..=8).filter(|machine| *machine != former).collect();
        link(former, &rest, false);
        let master = cluster.fails_over(former).await;
        cluster.well_among(&others(former)).await;
        assert_eq!((view(former).role, view(master).role), (Role::Primary, Role::Primary));
        cluster.write("after").await.unwrap();
        assert!(write(Client::new(address(former)), 99, "lost").await.unwrap(), "past the proxies");
        link(former, &rest, true);
        assert_eq!(cluster.well().await, master);
        cluster.everywhere("after", &[4, 5, 6]).await;
        let lost = Client::new(address(former)).get("lost").await.unwrap();
        assert_eq!(lost, None, "it was not the master's");
    });
}

#[test]
fn a_connection_through_a_proxy_ends_when_the_master_changes() {
    case(Options::default(), |cluster| async move {
        let former = cluster.well().await;
        let mut client = Client::new(address(PROXIES[0])).patience(Duration::from_secs(100));
        assert!(client.get("begins").await.unwrap().is_some());
        crash(former);
        let asked = Instant::now();
        assert!(client.get("begins").await.is_err(), "the old master does not answer");
        assert!(asked.elapsed() < Duration::from_secs(60), "the proxy closes the connection");
        cluster.well_among(&others(former)).await;
        assert!(client.get("begins").await.unwrap().is_some());
        seconds(1).await;
    });
}

#[test]
fn sentinel_enabled_proxies_one_that_stands_still_may_route_no_longer_until_it_goes_on() {
    case(Options::default(), |mut cluster| async move {
        let master = cluster.well().await;
        let [paused, other] = PROXIES;
        let enabled = |data: &ClusterData, proxy: u8| data.proxy.enabled.contains(&proxy.into());
        world::pause(host(paused));
        cluster.until("one proxy", |data| !enabled(data, paused) && enabled(data, other)).await;
        assert!(cluster.write_through(other, "meanwhile").await.unwrap());
        world::resume(host(paused));
        cluster.until("both proxies", |data| enabled(data, paused)).await;
        assert_eq!(cluster.well().await, master);
        assert!(cluster.write_through(paused, "after").await.unwrap());
    });
}

#[test]
fn sentinel_enabled_proxies_stay_when_another_sentinel_leads() {
    case(Options::default(), |cluster| async move {
        cluster.well().await;
        let before = cluster.data().await.unwrap().proxy;
        for keeper in [4, 5, 6] {
            world::crash_process(host(keeper), "sentinel");
        }
        seconds(60).await;
        assert_eq!(cluster.data().await.unwrap().proxy, before);
        world::restart_process(host(4), "sentinel");
        seconds(60).await;
        assert_eq!(cluster.data().await.unwrap().proxy, before);
    });
}

#[test]
fn proxy_listening_it_routes_nowhere_only_when_the_store_is_away_for_longer_than_its_time_out() {
    case(Options::default(), |mut cluster| async move {
        cluster.well().await;
        let [proxy, _] = PROXIES;
        link(proxy, &all_stores(), false);
        seconds(6).await;
        assert!(cluster.write_through(proxy, "meanwhile").await.unwrap());
        link(proxy, &all_stores(), true);
        seconds(30).await;
        assert!(cluster.write_through(proxy, "after").await.unwrap());
        link(proxy, &all_stores(), false);
        seconds(30).await;
        assert!(cluster.write_through(proxy, "too late").await.unwrap_err().is_definite());
        link(proxy, &all_stores(), true);
        seconds(30).await;
        assert!(cluster.write_through(proxy, "again").await.unwrap());
    });
}
