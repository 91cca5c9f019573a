//! A pooler in front of one database, each on a machine of its own: what PgBouncer does about clients that have gone.

use host::disk::Disk;
use host::net::{TcpListener, TcpStream};
use host::world::{Config, Latency, lab};
use protocols::bouncer::{self, Console, Scope};
use protocols::database::{self, Client, ClientError, Condition, Start, Supervisor, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::time::sleep;

const POOLER: u8 = 1;
const DATABASE: u8 = 2;
/// It passes on all connections to the database, and counts them.
const RELAY: u8 = 3;

fn at(machine: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, machine], 7000))
}

fn console() -> SocketAddr {
    SocketAddr::new(at(POOLER).ip(), 6432)
}

/// Runs a case, on the fourth machine, with a database that takes writes. It is told how many logins the pooler has made.
fn case<F: Future<Output = ()> + Send + 'static>(case: impl FnOnce(Arc<AtomicUsize>) -> F + Send + 'static) {
    let latency = Latency::constant(Duration::from_millis(1));
    let logins = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&logins);
    lab::run(Config { latency, ..Config::new(1, lab::machines(4)) }, async move |lab| {
        lab.boot(async || {
            let options = bouncer::Options::default();
            let config =
                bouncer::Config { listen: at(POOLER), console: console(), target: at(RELAY), options };
            bouncer::run(config, Disk::of_this_machine()).await
        });
        lab.boot(async || {
            let options = database::Options::default();
            let config = database::Config { id: DATABASE.into(), address: at(DATABASE), options };
            database::run(config, Disk::of_this_machine()).await
        });
        lab.boot(move || relay(Arc::clone(&counts)));
        let ran = lab.on(lab.machine(), async move {
            sleep(Duration::from_secs(1)).await;
            Supervisor::new(at(DATABASE)).start(Start::Primary).await.unwrap();
            case(logins).await;
        });
        ran.await.unwrap();
    });
}

async fn relay(logins: Arc<AtomicUsize>) {
    let listener = TcpListener::bind(at(RELAY)).await.unwrap();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        logins.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let mut server = TcpStream::connect(at(DATABASE)).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

/// A client that asks the pooler to write under a key, and leaves after so long.
async fn writes(key: &'static str, id: u64, patience: Duration) -> Result<bool, ClientError> {
    let write = Write { id, key: key.to_owned(), value: "written".to_owned(), condition: Condition::None };
    Client::new(at(POOLER)).patience(patience).write(write).await
}

async fn is_written(key: &str) -> bool {
    Client::new(at(DATABASE)).get(key).await.unwrap().is_some()
}

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(30);

/// PgBouncer's `sbuf.c`: `sbuf_pause` takes a client that waits out of the event loop, so that nobody sees it leave; when
/// its turn comes `sbuf_continue` reads its query and its `Terminate` at once, and `disconnect_client` (`objects.c`)
/// closes both ends, "client disconnect while server was not ready", before the query is sent. 1.18.0 was seen to do so.
#[test]
fn a_client_that_left_while_it_waited_costs_a_login_and_what_it_asked_for_is_not_done() {
    case(async |logins| {
        assert!(writes("first", 1, LONG).await.unwrap());
        let before = logins.load(Ordering::Relaxed);
        Console::new(console()).pause(Scope::Pooler).await.unwrap();
        for id in [2, 3] {
            assert!(!writes("gone", id, SHORT).await.unwrap_err().is_definite());
        }
        Console::new(console()).resume(Scope::Pooler).await.unwrap();
        assert!(writes("stays", 4, LONG).await.unwrap());
        assert_eq!(logins.load(Ordering::Relaxed) - before, 3, "one for each who has gone, and one");
        assert!(is_written("stays").await && !is_written("gone").await);
    });
}

#[test]
fn clients_that_stayed_while_they_waited_are_served() {
    case(async |logins| {
        assert!(writes("first", 1, LONG).await.unwrap());
        let before = logins.load(Ordering::Relaxed);
        Console::new(console()).pause(Scope::Pooler).await.unwrap();
        let waits = tokio::spawn(writes("waits", 2, LONG));
        sleep(SHORT).await;
        assert!(!is_written("waits").await);
        Console::new(console()).resume(Scope::Pooler).await.unwrap();
        assert!(waits.await.unwrap().unwrap());
        assert_eq!(logins.load(Ordering::Relaxed) - before, 1);
        assert!(is_written("waits").await);
    });
}
