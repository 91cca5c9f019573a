//! The store's ZooKeeper face on a network: what was seen of ZooKeeper 3.8.0 with its Java client and with kazoo.

use crate::support::{self, host, link, seconds, stores};
use host::process;
use host::world;
use protocols::store::zookeeper::{Change, Error, Event, Fired, Kind, Mode, Options, Zookeeper};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The machine with another client, and that of the case.
const OTHER: u8 = 4;
const OWN: u8 = 5;

fn client(session_timeout: u64, client: Kind) -> Zookeeper {
    let session_timeout = Duration::from_secs(session_timeout);
    Zookeeper::new(stores(), Options { session_timeout, client, ..Options::default() })
}

/// Another client, with a session of 4 s: it is listed below `/app` by an ephemeral node.
async fn is_present() {
    let zookeeper = client(1, Kind::Java);
    let lists = async {
        while zookeeper.event().await != Event::Connected {}
        while zookeeper.create("/app/n4", "", Mode::Ephemeral).await.is_err() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        never = zookeeper.keep() => match never {},
        () = lists => {}
    }
}

/// Runs a case beside the other client.
fn beside_another<F: Future<Output = ()> + Send + 'static>(case: impl FnOnce() -> F + Send + 'static) {
    let boot = |_| Box::pin(process::run("owner", is_present)) as _;
    support::case(1, Box::new(boot), Box::new(|| Box::pin(case())));
}

/// Waits for its session, and does this with it.
async fn with_session<T>(zookeeper: &Zookeeper, does: impl Future<Output = T>) -> T {
    let does = async {
        while zookeeper.event().await != Event::Connected {}
        does.await
    };
    tokio::select! {
        never = zookeeper.keep() => match never {},
        done = does => done,
    }
}

/// The next watch that fires.
async fn fired(zookeeper: &Zookeeper) -> Fired {
    loop {
        if let Event::Watch(fired) = zookeeper.event().await {
            return fired;
        }
    }
}

#[test]
fn an_ephemeral_of_an_owner_that_was_killed_goes_after_3_to_5_seconds() {
    beside_another(|| async {
        let zookeeper = client(1, Kind::Java);
        let gone_after = with_session(&zookeeper, async {
            while zookeeper.children_and_watch("/app").await.unwrap() != BTreeSet::from(["n4".to_owned()]) {
                seconds(1).await;
            }
            seconds(3).await;
            let killed = Instant::now();
            world::crash_process(host(OTHER), "owner");
            let children = Fired { path: "/app".to_owned(), change: Change::ChildrenChanged };
            while fired(&zookeeper).await != children {}
            assert_eq!(zookeeper.children_and_watch("/app").await.unwrap(), BTreeSet::new());
            killed.elapsed()
        });
        let gone_after = gone_after.await;
        assert!((2_600..5_000).contains(&gone_after.as_millis()), "{gone_after:?}");
    });
}

#[test]
fn a_version_is_compared_and_an_ephemeral_stays_whose_it_is_when_another_sets_it() {
    beside_another(|| async {
        let zookeeper = client(10, Kind::Java);
        with_session(&zookeeper, async {
            zookeeper.create("/app/master", "n4", Mode::Persistent).await.unwrap();
            let again = zookeeper.create("/app/master", "n5", Mode::Persistent).await;
            assert!(matches!(again, Err(Error::NodeExists)), "{again:?}");
            zookeeper.set("/app/master", "n5", Some(0)).await.unwrap();
            let stale = zookeeper.set("/app/master", "n6", Some(0)).await;
            assert!(matches!(stale, Err(Error::BadVersion)), "{stale:?}");
            let node = zookeeper.get("/app/master").await.unwrap().unwrap();
            assert_eq!((&*node.data, node.version, node.owner), ("n5", 1, None));
            zookeeper.delete("/app/master", None).await.unwrap();
            let gone = zookeeper.set("/app/master", "n6", None).await;
            assert!(matches!(gone, Err(Error::NoNode)), "{gone:?}");
            seconds(5).await;
            zookeeper.set("/app/n4", "mine", None).await.unwrap();
            let seen = zookeeper.get("/app/n4").await.unwrap().unwrap();
            assert!(seen.owner.is_some() && seen.owner != zookeeper.session());
            zookeeper.recreate("/app/n4", &seen, "mine").await.unwrap();
            assert_eq!(zookeeper.get("/app/n4").await.unwrap().unwrap().owner, zookeeper.session());
        })
        .await;
    });
}

/// What a client is told of a node that is set twice while it is cut off, for less than its session lasts.
async fn told_after_a_cut(kind: Kind) -> Vec<Change> {
    let (zookeeper, other) = (client(20, kind), client(40, Kind::Java));
    let sets = async {
        while other.event().await != Event::Connected {}
        other.create("/app/master", "n4", Mode::Persistent).await.unwrap();
        while zookeeper.get_and_watch("/app/master").await.is_err() {}
        link(OWN, &[1, 2, 3], false);
        seconds(15).await;
        link(OWN, &[1, 2, 3], true);
        while other.set("/app/master", "n5", None).await.is_err() {}
        while other.set("/app/master", "n6", None).await.is_err() {}
        let mut told = Vec::new();
        while let Ok(fired) = timeout(Duration::from_secs(10), fired(&zookeeper)).await {
            told.push(fired.change);
        }
        told
    };
    let sets = async {
        tokio::select! {
            never = other.keep() => match never {},
            told = sets => told,
        }
    };
    let session = async {
        let told = with_session(&zookeeper, sets).await;
        assert!(zookeeper.session().is_some());
        told
    };
    session.await
}

#[test]
fn with_javas_client_a_watch_outlives_its_connection_and_kazoo_tells_none_and_forgets_it() {
    beside_another(|| async {
        assert_eq!(told_after_a_cut(Kind::Java).await, [Change::DataChanged]);
    });
    beside_another(|| async {
        assert_eq!(told_after_a_cut(Kind::Kazoo).await, [Change::None]);
    });
}
