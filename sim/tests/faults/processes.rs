//! What happens to one process of a machine: each machine's caller holds a connection to the next one's echo.

use super::lab::{Seen, run};

/// What becomes of what n1 sends to the echo of n2, without repetitions.
fn story(seen: &Seen, from: i64, to: i64) -> Vec<String> {
    let mut story = seen.between(1, "echo", from, to);
    story.dedup();
    story
}

fn serves(seen: &Seen, node: u32) -> usize {
    seen.probes(node, "serves").len()
}

#[test]
fn the_connections_of_a_crashed_process_close_and_others_of_its_machine_go_on() {
    let seen = run("", "[[fault]]\nat = \"3s\"\ncrash = \"n2\"\nprocess = \"echo\"\nrestart_after = \"2s\"");
    assert_eq!(story(&seen, 1000, 5000), ["answers", "closed", "refused"]);
    assert_eq!(story(&seen, 5200, 19_000), ["answers"], "it was started again");
    assert_eq!((serves(&seen, 1), serves(&seen, 2)), (1, 2));
    assert_eq!(seen.constant(2, "echo", 1000, 19_000), "answers", "its caller goes on");
    assert_eq!(seen.probes(2, "boot").len(), 1, "and so does the machine");
    assert_eq!(
        seen.faults().into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        ["fault 0 strikes: crash echo on n2 (n2)", "fault 0 ends: crash echo on n2 (n2)"]
    );
}

#[test]
fn a_paused_process_stands_still_and_then_answers_what_came_meanwhile() {
    let seen = run("", "[[fault]]\nat = \"3s\"\npause = \"n2\"\nprocess = \"echo\"\nresume_after = \"2s\"");
    assert_eq!(story(&seen, 1000, 19_000), ["answers", "silent", "answers"]);
    assert_eq!(story(&seen, 3200, 5000), ["silent"]);
    assert_eq!(serves(&seen, 2), 1, "it was not started again");
    assert_eq!(seen.constant(2, "echo", 1000, 19_000), "answers", "its caller goes on");
}

#[test]
fn a_crash_of_the_machine_ends_what_befell_its_processes() {
    let machine = "[[fault]]\nat = \"5s\"\ncrash = \"n2\"\nrestart_after = \"1s\"\n";
    for of_process in ["crash = \"n2\"\nrestart_after = \"10s\"", "pause = \"n2\"\nresume_after = \"10s\""] {
        let of_process = format!("process = \"echo\"\n{of_process}\n");
        // The second begins while the first would still last, and outlives its end.
        let both =
            format!("[[fault]]\nat = \"3s\"\n{of_process}{machine}[[fault]]\nat = \"10s\"\n{of_process}");
        let seen = run("", &both);
        assert_eq!(story(&seen, 6400, 10_000), ["answers"], "{of_process}");
        assert_ne!(seen.constant(1, "echo", 10_400, 19_900), "answers", "{of_process}");
        let ends: Vec<i64> =
            seen.faults().into_iter().filter(|(_, text)| text.contains("ends")).map(|(at, _)| at).collect();
        assert_eq!(ends, [5000, 6000, 20_000], "{of_process}");
    }
}

#[test]
fn a_paused_process_can_be_killed_and_then_there_is_nothing_to_resume() {
    let pause = "[[fault]]\nat = \"3s\"\npause = \"n2\"\nprocess = \"echo\"\nresume_after = \"3s\"\n";
    let crash = "[[fault]]\nat = \"4s\"\ncrash = \"n2\"\nprocess = \"echo\"\nrestart_after = \"6s\"\n";
    let seen = run("", &format!("{pause}{crash}"));
    assert_eq!(story(&seen, 1000, 10_000), ["answers", "silent", "closed", "refused"]);
    assert_eq!(story(&seen, 10_200, 19_000), ["answers"]);
}

#[test]
fn a_process_that_does_not_run_is_not_struck() {
    let machine = "[[fault]]\nat = \"3s\"\ncrash = \"n2\"\nrestart_after = \"4s\"\n";
    let crash = "[[fault]]\nat = \"5s\"\ncrash = \"n2\"\nprocess = \"echo\"\n";
    let seen = run("", &format!("{machine}{crash}"));
    let skipped =
        seen.faults().into_iter().find(|(_, text)| text.contains("skipped")).expect("one is skipped");
    assert_eq!(skipped, (5000, "fault 1 is skipped, no echo runs there: crash echo on n2 (n2)".to_owned()));
    assert_eq!(seen.constant(1, "echo", 7400, 19_000), "answers");
}

#[test]
fn a_process_is_found_by_what_its_machine_said() {
    let crash =
        "crash = { whose = \"role\", is = \"primary\" }\nprocess = \"caller\"\nrestart_after = \"1s\"";
    let seen = run("", &format!("[[fault]]\nat = \"3s\"\n{crash}"));
    assert!(seen.between(1, "echo", 3100, 4000).is_empty(), "the caller of n1 is down");
    assert_eq!(seen.constant(2, "echo", 1000, 19_000), "answers");
    let that =
        "when = { node = \"n3\", probe = \"role\" }\nafter = \"3s\"\npause = \"that\"\nprocess = \"caller\"";
    let seen = run("", &format!("[[fault]]\n{that}"));
    assert!(seen.between(3, "echo", 3100, 19_000).is_empty(), "the caller of n3 stands still");
}

#[test]
fn a_machine_without_one_of_its_processes_is_not_down() {
    let machine = "[[fault]]\nat = \"3s\"\ncrash = \"n1\"\nrestart_after = \"4s\"\n";
    let process = "[[fault]]\nat = \"4s\"\ncrash = \"n2\"\nprocess = \"echo\"\nrestart_after = \"1s\"\n";
    let seen = run("at_most = { down = 1 }", &format!("{machine}{process}"));
    assert!(seen.faults().iter().all(|(_, text)| !text.contains("skipped")));
    assert_eq!(serves(&seen, 2), 2);
}
