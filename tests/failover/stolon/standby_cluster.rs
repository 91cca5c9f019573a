//! A cluster that is a standby of another, until it is promoted. Its families are with the others': Failover,
//! FailoverFailed, FailoverTooMuchLag, OldMasterRestart, Partition1, MasterChangedAddress and ForceFail.

use super::cluster::{
    KEEPERS, PROXIES, REMOTE, case, change, crash, is_synchronous, others, restart, standby_clusters, view,
    write,
};
use crate::support::{address, link, seconds};
use protocols::database::{Client, Replication, Role};
use protocols::stolon::{OperatorError, Options};
use serde_json::json;

#[test]
fn init_standby_cluster_it_copies_the_other_clusters_primary_and_follows_it() {
    for options in standby_clusters() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            assert_eq!(view(master).upstream, Some(address(REMOTE)));
            for standby in others(master) {
                assert_eq!(view(standby).upstream, Some(address(master)), "the others follow its master");
            }
            assert_eq!(view(REMOTE).standbys, [u32::from(master)]);
            cluster.write("after").await.unwrap();
            for key in ["begins", "after"] {
                cluster.everywhere(key, &KEEPERS).await;
            }
            let refused = cluster.write_through(PROXIES[0], "here").await;
            assert!(refused.unwrap_err().is_definite(), "it takes no writes");
        });
    }
}

#[test]
fn promote_standby_cluster_its_master_becomes_a_primary_on_a_new_timeline() {
    for options in standby_clusters() {
        let begins_synchronous = options.synchronous_replication;
        case(options, move |mut cluster| async move {
            let master = cluster.well().await;
            cluster.write("before").await.unwrap();
            seconds(1).await;
            let before = view(master).timeline.unwrap();
            cluster.operator().promote().await.unwrap();
            cluster.follows = false;
            assert_eq!(cluster.well().await, master, "the other primary need not have failed");
            assert_eq!(view(master).timeline.unwrap().number, before.number + 1);
            assert_eq!(is_synchronous(&cluster.data().await.unwrap().options), begins_synchronous);
            cluster.write("after").await.unwrap();
            for key in ["before", "after"] {
                cluster.everywhere(key, &KEEPERS).await;
            }
            assert_eq!(Client::new(address(REMOTE)).get("after").await.unwrap(), None, "they are two now");
            // It fails over as any other.
            crash(master);
            let elected = cluster.fails_over(master).await;
            assert_eq!(cluster.well_among(&others(master)).await, elected);
            cluster.everywhere("after", &others(master)).await;
            restart(master);
            assert_eq!(cluster.well().await, elected);
        });
    }
}

#[test]
fn promote_standby_cluster_after_the_other_one_is_gone_loses_only_what_was_under_way() {
    let [options, _] = standby_clusters();
    case(options, |mut cluster| async move {
        let master = cluster.well().await;
        cluster.write("copied").await.unwrap();
        seconds(1).await;
        link(REMOTE, &KEEPERS, false);
        cluster.write("lost").await.unwrap();
        crash(REMOTE);
        seconds(30).await;
        assert_eq!((view(master).role, view(master).replication), (Role::Standby, Replication::Unreachable));
        cluster.operator().promote().await.unwrap();
        cluster.follows = false;
        assert_eq!(cluster.well().await, master);
        cluster.write("after").await.unwrap();
        for key in ["begins", "copied", "after"] {
            cluster.everywhere(key, &KEEPERS).await;
        }
        assert_eq!(Client::new(address(PROXIES[0])).get("lost").await.unwrap(), None);
    });
}

#[test]
fn promote_standby_cluster_while_its_master_is_down_promotes_a_standby() {
    let [options, _] = standby_clusters();
    case(options, |mut cluster| async move {
        let former = cluster.well().await;
        crash(former);
        cluster.operator().promote().await.unwrap();
        cluster.follows = false;
        let master = cluster.fails_over(former).await;
        assert_eq!(cluster.well_among(&others(former)).await, master);
        cluster.write("after").await.unwrap();
        restart(former);
        assert_eq!(cluster.well().await, master);
        cluster.everywhere("after", &KEEPERS).await;
    });
}

#[test]
fn a_standby_cluster_goes_on_when_the_other_ones_primary_is_back() {
    let [options, _] = standby_clusters();
    case(options, |mut cluster| async move {
        let master = cluster.well().await;
        crash(REMOTE);
        seconds(60).await;
        assert_eq!(cluster.data().await.unwrap().master_keeper(), Some(master.into()), "nobody is elected");
        let read = Client::new(address(PROXIES[0])).get("begins").await.unwrap();
        assert!(read.is_some(), "what it has can be read");
        restart(REMOTE);
        assert_eq!(cluster.well().await, master);
        cluster.write("after").await.unwrap();
        cluster.everywhere("after", &KEEPERS).await;
    });
}

#[test]
fn a_cluster_with_a_primary_of_its_own_does_not_become_a_standby_of_another() {
    case(Options::default(), |mut cluster| async move {
        let master = cluster.well().await;
        let mut operator = cluster.operator();
        operator.promote().await.unwrap();
        let refused = operator.change_options(&change(json!({ "standby_of": address(REMOTE) }))).await;
        let expected = "standby_of: 10.0.0.9:7000 is not none, and the cluster has a primary of its own";
        assert!(matches!(refused, Err(OperatorError::Invalid(why)) if why == expected));
        assert_eq!(cluster.well().await, master);
        cluster.write("after").await.unwrap();
    });
}

#[test]
fn a_standby_cluster_is_sent_after_another_primary_by_an_operator() {
    let [options, _] = standby_clusters();
    case(options, |cluster| async move {
        let master = cluster.well().await;
        // The primary listens elsewhere from now on.
        let to = std::net::SocketAddr::new(address(REMOTE).ip(), 7100);
        cluster.moves(REMOTE, to);
        crash(REMOTE);
        restart(REMOTE);
        let moved = cluster.operator().change_options(&change(json!({ "standby_of": to }))).await;
        moved.unwrap();
        assert_eq!(cluster.well().await, master);
        assert_eq!(view(master).upstream, Some(to));
        assert!(write(Client::new(to), 99, "after").await.unwrap());
        cluster.everywhere("after", &KEEPERS).await;
    });
}
