//! What ucarp 1.5.2 was seen to do, as far as it follows from its rules.

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn begun(options: Options, own: [u8; 4]) -> Ucarp {
    let mut ucarp = Ucarp::new(options, own.into());
    ucarp.start(Duration::ZERO);
    ucarp
}

fn with_skew(advskew: u8) -> Options {
    Options { advskew, ..Options::default() }
}

fn advert(advskew: u8) -> Message {
    Message::Carp(CarpAdvert { advbase: 1, advskew, password: String::new() })
}

/// When it has taken over, in ms, if it hears nothing more.
fn takes_over(ucarp: &mut Ucarp) -> u128 {
    loop {
        let due = ucarp.due();
        ucarp.tick(due);
        if ucarp.state() == State::Master {
            return due.as_millis();
        }
    }
}

fn master(options: Options, own: [u8; 4]) -> Ucarp {
    let mut ucarp = begun(options, own);
    takes_over(&mut ucarp);
    ucarp
}

#[test]
fn a_timer_is_looked_at_once_an_interval() {
    // With a skew of 100, 3.39 s are over at the third look.
    assert_eq!(takes_over(&mut begun(with_skew(0), [10, 77, 0, 1])), 3000);
    assert_eq!(takes_over(&mut begun(with_skew(100), [10, 77, 0, 1])), 4171);
}

#[test]
fn a_timer_is_looked_at_when_something_comes_too() {
    let mut ucarp = begun(with_skew(100), [10, 77, 0, 1]);
    ucarp.tick(ms(1391));
    assert_eq!(ucarp.tick(ms(3300)), []);
    assert_ne!(ucarp.tick(ms(3400)), []);
    assert_eq!(ucarp.state(), State::Master);
}

#[test]
fn two_that_start_together_are_two_masters_until_they_hear_each_other() {
    let (low, high) = ([10, 77, 0, 1], [10, 77, 0, 2]);
    let mut both = [low, high].map(|own| begun(with_skew(0), own));
    assert_eq!(both.each_mut().map(takes_over), [3000, 3000]);
    // libpcap hands over what each said up to a second later.
    assert!(!both[1].heard(ms(3900), low.into(), &advert(0)).is_empty());
    assert_eq!(both[1].state(), State::Backup);
    both[0].heard(ms(3950), high.into(), &advert(0));
    assert_eq!(both[0].state(), State::Master);
}

#[test]
fn of_equals_the_lower_address_leads_as_a_little_endian_machine_reads_it() {
    let (of_next_net, of_this_net) = ([10, 77, 1, 2], [10, 77, 0, 9]);
    let mut ucarp = master(with_skew(0), of_this_net);
    ucarp.heard(ms(3600), of_next_net.into(), &advert(0));
    assert_eq!(ucarp.state(), State::Backup);
    let mut ucarp = master(with_skew(0), of_next_net);
    assert_eq!(ucarp.heard(ms(3600), of_this_net.into(), &advert(0)), [Act::Announce(1)]);
    assert_eq!(ucarp.state(), State::Master);
}

#[test]
fn the_shorter_interval_leads_and_who_yields_says_so_once_more() {
    let mut ucarp = master(with_skew(20), [10, 77, 0, 1]);
    let acts = ucarp.heard(ms(3600), [10, 77, 0, 2].into(), &advert(10));
    assert!(matches!(acts[..], [Act::Send(_), Act::Release, Act::Run(State::Backup)]));
    let mut ucarp = master(with_skew(20), [10, 77, 0, 1]);
    assert_eq!(ucarp.heard(ms(3600), [10, 77, 0, 2].into(), &advert(30)), [Act::Announce(1)]);
    // And once more with the second advert from then on.
    let sent: Vec<usize> = (0..3).map(|at| ucarp.tick(ms(10_000 + 2000 * at)).len()).collect();
    assert_eq!(sent, [1, 2, 1]);
}

#[test]
fn a_weaker_master_is_put_down_only_when_told_so() {
    let heard = |preempt| {
        let mut ucarp = begun(Options { preempt, ..with_skew(10) }, [10, 77, 0, 1]);
        ucarp.heard(ms(1000), [10, 77, 0, 2].into(), &advert(50));
        ucarp.state()
    };
    assert_eq!([heard(false), heard(true)], [State::Backup, State::Master]);
}

#[test]
fn another_password_makes_two_masters_for_good() {
    let mut ucarp = master(Options { password: "a".to_owned(), ..with_skew(50) }, [10, 77, 0, 1]);
    assert_eq!(ucarp.heard(ms(3600), [10, 77, 0, 2].into(), &advert(0)), []);
    assert_eq!(ucarp.state(), State::Master);
}

#[test]
fn a_master_that_is_told_to_go_is_deaf_for_three_seconds_and_then_waits_for_three_more() {
    let mut ucarp = master(with_skew(0), [10, 77, 0, 1]);
    assert_eq!(ucarp.order(ms(5000), Order::Demote), [Act::Release, Act::Run(State::Backup)]);
    assert!(!ucarp.listens());
    assert_eq!(ucarp.due(), ms(8000));
    ucarp.tick(ms(8000));
    assert!(ucarp.listens());
    assert_eq!(takes_over(&mut ucarp), 11_000);
}

#[test]
fn nobody_says_goodbye_and_without_z_the_address_stays_until_it_starts_again() {
    let ends = |shutdown| {
        let mut ucarp = master(Options { shutdown, ..with_skew(0) }, [10, 77, 0, 1]);
        ucarp.order(ms(5000), Order::Restart)
    };
    let down = [Act::Release, Act::Run(State::Backup)];
    assert_eq!(ends(false), down, "the down script of the next start");
    assert_eq!(ends(true), [down.clone(), down].concat());
}
