//! `pgbouncer.ini`. Source: PgBouncer's documentation, pgbouncer.ini: comments begin a line with `;` or `#`, times are
//! seconds.

use super::value::{micros, told, whole};
use super::{is_managed_by, no_clashes, of_none};
use ini_core::{Item as Line, Parser};
use sim::configuration::{Broken, Format, Item};

pub(super) const FORMAT: Format = Format {
    name: "pgbouncer.ini",
    means: "PgBouncer's configuration",
    is_one: |text| text.lines().any(|line| line.trim() == "[pgbouncer]"),
    read,
    clashes: no_clashes,
    heeds: |options| is_managed_by(options, "repmgr"),
    machines: of_none,
};

/// Times, from so many µs on: shorter ones are none that we have, and 0 is no bound.
const TIMES: &[&str] =
    &["server_login_retry", "server_connect_timeout", "query_wait_timeout", "client_login_timeout"];
const COUNTS: &[&str] = &["default_pool_size", "max_client_conn"];
/// What a time may be, in µs.
const LEAST_US: i64 = 4_000;
const MOST_US: i64 = super::value::SECONDS_MAX * 1_000_000;

fn read(text: &str) -> Result<Vec<Item>, Broken> {
    let (mut items, mut section) = (Vec::new(), String::new());
    let mut parser = Parser::new(text).auto_trim(true);
    loop {
        let line = parser.line() as usize + 1;
        let Some(said) = parser.next() else { break };
        match said {
            Line::Section(name) => section = name.to_owned(),
            Line::Error(text) => {
                return Err(Broken::at(line, format!("{text}: this section's name does not end")));
            }
            Line::Property(key, _) if key.starts_with([';', '#']) => {}
            Line::Property(key, _) if key.starts_with("%include") => {
                items.push(Item::left(line, key, "another file, which is not read: give it with --from"));
            }
            Line::Property(key, None) => return Err(Broken::at(line, format!("{key}: there is no ="))),
            Line::Property(key, Some(_)) if section.is_empty() => {
                return Err(Broken::at(line, format!("{key}: this is in no section")));
            }
            Line::Property(key, Some(value)) if section == "pgbouncer" => items.push(item(line, key, value)?),
            Line::Property(key, Some(_)) => {
                let why = if section == "databases" {
                    "where it is, is the cell's own"
                } else {
                    "of some users alone"
                };
                items.push(Item::left(line, &format!("{section}.{key}"), why));
            }
            Line::Comment(_) | Line::Blank | Line::SectionEnd => {}
        }
    }
    if section.is_empty() {
        return Err(Broken::all("it has no section [pgbouncer]"));
    }
    if !text.lines().any(|line| line.trim() == "[pgbouncer]") {
        return Err(Broken::all("it has no section [pgbouncer]: it is another program's"));
    }
    if !items.iter().any(|item| item.key == "pool_mode") {
        items.push(Item::unsaid("pool_mode", "session", "bouncer.pool_mode", "\"session\""));
    }
    Ok(items)
}

fn item(line: usize, key: &str, value: &str) -> Result<Item, Broken> {
    let broken = |why: String| Broken::at(line, format!("{key}: {why}"));
    let option = format!("bouncer.{key}");
    if TIMES.contains(&key) {
        let us = micros(value, 0, MOST_US).map_err(broken)?;
        return match us {
            0 => Ok(Item::left(line, key, "0 is no bound there, and here there is one")),
            us if us < LEAST_US => Err(broken(format!("{value} s is below {}", told(LEAST_US)))),
            us => Ok(Item::sets(line, key, value, &option, told(us))),
        };
    }
    if COUNTS.contains(&key) {
        let count = whole(value, 1, 1_000_000).map_err(broken)?;
        return Ok(Item::sets(line, key, value, &option, count.to_string()));
    }
    match (key, value) {
        ("pool_mode", "session" | "transaction") => {
            Ok(Item::sets(line, key, value, &option, format!("{value:?}")))
        }
        ("pool_mode", "statement") => Ok(Item::left(line, key, "there is session and transaction")),
        ("pool_mode", _) => Err(broken(format!("{value:?} is neither session, transaction nor statement"))),
        _ => Ok(Item::left(line, key, "there is nothing of the kind")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{left, refused, sets};
    use super::*;

    pub(in super::super) const ALL: &str = "\
;; where
[databases]
orders = host=10.1.0.1 password=secret
[users]
# nobody

[pgbouncer]
  listen_port = 6432
pool_mode = transaction
default_pool_size=50
max_client_conn = 2000
server_login_retry = 1.5
;server_login_retry = 3
server_connect_timeout = 5
query_wait_timeout = 30
client_login_timeout = 0
client_login_timeout = 20
%include more.ini
";

    #[test]
    fn what_is_said_becomes_options_and_comments_do_not() {
        let items = read(ALL).unwrap();
        let set = |option: &str, to: &str| (format!("bouncer.{option}"), to.to_owned());
        assert_eq!(
            sets(&items),
            [
                set("pool_mode", "\"transaction\""),
                set("default_pool_size", "50"),
                set("max_client_conn", "2000"),
                set("server_login_retry", "1500ms"),
                set("server_connect_timeout", "5s"),
                set("query_wait_timeout", "30s"),
                set("client_login_timeout", "20s"),
            ]
        );
        let left = left(&items);
        let names = left.iter().map(|(line, key)| (*line, &**key)).collect::<Vec<_>>();
        assert_eq!(
            names,
            [
                (3, "databases.orders"),
                (8, "listen_port"),
                (16, "client_login_timeout"),
                (18, "%include more.ini")
            ]
        );
        assert!(!format!("{items:?}").contains("secret"));
    }

    #[test]
    fn what_a_file_leaves_unsaid_is_what_pgbouncer_takes_for_said() {
        let items = read("[pgbouncer]\nlisten_port = 6432\n").unwrap();
        assert_eq!(sets(&items), [("bouncer.pool_mode".to_owned(), "\"session\"".to_owned())]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (line, why) in [
            ("[users", "[users: this section's name does not end"),
            ("pool_mode", "pool_mode: there is no ="),
            ("pool_mode = all", "pool_mode: \"all\" is neither session, transaction nor statement"),
            ("query_wait_timeout = 5s", "query_wait_timeout: \"5s\" is no time"),
            ("query_wait_timeout = 0.001", "query_wait_timeout: 0.001 s is below 4ms"),
            ("max_client_conn = -1", "max_client_conn: -1 is below 1"),
        ] {
            assert_eq!(refused(&FORMAT, &format!("[pgbouncer]\n; a comment\n{line}\n")), (3, why.to_owned()));
        }
        assert_eq!(refused(&FORMAT, "a = 1\n[pgbouncer]\n"), (1, "a: this is in no section".to_owned()));
    }
}
