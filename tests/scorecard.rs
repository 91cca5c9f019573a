//! `scorecard` as its users meet it: what is known of the managers appears in it, it is the same however it was run, and
//! what there is not is told.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

fn scorecard(arguments: &[&str]) -> Output {
    splitbrain(&[&["scorecard", "failover"], arguments].concat())
}

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).env_remove("CARGO").output().unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn cells(arguments: &[&str]) -> Vec<Value> {
    let text = text(&scorecard(&[arguments, &["--json"]].concat()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was said to people, without the places where its lines were broken.
fn errors(arguments: &[&str]) -> String {
    let output = splitbrain(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8_lossy(&output.stderr);
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

const ADDRESS: [&str; 4] = ["--only", "manager=keepalived,ucarp", "--seeds", "3"];

#[test]
fn an_address_alone_has_two_owners_under_a_partition_and_one_where_nothing_happens() {
    let cells =
        cells(&[&ADDRESS[..], &["--only", "fault=none,cut-peers", "--only", "mode=asynchronous"]].concat());
    assert_eq!(cells.len(), 4);
    for cell in &cells {
        let (runs, with_two) = (cell["runs"].as_u64(), cell["in_runs"]["two_primaries_ms"].as_u64());
        let is_cut = cell["fault"] == "cut-peers";
        assert_eq!((runs, with_two), (Some(3), Some(if is_cut { 3 } else { 0 })), "{cell}");
        assert_eq!(cell["displaced"], 0, "{cell}");
        if is_cut {
            assert!(
                cell["two_primaries_ms"].as_u64().unwrap() > 80_000,
                "as long as the fault lasts: {cell}"
            );
        } else {
            assert_eq!((&cell["lost"]["runs"], &cell["left_behind"]), (&0.into(), &0.into()), "{cell}");
            assert!(cell["no_write_ms"]["max"].as_u64().unwrap() < 5_000, "{cell}");
        }
    }
}

#[test]
fn a_lock_loses_what_was_acknowledged_unless_writes_wait_for_a_standby() {
    let cells = cells(&["--only", "fault=cut-off", "--only", "manager=patroni,stolon", "--seeds", "2"]);
    assert_eq!(cells.len(), 4);
    for cell in &cells {
        let lost = cell["lost"]["runs"].as_u64().unwrap();
        match cell["mode"].as_str().unwrap() {
            "synchronous" => assert_eq!(lost, 0, "{cell}"),
            _ => assert!(lost > 0, "a primary that clients reach, and nobody else: {cell}"),
        }
        assert_eq!(cell["restored"], 2, "{cell}");
        let replay = cell["replay"].as_str().unwrap();
        assert!(replay.contains(&format!("--seed {} ", cell["worst_seed"])), "{replay}");
    }
}

#[test]
fn it_is_the_same_to_the_byte_on_one_core_and_on_two_in_one_piece_and_in_shards() {
    let some = [&ADDRESS[..], &["--only", "fault=none,pause-short,cut-store", "--markdown"]].concat();
    let whole = text(&scorecard(&[&some[..], &["--jobs", "1"]].concat()));
    assert_eq!(text(&scorecard(&[&some[..], &["--jobs", "2"]].concat())), whole);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (results, page, merged) = (path("results"), path("card.html"), path("merged.html"));
    let shard = |index: &str| {
        text(&scorecard(&[&some[..], &["--shard", index, "--out", &results]].concat()));
    };
    shard("0/2");
    let incomplete = splitbrain(&["merge", &results, "--markdown"]);
    assert_eq!(incomplete.status.code(), Some(3), "half of it is not there");
    assert!(String::from_utf8_lossy(&incomplete.stderr).contains("missing: shard 1/2"));
    shard("1/2");
    assert_eq!(text(&splitbrain(&["merge", &results, "--markdown", "--html", &merged])), whole);
    // What is done already is not run again.
    let again = text(&scorecard(&[&some[..], &["--out", &path("one"), "--html", &page]].concat()));
    assert_eq!(again, whole);
    assert_eq!(text(&scorecard(&[&some[..], &["--out", &path("one")]].concat())), whole);
    let pages = [page, merged].map(|page| fs::read_to_string(page).unwrap());
    assert!(pages[0] == pages[1] && pages[0].contains("<svg"), "a page is the same, too");
    let other = errors(&["scorecard", "failover", "--only", "fault=none", "--out", &path("one")]);
    assert!(other.contains("has the progress of another sweep: of the card failover"), "{other}");
}

#[test]
fn a_cell_that_cannot_be_has_its_reason() {
    let cells = cells(&["--only", "manager=ucarp", "--only", "fault=none,cut-store", "--seeds", "1"]);
    let reasons: Vec<Option<&str>> = cells.iter().map(|cell| cell["na"].as_str()).collect();
    let (no_mode, no_store) = ("nobody tells its databases whom to wait for", "it has no store");
    assert_eq!(reasons, [None, Some(no_mode), Some(no_store), Some(no_mode)]);
    let nothing = errors(&["scorecard", "failover", "--only", "manager=ucarp", "--only", "fault=cut-store"]);
    assert!(nothing.contains("there is no such cell: it has no store"), "{nothing}");
}

#[test]
fn what_there_is_not_is_answered_with_what_there_is() {
    let card = errors(&["scorecard", "failovers"]);
    assert!(card.contains("there is no card failovers, did you mean failover?"), "{card}");
    let manager = errors(&["scorecard", "failover", "--only", "manager=patrony"]);
    assert!(manager.contains("there is no manager patrony, did you mean patroni?"), "{manager}");
    assert!(manager.contains("there is patroni, stolon"), "{manager}");
    let axis = errors(&["scorecard", "failover", "--only", "weather=rain"]);
    assert!(axis.contains("--only weather: a cell has fault, manager, mode"), "{axis}");
    let set = errors(&["scorecard", "failover", "--set", "cluster.options.synchronous=true"]);
    assert!(set.contains("that is what the card failover sets"), "{set}");
    let option = errors(&["scorecard", "failover", "--set", "cluster.options.patroni.tll=30s"]);
    assert!(option.contains("tll"), "{option}");
    let no_card = errors(&["merge", "tests", "--markdown"]);
    assert!(no_card.contains("nothing of a sweep is kept here"), "{no_card}");
}

/// Files of an operator's, and what is said of them without the folder's name.
struct Operator(tempfile::TempDir);

impl Operator {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Operator(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A card with these files, and what else is asked for.
    fn arguments(&self, names: &[&str], more: &[&str]) -> Vec<String> {
        let from = names.iter().flat_map(|name| ["--from".to_owned(), self.path(name)]);
        from.chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    fn cells(&self, names: &[&str], more: &[&str]) -> Vec<Value> {
        let arguments = self.arguments(names, more);
        cells(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn refused(&self, names: &[&str], more: &[&str]) -> String {
        let arguments = self.arguments(names, more);
        let all = ["scorecard", "failover"].into_iter().chain(arguments.iter().map(String::as_str));
        errors(&all.collect::<Vec<_>>()).replace(&format!("{}/", self.0.path().display()), "")
    }
}

const PATRONI: &str = "\
scope: orders
name: db1
etcd3:
  hosts: 10.1.0.7:2379
bootstrap:
  dcs:
    ttl: 60
    loop_wait: 20
    retry_timeout: 15
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_slots: true
postgresql:
  authentication:
    superuser:
      password: hunter2
tags:
  nofailover: false
";

const HAPROXY: &str = "\
defaults
  mode tcp
  timeout connect 2s
  timeout check 1s
listen primary
  bind *:5000
  option httpchk /primary
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
  server db1 10.1.0.1:5432 check port 8008
";

const CRASH: [&str; 6] = ["--only", "fault=crash", "--seeds", "2", "--only", "manager=patroni"];

#[test]
fn an_operators_timers_are_what_his_cells_have_and_each_of_his_lines_is_told() {
    let operator = Operator::new(&[("patroni.yml", PATRONI), ("haproxy.cfg", HAPROXY)]);
    let lines = operator.cells(&["patroni.yml", "haproxy.cfg"], &CRASH);
    assert_eq!(lines.len(), 4, "a line each file, and each cell");
    let says = |key: &str| {
        let all = lines[..2].iter().flat_map(|file| file["says"].as_array().unwrap());
        all.into_iter()
            .find(|item| item["key"] == key)
            .unwrap_or_else(|| panic!("{key}: {}", lines[0]))
            .clone()
    };
    let ttl = says("bootstrap.dcs.ttl");
    assert_eq!((&ttl["line"], &ttl["set"]), (&7.into(), &"cluster.options.patroni.ttl".into()));
    assert_eq!((&ttl["to"], &ttl["cells"]), (&"60s".into(), &2.into()));
    // The mode of a cell is the cell's own.
    let mode = says("bootstrap.dcs.synchronous_mode");
    assert_eq!((&mode["line"], &mode["to"], &mode["cells"]), (&10.into(), &"\"strict\"".into(), &1.into()));
    assert!(says("bootstrap.dcs.postgresql.use_slots")["not_modelled"].is_string());
    assert!(
        says("postgresql.authentication.superuser.password")["value"].is_null(),
        "a secret is not repeated"
    );
    assert_eq!(says("default-server inter")["set"], "cluster.options.router.check_every");
    // A lock of twice the length costs twice the time, and whoever replays it needs no file.
    let (usual, his) = (cells(&CRASH), &lines[2..]);
    for (usual, his) in usual.iter().zip(his) {
        let time = |cell: &Value| cell["no_write_ms"]["p50"].as_u64().unwrap();
        assert!(time(his) > time(usual) + 15_000, "{usual} {his}");
        let replay = his["replay"].as_str().unwrap();
        assert!(
            replay.contains("cluster.options.patroni.ttl=60s") && !replay.contains("patroni.yml"),
            "{replay}"
        );
    }
    assert_eq!(operator.cells(&["patroni.yml", "haproxy.cfg"], &CRASH), lines, "the same again");
    let set = operator
        .cells(&["patroni.yml"], &[&CRASH[..], &["--set", "cluster.options.patroni.ttl=61s"]].concat());
    assert!(set[1]["replay"].as_str().unwrap().contains("ttl=61s"), "--set comes after: {}", set[1]);
}

#[test]
fn a_file_is_for_its_managers_cells_and_shards_of_it_are_merged_without_it() {
    let operator = Operator::new(&[(
        "keepalived.conf",
        "vrrp_instance A {\n  state BACKUP\n  nopreempt\n  priority 150\n  advert_int 2\n}\n",
    )]);
    let results = operator.path("results");
    let some = ["--only", "manager=keepalived,ucarp", "--only", "fault=crash", "--seeds", "2", "--markdown"];
    let text_of = |more: &[&str]| {
        let arguments = operator.arguments(&["keepalived.conf"], &[&some[..], more].concat());
        text(&scorecard(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let whole = text_of(&[]);
    assert!(whole.contains("for 1 cell: crash × keepalived × asynchronous"), "{whole}");
    assert!(
        whole.contains("| 5 | vrrp_instance.advert_int | 2 | cluster.options.vrrp.advert_int = 2s |"),
        "{whole}"
    );
    assert!(whole.contains("one machine's"), "one priority alone says nothing: {whole}");
    for shard in ["0/2", "1/2"] {
        text_of(&["--shard", shard, "--out", &results]);
    }
    let other = operator.arguments(&[], &[&some[..], &["--out", &results, "--shard", "0/2"]].concat());
    let other = [&["scorecard".to_owned(), "failover".to_owned()][..], &other].concat();
    let other = errors(&other.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(other.contains("has the progress of another sweep"), "{other}");
    fs::remove_file(operator.path("keepalived.conf")).unwrap();
    assert_eq!(text(&splitbrain(&["merge", &results, "--markdown"])), whole);
    let files = [
        ("patroni.yml", PATRONI),
        ("repmgr.conf", "node_id=1\nfailover=automatic\nreconnect_attempts=3\n"),
        ("pgbouncer.ini", "[pgbouncer]\nserver_login_retry = 5\n"),
    ];
    let operator = Operator::new(&files);
    for (name, whose) in [("repmgr.conf", "repmgr's"), ("pgbouncer.ini", "PgBouncer's")] {
        let refused = operator.refused(&["patroni.yml", name], &["--only", "manager=patroni"]);
        assert!(
            refused.contains(&format!("{name}: this is {whose} configuration, and no cell has it")),
            "{refused}"
        );
    }
}

#[test]
fn what_cannot_be_is_refused_with_file_and_line_before_anything_runs() {
    let repmgr = |id: u32, host: &str| format!("node_id={id}\nconninfo='host={host} dbname=repmgr'\n");
    let keepalived = |priority: u8, address: &str| {
        format!("vrrp_instance A {{\n  priority {priority}\n  unicast_src_ip {address}\n}}\n")
    };
    let json = r#"{ "name": "a", "version": 1 }"#;
    let long = "# a comment\n".repeat(100_000);
    let files: &[(&str, &str)] = &[
        ("broken.yml", "scope: a\nbootstrap:\n  dcs:\n    ttl: 30\n   loop_wait: 10\n"),
        ("bounds.yml", "scope: a\nbootstrap:\n  dcs:\n    ttl: 0\n"),
        ("haproxy.cfg", "listen a\n  option httpchk\n  server b c:1 check inter soon\n"),
        ("keepalived.conf", "vrrp_instance A {\n  priority 100\n"),
        ("package.json", json),
        ("postgresql.conf", "max_connections = 100\nwal_level = replica\n"),
        ("patroni.yml", json),
        ("empty", "\n"),
        ("long.conf", &long),
        ("hostile.conf", "node_id=1\npriority=\u{1b}[2J\n"),
        ("n1/repmgr.conf", &repmgr(1, "db1")),
        ("n2/repmgr.conf", &repmgr(2, "db2")),
        ("witness/repmgr.conf", &repmgr(3, "db1")),
        ("n1/keepalived.conf", &keepalived(100, "10.1.0.1")),
        ("n2/keepalived.conf", &keepalived(100, "10.1.0.1")),
        ("n3/keepalived.conf", &keepalived(90, "10.1.0.3")),
        ("n4/keepalived.conf", &keepalived(80, "10.1.0.4")),
        ("n5/keepalived.conf", &keepalived(70, "10.1.0.5")),
    ];
    let operator = Operator::new(files);
    for (names, why) in [
        (&["broken.yml"][..], "broken.yml:5: this is no YAML"),
        (&["bounds.yml"], "bounds.yml:4: bootstrap.dcs.ttl: 0 is below 1"),
        (&["haproxy.cfg"], "haproxy.cfg:3: server inter: \"soon\" is no time"),
        (&["keepalived.conf"], "keepalived.conf:1: vrrp_instance A: this block does not end"),
        (&["package.json"], "package.json: it is of no kind that is read"),
        (&["postgresql.conf"], "postgresql.conf: it is of no kind that is read"),
        (&["patroni.yml"], "patroni.yml: it has neither scope, bootstrap"),
        (&["empty"], "empty: it is empty"),
        (&["long.conf"], "long.conf: it is longer than 1024 KiB"),
        (&["missing.yml"], "missing.yml: No such file"),
        (&["n1"], "it is a folder: give the file"),
        (&["hostile.conf"], "hostile.conf:2: priority: "),
        (
            &["n1/repmgr.conf", "n2/repmgr.conf", "witness/repmgr.conf"],
            "witness/repmgr.conf:2: conninfo: two nodes are on db1",
        ),
        (
            &["n1/keepalived.conf", "n2/keepalived.conf"],
            "n2/keepalived.conf:3: priority 100 and address 10.1.0.1",
        ),
        (
            &["n1/keepalived.conf", "n3/keepalived.conf", "n4/keepalived.conf", "n5/keepalived.conf"],
            "n5/keepalived.conf: it is number 4 of its kind, and the cluster has 3 machines for them",
        ),
    ] {
        let refused = operator.refused(names, &[]);
        assert!(refused.contains(why), "{names:?}: {refused}");
        assert!(!refused.contains('\u{1b}'), "a terminal obeys none of it: {refused}");
    }
    let help = operator.refused(&["package.json"], &[]);
    assert!(help.contains("there is patroni.yml (Patroni's configuration), haproxy.cfg"), "{help}");
}
