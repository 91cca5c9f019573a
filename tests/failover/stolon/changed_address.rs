//! MasterChangedAddress: a database comes back listening elsewhere, on another port or under another address of its machine.
//! Its keeper says so, the sentinel writes it down, and standbys and proxies go there.

use super::cluster::{
    Cluster, KEEPERS, PROXIES, all_stores, case, crash, others, restart, standby_clusters, variants, view,
};
use crate::support::{address, link, seconds};
use protocols::database::Client;
use protocols::stolon::{ClusterData, Options};
use std::net::SocketAddr;

/// Where a database listens after it moved.
fn elsewhere(keeper: u8) -> [SocketAddr; 2] {
    let another_port = SocketAddr::new(address(keeper).ip(), 7100);
    let another_address = SocketAddr::from(([10, 0, 0, 50 + keeper], address(keeper).port()));
    [another_port, another_address]
}

fn listens(data: &ClusterData, keeper: u8, at: SocketAddr) -> bool {
    data.db_of(keeper.into()).is_some_and(|(_, db)| db.status.address == Some(at))
}

/// A keeper's machine dies, and its database listens elsewhere when it is back.
async fn move_to(cluster: &Cluster, keeper: u8, to: SocketAddr) {
    cluster.moves(keeper, to);
    crash(keeper);
    seconds(1).await;
    restart(keeper);
    cluster.until("known there", |data| listens(data, keeper, to)).await;
}

#[test]
fn master_changed_address_standbys_and_proxies_follow_it_there() {
    for options in variants().into_iter().chain(standby_clusters()) {
        for way in 0..elsewhere(0).len() {
            case(options.clone(), move |mut cluster| async move {
                let master = cluster.well().await;
                let (was, to) = (cluster.uid(master).await, elsewhere(master)[way]);
                move_to(&cluster, master, to).await;
                assert_eq!(cluster.well().await, master);
                assert_eq!(cluster.uid(master).await, was, "it is the same database");
                for standby in others(master) {
                    assert_eq!(view(standby).upstream, Some(to));
                }
                cluster.write("after").await.unwrap();
                cluster.everywhere("after", &KEEPERS).await;
                let nobody = Client::new(address(master)).get("after").await;
                assert!(nobody.unwrap_err().is_definite(), "nobody listens where it was");
            });
        }
    }
}

#[test]
fn master_changed_address_a_connection_through_a_proxy_ends_and_the_next_leads_there() {
    case(Options::default(), |cluster| async move {
        let master = cluster.well().await;
        let mut client = Client::new(address(PROXIES[0]));
        assert!(client.get("begins").await.unwrap().is_some());
        move_to(&cluster, master, elsewhere(master)[0]).await;
        cluster.well().await;
        assert!(client.get("begins").await.is_err(), "it was of a database that is gone");
        assert!(client.get("begins").await.unwrap().is_some());
    });
}

#[test]
fn standby_changed_address_writes_wait_for_it_there() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            for standby in others(master) {
                move_to(&cluster, standby, elsewhere(standby)[0]).await;
            }
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
            crash(master);
            let elected = cluster.fails_over(master).await;
            assert_eq!(cluster.well_among(&others(master)).await, elected);
            cluster.write("later").await.unwrap();
            cluster.everywhere("later", &others(master)).await;
        });
    }
}

#[test]
fn old_master_restart_elsewhere_it_follows_the_new_one() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            let to = elsewhere(former)[1];
            cluster.moves(former, to);
            crash(former);
            let master = cluster.fails_over(former).await;
            cluster.well_among(&others(former)).await;
            cluster.write("after").await.unwrap();
            restart(former);
            assert_eq!(cluster.well().await, master);
            assert!(listens(&cluster.data().await.unwrap(), former, to));
            cluster.everywhere("after", &KEEPERS).await;
        });
    }
}

#[test]
fn a_proxy_that_does_not_hear_where_the_master_listens_now_routes_nowhere() {
    case(Options::default(), |mut cluster| async move {
        let master = cluster.well().await;
        let [cut_off, other] = PROXIES;
        link(cut_off, &all_stores(), false);
        move_to(&cluster, master, elsewhere(master)[0]).await;
        seconds(12).await;
        assert!(cluster.write_through(other, "after").await.unwrap());
        assert!(cluster.write_through(cut_off, "lost").await.unwrap_err().is_definite());
        link(cut_off, &all_stores(), true);
        assert_eq!(cluster.well().await, master);
        assert!(cluster.write_through(cut_off, "later").await.unwrap());
        cluster.everywhere("later", &KEEPERS).await;
    });
}
