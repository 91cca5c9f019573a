//! Each checker of probes, with a good run and its near twin. `scenarios/zoo` has the same for those that look at
//! views.

use super::*;
use host::probe::Value;
use host::world::{MachineId, Probe};
use sim::check::Seen;

/// A probe of n1, so many milliseconds after the begin.
fn probe(at_ms: u64, name: &'static str, values: &[Value]) -> Probe {
    Probe { at_ns: at_ms * 1_000_000, host: Some(MachineId::numbered(1)), name, values: values.to_vec() }
}

fn booked(version: u64, id: &str, check_in: &str, check_out: &str) -> Probe {
    let texts = [id, "1/101", check_in, check_out].map(Value::from);
    let mut values = vec![Value::from(version)];
    values.extend(texts);
    values.push(Value::from(109_u64));
    probe(0, "booked", &values)
}

fn cancelled(version: u64, id: &str, booking: &str) -> Probe {
    probe(0, "cancelled", &[Value::from(version), Value::from(id), Value::from(booking)])
}

/// The first checker that says no to these probes, one after the other.
fn judge(probes: &[Probe]) -> Option<&'static str> {
    let (mut heard, views) = (Heard::default(), Views::new(Vec::new()));
    probes.iter().find_map(|probe| {
        let seen = Seen::new(Some(probe), &views);
        heard.hear(&seen);
        let verdicts = [
            ("room", heard.sold_twice(&seen)),
            ("offer", heard.sold_unoffered(&seen)),
            ("version", heard.used_twice(&seen)),
            ("replay", heard.is_armed(&seen)),
        ];
        verdicts.into_iter().find(|(_, verdict)| verdict.is_err()).map(|(name, _)| name)
    })
}

#[test]
fn room_accepts_a_night_that_was_given_back_and_refuses_one_that_was_not() {
    let first = booked(1, "a.1", "2023-12-01", "2023-12-03");
    let second = |version| booked(version, "b.1", "2023-12-02", "2023-12-04");
    assert_eq!(judge(&[first.clone(), cancelled(2, "a.2", "a.1"), second(3)]), None);
    assert_eq!(judge(&[first.clone(), booked(2, "b.1", "2023-12-03", "2023-12-04")]), None);
    assert_eq!(judge(&[first, second(2)]), Some("room"));
}

#[test]
fn offer_accepts_the_last_night_and_one_before_it_is_withdrawn_and_refuses_what_comes_after() {
    let texts = |name, values: [&str; 2]| probe(0, name, &values.map(Value::from));
    let offer = texts("on offer", ["2023-12-01", "2023-12-05"]);
    let withdrawn = texts("told withdrawn", ["1/101", "2023-12-02"]);
    let last = booked(1, "a.1", "2023-12-04", "2023-12-05");
    assert_eq!(judge(&[offer.clone(), last, withdrawn.clone()]), None);
    assert_eq!(judge(&[offer.clone(), booked(1, "a.1", "2023-12-04", "2023-12-06")]), Some("offer"));
    let stay = booked(1, "a.1", "2023-12-01", "2023-12-03");
    assert_eq!(judge(&[offer.clone(), stay.clone(), withdrawn.clone()]), None);
    assert_eq!(judge(&[offer, withdrawn, stay]), Some("offer"));
}

#[test]
fn version_accepts_a_line_that_both_nodes_tell_of_and_refuses_one_that_is_another() {
    let first = booked(1, "a.1", "2023-12-01", "2023-12-02");
    assert_eq!(judge(&[first.clone(), first.clone()]), None);
    assert_eq!(judge(&[first.clone(), booked(1, "b.1", "2023-12-03", "2023-12-04")]), Some("version"));
    assert_eq!(judge(&[first, cancelled(2, "a.1", "b.1")]), Some("version"));
    assert_eq!(judge(&[probe(0, "answer changed", &[Value::from("a.1")])]), Some("version"));
}

#[test]
fn replay_accepts_a_timer_that_is_due_again_and_refuses_one_that_is_not() {
    let begin =
        [probe(0, "recovered", &[Value::from(0_u64), Value::from(0_u64)]), probe(1000, "snapshot due", &[])];
    let due = |at_ms| probe(at_ms, "snapshot due", &[]);
    let synced = |at_ms| probe(at_ms, "durable", &[Value::from(1_u64)]);
    let with = |more: &[Probe]| judge(&[&begin[..], more].concat());
    assert_eq!(with(&[synced(1500), due(2000), synced(2500), due(3000), synced(3500)]), None);
    // One sync that takes its time holds the timer up, and is not its fault.
    assert_eq!(with(&[synced(1500), synced(4000), due(4001), synced(4100)]), None);
    assert_eq!(with(&[synced(1500), synced(2500), synced(3500)]), Some("replay"));
}
