//! Faults that wait for what a node says.

use super::lab::{Seen, run, run_seed};

/// The machines that faults struck, as the notes name them.
fn struck(seen: &Seen) -> Vec<String> {
    let faults = seen.faults().into_iter().filter(|(_, text)| text.contains("strikes"));
    faults.filter_map(|(_, text)| Some(text.rsplit_once('(')?.1.trim_end_matches(')').to_owned())).collect()
}

#[test]
fn a_fault_can_wait_for_a_value_of_a_probe() {
    let fault = "[[fault]]\nwhen = { probe = \"role\", is = \"primary\" }\nafter = \"2s\"\ncrash = \"that\"\nrestart_after = \"1s\"";
    assert_eq!(struck(&run("", fault)), ["n1"]);
    let standby = fault.replace("primary", "standby");
    assert!(struck(&run("", &standby))[0] != "n1");
    assert!(struck(&run("", &fault.replace("primary", "nobody"))).is_empty());
}

#[test]
fn a_client_that_says_what_a_fault_waits_for_is_struck_and_comes_back() {
    let seen = run("", "[[fault]]\nwhen = { probe = \"asks\" }\ncrash = \"that\"\nrestart_after = \"2s\"");
    assert_eq!(struck(&seen), ["c1"]);
    // Machines are numbered nodes first.
    let asks: Vec<i64> = seen.probes(4, "asks").into_iter().map(|(at, _)| at).collect();
    let silent = asks.windows(2).find(|pair| pair[1] - pair[0] >= 2000);
    assert!(silent.is_some_and(|pair| pair[0] == asks[0]) && asks.len() > 10, "{asks:?}");
    assert_eq!(seen.violations(), []);
}

#[test]
fn a_triggered_fault_strikes_as_often_as_it_says() {
    let fault = "[[fault]]\nwhen = { node = \"n1\", probe = \"boot\" }\nafter = \"1s\"\ntimes = 3\ncrash = \"that\"\nrestart_after = \"1s\"";
    let seen = run("", fault);
    assert_eq!(struck(&seen), ["n1", "n1", "n1"]);
    assert_eq!(seen.probes(1, "boot").len(), 4);
}

#[test]
fn a_fault_finds_the_node_by_what_it_said_last() {
    let crash = |whom: &str| format!("[[fault]]\nat = \"3s\"\ncrash = {whom}\nrestart_after = \"1s\"");
    assert_eq!(struck(&run("", &crash("{ whose = \"role\", is = \"primary\" }"))), ["n1"]);
    let others: Vec<String> = (0..20)
        .map(|seed| {
            struck(&run_seed(seed, "", &crash("{ whose = \"role\", is_not = \"primary\" }"))).concat()
        })
        .collect();
    assert!(others.iter().all(|node| node == "n2" || node == "n3"), "{others:?}");
    assert!(
        others.contains(&"n2".to_owned()) && others.contains(&"n3".to_owned()),
        "the seed picks: {others:?}"
    );
}

#[test]
fn who_says_nothing_of_the_kind_is_not_meant_and_neither_is_who_crashed_until_it_says_so() {
    let at = |second: u32, whom: &str| {
        format!("[[fault]]\nat = \"{second}s\"\ncrash = {whom}\nrestart_after = \"2s\"\n")
    };
    let not_left = "{ whose = \"side\", is_not = \"left\" }";
    // n3 has no side.
    assert!((0..20).all(|seed| struck(&run_seed(seed, "", &at(3, not_left))) == ["n2"]));
    let fault = [at(3, not_left), at(4, not_left), at(6, not_left)].concat();
    let faults = run("", &fault).faults();
    assert_eq!(
        faults[1].1,
        "fault 1 is skipped, there is no node with another side than left: \
         crash a node with another side than left"
    );
    assert_eq!(struck(&run("", &fault)), ["n2", "n2"]);

    let both = [at(3, "\"n1\""), at(3, "\"n2\""), at(4, not_left)].concat();
    let faults = run("", &both).faults();
    let skipped = faults.iter().find(|(_, note)| note.contains("skipped"));
    let why = "fault 2 is skipped, no node that is up has published `side`: ";
    assert!(skipped.is_some_and(|(_, note)| note.starts_with(why)), "{faults:?}");
}

#[test]
fn groups_are_of_those_who_fit_when_the_fault_strikes_and_nobody_is_in_two() {
    let apart = "[[fault]]\nat = \"3s\"\npartition = [[{ whose = \"role\", is = \"primary\" }], \
                 [{ whose = \"role\", is_not = \"primary\" }, { whose = \"role\", is_not = \"primary\" }]]\n\
                 heal_after = \"1s\"";
    let said: Vec<Vec<(i64, String)>> = (0..20).map(|seed| run_seed(seed, "", apart).faults()).collect();
    let who = |others: &str| {
        let both = [(3000, "strikes"), (4000, "ends")];
        both.map(|(at, does)| {
            let of = "partition a node with role primary | \
                      a node with another role than primary a node with another role than primary";
            (at, format!("fault 0 {does}: {of} (n1 | {others})"))
        })
    };
    assert!(said.iter().all(|said| *said == who("n2 n3") || *said == who("n3 n2")), "{said:?}");
    assert!(said[..].windows(2).any(|pair| pair[0] != pair[1]), "the seed picks: {said:?}");

    let crowded = run("", &apart.replace("is = \"primary\"", "is_not = \"primary\""));
    let [(3000, note)] = &crowded.faults()[..] else { panic!("{:?}", crowded.faults()) };
    assert!(
        note.starts_with("fault 0 is skipped, there is no node with another role than primary"),
        "{note}"
    );
}

#[test]
fn a_fault_without_anybody_to_strike_says_so() {
    let seen = run("", "[[fault]]\nat = \"3s\"\npause = { whose = \"role\", is = \"king\" }");
    let [(3000, note)] = &seen.faults()[..] else { panic!("{:?}", seen.faults()) };
    assert_eq!(note, "fault 0 is skipped, there is no node with role king: pause a node with role king");
}

#[test]
fn rare_paths_are_taken_where_the_scenario_asks_for_them() {
    let rare = |buggify: bool| {
        run(&format!("cluster = {{ nodes = 3, buggify = {buggify} }}"), "").probes(1, "rare").len()
    };
    assert_eq!(rare(false), 0);
    assert!((10..40).contains(&rare(true)), "one in ten of some 240");
}
