//! Streaming, promotion, rewinding, cloning, synchronous commit.

use crate::cluster::{Cluster, address, case, host, seconds};
use host::world::{self, Death};
use protocols::database::{Condition, Flaw, Options, Refusal, Repair, Replication, Role, Start, Sync};

#[test]
fn standbys_have_what_the_primary_has_and_are_read_only() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        assert!(cluster.write(1, "a", 1).await.unwrap());
        assert!(cluster.write_if(1, "a", 2, Condition::Is("1".to_owned())).await.unwrap());
        assert!(!cluster.write_if(1, "a", 3, Condition::Absent).await.unwrap());
        seconds(1.0).await;
        for id in 1..=3 {
            assert_eq!(cluster.read(id, "a").await.unwrap().as_deref(), Some("2"), "of {id}");
        }
        let refused = cluster.write(2, "a", 4).await.unwrap_err();
        assert_eq!(refused.to_string(), Refusal::ReadOnly.to_string());
    });
}

#[test]
fn a_stream_lasts_while_nothing_is_written() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        for _ in 0..200 {
            seconds(0.2).await;
            assert_eq!(cluster.view(1).standbys, [2, 3]);
            cluster.is(2, Role::Standby, Replication::Streaming);
        }
    });
}

#[test]
fn a_promoted_standby_begins_a_timeline_and_the_old_primary_rewinds() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.write(1, "a", 1).await.unwrap();
        seconds(1.0).await;
        cluster.isolate(1, &[2, 3]);
        cluster.write(1, "a", 2).await.unwrap();
        cluster.supervisor(2).promote().await.unwrap();
        let promoted = cluster.status(2).await;
        assert_eq!((promoted.upstream, promoted.replication), (None, Replication::Idle), "it follows nobody");
        cluster.follow(3, 2, Repair::No).await;
        cluster.write(2, "b", 3).await.unwrap();
        cluster.reconnect(1, &[2, 3]);
        cluster.supervisor(1).stop().await.unwrap();
        cluster.start_standby(1, 2, Repair::No).await;
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Diverged);
        cluster.is(3, Role::Standby, Replication::Streaming);
        cluster.follow(1, 2, Repair::Rewind).await;
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Streaming);
        for id in 1..=3 {
            assert_eq!(cluster.status(id).await.timeline().map(|timeline| timeline.number), Some(2));
            assert_eq!(cluster.read(id, "a").await.unwrap().as_deref(), Some("1"), "of {id}");
            assert_eq!(cluster.read(id, "b").await.unwrap().as_deref(), Some("3"), "of {id}");
        }
    });
}

#[test]
fn a_standby_streams_from_a_standby_and_follows_it_onto_a_new_timeline() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.follow(3, 2, Repair::No).await;
        cluster.write(1, "a", 1).await.unwrap();
        seconds(1.0).await;
        assert_eq!((cluster.view(1).standbys, cluster.view(2).standbys), (vec![2], vec![3]));
        assert_eq!(cluster.read(3, "a").await.unwrap().as_deref(), Some("1"));
        // The one in between begins a timeline, and then it is the first that follows.
        cluster.supervisor(2).promote().await.unwrap();
        cluster.supervisor(1).stop().await.unwrap();
        cluster.write(2, "b", 2).await.unwrap();
        cluster.start_standby(1, 3, Repair::RewindOrClone).await;
        cluster.write(2, "c", 3).await.unwrap();
        seconds(2.0).await;
        assert_eq!((cluster.view(2).standbys, cluster.view(3).standbys), (vec![3], vec![1]));
        for id in 1..=3 {
            assert_eq!(cluster.status(id).await.timeline().map(|timeline| timeline.number), Some(2));
            assert_eq!(cluster.read(id, "c").await.unwrap().as_deref(), Some("3"), "of {id}");
        }
    });
}

#[test]
fn what_a_standby_cuts_its_own_standbys_do_not_keep() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.follow(2, 1, Repair::No).await;
        seconds(1.0).await;
        cluster.isolate(2, &[3]);
        cluster.isolate(1, &[3]);
        // 1 leads 2, and 3 is promoted: what they write now is gone later.
        cluster.write(1, "a", 1).await.unwrap();
        seconds(1.0).await;
        cluster.supervisor(3).promote().await.unwrap();
        cluster.write(3, "b", 2).await.unwrap();
        cluster.reconnect(1, &[3]);
        cluster.supervisor(1).stop().await.unwrap();
        cluster.start_standby(1, 3, Repair::Rewind).await;
        cluster.write(3, "c", 3).await.unwrap();
        seconds(3.0).await;
        // Its upstream has cut what it has, and it may not.
        cluster.is(2, Role::Standby, Replication::Diverged);
        cluster.follow(2, 1, Repair::Rewind).await;
        seconds(2.0).await;
        cluster.is(2, Role::Standby, Replication::Streaming);
        assert_eq!((cluster.view(3).standbys, cluster.view(1).standbys), (vec![1], vec![2]));
        assert_eq!(cluster.read(2, "a").await.unwrap(), None);
        assert_eq!(cluster.read(2, "c").await.unwrap().as_deref(), Some("3"));
    });
}

#[test]
fn with_its_flaw_a_diverged_standby_streams_and_differs_for_ever() {
    let options = Options { flaw: Some(Flaw::UnrewoundRejoin), ..Options::default() };
    case(options, |cluster| async move {
        cluster.start().await;
        cluster.isolate(1, &[2, 3]);
        cluster.write(1, "a", 2).await.unwrap();
        cluster.supervisor(2).promote().await.unwrap();
        cluster.write(2, "b", 3).await.unwrap();
        cluster.reconnect(1, &[2, 3]);
        cluster.supervisor(1).stop().await.unwrap();
        cluster.start_standby(1, 2, Repair::Rewind).await;
        cluster.write(2, "b", 4).await.unwrap();
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Streaming);
        assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("2"));
        assert_eq!(cluster.read(2, "a").await.unwrap(), None);
    });
}

#[test]
fn a_standby_that_is_too_far_behind_takes_a_copy_while_writes_go_on() {
    let options = Options { checkpoint_bytes: 2000, entries_kept: 5, ..Options::default() };
    case(options, |cluster| async move {
        cluster.supervisor(1).start(Start::Primary).await.unwrap();
        for value in 1..=100 {
            cluster.write(1, &format!("k{}", value % 7), value).await.unwrap();
        }
        cluster.start_standby(2, 1, Repair::Rewind).await;
        seconds(1.0).await;
        cluster.is(2, Role::Standby, Replication::TooFarBehind);
        cluster.follow(2, 1, Repair::RewindOrClone).await;
        for value in 101..=150 {
            cluster.write(1, &format!("k{}", value % 7), value).await.unwrap();
        }
        seconds(2.0).await;
        cluster.is(2, Role::Standby, Replication::Streaming);
        assert_eq!(cluster.view(1).durable, cluster.view(2).durable);
        for key in 0..7 {
            let key = format!("k{key}");
            assert_eq!(cluster.read(1, &key).await.unwrap(), cluster.read(2, &key).await.unwrap());
        }
        // What was copied is durable.
        cluster.crash(2, Death::Power);
        cluster.restart(2);
        cluster.start_standby(2, 1, Repair::No).await;
        seconds(2.0).await;
        cluster.is(2, Role::Standby, Replication::Streaming);
    });
}

#[test]
fn a_write_waits_for_a_standby_of_the_list_and_for_no_other() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.sync(1, &[2]).await;
        assert!(cluster.write(1, "a", 1).await.unwrap());
        cluster.isolate(2, &[1]);
        let waited = cluster.write(1, "a", 2).await.unwrap_err();
        assert!(!waited.is_definite(), "{waited}");
        assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("1"), "it is not visible yet");
        cluster.reconnect(2, &[1]);
        seconds(10.0).await;
        assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("2"));
    });
}

#[test]
fn a_write_that_waited_when_the_primary_crashed_is_not_read_before_a_standby_has_it() {
    for (flaw, read) in [(None, None), (Some(Flaw::TimedOutSyncCommit), Some("2"))] {
        case(Options { flaw, ..Options::default() }, move |cluster| async move {
            cluster.start().await;
            cluster.sync(1, &[2]).await;
            cluster.write(1, "a", 1).await.unwrap();
            cluster.isolate(1, &[2, 3]);
            cluster.write(1, "a", 2).await.unwrap_err();
            cluster.crash(1, Death::Process);
            cluster.restart(1);
            cluster.supervisor(1).start(Start::Primary).await.unwrap();
            assert_eq!(cluster.read(1, "a").await.ok().flatten().as_deref(), read, "{flaw:?}");
            cluster.reconnect(1, &[2, 3]);
            seconds(15.0).await;
            assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("2"));
        });
    }
}

#[test]
fn a_stopped_primary_has_handed_over_all_that_it_had() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        for value in 1..=20 {
            cluster.write(1, "a", value).await.unwrap();
        }
        cluster.supervisor(1).stop().await.unwrap();
        let durable = cluster.status(1).await.durable;
        assert_eq!([cluster.view(2).durable, cluster.view(3).durable], [durable; 2]);
        let refused = cluster.write(1, "a", 21).await.unwrap_err();
        assert_eq!(refused.to_string(), Refusal::NotRunning.to_string());
        cluster.supervisor(2).promote().await.unwrap();
        cluster.follow(3, 2, Repair::No).await;
        cluster.start_standby(1, 2, Repair::No).await;
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Streaming);
        cluster.is(3, Role::Standby, Replication::Streaming);
    });
}

#[test]
fn connections_that_died_while_a_primary_stood_still_do_not_hide_the_one_that_lives() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.sync(1, &[2]).await;
        world::pause(host(1));
        // Its standbys dial again and again, and its kernel takes every connection.
        seconds(60.0).await;
        world::resume(host(1));
        seconds(10.0).await;
        assert!(cluster.write(1, "a", 1).await.unwrap());
    });
}

/// PostgreSQL 17.12, seen: the first start loops every 5 s, the second is fatal, and the process is gone.
#[test]
fn a_diverged_standby_that_is_not_to_repair_that_does_not_start_a_second_time() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.isolate(1, &[2, 3]);
        cluster.write(1, "a", 1).await.unwrap();
        cluster.supervisor(2).promote().await.unwrap();
        cluster.reconnect(1, &[2, 3]);
        cluster.supervisor(1).stop().await.unwrap();
        cluster.start_standby(1, 2, Repair::No).await;
        seconds(60.0).await;
        cluster.is(1, Role::Standby, Replication::Diverged);
        cluster.supervisor(1).stop().await.unwrap();
        let again = Start::Standby { upstream: Some(address(2)), repair: Repair::No };
        let refused = cluster.supervisor(1).start(again).await.unwrap_err();
        assert!(
            refused.to_string().ends_with("the timeline is not a child of this log's history"),
            "{refused}"
        );
        cluster.is(1, Role::Stopped, Replication::Idle);
        cluster.start_standby(1, 2, Repair::Rewind).await;
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Streaming);
        // It has not diverged any more.
        cluster.supervisor(1).stop().await.unwrap();
        cluster.start_standby(1, 2, Repair::No).await;
        seconds(2.0).await;
        cluster.is(1, Role::Standby, Replication::Streaming);
    });
}

/// PostgreSQL 17.12, seen: nothing but a cancel, a termination, a shutdown and an emptied list ends the wait.
#[test]
fn a_write_waits_for_its_standby_for_as_long_as_it_takes_and_an_emptied_list_lets_it_go() {
    case(Options::default(), |cluster| async move {
        cluster.start().await;
        cluster.sync(1, &[2]).await;
        cluster.isolate(1, &[2, 3]);
        cluster.write(1, "a", 1).await.unwrap_err();
        // Whoever wrote it has gone.
        seconds(3600.0).await;
        assert_eq!(cluster.read(1, "a").await.unwrap(), None);
        cluster.supervisor(1).set_sync(Sync::default()).await.unwrap();
        assert_eq!(cluster.read(1, "a").await.unwrap().as_deref(), Some("1"));
    });
}

/// Both standbys are promoted apart, write, and then the second is to follow the first. `first`: what is written before
/// the second is promoted, with the first not there.
async fn both_promoted(cluster: Cluster, first: &[u64]) {
    cluster.start().await;
    cluster.isolate(3, &[1, 2]);
    for value in first {
        cluster.write(1, "before", *value).await.unwrap();
    }
    seconds(1.0).await;
    cluster.supervisor(1).stop().await.unwrap();
    for (id, value) in [(2, 20), (3, 30)] {
        cluster.supervisor(id).promote().await.unwrap();
        cluster.write(id, "a", value).await.unwrap();
    }
    cluster.reconnect(3, &[1, 2]);
    cluster.supervisor(3).stop().await.unwrap();
    cluster.start_standby(3, 2, Repair::RewindOrClone).await;
    seconds(60.0).await;
}

/// PostgreSQL 17.12, seen: it streams at lag 0, and keeps a row that its upstream never had.
#[test]
fn two_timelines_of_one_number_are_told_apart_unless_that_is_the_flaw() {
    for (flaw, read) in [(None, "20"), (Some(Flaw::EqualTimelines), "30")] {
        case(Options { flaw, ..Options::default() }, move |cluster| async move {
            both_promoted(cluster, &[]).await;
            cluster.is(3, Role::Standby, Replication::Streaming);
            assert_eq!(cluster.read(3, "a").await.unwrap().as_deref(), Some(read), "{flaw:?}");
        });
    }
}

/// PostgreSQL 17.12, seen: forked elsewhere it logs "invalid record length" every 5 s for ever.
#[test]
fn timelines_of_one_number_that_begin_elsewhere_wait_for_ever_under_the_flaw() {
    for (flaw, replication) in
        [(None, Replication::Streaming), (Some(Flaw::EqualTimelines), Replication::Unreachable)]
    {
        case(Options { flaw, ..Options::default() }, move |cluster| async move {
            both_promoted(cluster, &[1, 2]).await;
            cluster.is(3, Role::Standby, replication);
        });
    }
}
