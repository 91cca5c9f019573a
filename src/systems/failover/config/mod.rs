//! The configuration files that operators have, as options of a cluster: one file a format, and its line in [`FORMATS`].
//!
//! A reader takes a text apart into all that it says, and says of each what becomes of it: an option here, nothing new, or
//! nothing, with the reason. It refuses what the program would refuse, with the line. What a program takes for said where
//! its file says nothing is an item, too, where scenarios have something else.

mod braces;
mod haproxy;
mod keepalived;
mod patroni;
mod pgbouncer;
mod repmgr;
mod sections;
mod value;
mod yaml;

use sim::configuration::{Clash, Format, Item};

/// Every format.
pub(super) static FORMATS: &[Format] =
    &[patroni::FORMAT, haproxy::FORMAT, repmgr::FORMAT, keepalived::FORMAT, pgbouncer::FORMAT];

/// Whether this is the manager that options name.
fn is_managed_by(options: &toml::Table, manager: &str) -> bool {
    let named = options.get("manager").and_then(toml::Value::as_str);
    named.unwrap_or("patroni") == manager
}

/// A number of the options, or what it is unless it is said.
fn count(options: &toml::Table, name: &str, unsaid: u32) -> u32 {
    let said = options.get(name).and_then(toml::Value::as_integer);
    said.and_then(|count| u32::try_from(count).ok()).unwrap_or(unsaid)
}

/// Three databases, as the cells have them, from this machine on; and so many more.
fn machines(first: u32, more: u32) -> Vec<String> {
    (first..first + DATABASES + more).map(|id| format!("n{id}")).collect()
}

/// So many databases a cell of the card has.
const DATABASES: u32 = 3;

/// Of no machine's own.
fn of_none(_: &toml::Table) -> Vec<String> {
    Vec::new()
}

/// Files that cannot contradict each other, but for the options.
fn no_clashes(_: &[Vec<Item>]) -> Vec<Clash> {
    Vec::new()
}

/// What a file says under this key, where it matters, and in which line.
fn said<'i>(items: &'i [Item], key: &str) -> Option<(&'i str, usize)> {
    let item = items.iter().find(|item| item.key == key)?;
    Some((item.value.as_deref()?, item.line?))
}

/// A file and the line in it.
type Place = (usize, usize);

/// The pairs of files that say the same under this key: the later one and the line, the earlier one and the line, and what.
fn twice<'i>(files: &'i [Vec<Item>], key: &str) -> Vec<(Place, Place, &'i str)> {
    let all: Vec<(usize, &str, usize)> = files
        .iter()
        .enumerate()
        .filter_map(|(file, items)| said(items, key).map(|(value, line)| (file, value, line)))
        .collect();
    let mut pairs = Vec::new();
    for (index, (file, value, line)) in all.iter().enumerate() {
        if let Some((before, _, at)) = all[..index].iter().find(|(_, other, _)| other == value) {
            pairs.push(((*file, *line), (*before, *at), *value));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::configuration::Fate;

    /// What a text sets, and which keys it leaves.
    pub(super) fn sets(items: &[Item]) -> Vec<(String, String)> {
        let set = |item: &Item| match &item.fate {
            Fate::Sets(option, to) | Fate::Marks(option, to) => Some((option.clone(), to.clone())),
            _ => None,
        };
        items.iter().filter_map(set).collect()
    }

    pub(super) fn left(items: &[Item]) -> Vec<(usize, String)> {
        let left = items.iter().filter(|item| matches!(item.fate, Fate::Left(_)));
        left.map(|item| (item.line.unwrap_or(0), item.key.clone())).collect()
    }

    /// What is wrong with a text, and where.
    pub(super) fn refused(format: &Format, text: &str) -> (usize, String) {
        let broken = (format.read)(text).expect_err(text);
        (broken.line.unwrap_or(0), broken.message)
    }

    const OTHERS: &[&str] = &[
        r#"{ "name": "a", "version": 1 }"#,
        "max_connections = 100\nwal_level = replica\nsynchronous_commit = on\n",
        "<html><body>haproxy</body></html>",
        "[section]\nkey = value\n",
        "colour: red\n",
    ];

    #[test]
    fn a_file_of_another_program_is_of_no_format() {
        for text in OTHERS {
            for format in FORMATS {
                assert!(!(format.is_one)(text), "{}: {text}", format.name);
                assert!((format.read)(text).is_err(), "{}: {text}", format.name);
            }
        }
    }

    #[test]
    fn every_option_that_a_reader_sets_is_one() {
        // One text of each format with all that it may say.
        for (format, text) in [
            (&patroni::FORMAT, patroni::tests::ALL),
            (&haproxy::FORMAT, haproxy::tests::ALL),
            (&repmgr::FORMAT, repmgr::tests::ALL),
            (&keepalived::FORMAT, keepalived::tests::ALL),
            (&pgbouncer::FORMAT, pgbouncer::tests::ALL),
        ] {
            assert_eq!(FORMATS.iter().filter(|of| (of.is_one)(text)).count(), 1, "{}", format.name);
            assert!((format.is_one)(text), "{}", format.name);
            let items = (format.read)(text).unwrap();
            let overrides: Vec<(String, String)> = sets(&items)
                .into_iter()
                .map(|(option, to)| (format!("cluster.options.{}", option.replace("MACHINE", "n4")), to))
                .collect();
            assert!(overrides.len() > 5, "{}: {overrides:?}", format.name);
            let catalog = sim::catalog::Catalog::new(crate::systems::ALL).carrying(crate::scenarios);
            let loaded = catalog.load("failover/patroni-quiet", &overrides);
            loaded.unwrap_or_else(|why| panic!("{}: {why:?}", format.name));
        }
    }

    #[test]
    fn a_file_is_for_the_clusters_of_its_program() {
        let heeds = |options: &str| -> Vec<&str> {
            let options: toml::Table = options.parse().unwrap();
            FORMATS.iter().filter(|format| (format.heeds)(&options)).map(|format| format.name).collect()
        };
        assert_eq!(heeds(""), ["patroni.yml", "haproxy.cfg"]);
        assert_eq!(heeds("manager = 'repmgr'"), ["repmgr.conf", "pgbouncer.ini"]);
        assert_eq!(heeds("manager = 'vrrp'"), ["keepalived.conf"]);
        assert_eq!(heeds("manager = 'stolon'"), [""; 0]);
    }
}
