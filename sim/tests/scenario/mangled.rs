//! Whatever stands in a file, it is accepted or refused: nothing in it makes splitbrain panic.

use super::{GOOD, Registry, parse};
use miette::Report;
use sim::scenario::Scenario;

/// Odd values, each a bit of TOML.
const ODD: [&str; 26] = [
    "",
    "0",
    "-1",
    "3.7e300",
    "nan",
    "-inf",
    "99999999999999999999",
    "18446744073709551615",
    "true",
    "\"\"",
    "\"that\"",
    "\"any\"",
    "\"n0\"",
    "\"n99999999999\"",
    "\"0s\"",
    "\"-5s\"",
    "\"99999999999999y\"",
    "\"1e999/s\"",
    "\"5m/\"",
    "\"µs\"",
    "[]",
    "[[]]",
    "[[\"n1\"], []]",
    "{}",
    "{ from = 3 }",
    "1979-05-27",
];

/// Reads a text; what is refused must also be printable, what is accepted must resolve and be written.
fn survives(text: &str) {
    match parse(text) {
        Ok(scenario) => {
            let plan = scenario.resolve(7);
            assert_eq!(parse(&plan.to_toml()).expect("a plan is a scenario"), plan);
        }
        Err(error) => drop(format!("{:?}", Report::new(error))),
    }
}

#[test]
fn a_file_cut_anywhere_is_accepted_or_refused() {
    for end in 0..GOOD.len() {
        survives(&GOOD[..end]);
    }
}

#[test]
fn a_file_without_one_of_its_lines_is_accepted_or_refused() {
    let lines: Vec<&str> = GOOD.lines().collect();
    for without in 0..lines.len() {
        let mut lines = lines.clone();
        lines.remove(without);
        survives(&lines.join("\n"));
    }
}

#[test]
fn a_file_with_an_odd_value_is_accepted_or_refused() {
    let lines: Vec<&str> = GOOD.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        for (equals, _) in line.match_indices('=') {
            for odd in ODD {
                // To the end of the line, and up to the next comma only: what is left of a table may stay one.
                for rest in ["", line[equals..].find([',', '}']).map_or("", |rest| &line[equals + rest..])] {
                    let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
                    lines[index] = format!("{}= {odd}{rest}", &line[..equals]);
                    survives(&lines.join("\n"));
                }
            }
        }
    }
}

#[test]
fn an_odd_override_is_accepted_or_refused() {
    for key in [
        "",
        ".",
        "a..b",
        "title",
        "title.x",
        "fault",
        "fault.0",
        "fault.0.at",
        "fault.9.at",
        "fault.x",
        "cluster",
        "workload.mix",
        "workload.mix.register",
        "fault.0.partition.0",
        "\"quoted key\".x",
        "check.expect.violation",
    ] {
        for odd in ODD {
            let set = [(key.to_owned(), odd.to_owned())];
            match Scenario::parse("good.toml", GOOD, &set, &Registry) {
                Ok(scenario) => drop(scenario.resolve(1)),
                Err(error) => drop(format!("{:?}", Report::new(error))),
            }
        }
    }
}

#[test]
fn brackets_without_end_do_not_exhaust_the_stack() {
    survives(&format!("{GOOD}\nx = {}", "[".repeat(100_000)));
    survives(&format!("{GOOD}\nx = {}", "{ a = ".repeat(100_000)));
    survives(&GOOD.replace("\"latest\"", &"[".repeat(50)));
    let deep = format!("{}{}", "{ a = ".repeat(60), "1 }".replace(" }", &" }".repeat(60)));
    survives(&GOOD.replace("\"latest\"", &deep));
}
