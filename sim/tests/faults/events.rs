//! What the trace says of faults, as data.

use super::lab::run;
use host::world::{FaultStep, MachineId};
use serde_json::json;

const CRASH: &str = "[[fault]]\nat = \"3s\"\ncrash = \"n2\"\nrestart_after = \"2s\"\n";

#[test]
fn a_fault_says_what_it_is_whom_it_befalls_and_when_it_ends() {
    let process = "[[fault]]\nat = \"6s\"\npause = \"n3\"\nprocess = \"echo\"\nresume_after = \"1s\"\n";
    let links = "[[fault]]\nat = \"8s\"\none_way = { from = [\"n3\"], to = [\"n1\"] }\nheal_after = \"1s\"\n";
    let seen = run("", &format!("{CRASH}{process}{links}"));
    let events: Vec<_> = seen
        .fault_events()
        .map(|(at, event)| {
            let machines: Vec<u32> = event.machines.iter().map(|machine| machine.number()).collect();
            (at, event.index, event.kind, event.step.name(), machines, event.process.as_deref())
        })
        .collect();
    assert_eq!(
        events,
        [
            (3000, 0, "crash", "strikes", vec![2], None),
            (5000, 0, "crash", "ends", vec![2], None),
            (6000, 1, "pause", "strikes", vec![3], Some("echo")),
            (7000, 1, "pause", "ends", vec![3], Some("echo")),
            (8000, 2, "one_way", "strikes", vec![1, 3], None),
            (9000, 2, "one_way", "ends", vec![1, 3], None),
        ]
    );
}

#[test]
fn a_fault_that_is_skipped_says_why() {
    let second = "[[fault]]\nwhen = { node = \"n3\", probe = \"boot\" }\nafter = \"5s\"\npause = \"n2\"";
    let seen = run("", &format!("{CRASH}{second}"));
    let (_, skipped) = seen.fault_events().find(|(_, event)| event.index == 1).expect("the second fault");
    assert_eq!(skipped.step, FaultStep::Skipped { why: "the machine is down already".to_owned() });
    assert_eq!((skipped.kind, &skipped.machines[..]), ("pause", &[MachineId::numbered(2)][..]));
}

#[test]
fn a_line_of_the_trace_has_a_fault_in_words_and_as_data() {
    let lines = run("", CRASH).lines("fault");
    assert_eq!(lines[0]["text"], "fault 0 strikes: crash n2 (n2)");
    let fault = json!({ "index": 0, "kind": "crash", "step": "strikes", "machines": ["n2"] });
    assert_eq!(lines[0]["fault"], fault);
}

#[test]
fn the_phases_of_a_run_are_in_its_trace() {
    let phases: Vec<_> = run("", "").lines("phase").iter().map(|line| line["text"].clone()).collect();
    assert_eq!(phases, ["fault phase", "heal phase", "verdict"]);
}
