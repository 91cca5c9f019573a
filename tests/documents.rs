//! The documents: their links lead somewhere, the book has every page, and what they count is counted.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page in a folder, and below it.
fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.flat_map(|path| if path.is_dir() { pages_in(&path) } else { vec![path] });
    pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn pages() -> Vec<PathBuf> {
    let top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    top.into_iter().chain(pages_in(&root().join("docs"))).collect()
}

/// The lines of a page that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !is_code && !fence
    })
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<&str> {
    let parts = prose(text).flat_map(|line| line.split("](").skip(1));
    parts.filter_map(|rest| rest.split(')').next()).collect()
}

/// What a heading is called in a link, as GitHub and mdBook do it.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_');
    letters.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
}

/// What is wrong with a link of a page; nothing, if it leads somewhere, or away.
fn broken(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: {link}: there is no such file", page.display()));
    }
    if is_outside_of_the_book(page, &target) {
        return Some(format!("{}: {link}: the book does not have it", page.display()));
    }
    let heading = heading?;
    let there = anchors(&fs::read_to_string(&target).unwrap());
    (!there.contains(heading)).then(|| format!("{}: {link}: there is no such heading", page.display()))
}

/// A page of the book links to the book: nothing else is there beside it.
fn is_outside_of_the_book(page: &Path, target: &Path) -> bool {
    let docs = root().join("docs").canonicalize().unwrap();
    page.starts_with(root().join("docs")) && !target.canonicalize().unwrap().starts_with(docs)
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let of = |page: PathBuf| {
        let text = fs::read_to_string(&page).unwrap();
        links(&text).into_iter().filter_map(|link| broken(&page, link)).collect::<Vec<_>>()
    };
    let broken: Vec<String> = pages().into_iter().flat_map(of).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_link_to_nothing_is_found() {
    let page = root().join("README.md");
    assert_eq!(links("[a](b.md#c) and [d](e)\n```\n[f](g)\n```"), ["b.md#c", "e"]);
    assert!(broken(&page, "docs/no-such-page.md").unwrap().ends_with("no such file"));
    assert!(broken(&page, "docs/faults.md#no-such-heading").unwrap().ends_with("no such heading"));
    assert_eq!(broken(&page, "https://docs.rs"), None);
    assert!(broken(&root().join("docs/faults.md"), "../Cargo.toml").unwrap().ends_with("does not have it"));
}

/// Where the tables of a page fall apart: a row that no head is above, or that has other cells than its head.
fn broken_rows(text: &str) -> Vec<&str> {
    let cells = |row: &str| row.replace("\\|", "").matches('|').count();
    let (mut above, mut broken) = (None, Vec::new());
    let mut lines = prose(text).peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with('|') {
            above = None;
            continue;
        }
        let is_rule = |next: &&str| next.starts_with('|') && next.chars().all(|c| "|-: ".contains(c));
        let is_head = above.is_none() && lines.peek().is_some_and(is_rule);
        let head = *above.get_or_insert(if is_head { cells(line) } else { 0 });
        if cells(line) != head {
            broken.push(line);
        }
    }
    broken
}

#[test]
fn every_table_is_whole() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        assert_eq!(broken_rows(&text), [""; 0], "{}", page.display());
    }
}

#[test]
fn a_table_that_an_empty_line_cuts_in_two_or_that_lacks_a_cell_is_found() {
    let head = "| a | b |\n|---|---|\n| 1 | x \\| y |\n";
    assert_eq!(broken_rows(head), [""; 0]);
    assert_eq!(broken_rows(&format!("{head}\n| 2 | z |\n")), ["| 2 | z |"]);
    assert_eq!(broken_rows(&format!("{head}| 2 |\n")), ["| 2 |"]);
}

#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let linked: BTreeSet<PathBuf> = links(&summary).into_iter().map(|link| docs.join(link)).collect();
    let missing: Vec<PathBuf> = pages_in(&docs)
        .into_iter()
        .filter(|page| !page.ends_with("SUMMARY.md") && !linked.contains(page))
        .collect();
    assert!(missing.is_empty(), "in no chapter of docs/SUMMARY.md: {missing:?}");
}

#[test]
fn the_run_that_the_readme_shows_is_the_one_that_is_run() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    let run =
        command.args(["run", "zoo/no-sync-after-heal", "--seed", "1"]).current_dir(root()).output().unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    // How long it took, and what the command is called, are another's elsewhere.
    let is_its_own = |line: &&str| !line.contains("simulated  ") && !line.contains("next: ");
    let missing: Vec<&str> = told.lines().filter(is_its_own).filter(|line| !readme.contains(line)).collect();
    assert!(missing.is_empty() && told.contains("digest"), "README.md should show:\n{told}");
}

#[test]
fn the_oldest_rust_is_the_same_everywhere() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let manifest = read("Cargo.toml");
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    for file in ["README.md", "docs/your-own-protocol.md", "sim/template/Cargo.toml.liquid"] {
        assert!(read(file).contains(version), "{file} should say {version}");
    }
}

#[test]
fn the_lines_that_the_strangers_took_are_counted() {
    let page = fs::read_to_string(root().join("docs/strangers.md")).unwrap();
    let (mut all, mut code) = ("| lines, with comments |".to_owned(), "| of code |".to_owned());
    for file in ["membership.rs", "replicated.rs", "web.rs"] {
        let text = fs::read_to_string(root().join("examples/strangers/src").join(file)).unwrap();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        all += &format!(" {} |", text.lines().count());
        code += &format!(" {} |", text.lines().filter(is_code).count());
    }
    assert!(page.contains(&all) && page.contains(&code), "docs/strangers.md should say:\n{all}\n{code}");
}

/// How many scenarios a folder has.
fn scenarios_in(folder: &str) -> usize {
    fs::read_dir(root().join("scenarios").join(folder)).unwrap().count()
}

#[test]
fn what_the_readme_counts_is_counted() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let counted = format!("{} known flaws and {} findings", scenarios_in("zoo"), scenarios_in("findings"));
    assert!(readme.replace('\n', " ").contains(&counted), "README.md should say: {counted}");
}
