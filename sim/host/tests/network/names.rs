//! Names: what the name service says, and what machines remember.

use crate::support::Cluster;
use crate::{N1, N2, kind, ms, simulate, sleep};
use host::net::{TcpListener, TcpStream, lookup_host};
use host::world::{self, Death, MachineId};
use std::io::{self, ErrorKind};
use std::net::IpAddr;

fn set(name: &str, addresses: &[&str], ttl_ms: u64) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    world::with(|world| world.set_name(name, &addresses, ms(ttl_ms)));
}

/// What a machine takes a name for.
async fn seen(cluster: &Cluster, machine: MachineId, name: &'static str) -> io::Result<Vec<String>> {
    let addresses = cluster.on(machine, async move {
        let addresses = lookup_host((name, 80)).await?;
        Ok::<_, io::Error>(addresses.map(|address| address.ip().to_string()).collect())
    });
    addresses.await.unwrap()
}

#[test]
fn a_name_stands_for_what_the_service_says_in_its_order() {
    simulate(async |cluster| {
        set("db", &["10.0.0.2", "10.0.0.1"], 0);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.2", "10.0.0.1"]);
        assert_eq!(kind(seen(&cluster, N1, "cache").await), ErrorKind::NotFound);
    });
}

#[test]
fn each_machine_sees_a_change_when_what_it_remembers_has_expired() {
    simulate(async |cluster| {
        set("db", &["10.0.0.1"], 10_000);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.1"]);
        sleep(ms(6000)).await;
        set("db", &["10.0.0.2"], 10_000);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.1"], "it remembers");
        assert_eq!(seen(&cluster, N2, "db").await.unwrap(), ["10.0.0.2"], "it asks for the first time");
        sleep(ms(5000)).await;
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.2"]);
    });
}

#[test]
fn a_name_that_is_gone_is_believed_until_it_expires() {
    simulate(async |cluster| {
        set("db", &["10.0.0.1"], 10_000);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.1"]);
        set("db", &[], 0);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.1"]);
        assert_eq!(kind(seen(&cluster, N2, "db").await), ErrorKind::NotFound);
        sleep(ms(10_000)).await;
        assert_eq!(kind(seen(&cluster, N1, "db").await), ErrorKind::NotFound);
    });
}

#[test]
fn what_a_machine_remembers_survives_its_process_and_not_its_power() {
    simulate(async |cluster| {
        set("db", &["10.0.0.1"], 60_000);
        assert_eq!(seen(&cluster, N1, "db").await.unwrap(), ["10.0.0.1"]);
        set("db", &["10.0.0.2"], 60_000);
        for (death, address) in [(Death::Process, "10.0.0.1"), (Death::Power, "10.0.0.2")] {
            world::crash(N1, death);
            sleep(ms(10)).await;
            world::restart(N1);
            assert_eq!(seen(&cluster, N1, "db").await.unwrap(), [address]);
        }
    });
}

#[test]
fn the_name_of_a_machine_is_always_its_own() {
    simulate(async |cluster| {
        set("n2", &["10.0.0.1"], 0);
        assert_eq!(seen(&cluster, N1, "n2").await.unwrap(), ["10.0.0.2"]);
        assert_eq!(seen(&cluster, N1, "localhost").await.unwrap(), ["127.0.0.1"]);
    });
}

#[test]
fn who_dials_a_name_with_several_addresses_tries_each_in_turn() {
    simulate(async |cluster| {
        set("db", &["10.0.0.1", "10.0.0.2"], 0);
        let _listener = cluster.on(N2, TcpListener::bind("0.0.0.0:7000")).await.unwrap().unwrap();
        let stream = cluster.on(N1, TcpStream::connect("db:7000")).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap().to_string(), "10.0.0.2:7000");
        let refused = cluster.on(N1, TcpStream::connect("db:7001")).await.unwrap();
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
    });
}
