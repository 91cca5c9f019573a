//! `sweep` as its users meet it: cut short, started again, shared by shards, and with nothing to show.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test
#![allow(clippy::disallowed_methods)] // who kills a sweep waits for it in real time

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const FLAW: &[&str] =
    &["sweep", "zoo/no-sync-after-heal", "--set", "check.expect=valid", "--seeds", "0..12", "--json"];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.args(arguments).env_remove("CARGO");
    command
}

fn splitbrain(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn summary(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let last = text.lines().last();
    serde_json::from_str(last.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr))))
        .unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// All that does not depend on how long it took.
fn timeless(mut summary: Value) -> Value {
    for key in ["runs_per_second", "messages_per_second", "simulated_per_wall", "slowest"] {
        summary.as_object_mut().unwrap().remove(key).unwrap();
    }
    summary
}

fn signal(child: &Child, signal: &str) {
    // The child may have ended meanwhile.
    let kill = format!("kill -{signal} {}", child.id());
    let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap();
}

#[test]
fn a_sweep_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let sweep = |more: &[&str]| {
        splitbrain(
            &[&["sweep", "registry/quiet", "--json", "--out", &out, "--seeds", "0..30"], more].concat(),
        )
    };
    let cut_short = sweep(&["--for", "0s"]);
    let summary_of = |output: &Output| (summary(output)["runs"].as_u64().unwrap(), code(output));
    assert_eq!(summary(&cut_short)["complete"], false);
    assert_eq!(summary_of(&cut_short), (0, 1), "no run was made, and nothing shown");
    assert_eq!(summary_of(&sweep(&[])), (30, 0));
    assert_eq!(summary_of(&sweep(&[])), (30, 0), "all of it was done before");
    let another = splitbrain(&["sweep", "registry/quiet", "--out", &out, "--seeds", "0..31"]);
    assert_eq!(code(&another), 2, "another sweep's folder is left alone");
    assert!(errors(&another).contains("seeds 0..30"), "{}", errors(&another));
}

#[test]
fn a_sweep_ends_once_all_its_scenarios_have_shown_what_they_are_there_to_show() {
    let seeds = format!("0..{}", u64::MAX);
    let sweep = splitbrain(&["sweep", "zoo/no-sync-after-heal", "--json", "--seeds", &seeds, "--for", "1m"]);
    let summary = summary(&sweep);
    let shown = summary["first_failing_seed"].as_u64().unwrap();
    assert_eq!(
        (code(&sweep), &summary["complete"], &summary["runs"]),
        (0, &true.into(), &(shown + 1).into())
    );
}

#[test]
fn a_failed_sweep_that_is_started_again_still_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let sweep = || splitbrain(&[FLAW, &["--out", &out]].concat());
    let (first, again) = (sweep(), sweep());
    assert_eq!((code(&first), code(&again)), (1, 1));
    assert!(summary(&first)["violations"].as_u64().unwrap() > 0);
    assert_eq!(timeless(summary(&again)), timeless(summary(&first)));
    let table = splitbrain(&[&FLAW[..FLAW.len() - 1], &["--out", &out]].concat());
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("runs violated what must hold") && table.contains("next: "), "{table}");
}

#[test]
fn a_sweep_that_is_killed_fifty_times_loses_nothing_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let whole = splitbrain(SHORT);
    let all = summary(&whole)["violations"].as_u64().unwrap() as usize;
    let arguments = [SHORT, &["--out", out.to_str().unwrap()]].concat();
    let failures =
        || fs::read(out.join("failures.jsonl")).map_or(0, |lines| lines.split(|&b| b == b'\n').count() - 1);
    let mut in_the_midst = 0;
    for kill in 0..50usize {
        let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // What it has written says when, not the clock: from before it has begun, to a few failures cut off or found.
        let (mut seen, mut changes) = (failures(), 0);
        while changes < kill % 5 && child.try_wait().unwrap().is_none() {
            let now = failures();
            changes += usize::from(now != std::mem::replace(&mut seen, now));
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        in_the_midst += usize::from((1..all).contains(&failures()));
    }
    assert!(in_the_midst > 0, "it was struck in the midst of it");
    finds_in_the_end_what_the_whole_does(&out, &whole);
}

#[test]
fn a_full_disk_ends_a_sweep_and_what_is_there_is_what_it_goes_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = [SHORT, &["--out", out.to_str().unwrap()]].concat();
    // No file may grow beyond 16 KiB: there is room for the first state, and for none that knows of runs.
    let full = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_splitbrain")])
        .args(&arguments)
        .env_remove("CARGO")
        .output()
        .unwrap();
    assert_eq!(code(&full), 2, "{}", errors(&full));
    assert!(
        errors(&full).contains("progress.json") && errors(&full).contains("too large"),
        "{}",
        errors(&full)
    );
    assert!(released(&out).is_some_and(|runs| runs < 24), "an earlier state is there, and whole");
    finds_in_the_end_what_the_whole_does(&out, &splitbrain(SHORT));
}

/// A sweep that lasts for a second or two and finds failures.
const SHORT: &[&str] = &[
    "sweep",
    "zoo/no-sync-after-heal",
    "--set",
    "check.expect=valid",
    "--set",
    "workload.for=8s",
    "--seeds",
    "0..24",
    "--json",
];

/// How many runs the state in a folder knows of; none where there is no state yet.
fn released(out: &Path) -> Option<u64> {
    let state = fs::read(out.join("progress.json")).ok()?;
    serde_json::from_slice::<Value>(&state).unwrap()["progress"]["released"].as_u64()
}

/// Lets the sweep in a folder come to its end, and compares.
fn finds_in_the_end_what_the_whole_does(out: &Path, whole: &Output) {
    let after = splitbrain(&[SHORT, &["--out", out.to_str().unwrap()]].concat());
    assert_eq!(code(&after), 1, "{}", errors(&after));
    assert_eq!(timeless(summary(&after)), timeless(summary(whole)));
    let failures = fs::read_to_string(out.join("failures.jsonl")).unwrap();
    let seeds: Vec<u64> = failures
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seed"].as_u64().unwrap())
        .collect();
    assert!(seeds.is_sorted_by(|a, b| a < b), "no failure twice: {seeds:?}");
    assert_eq!(seeds.len() as u64, summary(whole)["violations"].as_u64().unwrap(), "and none lost");
    let names: BTreeSet<_> = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["failures.jsonl", "progress.json"].map(Into::into).into(), "and nothing beside it");
}

#[test]
fn a_changed_scenario_is_another_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("quiet.toml").display().to_string();
    let out = folder.path().join("out").display().to_string();
    let text = fs::read_to_string("scenarios/registry/quiet.toml").unwrap();
    fs::write(&scenario, &text).unwrap();
    let sweep = || splitbrain(&["sweep", &scenario, "--out", &out, "--seeds", "0..2"]);
    assert_eq!(code(&sweep()), 0);
    fs::write(&scenario, text + "\n[clock]\nskew = \"1ms\"\n").unwrap();
    let changed = sweep();
    assert_eq!(code(&changed), 2);
    assert!(errors(&changed).contains("has changed since"), "{}", errors(&changed));
}

#[test]
fn shards_share_a_sweep_and_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let shard = |shard: &str| {
        let arguments = [
            "sweep",
            "registry/quiet",
            "--json",
            "--seeds",
            "0..11",
            "--jobs",
            "1",
            "--out",
            &out,
            "--shard",
            shard,
        ];
        command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children = [shard("0/2"), shard("1/2")];
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let runs = outputs.each_ref().map(|output| {
        assert_eq!(code(output), 0, "{}", errors(output));
        summary(output)["runs"].as_u64().unwrap()
    });
    assert_eq!(runs, [6, 5]);
    let stranger = shard("0/3").wait_with_output().unwrap();
    assert!(code(&stranger) == 2 && errors(&stranger).contains("shard"), "{}", errors(&stranger));
}

#[test]
fn the_same_sweep_twice_at_once_is_refused_and_nothing_that_was_there_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("mine.txt");
    fs::write(&kept, "keep me").unwrap();
    let out = folder.path().display().to_string();
    let arguments = ["sweep", "registry/quiet", "--seeds", "0..100000", "--json", "--out", &out];
    let mut first = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !folder.path().join("progress.json").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = splitbrain(&arguments);
    signal(&first, "KILL");
    first.wait().unwrap();
    assert!(code(&second) == 2 && errors(&second).contains("under way"), "{}", errors(&second));
    assert_eq!(fs::read_to_string(kept).unwrap(), "keep me");
}

#[test]
fn time_and_ctrl_c_end_a_sweep_with_what_is_known_however_long_a_run_takes() {
    let endless = ["sweep", "registry/quiet", "--set", "workload.for=86000s", "--seeds", "5..7", "--json"];
    let output = splitbrain(&[&endless[..], &["--for", "1s"]].concat());
    let told = summary(&output);
    assert_eq!((&told["runs"], &told["complete"]), (&0.into(), &false.into()));
    assert_eq!(told["unfinished"][0]["seed"], 5, "{told}");
    assert_eq!(code(&output), 1, "nothing was shown");

    let child = command(&["sweep", "registry/quiet", "--seeds", "0..1000000", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(4));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let told = summary(&output);
    assert!(told["runs"].as_u64().unwrap() > 0 && told["complete"] == false, "{told}");
    assert_eq!(code(&output), 0, "what was run is valid");
}

#[test]
fn a_sweep_ends_when_nothing_new_is_reached() {
    let arguments = ["sweep", "registry/quiet", "--json", "--seeds", "0..1000", "--until-plateau", "20"];
    let told = summary(&splitbrain(&arguments));
    let runs = told["runs"].as_u64().unwrap();
    assert!((20..1000).contains(&runs) && told["complete"] == false, "{told}");
}

#[test]
fn a_corpus_runs_first_what_failed_and_forgets_it_once_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("corpus.jsonl");
    let sweep = |seeds: &str, more: &[&str]| {
        let of = ["sweep", "zoo/no-sync-after-heal", "--json", "--corpus", folder.path().to_str().unwrap()];
        splitbrain(&[&of, &["--set", "check.expect=valid", "--seeds", seeds][..], more].concat())
    };
    let first = sweep("0..8", &[]);
    assert_eq!(code(&first), 1, "{}", errors(&first));
    let corpus = fs::read_to_string(&kept).unwrap();
    let failed = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["failed"].is_array();
    let failures = corpus.lines().filter(failed).count();
    assert!((1..8).contains(&failures), "{corpus}");

    let again = sweep("0..8", &[]);
    assert_eq!(summary(&again)["digest"], summary(&first)["digest"], "no run is made twice");
    assert_eq!(fs::read_to_string(&kept).unwrap(), corpus, "nothing new, nothing lost");
    let elsewhere = sweep("100..101", &[]);
    let ran = summary(&elsewhere)["runs"].as_u64().unwrap();
    assert_eq!(ran, corpus.lines().count() as u64 + 1, "what is kept comes before other seeds");
    assert!(summary(&elsewhere)["violations"].as_u64().unwrap() >= failures as u64);

    let mended = sweep("0..1", &["--set", "cluster.options={}"]);
    assert_eq!(code(&mended), 0, "{}", errors(&mended));
    let corpus = fs::read_to_string(&kept).unwrap();
    assert_eq!(corpus.lines().filter(failed).count(), 0, "{corpus}");
    let strangers = splitbrain(&[
        "sweep",
        "registry/quiet",
        "--seeds",
        "1",
        "--quiet",
        "--corpus",
        folder.path().to_str().unwrap(),
    ]);
    assert_eq!(code(&strangers), 0, "{}", errors(&strangers));
    let both = fs::read_to_string(&kept).unwrap();
    assert!(corpus.lines().all(|line| both.contains(line)), "those of others stay: {both}");
}

#[test]
fn a_corpus_that_cannot_be_read_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.jsonl");
    fs::write(&path, "{\"scenario\":\"registry/quiet\",\"seed\":1}\n{\"scenario\":\"registry/quiet\"}\n")
        .unwrap();
    let sweep = |more: &[&str]| {
        let of = ["sweep", "registry/quiet", "--seeds", "1", "--corpus", folder.path().to_str().unwrap()];
        splitbrain(&[&of[..], more].concat())
    };
    let refused = sweep(&[]);
    assert_eq!(code(&refused), 2);
    assert!(errors(&refused).contains("line 2") && errors(&refused).contains("seed"), "{}", errors(&refused));
    assert!(fs::read_to_string(&path).unwrap().ends_with("quiet\"}\n"), "it is as it was");
    let shared = sweep(&["--shard", "0/2"]);
    assert!(code(&shared) == 2 && errors(&shared).contains("cannot be used with"), "{}", errors(&shared));
}

#[test]
fn a_sweep_in_which_no_operation_succeeds_is_vacuous() {
    let silenced = ["sweep", "registry/quiet", "--set", "workload.mix={ unregister = 1 }", "--seeds", "0..3"];
    let output = splitbrain(&[&silenced[..], &["--json"]].concat());
    assert_eq!(code(&output), 1);
    assert_eq!(
        summary(&output)["vacuous"][0],
        "registry/quiet: no operation of a client succeeded",
        "{}",
        summary(&output)
    );
    let allowed = [&silenced[..], &["--set", "check.allows=[\"no-success\"]"]].concat();
    assert_eq!(code(&splitbrain(&allowed)), 0, "a scenario may say that it means it");
}

/// A sweep of this flaw in two shards; returns their folders.
fn in_two_shards(folder: &Path, seeds: &str) -> [String; 2] {
    [0, 1].map(|index| {
        let out = folder.join(format!("shard{index}")).display().to_string();
        let shard = format!("{index}/2");
        let arguments =
            [&FLAW[..4], &["--seeds", seeds, "--shard", &shard, "--out", &out, "--json"]].concat();
        splitbrain(&arguments);
        out
    })
}

#[test]
fn shards_that_are_merged_say_what_the_sweep_in_one_piece_says() {
    let folder = tempfile::tempdir().unwrap();
    let whole = splitbrain(FLAW);
    let [one, two] = in_two_shards(folder.path(), "0..12");
    let merged = splitbrain(&["merge", &two, &one, "--json"]);
    assert_eq!(code(&merged), code(&whole), "{}", errors(&merged));
    let mut said = timeless(summary(&merged));
    let keys = said.as_object_mut().unwrap();
    assert_eq!(keys.remove("shards").unwrap(), 2);
    assert_eq!(keys.remove("missing").unwrap().as_array().unwrap().len(), 0);
    assert_eq!(said, timeless(summary(&whole)), "and the digest over all runs is the same");
    let lines = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap().lines().count();
    assert_eq!(lines(&merged), lines(&whole), "a line a failing run");
}

#[test]
fn a_shard_that_is_missing_or_not_at_its_end_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let shard = |index: &str, more: &[&str]| {
        let sweep = ["sweep", "registry/quiet", "--seeds", "0..8", "--shard", index, "--out", &out];
        splitbrain(&[&sweep, more].concat())
    };
    let merge = || {
        let output = splitbrain(&["merge", &out, "--json"]);
        (code(&output), summary(&output)["missing"].clone())
    };
    shard("0/3", &[]);
    assert_eq!(merge(), (3, serde_json::json!(["1/3", "2/3"])));
    shard("1/3", &[]);
    shard("2/3", &["--for", "0s"]);
    assert_eq!(merge(), (3, serde_json::json!(["2/3 from seed 0 on"])));
    shard("2/3", &[]);
    assert_eq!(merge(), (0, serde_json::json!([])));
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = in_two_shards(folder.path(), "0..2");
    let other = in_two_shards(&folder.path().join("other"), "0..3");
    let merge = |folders: &[&str]| {
        let output = splitbrain(&[&["merge"], folders].concat());
        assert_eq!(code(&output), 2);
        errors(&output).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(merge(&[&one, &other[1]]).contains("of seeds 0..3"));
    assert!(merge(&[&one, &one]).contains("each shard counts once"));
    let empty = folder.path().display().to_string();
    assert!(merge(&[&two, &empty]).contains("nothing of a sweep is kept here"));
    assert!(merge(&["nowhere"]).contains("nowhere"));
}

#[test]
fn a_sweep_is_a_test_report_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml").display().to_string();
    let sweep = splitbrain(&[FLAW, &["registry/quiet", "--junit", &file]].concat());
    assert_eq!(code(&sweep), 1);
    let report = quick_junit::Report::deserialize_from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let suite = &report.test_suites[0];
    let names: Vec<&str> = suite.test_cases.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["zoo/no-sync-after-heal", "registry/quiet"]);
    assert_eq!((suite.tests, suite.failures, suite.errors), (2, 1, 0));
    let nowhere = splitbrain(&["sweep", "registry/quiet", "--junit", "/nowhere/report.xml"]);
    assert_eq!(code(&nowhere), 2, "before anything is run");
}

#[test]
fn the_files_for_an_engine_sweep_what_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (engine, files) in [
        ("slurm", &["array.sbatch", "merge.sbatch", "submit.sh"][..]),
        ("kubernetes", &["sweep.yaml", "merge.yaml"]),
        ("github", &["sweep.yml"]),
        ("gitlab", &["sweep.gitlab-ci.yml"]),
    ] {
        let out = folder.path().join(engine).display().to_string();
        let sweep = [
            "registry/quiet",
            "--seeds",
            "5..9",
            "--shards",
            "3",
            "--set",
            "cluster.nodes={from = 2, to = 3}",
        ];
        let written = splitbrain(&[&["cluster", engine, "--out", &out], &sweep[..]].concat());
        assert_eq!(code(&written), 0, "{}", errors(&written));
        let text: String =
            files.iter().map(|file| fs::read_to_string(Path::new(&out).join(file)).unwrap()).collect();
        for part in ["registry/quiet --seeds 5..9 --set 'cluster.nodes={from = 2, to = 3}'", "/3", " merge "]
        {
            assert!(text.contains(part), "{engine}: {part} in {text}");
        }
    }
    let unknown = splitbrain(&["cluster", "slurm", "registry/quite", "--out", "/nowhere"]);
    assert!(code(&unknown) == 2 && errors(&unknown).contains("no such scenario"));
}
