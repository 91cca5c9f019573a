//! This build of the command against an older one: `cargo bench --bench against -- OLD`, with the path of its binary.
//!
//! Both sweep the same seeds on one core, turn by turn, so that what else the machine does strikes both. Told is the
//! processor time of whole processes, the median of the turns, and their ratio; and the instructions of one run
//! (callgrind), where there is valgrind. Digests may differ between builds, the work does not.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its figures are for people")]

#[path = "support/processor.rs"]
mod processor;

use processor::of_children;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// What is swept, and how many seeds of it.
const SWEPT: [(&str, u32); 5] = [
    ("registry/netsplit", 800),
    ("registry/swarm", 800),
    ("bank/swarm", 100),
    ("failover/patroni-quiet", 80),
    ("failover/stolon-quiet", 80),
];

/// How often each build has its turn.
const TURNS: usize = 5;

fn main() -> ExitCode {
    let new = env!("CARGO_BIN_EXE_splitbrain");
    // What cargo passes by itself is an option.
    let Some(old) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        eprintln!("no older build to compare with: cargo bench --bench against -- OLD");
        return ExitCode::SUCCESS;
    };
    if !Path::new(&old).is_file() {
        eprintln!("{old} is no file: give the path of an older build's binary");
        return ExitCode::from(2);
    }
    println!(
        "{:<24} {:>9} {:>9} {:>7} {:>12} {:>12} {:>7}",
        "", "old", "new", "ratio", "old", "new", "ratio"
    );
    for (scenario, seeds) in SWEPT {
        let sweep = |binary| seconds(binary, scenario, seeds);
        let turns: Vec<[f64; 2]> = (0..TURNS).map(|_| [sweep(&old), sweep(new)]).collect();
        let [old_s, new_s] = [0, 1].map(|build| median(turns.iter().map(|turn| turn[build]).collect()));
        print!("{scenario:<24} {old_s:>7.2} s {new_s:>7.2} s {:>7.2}", old_s / new_s);
        if let (Some(old), Some(new)) = (instructions(&old, scenario), instructions(new, scenario)) {
            let [old, new] = [old, new].map(|count| count as f64 / 1e6);
            print!(" {old:>10.1} M {new:>10.1} M {:>7.2}", old / new);
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The processor time that a sweep takes on one core, in s.
fn seconds(binary: &str, scenario: &str, seeds: u32) -> f64 {
    let before = of_children();
    let mut sweep = Command::new(binary);
    sweep.args(["sweep", scenario, "--jobs", "1", "--seeds", &format!("0..{seeds}")]);
    let status = sweep.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{binary} sweep {scenario} fails");
    of_children() - before
}

/// The instructions of one run, with all that the process does besides.
fn instructions(binary: &str, scenario: &str) -> Option<u64> {
    let mut run = Command::new("valgrind");
    run.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", binary, "run", scenario, "--seed", "1"]);
    let told = String::from_utf8(run.output().ok()?.stderr).ok()?;
    let (_, count) = told.lines().find(|line| line.contains("Collected"))?.rsplit_once(' ')?;
    count.parse().ok()
}
