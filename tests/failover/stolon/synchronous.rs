//! Strict synchronous replication: what was acknowledged is there, or nobody is elected.

use super::cluster::{Cluster, KEEPERS, case, change, crash, others, restart, synchronous, write};
use crate::support::{address, link, seconds};
use protocols::database::Client;
use protocols::stolon::{Flaw, OperatorError, Options};
use serde_json::json;

/// The master and the standby that writes wait for die; the other standby lacks what was acknowledged last. Returns
/// the master, the synchronous standby, the other.
async fn only_one_behind_is_left(cluster: &mut Cluster) -> (u8, u8, u8) {
    let master = cluster.well().await;
    let (waited_for, others) = cluster.standbys().await;
    let (in_sync, behind) = (waited_for[0], others[0]);
    link(behind, &KEEPERS, false);
    cluster.write("acknowledged").await.unwrap();
    crash(in_sync);
    crash(master);
    seconds(60).await;
    (master, in_sync, behind)
}

#[test]
fn timeline_fork_sync_the_standby_that_is_behind_is_not_elected() {
    case(synchronous(), |mut cluster| async move {
        let (master, in_sync, behind) = only_one_behind_is_left(&mut cluster).await;
        assert_eq!(cluster.data().await.unwrap().master_keeper(), Some(master.into()));
        link(behind, &KEEPERS, true);
        restart(in_sync);
        assert_eq!(cluster.fails_over(master).await, in_sync);
        assert_eq!(cluster.well_among(&[in_sync, behind]).await, in_sync);
        cluster.everywhere("acknowledged", &[in_sync, behind]).await;
    });
}

#[test]
fn a_flawed_sentinel_elects_it_and_loses_what_was_acknowledged() {
    let options = Options { flaw: Some(Flaw::SyncStandbyNotChecked), ..synchronous() };
    case(options, |mut cluster| async move {
        let (_, in_sync, behind) = only_one_behind_is_left(&mut cluster).await;
        assert_eq!(cluster.data().await.unwrap().master_keeper(), Some(behind.into()));
        link(behind, &KEEPERS, true);
        restart(in_sync);
        cluster.well_among(&[in_sync, behind]).await;
        assert_eq!(Client::new(address(behind)).get("acknowledged").await.unwrap(), None);
    });
}

#[test]
fn sync_standby_not_in_sync_what_waits_for_one_is_not_seen_before_it_is_back_or_no_longer_needed() {
    for (min, without) in [(1, false), (0, true)] {
        let options = Options { min_synchronous_standbys: min, ..synchronous() };
        case(options, move |mut cluster| async move {
            let master = cluster.well().await;
            let standbys = others(master);
            standbys.iter().for_each(|standby| crash(*standby));
            let waits = tokio::spawn(write(Client::new(address(master)), 99, "waits"));
            seconds(1).await;
            crash(master);
            assert!(
                !waits.await.unwrap().unwrap_err().is_definite(),
                "it is in the log, and with nobody else"
            );
            restart(master);
            seconds(60).await;
            let read = Client::new(address(master)).get("waits").await;
            assert_eq!(read.is_ok_and(|value| value.is_some()), without);
            standbys.iter().for_each(|standby| restart(*standby));
            assert_eq!(cluster.well().await, master);
            cluster.everywhere("waits", &KEEPERS).await;
            cluster.write("after").await.unwrap();
        });
    }
}

#[test]
fn another_standby_takes_the_place_of_a_synchronous_one_that_died() {
    case(synchronous(), |mut cluster| async move {
        let master = cluster.well().await;
        let (waited_for, others) = cluster.standbys().await;
        crash(waited_for[0]);
        assert_eq!(cluster.well_among(&[master, others[0]]).await, master);
        cluster.write("after").await.unwrap();
        crash(master);
        // It waits for a second one, which is not there, before it takes writes.
        assert_eq!(cluster.fails_over(master).await, others[0]);
        restart(waited_for[0]);
        assert_eq!(cluster.well_among(&[others[0], waited_for[0]]).await, others[0]);
        cluster.everywhere("after", &[others[0], waited_for[0]]).await;
    });
}

#[test]
fn a_master_without_synchronous_standbys_takes_no_writes_unless_it_may() {
    for (min, takes) in [(1, false), (0, true)] {
        let options = Options { min_synchronous_standbys: min, ..synchronous() };
        case(options, move |mut cluster| async move {
            let master = cluster.well().await;
            let (waited_for, others) = cluster.standbys().await;
            waited_for.iter().chain(&others).for_each(|standby| crash(*standby));
            seconds(60).await;
            assert_eq!(cluster.write("alone").await.is_ok(), takes);
            waited_for.iter().chain(&others).for_each(|standby| restart(*standby));
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
        });
    }
}

#[test]
fn an_operator_switches_synchronous_replication_on_and_off() {
    case(Options::default(), |mut cluster| async move {
        let master = cluster.well().await;
        let mut operator = cluster.operator();
        for on in [true, false] {
            operator.change_options(&change(json!({ "synchronous_replication": on }))).await.unwrap();
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
        }
        let refused = operator.change_options(&change(json!({ "max_synchronous_standbys": 0 }))).await;
        let expected = "max_synchronous_standbys: 0 is below 1";
        assert!(matches!(refused, Err(OperatorError::Invalid(why)) if why == expected));
    });
}
