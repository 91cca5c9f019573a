//! The daemons of keepalived and UCARP on a network: what was seen of the packages, beyond what rules alone decide.

use crate::support::host;
use host::net::UdpSocket;
use host::process;
use host::world::{self, Config, Latency, MachineId, lab};
use protocols::vrrp::{self, Keepalived, Operator, Order, Ucarp, Variant};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

const VIRTUAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 255, 254));
const NOBODY: [u32; 0] = [];
/// The third machine only listens, and gives orders.
const DAEMONS: u8 = 2;

fn at(machine: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, machine], 112))
}

fn daemon(id: u8, variant: Variant) -> vrrp::Config {
    vrrp::Config {
        id: id.into(),
        address: at(id),
        peers: (1..=DAEMONS + 1).filter(|peer| *peer != id).map(|peer| (peer.into(), at(peer))).collect(),
        virtual_addresses: vec![VIRTUAL],
        database: at(id),
        primary: SocketAddr::new(VIRTUAL, 7000),
        variant,
    }
}

/// Two daemons begin at the same time. The case is told that instant.
fn case<F: Future<Output = ()> + Send + 'static>(
    variants: [Variant; DAEMONS as usize],
    case: impl FnOnce(Clock) -> F + Send + 'static,
) {
    let latency = Latency::constant(Duration::from_millis(1));
    let config = Config { latency, ..Config::new(1, lab::machines(DAEMONS + 1)) };
    lab::run(config, async move |lab| {
        let clock = Clock(Instant::now());
        for (id, variant) in (1..).zip(variants) {
            lab.boot(move || {
                let config = daemon(id, variant.clone());
                async move {
                    let (notify, _scripts) = vrrp::notify();
                    process::run("daemon", || vrrp::run(config.clone(), notify.clone())).await.unwrap();
                }
            });
        }
        lab.on(lab.machine(), case(clock)).await.unwrap();
    });
}

/// Since when the daemons run.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    async fn is(self, ms: u64) {
        sleep_until(self.0 + Duration::from_millis(ms)).await;
    }

    /// Who has the address then.
    async fn owners(self, ms: u64) -> Vec<u32> {
        self.is(ms).await;
        world::with(|world| world.holders(VIRTUAL).map(MachineId::number).collect())
    }
}

fn keepalived(priorities: [u8; 2]) -> [Variant; 2] {
    priorities.map(|priority| Variant::Keepalived(Keepalived { priority, ..Keepalived::default() }))
}

#[test]
fn a_backup_takes_over_when_its_timer_ends_and_who_was_killed_keeps_the_address() {
    case(keepalived([150, 100]), |clock| async move {
        assert_eq!(clock.owners(3_380).await, NOBODY);
        assert_eq!(clock.owners(3_450).await, [1]);
        clock.is(9_500).await;
        world::crash_process(host(1), "daemon");
        // 3.61 s after the last advert, of 9.414 s.
        assert_eq!(clock.owners(13_000).await, [1]);
        assert_eq!(clock.owners(13_050).await, [1, 2]);
    });
}

#[test]
fn a_daemon_that_is_restarted_is_succeeded_after_the_skew_alone_and_the_stronger_takes_the_address_back() {
    case(keepalived([150, 100]), |clock| async move {
        clock.is(10_000).await;
        Operator::new(vec![at(2), at(1)]).order(Order::Restart).await.unwrap();
        assert_eq!(clock.owners(10_580).await, NOBODY);
        assert_eq!(clock.owners(10_650).await, [2]);
        assert_eq!(clock.owners(13_380).await, [2]);
        assert_eq!(clock.owners(13_450).await, [1]);
    });
}

#[test]
fn a_master_that_stood_still_answers_each_advert_that_waited_and_stays_the_master() {
    case(keepalived([150, 100]), |clock| async move {
        let socket = UdpSocket::bind(at(3)).await.unwrap();
        clock.is(10_000).await;
        world::pause_process(host(1), "daemon");
        assert_eq!(clock.owners(13_050).await, [1, 2], "the address stays all the time");
        assert_eq!(clock.owners(19_990).await, [1, 2]);
        let heard_of_n1 = || {
            let mut buffer = [0; 100];
            std::iter::from_fn(|| socket.try_recv_from(&mut buffer).ok())
                .filter(|(_, from)| *from == at(1))
                .count()
        };
        heard_of_n1();
        clock.is(20_000).await;
        world::resume_process(host(1), "daemon");
        assert_eq!(clock.owners(20_015).await, [1]);
        assert_eq!(heard_of_n1(), 8, "an answer to each of seven, and its own, which was due");
    });
}

#[test]
fn two_ucarps_that_begin_together_are_both_masters_for_up_to_a_second() {
    let ucarp = || Variant::Ucarp(Ucarp::default());
    case([ucarp(), ucarp()], |clock| async move {
        assert_eq!(clock.owners(2_950).await, NOBODY);
        assert_eq!(clock.owners(3_005).await, [1, 2]);
        assert_eq!(clock.owners(4_100).await, [1]);
    });
}

#[test]
fn a_ucarp_that_is_told_to_step_back_is_succeeded_within_five_seconds() {
    let ucarp = |advskew| Variant::Ucarp(Ucarp { advskew, ..Ucarp::default() });
    case([ucarp(0), ucarp(100)], |clock| async move {
        clock.is(10_000).await;
        assert_eq!(clock.owners(10_000).await, [1]);
        Operator::new(vec![at(1), at(2)]).order(Order::Demote).await.unwrap();
        assert_eq!(clock.owners(10_050).await, NOBODY, "the down script takes the address away");
        assert_eq!(clock.owners(15_200).await, [2], "it does not preempt");
        assert_eq!(clock.owners(30_000).await, [2]);
    });
}

#[test]
fn nobody_takes_an_order_who_is_no_master() {
    case(keepalived([150, 100]), |clock| async move {
        clock.is(10_000).await;
        let refused = Operator::new(vec![at(2)]).order(Order::Restart).await.unwrap_err();
        assert_eq!(refused.to_string(), "nobody who answers is the master");
        assert_eq!(clock.owners(12_000).await, [1]);
    });
}
