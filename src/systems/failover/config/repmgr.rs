//! `repmgr.conf`: a line a parameter, as in `postgresql.conf`: `key = value`, the `=` may be missing, texts are in single
//! quotes, in which `''` and `\'` are one, and `#` begins a comment. Source: repmgr's documentation, and the scanner of its
//! configuration files.

use super::value::{flag, quoted, whole, whole_seconds};
use super::{count, is_managed_by, machines, twice};
use sim::configuration::{Broken, Clash, Format, Item};
use std::iter::Peekable;
use std::str::Chars;

pub(super) const FORMAT: Format = Format {
    name: "repmgr.conf",
    means: "repmgr's configuration",
    is_one: |text| {
        lines(text).is_ok_and(|lines| lines.iter().any(|(_, key, _)| OURS.contains(&key.as_str())))
    },
    read,
    clashes,
    heeds: |options| is_managed_by(options, "repmgr"),
    machines: |options| machines(1, count(options, "witnesses", 0)),
};

/// Parameters that nothing else has.
const OURS: &[&str] = &[
    "node_id",
    "node_name",
    "promote_command",
    "follow_command",
    "reconnect_attempts",
    "monitor_interval_secs",
    "primary_visibility_consensus",
    "ssh_options",
    "pg_bindir",
];

/// Whole seconds, 1 at least.
const SECONDS: &[&str] = &[
    "monitor_interval_secs",
    "reconnect_interval",
    "primary_notification_timeout",
    "sibling_nodes_disconnect_timeout",
    "witness_sync_interval",
];
const FLAGS: &[&str] = &["primary_visibility_consensus", "standby_disconnect_on_failover"];

/// What is not modelled, and why.
const LEFT: &[(&str, &str)] = &[
    ("node_id", "a name"),
    ("node_name", "a name"),
    ("data_directory", "a name"),
    ("promote_command", "what it does is cluster.options.repmgr.promote"),
    ("follow_command", "a standby follows whoever it is told"),
    ("log_level", "nothing is logged"),
    ("log_file", "nothing is logged"),
    ("use_replication_slots", "there are no slots"),
    ("failover_validation_command", "no election is held again"),
    ("election_rerun_interval", "no election is held again"),
];

fn read(text: &str) -> Result<Vec<Item>, Broken> {
    let lines = lines(text)?;
    if !lines.iter().any(|(_, key, _)| OURS.contains(&key.as_str())) {
        return Err(Broken::all(format!("it has none of {}: nothing of repmgr's", OURS.join(", "))));
    }
    let mut items = Vec::new();
    for (line, key, value) in &lines {
        items.extend(parameter(*line, key, value)?);
    }
    if !lines.iter().any(|(_, key, _)| key == "failover") {
        items.push(Item {
            value: Some("manual".to_owned()),
            line: None,
            ..Item::left(0, "failover", MANUAL)
        });
    }
    Ok(items)
}

const MANUAL: &str = "here every node fails over, as if it were automatic";

fn parameter(line: usize, key: &str, value: &str) -> Result<Vec<Item>, Broken> {
    let broken = |why: String| Broken::at(line, format!("{key}: {why}"));
    let option = format!("repmgr.{key}");
    if SECONDS.contains(&key) {
        let to = whole_seconds(value, 1).map_err(broken)?;
        return Ok(vec![Item::sets(line, key, value, &option, to)]);
    }
    if FLAGS.contains(&key) {
        let to = flag(value).map_err(broken)?.to_string();
        return Ok(vec![Item::sets(line, key, value, &option, to)]);
    }
    let item = match (key, value) {
        ("reconnect_attempts", _) => {
            let to = whole(value, 1, 1000).map_err(broken)?.to_string();
            Item::sets(line, key, value, &option, to)
        }
        ("priority", _) => {
            let to = whole(value, 0, 255).map_err(broken)?.to_string();
            Item::marks(line, key, value, "priorities.MACHINE", to)
        }
        ("location", _) if !is_name(value) => {
            return Err(broken(format!("{value:?} is no name of letters, digits, - and _")));
        }
        ("location", _) => Item::marks(line, key, value, "locations.MACHINE", quoted(value)),
        ("conninfo", _) => return connection(line, value),
        ("failover", "automatic") | ("connection_check_type", "ping") => Item::alike(line, key, value),
        ("failover", "manual") => told(line, key, value, MANUAL),
        ("failover", _) => return Err(broken(format!("{value:?} is neither automatic nor manual"))),
        ("node_id", _) => {
            let id = whole(value, 1, i32::MAX.into()).map_err(broken)?;
            told(line, key, &id.to_string(), "a name")
        }
        ("include" | "include_dir" | "include_if_exists", _) => {
            Item::left(line, key, "another file, which is not read: give it with --from")
        }
        _ => {
            let why = LEFT.iter().find(|(name, _)| *name == key);
            Item::left(line, key, why.map_or("there is nothing of the kind", |(_, why)| why))
        }
    };
    Ok(vec![item])
}

/// Whether a text is a name that others can be told, everywhere.
fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    (1..64).contains(&text.len()) && text.chars().all(is_plain)
}

/// Something that is left, and that others look at.
fn told(line: usize, key: &str, value: &str, why: &str) -> Item {
    Item { value: Some(value.to_owned()), ..Item::left(line, key, why) }
}

/// A connection's own keys. A password is not repeated.
fn connection(line: usize, conninfo: &str) -> Result<Vec<Item>, Broken> {
    let mut items = Vec::new();
    for pair in conninfo.split_whitespace() {
        let Some((key, value)) = pair.split_once('=') else {
            let why = "these are not keys and values, as in host=db1 connect_timeout=2";
            items.push(Item::left(line, "conninfo", why));
            continue;
        };
        let (name, value) = (format!("conninfo.{key}"), value.trim_matches('\''));
        items.push(match key {
            "connect_timeout" => {
                let to = whole_seconds(value, 1).map_err(|why| Broken::at(line, format!("{name}: {why}")))?;
                Item::sets(line, &name, value, "repmgr.connect_timeout", to)
            }
            "host" => told(line, &name, value, "a name"),
            _ => Item::left(line, &name, "where it is, is the cell's own"),
        });
    }
    Ok(items)
}

/// Nodes that are one, or on one host.
fn clashes(files: &[Vec<Item>]) -> Vec<Clash> {
    let clash = |key, is: fn(&str) -> String| {
        let pairs = twice(files, key).into_iter();
        pairs.map(move |(again, before, value)| Clash { again, before, message: is(value), is_fatal: true })
    };
    let same_id = clash("node_id", |id| format!("node_id: two nodes have {id}"));
    let same_host = clash("conninfo.host", |host| {
        format!(
            "conninfo: two nodes are on {host}: whoever is beside the primary, a witness too, falls with it"
        )
    });
    same_id.chain(same_host).collect()
}

/// The lines that say something: number, key, value.
fn lines(text: &str) -> Result<Vec<(usize, String, String)>, Broken> {
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
        let (key, rest) = text.split_at(end);
        if key.is_empty() {
            return Err(Broken::at(number, format!("{text:?} begins with no parameter")));
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        let value = value(rest).map_err(|why| Broken::at(number, format!("{key}: {why}")))?;
        lines.push((number, key.to_ascii_lowercase(), value));
    }
    Ok(lines)
}

/// A value, without its quotes and what is a comment behind it.
fn value(text: &str) -> Result<String, String> {
    let mut rest = text.chars().peekable();
    let value = if rest.next_if_eq(&'\'').is_some() {
        in_quotes(&mut rest)?
    } else {
        std::iter::from_fn(|| rest.next_if(|c| !c.is_whitespace() && *c != '#')).collect()
    };
    let behind: String = rest.collect();
    match behind.trim_start().chars().next() {
        None | Some('#') => Ok(value),
        Some(_) => Err(format!("{:?} stands behind the value: texts are in single quotes", behind.trim())),
    }
}

fn in_quotes(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut value = String::new();
    loop {
        match rest.next() {
            None => return Err("its quote does not end".to_owned()),
            Some('\\') => value.extend(rest.next()),
            Some('\'') if rest.next_if_eq(&'\'').is_none() => return Ok(value),
            Some(c) => value.push(c),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{left, refused, sets};
    use super::*;

    pub(in super::super) const ALL: &str = "\
# a node
node_id=1
node_name='db1'   # its name
conninfo='host=db1 user=repmgr password=secret connect_timeout=4'
failover=automatic
promote_command='echo ''it is''; promote'
reconnect_attempts 3
reconnect_interval = 5
monitor_interval_secs=1
primary_notification_timeout=30
primary_visibility_consensus=true
standby_disconnect_on_failover=on
sibling_nodes_disconnect_timeout=20
witness_sync_interval=10
priority=60
location='north'
connection_check_type=query
";

    #[test]
    fn what_is_said_becomes_options_and_the_rest_is_told() {
        let items = read(ALL).unwrap();
        let set = |option: &str, to: &str| (option.to_owned(), to.to_owned());
        assert_eq!(
            sets(&items),
            [
                set("repmgr.connect_timeout", "4s"),
                set("repmgr.reconnect_attempts", "3"),
                set("repmgr.reconnect_interval", "5s"),
                set("repmgr.monitor_interval_secs", "1s"),
                set("repmgr.primary_notification_timeout", "30s"),
                set("repmgr.primary_visibility_consensus", "true"),
                set("repmgr.standby_disconnect_on_failover", "true"),
                set("repmgr.sibling_nodes_disconnect_timeout", "20s"),
                set("repmgr.witness_sync_interval", "10s"),
                set("priorities.MACHINE", "60"),
                set("locations.MACHINE", "\"north\""),
            ]
        );
        assert!(left(&items).contains(&(17, "connection_check_type".to_owned())));
        assert!(!format!("{items:?}").contains("secret"));
    }

    #[test]
    fn a_node_that_says_nothing_of_failover_has_none_there() {
        let items = read("node_id=1\n").unwrap();
        let item = items.last().unwrap();
        assert_eq!((item.line, &*item.key, item.value.as_deref()), (None, "failover", Some("manual")));
    }

    #[test]
    fn two_nodes_on_a_host_are_refused_a_witness_among_them() {
        let node =
            |id: u32, host: &str| read(&format!("node_id={id}\nconninfo='host={host} port=5432'\n")).unwrap();
        assert_eq!(clashes(&[node(1, "db1"), node(2, "db2"), node(3, "db3")]), []);
        let found = clashes(&[node(1, "db1"), node(2, "db2"), node(3, "db1")]);
        assert_eq!((found[0].again, found[0].before, found[0].is_fatal), ((2, 2), (0, 2), true));
        assert!(found[0].message.contains("on db1: whoever is beside the primary, a witness too"));
        let found = clashes(&[node(1, "db1"), node(1, "db2")]);
        assert_eq!(found[0].message, "node_id: two nodes have 1");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (line, why) in [
            ("node_name='db1", "node_name: its quote does not end"),
            ("node_name=db one", "node_name: \"one\" stands behind the value: texts are in single quotes"),
            ("= 3", "\"= 3\" begins with no parameter"),
            ("reconnect_interval=10s", "reconnect_interval: \"10s\" is no whole number"),
            ("reconnect_attempts=0", "reconnect_attempts: 0 is below 1"),
            ("location='\u{1b}[2J'", "location: \"\\u{1b}[2J\" is no name of letters, digits, - and _"),
            ("priority=256", "priority: 256 is above 255"),
            ("failover=perhaps", "failover: \"perhaps\" is neither automatic nor manual"),
            (
                "primary_visibility_consensus=2",
                "primary_visibility_consensus: \"2\" is neither true nor false",
            ),
            (
                "conninfo='host=db1 connect_timeout=soon'",
                "conninfo.connect_timeout: \"soon\" is no whole number",
            ),
        ] {
            assert_eq!(refused(&FORMAT, &format!("node_id=1\n\n{line}\n")), (3, why.to_owned()));
        }
    }
}
