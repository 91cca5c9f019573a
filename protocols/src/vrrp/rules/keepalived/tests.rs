//! What keepalived 2.3.3 was seen to do, as far as it follows from its rules.

use super::*;
use crate::vrrp::options::Check;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 77, 0, last])
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// On 10.77.0.2, begun at 0.
fn begun(options: Options) -> Keepalived {
    let mut router = Keepalived::new(options, ip(2));
    router.start(Duration::ZERO);
    router
}

fn with_priority(priority: u8) -> Options {
    Options { priority, ..Options::default() }
}

fn master(options: Options) -> Keepalived {
    let mut router = begun(options);
    let due = router.due();
    router.tick(due);
    assert_eq!(router.state(), State::Master);
    router
}

fn advert(priority: u8) -> Advert {
    Advert { version: 2, priority, interval: ms(1000), password: None }
}

fn hear(router: &mut Keepalived, at: u64, from: u8, advert: Advert) -> Vec<Act> {
    router.heard(ms(at), ip(from), &Message::Vrrp(advert))
}

/// When it takes over, in ms, if it hears nothing more.
fn takes_over(router: &Keepalived) -> u128 {
    assert_eq!(router.state(), State::Backup);
    router.due().as_millis()
}

fn sends(priority: u8) -> Act {
    Act::Send(Message::Vrrp(advert(priority)))
}

#[test]
fn a_backup_takes_over_after_three_intervals_and_its_skew() {
    assert_eq!(takes_over(&begun(with_priority(100))), 3609);
    assert_eq!(takes_over(&begun(with_priority(150))), 3414);
}

#[test]
fn the_skew_scales_with_the_interval_in_v3_and_never_in_v2() {
    let of = |version| Options { version, advert_int: ms(3000), ..with_priority(100) };
    assert_eq!(takes_over(&begun(of(Version::V2))), 9609);
    assert_eq!(takes_over(&begun(of(Version::V3))), 10_828);
}

#[test]
fn state_master_has_an_effect_with_priority_255_alone() {
    let of = |state, priority| begun(Options { state, ..with_priority(priority) });
    assert_eq!(takes_over(&of(Initial::Master, 254)), 3007);
    assert_eq!(takes_over(&of(Initial::Backup, 255)), 3003);
    assert_eq!(of(Initial::Master, 255).state(), State::Master);
}

#[test]
fn state_master_clears_nopreempt() {
    let of = |state| {
        let mut router = begun(Options { nopreempt: true, state, ..with_priority(150) });
        hear(&mut router, 3000, 1, advert(100));
        takes_over(&router)
    };
    assert_eq!(of(Initial::Master), 3414, "the weaker one's advert counts for nothing");
    assert_eq!(of(Initial::Backup), 6414);
}

#[test]
fn who_takes_over_says_so_then_adds_the_address_then_announces_it_then_notifies() {
    let mut router = begun(with_priority(100));
    assert_eq!(router.tick(ms(3000)), []);
    let acts = router.tick(ms(3610));
    assert_eq!(acts, [sends(100), Act::Claim, Act::Announce(5), Act::Run(State::Master)]);
    // Five more, 5 s later.
    let later: Vec<(u128, Vec<Act>)> = (0..6)
        .map(|_| {
            let due = router.due();
            (due.as_millis(), router.tick(due))
        })
        .collect();
    assert_eq!(later[0], (4610, vec![sends(100)]));
    assert_eq!(later[4], (8610, vec![Act::Announce(5), sends(100)]));
    assert_eq!(later[5], (9610, vec![sends(100)]));
}

#[test]
fn after_priority_0_a_backup_waits_for_its_skew_alone() {
    let mut router = begun(with_priority(100));
    hear(&mut router, 2000, 1, advert(150));
    assert_eq!(takes_over(&router), 5609);
    hear(&mut router, 2500, 1, advert(0));
    assert_eq!(takes_over(&router), 3109, "0.61 s later");
}

#[test]
fn a_daemon_that_ends_says_goodbye_before_the_address_goes() {
    let mut router = master(with_priority(100));
    let acts = router.order(ms(9000), Order::Restart);
    let farewell = [sends(0), Act::Release, Act::Run(State::Stopped)];
    assert_eq!(acts[..3], farewell);
    assert_eq!(acts[3..], [Act::Release, Act::Run(State::Backup)], "and begins anew");
    assert_eq!(takes_over(&router), 12_609);
}

#[test]
fn a_backup_that_is_stronger_drops_adverts_and_takes_over_when_it_would_have() {
    let mut router = begun(with_priority(150));
    hear(&mut router, 1000, 1, advert(150));
    hear(&mut router, 2000, 1, advert(100));
    assert_eq!(takes_over(&router), 4414, "3.4 s after the last that it accepted");
    hear(&mut router, 2500, 1, advert(200));
    assert_eq!(takes_over(&router), 5914);
}

#[test]
fn a_master_answers_each_weaker_advert_and_stays() {
    let mut router = master(with_priority(150));
    for at in [5000, 5001, 5002] {
        assert_eq!(hear(&mut router, at, 1, advert(100)), [sends(150), Act::Announce(5)]);
    }
    // Of equals the one with the higher address is stronger: it has 10.77.0.2.
    assert_eq!(hear(&mut router, 5003, 1, advert(150)), [sends(150), Act::Announce(5)]);
    assert_eq!(router.state(), State::Master);
    let mut silent = master(Options { garp_lower_prio_repeat: 0, ..with_priority(150) });
    assert_eq!(hear(&mut silent, 5000, 1, advert(100)), [sends(150)]);
}

#[test]
fn a_master_that_hears_a_stronger_one_goes_without_a_word() {
    for (from, priority) in [(1, 200), (9, 100)] {
        let mut router = master(with_priority(100));
        assert_eq!(hear(&mut router, 5000, from, advert(priority)), [Act::Release, Act::Run(State::Backup)]);
        assert_eq!(takes_over(&router), 8609);
    }
}

#[test]
fn another_password_and_in_v2_another_interval_make_two_masters_for_good() {
    let with_password = || Options { password: Some("a".to_owned()), ..with_priority(100) };
    let of = |password: Option<&str>, interval| Advert {
        password: password.map(str::to_owned),
        interval: ms(interval),
        ..advert(200)
    };
    for wrong in [of(Some("b"), 1000), of(None, 1000), of(Some("a"), 2000)] {
        let mut router = master(with_password());
        assert_eq!(hear(&mut router, 5000, 9, wrong), []);
        assert_eq!(router.state(), State::Master);
    }
    let mut router = master(with_password());
    hear(&mut router, 5000, 9, of(Some("a"), 1000));
    assert_eq!(router.state(), State::Backup);
}

#[test]
fn v3_takes_the_masters_interval() {
    let mut router = begun(Options { version: Version::V3, ..with_priority(100) });
    hear(&mut router, 1000, 1, Advert { version: 3, interval: ms(3000), ..advert(200) });
    assert_eq!(takes_over(&router), 1000 + 9000 + 1828);
    // As a master it has its own again.
    let due = router.due();
    router.tick(due);
    assert_eq!(router.due(), due + ms(1000));
}

#[test]
fn a_check_without_a_weight_means_fault_and_with_one_another_priority() {
    let with = |weight| {
        let check = Some(Check { weight, fall: 2, ..Check::default() });
        let mut router = master(Options { check, ..with_priority(150) });
        router.checked(ms(4000), true);
        router.checked(ms(5000), false);
        assert_eq!(router.state(), State::Master, "once is not enough");
        router
    };
    let mut router = with(0);
    assert_eq!(router.checked(ms(6000), false), [sends(0), Act::Release, Act::Run(State::Fault)]);
    assert_eq!(router.due(), Duration::MAX);
    assert_eq!(router.checked(ms(7000), true), [Act::Run(State::Backup)]);
    assert_eq!(takes_over(&router), 10_414);
    let mut weighted = with(-60);
    assert_eq!(weighted.checked(ms(6000), false), []);
    assert_eq!((weighted.state(), weighted.rank()), (State::Master, 90));
}

#[test]
fn a_daemon_that_begins_anew_has_no_result_of_its_check_yet() {
    let with = |weight| {
        let check = Some(Check { weight, fall: 2, rise: 2, ..Check::default() });
        let mut router = master(Options { check, ..with_priority(150) });
        router.checked(ms(4000), false);
        router
    };
    let mut weighted = with(-60);
    assert_eq!(weighted.rank(), 90);
    weighted.order(ms(5000), Order::Restart);
    assert_eq!(weighted.rank(), 150);
    // The first result decides again, be it what it was before or not.
    let mut router = with(0);
    assert_eq!(router.state(), State::Fault);
    router.order(ms(5000), Order::Restart);
    assert_eq!(router.state(), State::Backup);
    assert_eq!(router.checked(ms(6000), false), [Act::Run(State::Fault)]);
    let mut well = with(0);
    well.order(ms(5000), Order::Restart);
    assert_eq!(well.checked(ms(6000), true), []);
    assert_eq!(takes_over(&well), 8414);
}

#[test]
fn flaws_change_one_rule_each() {
    let flawed = |flaw| Options { flaw: Some(flaw), ..with_priority(150) };
    let mut deaf = master(flawed(Flaw::BothMasters));
    assert_eq!(hear(&mut deaf, 5000, 9, advert(200)), []);
    assert_eq!(deaf.state(), State::Master);
    let mut flapping = begun(Options { nopreempt: true, ..flawed(Flaw::PreemptFlapping) });
    hear(&mut flapping, 3000, 1, advert(100));
    assert_eq!(takes_over(&flapping), 3414);
    let mut silent = master(flawed(Flaw::PausedMasterNoGarp));
    assert_eq!(hear(&mut silent, 5000, 1, advert(100)), [sends(150)]);
}
