//! `patroni.yml`, or what `patronictl show-config` prints.
//!
//! What the whole cluster shares is below `bootstrap.dcs`, or at the top of what `patronictl` prints; a machine's own are
//! `tags` and `watchdog`. Source: Patroni's documentation, Dynamic configuration settings and YAML configuration settings.

use super::value::{flag, quoted, whole, whole_seconds};
use super::yaml::{Leaf, leaves};
use super::{count, is_managed_by, machines, no_clashes};
use sim::configuration::{Broken, Format, Item};

pub(super) const FORMAT: Format = Format {
    name: "patroni.yml",
    means: "Patroni's configuration",
    is_one,
    read,
    clashes: no_clashes,
    heeds: |options| is_managed_by(options, "patroni"),
    machines: |options| machines(1 + count(options, "stores", 3), 0),
};

/// An entry of our log is taken for a KiB.
const ENTRY_BYTES: i64 = 1024;

/// How a value becomes an option.
type Taken = fn(&str) -> Result<String, String>;

/// What the cluster shares: its name below `bootstrap.dcs`, the option, and how.
const DYNAMIC: &[(&str, &str, Taken)] = &[
    ("ttl", "ttl", |text| whole_seconds(text, 1)),
    ("loop_wait", "loop_wait", |text| whole_seconds(text, 1)),
    ("retry_timeout", "retry_timeout", |text| whole_seconds(text, 1)),
    ("maximum_lag_on_failover", "maximum_lag_on_failover", |text| entries(text, 0)),
    ("maximum_lag_on_syncnode", "maximum_lag_on_syncnode", |text| entries(text, -1)),
    ("synchronous_node_count", "synchronous_node_count", |text| {
        whole(text, 1, 1000).map(|count| count.to_string())
    }),
    ("failsafe_mode", "failsafe_mode", |text| flag(text).map(|is| is.to_string())),
    ("primary_start_timeout", "primary_start_timeout", |text| whole_seconds(text, 0)),
    ("master_start_timeout", "primary_start_timeout", |text| whole_seconds(text, 0)),
];

/// What is not modelled, and why; what begins alike is meant, too.
const LEFT: &[(&str, &str)] = &[
    ("scope", "a name"),
    ("name", "a name"),
    ("namespace", "a name"),
    ("restapi", "where it listens"),
    ("etcd", "the store is the cell's own"),
    ("etcd3", "the store is the cell's own"),
    ("consul", "the store is the cell's own"),
    ("zookeeper", "the store is the cell's own"),
    ("kubernetes", "the store is the cell's own"),
    ("exhibitor", "the store is the cell's own"),
    ("raft", "the store is the cell's own"),
    ("log", "nothing is logged"),
    ("bootstrap.dcs.standby_cluster", "a cell has a cluster of its own"),
    ("standby_cluster", "a cell has a cluster of its own"),
    ("bootstrap.dcs.slots", "there are no slots"),
    ("bootstrap.dcs.postgresql", "PostgreSQL's own"),
    ("bootstrap", "how a database is made"),
    ("postgresql", "PostgreSQL's own"),
    ("tags.clonefrom", "copies come from the primary"),
    ("tags.replicatefrom", "it names a member, and machines have other names here"),
];

fn is_one(text: &str) -> bool {
    let begins = |key: &str| text.lines().any(|line| line.trim_start().starts_with(key));
    let top = |key: &str| text.lines().any(|line| line.starts_with(key));
    top("scope:") && (top("bootstrap:") || top("postgresql:")) || begins("loop_wait:") && begins("ttl:")
}

fn read(text: &str) -> Result<Vec<Item>, Broken> {
    let leaves = leaves(text)?;
    let is_ours = |leaf: &Leaf| {
        let top = leaf.path.split('.').next().unwrap_or_default();
        ["scope", "bootstrap", "restapi", "loop_wait", "ttl"].contains(&top)
    };
    if !leaves.iter().any(is_ours) {
        return Err(Broken::all(
            "it has neither scope, bootstrap, restapi, ttl nor loop_wait: nothing of Patroni's",
        ));
    }
    let others = leaves.iter().filter(|leaf| !MODES.contains(&shared(&leaf.path)));
    let mut items = others.map(item).collect::<Result<Vec<Item>, Broken>>()?;
    items.extend(synchronous(&leaves)?);
    items.sort_by_key(|item| item.line);
    Ok(items)
}

/// The two that are one option here.
const MODES: [&str; 2] = ["synchronous_mode", "synchronous_mode_strict"];

/// What the cluster shares may stand at the top.
fn shared(path: &str) -> &str {
    path.strip_prefix("bootstrap.dcs.").unwrap_or(path)
}

fn item(leaf: &Leaf) -> Result<Item, Broken> {
    let Leaf { path, line, value } = leaf;
    let Some(value) = value else {
        return Ok(Item::left(*line, path, "an alias of a whole section is not followed"));
    };
    let broken = |message: String| Broken::at(*line, format!("{path}: {message}"));
    if let Some((_, option, taken)) = DYNAMIC.iter().find(|(key, ..)| *key == shared(path)) {
        let to = taken(value).map_err(broken)?;
        return Ok(match &*to {
            "" => Item::alike(*line, path, value),
            to => Item::sets(*line, path, value, &format!("patroni.{option}"), to),
        });
    }
    let option = |name: &str| format!("tags.MACHINE.{name}");
    match &**path {
        "watchdog.mode" => {
            let mode = match &*value.to_ascii_lowercase() {
                "off" | "false" => "off",
                "automatic" => "automatic",
                "required" => "required",
                _ => return Err(broken(format!("{value:?} is neither off, automatic nor required"))),
            };
            Ok(Item::sets(*line, path, value, "patroni.watchdog", quoted(mode)))
        }
        "watchdog.safety_margin" if value == "-1" => {
            Ok(Item::left(*line, path, "half of ttl is no margin here: 5 s are"))
        }
        "watchdog.safety_margin" => {
            let to = whole_seconds(value, 0).map_err(broken)?;
            Ok(Item::sets(*line, path, value, "patroni.safety_margin", to))
        }
        "tags.nofailover" | "tags.nosync" => {
            let to = flag(value).map_err(broken)?.to_string();
            Ok(Item::marks(*line, path, value, &option(&path["tags.".len()..]), to))
        }
        "tags.failover_priority" => {
            let to = whole(value, 0, 1000).map_err(broken)?.to_string();
            Ok(Item::marks(*line, path, value, &option("failover_priority"), to))
        }
        "tags.noloadbalance" | "tags.nostream" | "tags.clonefrom" if flag(value) == Ok(false) => {
            Ok(Item::alike(*line, path, value))
        }
        path => {
            let is = |key: &str| {
                path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let why =
                LEFT.iter().find(|(key, _)| is(key)).map_or("there is nothing of the kind", |(_, why)| why);
            Ok(Item::left(*line, path, why))
        }
    }
}

/// Bytes as entries; nothing where there is no bound.
fn entries(text: &str, least: i64) -> Result<String, String> {
    match whole(text, least, i64::MAX)? {
        ..0 => Ok(String::new()),
        bytes => Ok((bytes / ENTRY_BYTES).to_string()),
    }
}

/// What both of [`MODES`] say together: each says the same.
fn synchronous(leaves: &[Leaf]) -> Result<Vec<Item>, Broken> {
    let said = |name: &str| {
        let found = leaves.iter().rfind(|leaf| shared(&leaf.path) == name)?;
        Some((found, found.value.as_deref().unwrap_or_default()))
    };
    let is = |(leaf, value): (&Leaf, &str), or: &str| {
        flag(value).map_err(|why| Broken::at(leaf.line, format!("{}: {why}{or}", leaf.path)))
    };
    let [mode, strict] = MODES.map(said);
    let is_strict = strict.map_or(Ok(false), |strict| is(strict, ""))?;
    let Some(mode) = mode else {
        let alone = strict.map(|(leaf, _)| Item::left(leaf.line, &leaf.path, "synchronous_mode is not said"));
        return Ok(alone.into_iter().collect());
    };
    let is_quorum = mode.1.eq_ignore_ascii_case("quorum");
    let waits = is_quorum || is(mode, ", nor quorum")?;
    let to = match (waits, is_quorum, is_strict) {
        (false, ..) => "off",
        (true, true, true) => "quorum-strict",
        (true, true, false) => "quorum",
        (true, false, true) => "strict",
        (true, false, false) => "on",
    };
    let item = |(leaf, value): (&Leaf, &str)| {
        Item::sets(leaf.line, &leaf.path, value, "patroni.synchronous_mode", quoted(to))
    };
    Ok([Some(mode), strict].into_iter().flatten().map(item).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{left, refused, sets};
    use super::*;

    /// Of the shape that Patroni's own examples have.
    pub(in super::super) const ALL: &str = "\
scope: orders
name: db1
restapi:
  listen: 10.1.0.1:8008
etcd3:
  hosts: [10.1.0.7:2379, 10.1.0.8:2379]
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 6
    maximum_lag_on_failover: 33554432
    maximum_lag_on_syncnode: -1
    synchronous_mode: quorum
    synchronous_mode_strict: on
    synchronous_node_count: 2
    failsafe_mode: true
    primary_start_timeout: 0
    postgresql:
      use_pg_rewind: true
      parameters:
        wal_level: replica
postgresql:
  authentication:
    superuser:
      password: secret
watchdog:
  mode: required
  safety_margin: 4
tags:
  nofailover: false
  failover_priority: 3
  clonefrom: false
";

    #[test]
    fn what_the_cluster_shares_becomes_options_and_the_rest_is_told() {
        let items = read(ALL).unwrap();
        let set = |option: &str, to: &str| (option.to_owned(), to.to_owned());
        assert_eq!(
            sets(&items),
            [
                set("patroni.ttl", "20s"),
                set("patroni.loop_wait", "5s"),
                set("patroni.retry_timeout", "6s"),
                set("patroni.maximum_lag_on_failover", "32768"),
                set("patroni.synchronous_mode", "\"quorum-strict\""),
                set("patroni.synchronous_mode", "\"quorum-strict\""),
                set("patroni.synchronous_node_count", "2"),
                set("patroni.failsafe_mode", "true"),
                set("patroni.primary_start_timeout", "0s"),
                set("patroni.watchdog", "\"required\""),
                set("patroni.safety_margin", "4s"),
                set("tags.MACHINE.nofailover", "false"),
                set("tags.MACHINE.failover_priority", "3"),
            ]
        );
        let left = left(&items);
        assert!(left.contains(&(22, "bootstrap.dcs.postgresql.parameters.wal_level".to_owned())), "{left:?}");
        assert!(!format!("{items:?}").contains("secret"), "a password is not repeated");
        // A line each, and one of a list of two.
        assert_eq!(items.len(), ALL.lines().filter(|line| !line.ends_with(':')).count() + 1);
    }

    #[test]
    fn what_patronictl_prints_has_them_at_the_top() {
        let printed = "loop_wait: 10\nmaximum_lag_on_failover: 1048576\nretry_timeout: 10\nttl: 30\nsynchronous_mode: true\n";
        assert!(is_one(printed));
        let set = sets(&read(printed).unwrap());
        assert!(set.contains(&("patroni.synchronous_mode".to_owned(), "\"on\"".to_owned())), "{set:?}");
        assert_eq!(set.len(), 5);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        let dcs = |line: &str| format!("scope: a\nbootstrap:\n  dcs:\n    {line}\n");
        for (line, why) in [
            ("ttl: 30s", "bootstrap.dcs.ttl: \"30s\" is no whole number"),
            ("ttl: 0", "bootstrap.dcs.ttl: 0 is below 1"),
            ("loop_wait: 99999999999", "bootstrap.dcs.loop_wait: 99999999999 is above 31622400"),
            (
                "synchronous_mode: maybe",
                "bootstrap.dcs.synchronous_mode: \"maybe\" is neither true nor false, nor quorum",
            ),
            ("synchronous_node_count: 0", "bootstrap.dcs.synchronous_node_count: 0 is below 1"),
        ] {
            assert_eq!(refused(&FORMAT, &dcs(line)), (4, why.to_owned()));
        }
        let (line, why) = refused(&FORMAT, "scope: a\nbootstrap:\n  dcs:\n   ttl: 30\n  \tloop_wait: 10\n");
        assert!(line >= 4 && why.starts_with("this is no YAML"), "{line} {why}");
    }
}
