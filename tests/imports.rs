//! What imports what: no modules of different folders import each other in a circle.
//!
//! A module of a crate is a file; it imports those that its code names by a path from `crate`, `super` or itself. A
//! parent stands for its children. Test modules may look wherever they like.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module, as its path below the crate.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The modules of a crate, each with its code: without comments, and without its tests.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    fn collect(folder: &Path, module: &Module, modules: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let child = [module.clone(), vec![name.clone()]].concat();
            if path.is_dir() {
                collect(&path, &child, modules);
            } else if !name.ends_with("tests") {
                let is_parent = name == "mod" || (module.is_empty() && name == "lib");
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
                let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap()).collect();
                modules.insert(if is_parent { module.clone() } else { child }, code.join("\n"));
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(source, &Vec::new(), &mut found);
    found
}

/// The paths of a `use` tree: `a::{b, c::d}` has two.
fn paths(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let (mut depth, mut branch, mut found) = (0, String::new(), Vec::new());
    for letter in rest[..rest.rfind('}').unwrap()].chars().chain([',']) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = std::mem::take(&mut branch);
                found.extend(paths(branch.trim()).into_iter().map(|path| format!("{}{path}", before.trim())));
                continue;
            }
            _ => {}
        }
        branch.push(letter);
    }
    found
}

/// The innermost module that a path goes through, seen from another.
fn resolve(path: &str, from: &Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut base = from.clone();
    match parts[0] {
        "crate" => base.clear(),
        "self" => {}
        "super" => drop(base.pop()),
        child if modules.contains_key(&[base.clone(), vec![child.to_owned()]].concat()) => {
            parts.insert(0, "self");
        }
        _ => return None,
    }
    let mut innermost = None;
    for part in &parts[1..] {
        match *part {
            "super" => drop(base.pop()),
            part => base.push(part.to_owned()),
        }
        match modules.contains_key(&base) {
            true => innermost = Some(base.clone()),
            false => break,
        }
    }
    // An item of the module itself.
    base.pop();
    innermost.or(Some(base))
}

fn imports(source: &Path) -> Imports {
    let modules = modules(source);
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let of = |(module, code): (&Module, &String)| {
        let mut named: Vec<String> = Vec::new();
        let mut rest = String::new();
        let mut is_use = false;
        for part in code.split("use ") {
            match part.split_once(';').filter(|_| is_use) {
                Some((tree, after)) => {
                    named.extend(paths(tree));
                    rest.push_str(after);
                }
                None => rest.push_str(part),
            }
            // It begins a line, but for its visibility; elsewhere it is a word.
            let before = part.rsplit('\n').next().unwrap().trim();
            is_use = before.is_empty() || before.starts_with("pub");
        }
        for start in ["crate::", "super::"] {
            named.extend(rest.match_indices(start).filter(|(at, _)| !rest[..*at].ends_with(is_name)).map(
                |(at, _)| {
                    let end = rest[at..].find(|c| !is_name(c) && c != ':').map_or(rest.len(), |end| at + end);
                    rest[at..end].trim_end_matches(':').to_owned()
                },
            ));
        }
        let seen = named.iter().filter_map(|path| resolve(path, module, &modules));
        let children = modules.keys().filter(|child| {
            !module.is_empty() && child.len() == module.len() + 1 && child.starts_with(module)
        });
        let seen = seen.filter(|seen| seen != module && !seen.is_empty());
        (module.clone(), seen.chain(children.cloned()).collect())
    };
    modules.iter().map(of).collect()
}

fn reachable(imports: &Imports, from: &Module) -> BTreeSet<Module> {
    let mut seen: BTreeSet<Module> = BTreeSet::new();
    let mut next: Vec<&Module> = imports.get(from).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module.clone()) {
            next.extend(imports.get(module).into_iter().flatten());
        }
    }
    seen
}

/// The modules that import each other in a circle through several folders of the crate.
fn knots(imports: &Imports) -> Vec<String> {
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|module| (module, reachable(imports, module))).collect();
    let mut knots = Vec::new();
    for (module, seen) in &reach {
        for other in seen.iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(*module))) {
            if module.first() != other.first() && *module < other {
                knots.push(format!("{} and {}", module.join("/"), other.join("/")));
            }
        }
    }
    knots
}

#[test]
fn modules_of_different_folders_do_not_import_each_other() {
    // In the host a socket and the world behind it are two sides of one thing.
    for source in ["sim/src", "protocols/src"] {
        let imports = imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
        assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 20, "{source} has imports");
        assert_eq!(knots(&imports), [""; 0], "{source}");
    }
}

#[test]
fn a_circle_through_two_folders_is_found_and_a_line_is_not() {
    let module = |path: &str| path.split('/').map(str::to_owned).collect::<Module>();
    let graph = |edges: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in edges {
            imports.entry(module(from)).or_default().insert(module(to));
            imports.entry(module(to)).or_default();
        }
        imports
    };
    assert_eq!(knots(&graph(&[("a/x", "b"), ("b", "c/y")])), [""; 0]);
    assert_eq!(knots(&graph(&[("a/x", "a/y"), ("a/y", "a/x")])), [""; 0], "one folder is its own affair");
    assert_eq!(
        knots(&graph(&[("a/x", "b"), ("b", "c/y"), ("c/y", "a/x")])),
        ["a/x and b", "a/x and c/y", "b and c/y"]
    );
}

#[test]
fn a_use_tree_has_its_paths() {
    assert_eq!(paths("crate::a::{b, c::{d, e as f}}"), ["crate::a::b", "crate::a::c::d", "crate::a::c::e"]);
}
