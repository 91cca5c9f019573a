//! The launcher by hand: what a zone answers, what an agent says, what time brings.

use super::*;

const LASTS: Duration = Duration::from_secs(20);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn build(number: u32) -> BuildId {
    BuildId { client: 7, number }
}

fn agent(number: u32) -> AgentId {
    AgentId { life: 1, number }
}

/// A fleet whose one zone is there, and runs nothing.
fn fleet(options: Options) -> Fleet {
    let mut fleet = Fleet::new(1, 1, options);
    fleet.on_zone_up(0);
    assert_eq!(fleet.next_call(0, at(0)), Next::Call(Call::List));
    answer(&mut fleet, Call::List, Answer::Listed(Vec::new()), 0);
    fleet
}

fn answer(fleet: &mut Fleet, call: Call, answer: Answer, seconds: u64) {
    fleet.on_answer(0, call, answer, 0.0, at(seconds));
}

/// A fleet that has launched its first agent for a build at 0 s, and polled it once.
fn launched(options: Options) -> Fleet {
    let mut fleet = fleet(options);
    fleet.on_ask(build(1), LASTS, at(0));
    assert_eq!(fleet.next_call(0, at(0)), Next::Call(Call::Run(agent(1))));
    answer(&mut fleet, Call::Run(agent(1)), Answer::Status(Status::Pending), 0);
    assert_eq!(fleet.next_call(0, at(0)), Next::Call(Call::Describe(agent(1))));
    answer(&mut fleet, Call::Describe(agent(1)), Answer::Status(Status::Pending), 0);
    fleet
}

/// The options of the seed: both 300 s.
fn of_the_seed(flaw: Option<Flaw>) -> Options {
    let five_minutes = at(300);
    Options { poll: five_minutes, timeout: five_minutes, reconcile: at(3600), flaw, ..Options::default() }
}

fn stage(fleet: &Fleet, number: u32) -> Stage {
    fleet.agents[&agent(number)].stage
}

#[test]
fn an_agent_that_connects_gets_the_build_that_waits_whatever_the_last_poll_said() {
    let mut fleet = launched(of_the_seed(None));
    assert!(fleet.on_hello(agent(1), at(78)));
    assert_eq!(fleet.take_effects(), [Effect::Work(agent(1), build(1), LASTS)]);
    fleet.on_tick(at(300));
    assert_eq!(stage(&fleet, 1), Stage::Busy(build(1)));
    fleet.on_done(agent(1), build(1), at(301));
    assert_eq!(fleet.take_effects(), [Effect::Tell(build(1), at(78))]);
}

#[test]
fn the_flawed_launcher_shoots_at_300_s_the_agent_that_connected_at_78_s() {
    let mut fleet = launched(of_the_seed(Some(Flaw::PollEqualsTimeout)));
    assert!(fleet.on_hello(agent(1), at(78)));
    for second in 78..300 {
        fleet.on_tick(at(second));
    }
    assert_eq!(fleet.take_effects(), []);
    fleet.on_tick(at(300));
    assert_eq!(stage(&fleet, 1), Stage::Stopping(Why::Deadline));
}

#[test]
fn the_flawed_launcher_with_half_the_poll_finds_it_in_time() {
    let options = Options { poll: at(150), ..of_the_seed(Some(Flaw::PollEqualsTimeout)) };
    let mut fleet = launched(options);
    assert!(fleet.on_hello(agent(1), at(78)));
    assert_eq!(fleet.next_call(0, at(149)), Next::Wait(at(1)));
    assert_eq!(fleet.next_call(0, at(150)), Next::Call(Call::Describe(agent(1))));
    answer(&mut fleet, Call::Describe(agent(1)), Answer::Status(Status::Running), 150);
    assert_eq!(fleet.take_effects(), [Effect::Work(agent(1), build(1), LASTS)]);
}

#[test]
fn an_agent_that_does_not_come_is_stopped_and_another_launched_once_there_is_room() {
    let options = Options { limit: std::num::NonZeroU32::MIN, ..of_the_seed(None) };
    let mut fleet = launched(options);
    fleet.on_tick(at(299));
    assert!(matches!(stage(&fleet, 1), Stage::Launching(_)));
    fleet.on_tick(at(300));
    let stop = Call::Stop(agent(1), Why::Deadline);
    assert_eq!(fleet.next_call(0, at(300)), Next::Call(stop));
    // It may still run: it counts.
    assert_eq!(fleet.agents.len(), 1);
    assert!(!fleet.on_hello(agent(1), at(300)), "it comes too late");
    answer(&mut fleet, stop, Answer::Status(Status::Stopped), 301);
    assert_eq!(fleet.next_call(0, at(301)), Next::Call(Call::Run(agent(2))));
}

#[test]
fn a_task_that_stopped_before_it_came_is_replaced_at_the_next_poll() {
    let mut fleet = launched(Options { poll: at(10), ..of_the_seed(None) });
    answer(&mut fleet, Call::Describe(agent(1)), Answer::Status(Status::Stopped), 10);
    assert_eq!(fleet.next_call(0, at(10)), Next::Call(Call::Run(agent(2))));
}

#[test]
fn who_is_throttled_calls_again_twice_as_late_each_time_up_to_a_bound() {
    let mut fleet = launched(Options { poll: at(10), ..of_the_seed(None) });
    let mut now = at(10);
    let pauses = [0; 6].map(|_| {
        fleet.on_answer(0, Call::Describe(agent(1)), Answer::Throttled, 1.0, now);
        let Next::Wait(pause) = fleet.next_call(0, now) else { panic!("it calls at once") };
        now += pause;
        pause.as_secs()
    });
    assert_eq!(pauses, [1, 2, 4, 8, 16, 20]);
    assert_eq!(fleet.next_call(0, now), Next::Call(Call::Describe(agent(1))));
}

#[test]
fn an_idle_agent_retires_and_gets_no_work_while_it_is_being_stopped() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_hello(agent(1), at(50));
    fleet.on_done(agent(1), build(1), at(70));
    fleet.on_tick(at(369));
    assert_eq!(stage(&fleet, 1), Stage::Idle { since: at(70) });
    fleet.on_tick(at(370));
    assert_eq!(stage(&fleet, 1), Stage::Stopping(Why::Retired));
    fleet.take_effects();
    fleet.on_ask(build(2), LASTS, at(371));
    assert_eq!(fleet.take_effects(), []);
    assert!(fleet.agents.contains_key(&agent(2)), "another is launched");
}

#[test]
fn an_agent_that_is_done_gets_what_waits_at_once_and_is_idle_if_nothing_does() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_hello(agent(1), at(50));
    fleet.on_ask(build(2), LASTS, at(51));
    fleet.take_effects();
    fleet.on_done(agent(1), build(1), at(70));
    let effects = [Effect::Tell(build(1), at(50)), Effect::Work(agent(1), build(2), LASTS)];
    assert_eq!((fleet.take_effects(), stage(&fleet, 1)), (effects.to_vec(), Stage::Busy(build(2))));
    fleet.on_done(agent(1), build(2), at(90));
    assert_eq!(fleet.take_effects(), [Effect::Tell(build(2), at(19))]);
    assert_eq!(stage(&fleet, 1), Stage::Idle { since: at(90) });
}

#[test]
fn a_build_whose_agent_is_lost_is_the_next_to_get_one() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_hello(agent(1), at(50));
    fleet.on_ask(build(2), LASTS, at(51));
    fleet.on_lost(agent(1), at(60));
    assert_eq!(fleet.queue, [build(1), build(2)]);
    fleet.take_effects();
    assert!(fleet.on_hello(agent(2), at(90)));
    assert_eq!(fleet.take_effects(), [Effect::Work(agent(2), build(1), LASTS)]);
}

#[test]
fn an_interrupted_agent_ends_its_build_and_gets_no_other() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_hello(agent(1), at(50));
    fleet.on_interrupted(agent(1));
    fleet.on_ask(build(2), LASTS, at(51));
    fleet.take_effects();
    fleet.on_done(agent(1), build(1), at(70));
    assert_eq!(fleet.take_effects(), [Effect::Tell(build(1), at(50))]);
    assert_eq!(stage(&fleet, 1), Stage::Stopping(Why::Interrupted));
}

#[test]
fn no_more_agents_are_launched_than_builds_wait_and_the_limit_allows() {
    let options = Options { limit: std::num::NonZeroU32::new(2).unwrap(), ..of_the_seed(None) };
    let mut fleet = fleet(options);
    fleet.on_ask(build(1), LASTS, at(0));
    fleet.on_tick(at(1));
    assert_eq!(fleet.agents.len(), 1);
    (2..9).for_each(|number| fleet.on_ask(build(number), LASTS, at(2)));
    fleet.on_tick(at(3));
    assert_eq!(fleet.agents.len(), 2);
}

#[test]
fn nothing_is_launched_in_a_zone_that_cannot_be_reached() {
    let mut fleet = Fleet::new(1, 2, of_the_seed(None));
    for zone in [0, 1] {
        fleet.on_zone_up(zone);
        fleet.on_answer(zone, Call::List, Answer::Listed(Vec::new()), 0.0, at(0));
    }
    fleet.on_zone_down(0);
    (1..4).for_each(|number| fleet.on_ask(build(number), LASTS, at(1)));
    let zones = |fleet: &Fleet| fleet.agents.values().map(|agent| agent.zone).collect::<Vec<_>>();
    assert_eq!(zones(&fleet), [1, 1, 1]);
    fleet.on_zone_down(1);
    fleet.on_ask(build(4), LASTS, at(2));
    assert_eq!(zones(&fleet).len(), 3);
    // Who comes back says what it runs before anything is launched there.
    fleet.on_zone_up(0);
    fleet.on_tick(at(3));
    assert_eq!(zones(&fleet).len(), 3);
    answer(&mut fleet, Call::List, Answer::Listed(Vec::new()), 4);
    assert_eq!(zones(&fleet), [1, 1, 1, 0]);
}

#[test]
fn nothing_is_launched_where_nobody_has_said_what_runs() {
    let mut fleet = Fleet::new(1, 1, of_the_seed(None));
    fleet.on_ask(build(1), LASTS, at(0));
    fleet.on_zone_up(0);
    fleet.on_tick(at(1));
    assert!(fleet.agents.is_empty());
    // An agent of a controller that has died.
    let orphan = AgentId { life: 99, number: 4 };
    answer(&mut fleet, Call::List, Answer::Listed(vec![orphan]), 2);
    assert_eq!(fleet.next_call(0, at(2)), Next::Call(Call::Stop(orphan, Why::Orphan)));
    assert_eq!(fleet.agents.len(), 2);
}

#[test]
fn what_a_zone_does_not_list_is_gone_unless_it_was_only_just_asked_for() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_hello(agent(1), at(50));
    fleet.on_ask(build(2), LASTS, at(51));
    fleet.take_effects();
    assert_eq!(fleet.next_call(0, at(51)), Next::Call(Call::Run(agent(2))));
    answer(&mut fleet, Call::List, Answer::Listed(Vec::new()), 60);
    assert!(!fleet.agents.contains_key(&agent(1)));
    assert_eq!(fleet.take_effects(), [Effect::HangUp(agent(1))]);
    assert_eq!(fleet.queue, [build(1), build(2)]);
    assert!(fleet.agents.contains_key(&agent(2)));
}

#[test]
fn a_build_that_is_asked_for_again_is_built_once_and_told_again() {
    let mut fleet = launched(of_the_seed(None));
    fleet.on_ask(build(1), LASTS, at(5));
    assert_eq!(fleet.queue, [build(1)]);
    fleet.on_hello(agent(1), at(50));
    fleet.on_done(agent(1), build(1), at(70));
    fleet.take_effects();
    fleet.on_ask(build(1), LASTS, at(80));
    assert_eq!(fleet.take_effects(), [Effect::Tell(build(1), at(50))]);
    assert_eq!(fleet.figures(), (0, 0, 1));
}
