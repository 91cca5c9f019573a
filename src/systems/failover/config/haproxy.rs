//! `haproxy.cfg`: sections, a line each statement, words apart by blanks, `#` begins a comment. Times are ms unless they
//! name their unit. Source: HAProxy's configuration manual.
//!
//! A router leads to the primary: the section is read whose servers are checked at an agent (`option httpchk`, and of
//! several the one that asks for the primary), with the `defaults` above it. Its servers are checked alike.

use super::sections::{Said, Section, sections};
use super::value::{told, whole};
use super::{is_managed_by, no_clashes, of_none};
use sim::configuration::{Broken, Fate, Format, Item};

pub(super) const FORMAT: Format = Format {
    name: "haproxy.cfg",
    means: "HAProxy's configuration",
    is_one: |text| {
        let begins = |names: &[&str]| {
            text.lines().any(|line| line.split_whitespace().next().is_some_and(|word| names.contains(&word)))
        };
        begins(&["listen", "backend"]) && begins(&["server", "server-template"])
    },
    read,
    clashes: no_clashes,
    heeds: |options| is_managed_by(options, "patroni"),
    machines: of_none,
};

/// Where an agent answers for the primary.
const OF_PRIMARY: &[&str] = &["/", "/primary", "/master", "/leader", "/read-write"];

/// What a router may be told, in µs.
const LEAST_US: i64 = 4_000;
const MOST_US: i64 = super::value::SECONDS_MAX * 1_000_000;
const RETRIES_MOST: i64 = 100;

fn read(text: &str) -> Result<Vec<Item>, Broken> {
    let sections = sections(text)?;
    let Some(chosen) = chosen(&sections) else {
        return Err(Broken::all(
            "no listen or backend has servers that are checked: there is no router to the primary",
        ));
    };
    let defaults = sections[..chosen].iter().rposition(|section| section.is("defaults"));
    let mut reader = Reader::default();
    for (place, section) in sections.iter().enumerate() {
        if place == chosen || Some(place) == defaults {
            for said in &section.body {
                reader.line(said)?;
            }
            continue;
        }
        let global = section.is("global");
        for said in &section.body {
            let (line, word) = (said.line, said.words[0].as_str());
            if global && word == "maxconn" {
                let count = argument(said)?;
                let to =
                    whole(count, 1, 1_000_000).map_err(|why| Broken::at(line, format!("maxconn: {why}")))?;
                reader.items.push(Item::sets(
                    line,
                    "maxconn",
                    count,
                    "router.connections_max",
                    to.to_string(),
                ));
                continue;
            }
            let why = match section.head.words[0].as_str() {
                "global" => "there is nothing of the kind",
                "listen" | "backend" => "another section: the router leads to the primary alone",
                _ => "another section",
            };
            let name = section.head.words.get(1).unwrap_or(&section.head.words[0]);
            reader.items.push(Item::left(line, &format!("{name}: {word}"), why));
        }
    }
    reader.finish()
}

impl Section {
    fn is(&self, kind: &str) -> bool {
        self.head.words[0] == kind
    }

    fn leads_somewhere(&self) -> bool {
        self.is("listen") || self.is("backend")
    }

    fn is_checked(&self) -> bool {
        let is_checked =
            |said: &Said| said.words[0] == "server" && said.words.iter().any(|word| word == "check");
        self.leads_somewhere() && self.body.iter().any(is_checked)
    }

    /// The path that its checks ask for; none unless they are HTTP.
    fn asks(&self) -> Option<&str> {
        let option = self
            .body
            .iter()
            .find(|said| said.words[..].starts_with(&["option".to_owned(), "httpchk".to_owned()]))?;
        // Of `GET /primary HTTP/1.1`, of `/primary` alone, or of nothing.
        let is_path = |word: &&String| word.starts_with('/');
        let said = option.words[2..].iter().find(is_path);
        let sent = || {
            let send = self.body.iter().find(|said| {
                said.words[0] == "http-check" && said.words.get(1).is_some_and(|word| word == "send")
            })?;
            send.words.iter().find(is_path)
        };
        Some(said.or_else(sent).map_or("/", String::as_str))
    }
}

/// The section that leads to the primary.
fn chosen(sections: &[Section]) -> Option<usize> {
    let checked = || sections.iter().enumerate().filter(|(_, section)| section.is_checked());
    let of_primary = |section: &Section| section.asks().is_some_and(|path| OF_PRIMARY.contains(&path));
    let found = checked()
        .find(|(_, section)| of_primary(section))
        .or_else(|| checked().find(|(_, section)| section.asks().is_some()));
    found.or_else(|| checked().next()).map(|(place, _)| place)
}

/// How servers are checked: the name, the option, what HAProxy takes for said, and as what.
const CHECKS: &[(&str, &str, &str)] =
    &[("inter", "router.check_every", "2s"), ("fall", "router.fall", "3"), ("rise", "router.rise", "2")];

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    /// What each server says of its own checks, by the line; those without `check` do not count.
    servers: Vec<(usize, [Option<Item>; 3])>,
    ends_sessions: bool,
}

impl Reader {
    fn line(&mut self, said: &Said) -> Result<(), Broken> {
        let Said { line, words } = said;
        let line = *line;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match &*words {
            ["server", _, _, options @ ..] => self.server(line, options)?,
            ["server" | "server-template", ..] => {
                return Err(Broken::at(line, "server: it wants a name and an address"));
            }
            ["default-server", options @ ..] => {
                self.options(line, "default-server", options, &mut [None, None, None])?;
            }
            ["timeout", name @ ("check" | "connect"), ..] => {
                let value = words
                    .get(2)
                    .ok_or_else(|| Broken::at(line, format!("timeout {name}: there is no value")))?;
                let key = format!("timeout {name}");
                let us = time(value).map_err(|why| Broken::at(line, format!("{key}: {why}")))?;
                self.set(Item::sets(line, &key, value, &format!("router.{name}_timeout"), told(us)));
            }
            ["mode", "tcp"] => self.items.push(Item::alike(line, "mode", "tcp")),
            ["option", "httpchk", ..] => {
                self.items.push(Item::alike(line, "option httpchk", "here it is GET /primary"));
            }
            ["http-check", "expect", "status", "200"] => {
                self.items.push(Item::alike(line, "http-check expect status", "200"));
            }
            ["timeout", name, ..] => {
                self.items.push(Item::left(
                    line,
                    &format!("timeout {name}"),
                    "sessions last as long as their clients want",
                ));
            }
            ["retries", ..] => {
                let count = argument(said)?;
                let to = whole(count, 0, RETRIES_MOST)
                    .map_err(|why| Broken::at(line, format!("retries: {why}")))?;
                self.set(Item::sets(line, "retries", count, "router.retries", to.to_string()));
            }
            ["bind", ..] => self.items.push(Item::left(line, "bind", "where it listens is the cell's own")),
            ["log" | "log-format" | "log-tag", ..] => {
                self.items.push(Item::left(line, words[0], "nothing is logged"));
            }
            ["option" | "http-check" | "tcp-check" | "stats", name, ..] => {
                let key = format!("{} {name}", words[0]);
                self.items.push(Item::left(line, &key, "there is nothing of the kind"));
            }
            words => self.items.push(Item::left(line, words[0], "there is nothing of the kind")),
        }
        Ok(())
    }

    fn server(&mut self, line: usize, options: &[&str]) -> Result<(), Broken> {
        let is_checked = options.contains(&"check");
        self.items.push(Item::left(line, "server", "where it is, is the cell's own"));
        let mut own = [None, None, None];
        self.options(line, "server", options, &mut own)?;
        if is_checked {
            self.servers.push((line, own));
        }
        Ok(())
    }

    /// What stands behind a server, or stands for all. Of a server what is about its checks is put beside.
    fn options(
        &mut self,
        line: usize,
        of: &str,
        words: &[&str],
        own: &mut [Option<Item>; 3],
    ) -> Result<(), Broken> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let key = format!("{of} {word}");
            let mut value =
                || words.next().ok_or_else(|| Broken::at(line, format!("{key}: there is no value")));
            match *word {
                "inter" | "fall" | "rise" => {
                    let value = value()?;
                    let place = CHECKS.iter().position(|(name, ..)| name == word).unwrap_or(0);
                    let to = if place == 0 {
                        time(value).map(told)
                    } else {
                        whole(value, 1, 1000).map(|count| count.to_string())
                    };
                    let to = to.map_err(|why| Broken::at(line, format!("{key}: {why}")))?;
                    let item = Item::sets(line, &key, value, CHECKS[place].1, to);
                    if of == "server" {
                        own[place] = Some(item);
                    } else {
                        self.set(item);
                    }
                }
                "on-marked-down" => {
                    let value = value()?;
                    self.ends_sessions |= *value == "shutdown-sessions";
                    self.items.push(Item::alike(line, &key, value));
                }
                "check" => {}
                "port" | "addr" | "maxconn" | "weight" | "fastinter" | "downinter" | "slowstart"
                | "resolvers" | "observe" | "on-error" | "error-limit" | "init-addr" | "source"
                | "verify" | "ca-file" | "crt" | "check-sni" | "sni" | "id" | "cookie" | "maxqueue"
                | "minconn" | "on-marked-up" | "track" | "resolve-prefer" => {
                    value()?;
                    let why = match *word {
                        "port" | "addr" => "where it is, is the cell's own",
                        _ => "there is nothing of the kind",
                    };
                    self.items.push(Item::left(line, &key, why));
                }
                _ => self.items.push(Item::left(line, &key, "there is nothing of the kind")),
            }
        }
        Ok(())
    }

    /// An option: what said it before is told to be overridden.
    fn set(&mut self, item: Item) {
        let option = |item: &Item| match &item.fate {
            Fate::Sets(option, _) => Some(option.clone()),
            _ => None,
        };
        let new = option(&item);
        if let Some(before) = self.items.iter_mut().find(|before| option(before) == new) {
            let why = format!("line {} says it again", item.line.unwrap_or(0));
            *before = Item::left(before.line.unwrap_or(0), &before.key, &why);
        }
        self.items.push(item);
    }

    /// What the servers say of their own, and what is left unsaid.
    fn finish(mut self) -> Result<Vec<Item>, Broken> {
        let option = |item: &Item| match &item.fate {
            Fate::Sets(option, to) => Some((option.clone(), to.clone())),
            _ => None,
        };
        let said = |items: &[Item], name: &str| {
            items.iter().filter_map(option).find(|(of, _)| of == name).map(|(_, to)| to)
        };
        for (place, (name, of, unsaid)) in CHECKS.iter().enumerate() {
            let shared = said(&self.items, of);
            let each = |own: &[Option<Item>; 3]| {
                own[place]
                    .as_ref()
                    .and_then(option)
                    .map(|(_, to)| to)
                    .or_else(|| shared.clone())
                    .unwrap_or_else(|| (*unsaid).to_owned())
            };
            let Some((first, _)) = self.servers.first() else { continue };
            let first_is = each(&self.servers[0].1);
            if let Some((line, own)) = self.servers.iter().find(|(_, own)| each(own) != first_is) {
                let message = format!(
                    "server: {name} is {} here, and {first_is} in line {first}: the router checks all alike",
                    each(own)
                );
                return Err(Broken::at(*line, message));
            }
            let own: Vec<Item> = self.servers.iter_mut().filter_map(|(_, own)| own[place].take()).collect();
            if own.is_empty() && shared.is_none() {
                self.items.push(Item::unsaid(name, unsaid, of, *unsaid));
            }
            own.into_iter().for_each(|item| self.set(item));
        }
        let every = said(&self.items, "router.check_every").unwrap_or_default();
        if said(&self.items, "router.check_timeout").is_none() {
            self.items.push(Item::unsaid("timeout check", "inter", "router.check_timeout", every));
        }
        if !self.ends_sessions {
            let why = "here sessions end when their server goes down (shutdown-sessions)";
            self.items.push(Item {
                line: None,
                value: Some("none".to_owned()),
                ..Item::left(0, "on-marked-down", why)
            });
        }
        self.items.sort_by_key(|item| (item.line.is_none(), item.line));
        Ok(self.items)
    }
}

fn argument(said: &Said) -> Result<&str, Broken> {
    let missing = || Broken::at(said.line, format!("{}: there is no value", said.words[0]));
    said.words.get(1).map(String::as_str).ok_or_else(missing)
}

/// A time in µs, within what a router may be told.
fn time(text: &str) -> Result<i64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let of_unit = match unit {
        "us" => 1,
        "ms" | "" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(format!("{text:?} is no time")),
    };
    let number: i64 = number.parse().map_err(|_| format!("{text:?} is no time"))?;
    match number.saturating_mul(of_unit) {
        us if us < LEAST_US => Err(format!("{text} is below {}", told(LEAST_US))),
        us if us > MOST_US => Err(format!("{text} is above {}", told(MOST_US))),
        us => Ok(us),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{left, refused, sets};
    use super::*;

    pub(in super::super) const ALL: &str = "\
global
    maxconn 400
    daemon

defaults
    mode tcp
    retries 3
    timeout connect 3000   # ms
    timeout check 1500ms
    timeout client 1h

listen stats
    bind :7000
    stats uri \"/\"

listen replicas
    bind :5001
    option httpchk GET /replica
    default-server inter 9s
    server db1 10.1.0.1:5432 check port 8008

listen primary
    bind :5000
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 5s fall 4 rise 1 on-marked-down shutdown-sessions
    timeout connect 2s
    server db1 10.1.0.1:5432 maxconn 90 check port 8008
    server db2 10.1.0.2:5432 maxconn 90 check port 8008 fall 4
    server old 10.1.0.9:5432
";

    #[test]
    fn the_section_that_leads_to_the_primary_becomes_options_and_the_rest_is_told() {
        let items = read(ALL).unwrap();
        let set = |option: &str, to: &str| (format!("router.{option}"), to.to_owned());
        assert_eq!(
            sets(&items),
            [
                set("connections_max", "400"),
                set("retries", "3"),
                set("check_timeout", "1500ms"),
                set("check_every", "5s"),
                set("rise", "1"),
                set("connect_timeout", "2s"),
                set("fall", "4"),
            ]
        );
        let left = left(&items);
        for (line, key) in [
            (3, "global: daemon"),
            (8, "timeout connect"),
            (10, "timeout client"),
            (14, "stats: stats"),
            (19, "replicas: default-server"),
            (26, "default-server fall"),
            (30, "server"),
        ] {
            assert!(left.contains(&(line, key.to_owned())), "{line} {key}: {left:?}");
        }
    }

    #[test]
    fn what_a_file_leaves_unsaid_is_what_haproxy_takes_for_said() {
        let items = read("listen a\n option httpchk\n server b c:1 check\n").unwrap();
        let set = |option: &str, to: &str| (format!("router.{option}"), to.to_owned());
        assert_eq!(
            sets(&items),
            [set("check_every", "2s"), set("fall", "3"), set("rise", "2"), set("check_timeout", "2s")]
        );
        let last = items.last().unwrap();
        assert_eq!((last.line, &*last.key), (None, "on-marked-down"));
    }

    #[test]
    fn a_time_without_a_unit_is_in_ms() {
        assert_eq!(
            ["3000", "3s", "2m", "500ms", "4000us"].map(|text| told(time(text).unwrap())),
            ["3s", "3s", "120s", "500ms", "4ms"]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        let line = |said: &str| format!("listen a\n option httpchk\n {said}\n server b c:1 check\n");
        for (said, why) in [
            ("timeout check soon", "timeout check: \"soon\" is no time"),
            ("timeout check", "timeout check: there is no value"),
            ("timeout connect 3y", "timeout connect: \"3y\" is no time"),
            ("default-server inter 1", "default-server inter: 1 is below 4ms"),
            ("default-server fall 0", "default-server fall: 0 is below 1"),
            ("default-server inter", "default-server inter: there is no value"),
            ("server lonely", "server: it wants a name and an address"),
            ("bind \"never", "a quote does not end"),
            (".if defined(A)", ".if: conditions are not read: write out what holds"),
        ] {
            assert_eq!(refused(&FORMAT, &line(said)), (3, why.to_owned()));
        }
        assert_eq!(refused(&FORMAT, "mode tcp\nlisten a\n"), (1, "mode: this is in no section".to_owned()));
        let two = line("server d e:1 check inter 9s");
        let why = "server: inter is 2s here, and 9s in line 3: the router checks all alike";
        assert_eq!(refused(&FORMAT, &two), (4, why.to_owned()));
        assert_eq!(refused(&FORMAT, "listen a\n server b c:1\n").0, 0);
    }
}
