//! Who sees whom, and how the tree is kept.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;

/// The files below a folder with one of these endings.
fn collect(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, endings, files);
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            files.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &[".rs"], &mut files);
    assert!(!files.is_empty(), "{folder} has sources");
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Whether a crate's manifest names a crate of this workspace as a dependency.
fn depends(folder: &str, on: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
    fs::read_to_string(path).unwrap().lines().any(|line| line.starts_with(&format!("{on} = ")))
}

/// Whether a line of code has this path, and not as the end of a longer name.
fn names(code: &str, path: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path).any(|(start, _)| !code[..start].ends_with(part_of_a_name))
}

/// Panics with every line of code (comments aside) that has one of the words.
fn refuse(folder: &str, words: &[&str]) {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| names(code, word)) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{folder} must not see {words:?}:\n{}", found.join("\n"));
}

#[test]
fn the_testbed_names_no_protocol() {
    assert!(!depends("sim", "protocols"));
    refuse("sim/src", &["protocols::", "splitbrain_protocols"]);
}

#[test]
fn protocols_never_see_the_testbed() {
    assert!(!depends("protocols", "sim"));
    refuse("protocols/src", &["sim::", "splitbrain_sim", "host::world"]);
}

#[test]
fn the_host_sees_neither() {
    assert!(!depends("sim/host", "protocols") && !depends("sim/host", "sim"));
    refuse("sim/host/src", &["protocols::", "sim::"]);
}

#[test]
fn nodes_take_time_chance_and_sockets_from_the_host_alone() {
    let forbidden = [
        "std::net::Tcp",
        "tokio::net",
        "std::fs",
        "std::thread",
        "SystemTime::now",
        "rand::",
        "fastrand",
        "::thread_rng",
    ];
    refuse("protocols/src", &forbidden);
}

/// The rooms of a protocol's folder: a file of that name, or a file and a folder of what is in it. Whatever else is
/// there is a noun of that protocol.
///
/// | room | what is in it | who has it |
/// |---|---|---|
/// | `mod` | the algorithm in prose, its source, its invariants, what it gives up | everyone |
/// | `options` | what can be chosen | everyone |
/// | `rules` | what follows from what: plain functions, without a wait | everyone |
/// | `node` | what is around the rules: sockets, timers, the disk | everyone |
/// | `client`, `message` | who asks, and what is said: on the wire, or where others read it | everyone who is asked |
/// | `view` | what a node believes, for checkers | everyone who registers one |
const ROOMS: [&str; 4] = ["mod", "options", "rules", "node"];

/// Names under which the rooms have been found, and the one that each has everywhere.
const OTHER_NAMES: [(&str, &str); 10] = [
    ("state", "rules"),
    ("machine", "rules"),
    ("engine", "rules"),
    ("step", "rules"),
    ("logic", "rules"),
    ("agent", "node"),
    ("acts", "node"),
    ("server", "node"),
    ("operator", "client"),
    ("wire", "message"),
];

/// What is wrong with the plan of a protocol that has these files; nothing if all is where it belongs.
fn misplaced(files: &[&str], registers_a_view: bool) -> Option<String> {
    let has = |room: &str| files.contains(&room);
    let (client, message) = (has("client"), has("message"));
    if let Some(room) = ROOMS.iter().find(|room| !has(room)) {
        return Some(format!("there is no `{room}`"));
    }
    if let Some((name, room)) = OTHER_NAMES.iter().find(|(name, _)| has(name)) {
        return Some(format!("`{name}` is called `{room}` everywhere"));
    }
    if client != message {
        return Some("`client` and `message` go together: who asks, and what is said".to_owned());
    }
    if has("view") != registers_a_view {
        return Some("`view` has what the node registers with `host::view`, and nothing else".to_owned());
    }
    None
}

#[test]
fn every_protocol_has_the_same_rooms() {
    let mut protocols: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for (path, text) in sources("protocols/src") {
        let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols/src")).unwrap();
        let [protocol, _, ..] = inside.iter().collect::<Vec<_>>()[..] else { continue };
        let protocol = protocol.to_str().unwrap();
        // What several need, and programs.
        if !["common", "bin"].contains(&protocol) {
            protocols.entry(protocol.to_owned()).or_default().push((inside.to_owned(), text));
        }
    }
    for (protocol, files) in &protocols {
        let rooms: Vec<&str> = files
            .iter()
            .filter(|(path, _)| path.iter().count() == 2)
            .map(|(path, _)| path.file_stem().unwrap().to_str().unwrap())
            .collect();
        let registers_a_view = files.iter().any(|(_, text)| text.contains("view::register("));
        let wrong = misplaced(&rooms, registers_a_view);
        assert!(wrong.is_none(), "protocols/src/{protocol}: {}", wrong.unwrap());
    }
}

#[test]
fn a_plan_with_a_room_that_is_missing_or_has_another_name_is_found() {
    let plan = ["mod", "options", "rules", "node"];
    let with = |others: &[&'static str]| [&plan[..], others].concat();
    assert_eq!(misplaced(&with(&["account", "client", "message", "view"]), true), None);
    assert_eq!(misplaced(&plan, false), None);
    assert_eq!(misplaced(&["mod", "options", "node", "step"], false).unwrap(), "there is no `rules`");
    assert_eq!(misplaced(&with(&["step"]), false).unwrap(), "`step` is called `rules` everywhere");
    assert!(misplaced(&with(&["client"]), false).unwrap().starts_with("`client` and `message`"));
    assert!(misplaced(&plan, true).unwrap().starts_with("`view` has what"));
    assert!(misplaced(&with(&["view"]), false).unwrap().starts_with("`view` has what"));
}

#[test]
fn rules_are_plain_functions() {
    let mut found = Vec::new();
    for (path, text) in sources("protocols/src") {
        if path.iter().any(|part| part == "rules" || part == "rules.rs") {
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            let waits = ["async ", "tokio::", "host::net", "host::disk", "host::entropy"];
            let lines = code.filter(|code| waits.iter().any(|word| code.contains(word)));
            found.extend(lines.map(|line| format!("{}: {line}", path.display())));
        }
    }
    assert!(found.is_empty(), "rules neither wait nor reach out: that is the node's\n{}", found.join("\n"));
}

/// Files that are named and not kept here: others', as their authors name them, and what the command writes.
const ELSEWHERE: [&str; 4] =
    ["replication/mod.rs", "progress/inflight/mod.rs", "raft_state/io_state.rs", "scenario.toml"];

/// The files that a text names: what stands in backticks and ends like one.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_file = |name: &&str| {
        let plain = name.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c));
        plain && [".rs", ".toml", ".md"].iter().any(|end| name.len() > end.len() && name.ends_with(end))
    };
    quoted.filter(is_file).map(|name| name.trim_start_matches("../"))
}

/// Names of others: of their tests and types, and those of Rust's own that our code has no use for.
const OF_OTHERS: [&str; 11] = [
    // FoundationDB's disk, stolon's tests
    "AsyncFileNonDurable",
    "TestActiveProxiesInfos",
    "TestUpdateCluster",
    // std's kinds of errors, which the simulated disk answers by number
    "DirectoryNotEmpty",
    "FileTooLarge",
    "IsADirectory",
    "NotADirectory",
    // tokio's, which madsim's has not
    "LocalSet",
    "TcpSocket",
    // futures', rand's
    "Sink",
    "rng",
];

/// Whether a word of a text stands for an item of Rust: it has a path, is called, or is written like a type.
fn is_item(name: &str) -> bool {
    let of_words = |name: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty() && name.chars().all(letters) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let (path, call) = name.split_once('(').map_or((name, None), |(path, rest)| (path, Some(rest)));
    let (path, is_macro) = path.strip_suffix('!').map_or((path, false), |path| (path, true));
    let is_type =
        path.starts_with(|c: char| c.is_ascii_uppercase()) && path.contains(|c: char| c.is_ascii_lowercase());
    let is_called = call.is_some_and(|rest| rest.find(')') == Some(rest.len() - 1));
    path.split("::").all(of_words)
        && (call.is_none() || is_called)
        && (path.contains("::") || is_called || is_macro || is_type)
}

/// The items that a text names, each with the parts of its path.
fn named_items(text: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|name| is_item(name));
    quoted.map(|name| (name, name.split(['(', '!']).next().unwrap_or_default().split("::").collect()))
}

#[test]
fn what_is_written_like_an_item_is_one_and_prose_is_not() {
    for item in ["Draw", "Link::passage", "with()", "poll_read(context)", "probe!", "buggify!(p)", "a::b"] {
        assert!(is_item(item), "{item}");
    }
    for other in ["RST", "restart_after", "n1", "at = \"3s\"", "2^64", "--seed", "madsim", "f(a)(b)", "::a"] {
        assert!(!is_item(other), "{other}");
    }
    let named: Vec<_> = named_items("the `Link::passage` of `n1`, or `with()`").collect();
    assert_eq!(named, [("Link::passage", vec!["Link", "passage"]), ("with()", vec!["with"])]);
}

/// Every document: pages, and the comments of code, line by line.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)).into();
    for folder in ["protocols", "src", "docs", "sim/src", "sim/host/src"] {
        collect(&root.join(folder), &[".rs", ".md"], &mut documents);
    }
    let prose = |document: PathBuf| {
        let text = fs::read_to_string(&document).unwrap();
        let is_code = document.extension().is_some_and(|extension| extension == "rs");
        let lines = text.lines().filter(|line| !is_code || line.trim_start().starts_with("//"));
        let mut is_example = false;
        let lines = lines.filter(|line| {
            let fence = line.trim_start_matches([' ', '/', '!']).starts_with("```");
            is_example ^= fence;
            !is_example && !fence
        });
        let prose = lines.collect::<Vec<_>>().join("\n");
        (document, prose)
    };
    documents.into_iter().map(prose).collect()
}

#[test]
fn every_item_that_a_document_names_is_in_the_code() {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for folder in ["src", "sim", "protocols", "tests", "benches", "examples"] {
        for (_, text) in sources(folder) {
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            let letters = |c: char| !c.is_alphanumeric() && c != '_';
            words.extend(code.flat_map(|line| line.split(letters)).map(str::to_owned));
        }
    }
    let exists = |part: &&str| OF_OTHERS.contains(part) || words.contains(*part);
    let mut missing = Vec::new();
    for (document, prose) in documents() {
        let items = named_items(&prose).filter(|(_, parts)| !parts.iter().all(&exists));
        missing.extend(items.map(|(item, _)| format!("{}: {item}", document.display())));
    }
    assert!(missing.is_empty(), "there is nothing of that name:\n{}", missing.join("\n"));
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there: Vec<PathBuf> = Vec::new();
    for folder in ["src", "sim", "protocols", "tests", "benches", "examples", "scenarios", "docs"] {
        collect(&root.join(folder), &[".rs", ".toml", ".md"], &mut there);
    }
    let exists = |name: &str| {
        let is_below = || there.iter().any(|path| path.ends_with(name));
        ELSEWHERE.contains(&name) || root.join(name).exists() || is_below()
    };
    let mut missing = Vec::new();
    for (document, prose) in documents() {
        let names = named_files(&prose).filter(|name| !exists(name));
        missing.extend(names.map(|name| format!("{}: {name}", document.display())));
    }
    assert!(missing.is_empty(), "there is no such file:\n{}", missing.join("\n"));
}

/// A list of probes parts them by commas.
#[test]
fn no_probe_has_a_comma_in_its_name() {
    let mut found = Vec::new();
    for (path, text) in ["protocols/src", "src"].iter().flat_map(|folder| sources(folder)) {
        for call in ["probe!(\"", "sometimes!(\""] {
            let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(
                names.filter(|name| name.contains(',')).map(|name| format!("{}: {name}", path.display())),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_outgrows_a_reader() {
    for folder in ["src", "sim/src", "sim/host/src", "protocols/src", "benches", "tests"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= FILE_LINES_MAX, "{}: {lines} lines: split it by noun", path.display());
        }
    }
}
