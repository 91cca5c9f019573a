//! `keepalived.conf`: words, and blocks of them in braces; `#` and `!` begin a comment, and texts are in double quotes.
//! Source: `keepalived.conf(5)`.
//!
//! One address moves here: the first `vrrp_instance` is read, with the first script that it tracks. Other files that it
//! includes, and lines for one host alone, are told and not read.

use super::braces::{Said, lines};
use super::value::{micros, told, whole};
use super::{is_managed_by, machines, said, twice};
use sim::configuration::{Broken, Clash, Fate, Format, Item};

pub(super) const FORMAT: Format = Format {
    name: "keepalived.conf",
    means: "keepalived's configuration",
    is_one: |text| text.lines().any(|line| line.trim_start().starts_with("vrrp_instance")),
    read,
    clashes,
    heeds: |options| is_managed_by(options, "vrrp"),
    machines: |_| machines(1, 0),
};

/// What fits into an advert is checked with the version: 255 s or 40.95 s.
const ADVERT_LEAST_US: i64 = 10_000;
const ADVERT_MOST_US: [i64; 2] = [255_000_000, 40_950_000];
const HOUR: i64 = 3600;

fn read(text: &str) -> Result<Vec<Item>, Broken> {
    let all = lines(text)?;
    let instance = all.iter().find_map(|said| said.within.first().filter(|head| head[0] == "vrrp_instance"));
    let Some(instance) = instance else {
        return Err(Broken::all("it has no vrrp_instance with anything in it"));
    };
    let script =
        all.iter().find(|said| is_tracked(said, instance)).map(|said| (said.words[0].clone(), said.line));
    if let Some((script, line)) = &script {
        let is_it = |said: &Said| {
            said.within
                .first()
                .is_some_and(|head| head.len() > 1 && head[0] == "vrrp_script" && head[1] == *script)
        };
        if !all.iter().any(is_it) {
            return Err(Broken::at(*line, format!("track_script: there is no vrrp_script {script}")));
        }
    }
    let mut reader = Reader { items: Vec::new(), script: script.map(|(name, _)| name), version: None };
    for said in &all {
        reader.line(said, instance)?;
    }
    reader.finish()
}

/// Whether a line names a script that an instance tracks.
fn is_tracked(said: &Said, instance: &[String]) -> bool {
    matches!(&*said.within, [head, inner] if head == instance && inner[0] == "track_script")
}

struct Reader {
    items: Vec<Item>,
    /// The script that is the check.
    script: Option<String>,
    version: Option<(i64, usize)>,
}

impl Reader {
    fn line(&mut self, said: &Said, instance: &[String]) -> Result<(), Broken> {
        let Said { line, within, words } = said;
        let line = *line;
        let heads: Vec<&str> = within.iter().map(|head| &*head[0]).collect();
        let path = heads.iter().copied().chain([&*words[0]]).collect::<Vec<_>>().join(".");
        let left = |why: &str| Item::left(line, &path, why);
        let word = &*words[0];
        if word.starts_with("include") {
            self.items.push(left("another file, which is not read: give it with --from"));
        } else if word.starts_with(['@', '$', '~']) {
            self.items.push(left("conditions and variables are not read: write out what holds"));
        } else if matches!(&*heads, ["vrrp_instance"]) && within[0] == instance {
            self.of_instance(line, &path, words)?;
        } else if is_tracked(said, instance) {
            self.tracked(line, &path, words)?;
        } else if matches!(&*heads, ["vrrp_script"]) && within[0].get(1) == self.script.as_ref() {
            self.of_script(line, &path, words)?;
        } else if heads == ["global_defs"] && word == "vrrp_version" {
            self.of_instance(line, &path, &["version".to_owned(), argument(line, words)?.to_owned()])?;
        } else if let (["global_defs"], Some(option)) = (&*heads, word.strip_prefix("vrrp_garp_")) {
            self.of_instance(line, &path, &[&[format!("garp_{option}")], &words[1..]].concat())?;
        } else {
            let why = match &*heads {
                ["vrrp_instance", ..] if within[0] != instance => "another instance: one address moves here",
                ["vrrp_script", ..] => "another script: the first one that is tracked is the check",
                ["vrrp_instance", "virtual_ipaddress", ..] => "one address moves here, of its own",
                ["vrrp_instance", "authentication", ..] => "here all have the same",
                ["vrrp_instance", "unicast_peer", ..] => "who hears whom is the cell's own",
                _ => "there is nothing of the kind",
            };
            self.items.push(left(why));
        }
        Ok(())
    }

    /// A line of the instance.
    fn of_instance(&mut self, line: usize, path: &str, words: &[String]) -> Result<(), Broken> {
        let broken = |why: String| Broken::at(line, format!("{path}: {why}"));
        let known = |why: &str| {
            let value = words.get(1).cloned();
            Item { value, ..Item::left(line, path, why) }
        };
        let whole_of = |least, most| whole(argument(line, words)?, least, most).map_err(broken);
        let item = match &*words[0] {
            "priority" => {
                let to = whole_of(1, 255)?.to_string();
                Item::marks(line, path, &to, "priorities.MACHINE", &*to)
            }
            "advert_int" => {
                let value = argument(line, words)?;
                let us = micros(value, ADVERT_LEAST_US, ADVERT_MOST_US[0]).map_err(broken)?;
                Item::sets(line, path, value, "vrrp.advert_int", told(us))
            }
            "nopreempt" => Item::sets(line, path, "", "vrrp.nopreempt", "true"),
            "preempt" => Item::sets(line, path, "", "vrrp.nopreempt", "false"),
            "version" => {
                let version = whole_of(2, 3)?;
                self.version = Some((version, line));
                Item::sets(line, path, &version.to_string(), "vrrp.version", format!("\"v{version}\""))
            }
            "garp_master_delay" => {
                let to = format!("{}s", whole_of(0, HOUR)?);
                Item::sets(line, path, argument(line, words)?, "vrrp.garp_master_delay", to)
            }
            name @ ("garp_master_repeat" | "garp_lower_prio_repeat") => {
                let to = whole_of(0, 1000)?.to_string();
                Item::sets(line, path, &to, &format!("vrrp.{name}"), &*to)
            }
            "state" => match argument(line, words)? {
                "BACKUP" => Item::alike(line, path, "BACKUP"),
                "MASTER" => known("it has an effect with priority 255 alone, and clears nopreempt"),
                other => return Err(broken(format!("{other:?} is neither MASTER nor BACKUP"))),
            },
            "virtual_router_id" => {
                whole_of(1, 255)?;
                known("a name")
            }
            "unicast_src_ip" | "mcast_src_ip" => known("who hears whom is the cell's own"),
            "interface" => Item::left(line, path, "a name"),
            "notify_master" | "notify_backup" | "notify_fault" | "notify" | "notify_stop" => Item::left(
                line,
                path,
                "a master's database is promoted; what a backup's does is cluster.options.vrrp.on_backup",
            ),
            _ => Item::left(line, path, "there is nothing of the kind"),
        };
        self.items.push(item);
        Ok(())
    }

    /// A script that the instance tracks.
    fn tracked(&mut self, line: usize, path: &str, words: &[String]) -> Result<(), Broken> {
        if self.script.as_ref() != Some(&words[0]) {
            self.items.push(Item::left(
                line,
                path,
                "another script: the first one that is tracked is the check",
            ));
            return Ok(());
        }
        match words.iter().position(|word| word == "weight") {
            Some(at) => self.weight(line, &format!("{path}.weight"), &words[at..]),
            None => {
                self.items.push(Item::alike(
                    line,
                    path,
                    "the check, which here asks whether the database answers",
                ));
                Ok(())
            }
        }
    }

    /// A line of the script that is the check.
    fn of_script(&mut self, line: usize, path: &str, words: &[String]) -> Result<(), Broken> {
        let broken = |why: String| Broken::at(line, format!("{path}: {why}"));
        let item = match &*words[0] {
            name @ ("interval" | "timeout") => {
                let value = argument(line, words)?;
                let us = micros(value, ADVERT_LEAST_US, HOUR * 1_000_000).map_err(broken)?;
                Item::sets(line, path, value, &format!("vrrp.check.{name}"), told(us))
            }
            name @ ("fall" | "rise") => {
                let to = whole(argument(line, words)?, 1, 1000).map_err(broken)?.to_string();
                Item::sets(line, path, &to, &format!("vrrp.check.{name}"), &*to)
            }
            "weight" => return self.weight(line, path, words),
            "script" => Item::left(line, path, "here it asks whether the database answers"),
            _ => Item::left(line, path, "there is nothing of the kind"),
        };
        self.items.push(item);
        Ok(())
    }

    /// What a check adds or takes: where it is tracked it may be said again, and that counts.
    fn weight(&mut self, line: usize, path: &str, words: &[String]) -> Result<(), Broken> {
        let weight = whole(argument(line, words)?, -253, 253);
        let to = weight.map_err(|why| Broken::at(line, format!("{path}: {why}")))?.to_string();
        let option = "vrrp.check.weight";
        if path.contains("track_script") {
            let is_same = |item: &Item| item.key == "vrrp_script.weight";
            if let Some(before) = self.items.iter_mut().find(|item| is_same(item)) {
                *before = Item::left(
                    before.line.unwrap_or(line),
                    &before.key,
                    "where it is tracked it is said again",
                );
            }
        } else if self.items.iter().any(|item| item.key.ends_with("track_script.weight")) {
            self.items.push(Item::left(line, path, "where it is tracked it is said again"));
            return Ok(());
        }
        self.items.push(Item::sets(line, path, &to, option, &*to));
        Ok(())
    }

    /// What is left unsaid, and what fits together.
    fn finish(mut self) -> Result<Vec<Item>, Broken> {
        let option = |item: &Item| match &item.fate {
            Fate::Sets(option, _) => Some(option.clone()),
            _ => None,
        };
        let is_global = |item: &Item| item.key.starts_with("global_defs");
        let own: Vec<String> = self.items.iter().filter(|item| !is_global(item)).filter_map(option).collect();
        for item in self.items.iter_mut().filter(|item| is_global(item)) {
            if option(item).is_some_and(|option| own.contains(&option)) {
                *item = Item::left(item.line.unwrap_or(0), &item.key, "the instance says its own");
            }
        }
        let version = self.version.map_or(2, |(version, _)| version);
        if let Some((value, line)) = said_of(&self.items, "advert_int") {
            let most = ADVERT_MOST_US[usize::from(version == 3)];
            let fits = micros(value, ADVERT_LEAST_US, most).and_then(|us| match us % 1_000_000 {
                0 => Ok(()),
                _ if version == 3 => Ok(()),
                _ => Err(format!("{value} s is not in whole seconds, as VRRPv2's are")),
            });
            fits.map_err(|why| Broken::at(line, format!("advert_int: {why}")))?;
        }
        let is_master = said_of(&self.items, "state").is_some_and(|(state, _)| state == "MASTER");
        let stays = self.items.iter().position(|item| item.key == "vrrp_instance.nopreempt");
        match stays {
            Some(place) if is_master => {
                let line = self.items[place].line.unwrap_or(0);
                self.items[place] = Item::left(line, "vrrp_instance.nopreempt", "state MASTER clears it");
                self.items.push(Item::unsaid("nopreempt", "no", "vrrp.nopreempt", "false"));
            }
            None if !self.items.iter().any(|item| item.key == "vrrp_instance.preempt") => {
                self.items.push(Item::unsaid("nopreempt", "no", "vrrp.nopreempt", "false"));
            }
            _ => {}
        }
        // A check may take as long as it is from one to the next.
        let interval = said_of(&self.items, "interval").map(|(value, _)| value.to_owned());
        let timeout = said_of(&self.items, "timeout").is_some();
        if let (Some(interval), false) = (interval, timeout) {
            let us = micros(&interval, ADVERT_LEAST_US, HOUR * 1_000_000).map_err(Broken::all)?;
            self.items.push(Item::unsaid("vrrp_script.timeout", &interval, "vrrp.check.timeout", told(us)));
        } else if self.script.is_some() && !timeout {
            self.items.push(Item::unsaid("vrrp_script.timeout", "1", "vrrp.check.timeout", "1s"));
        }
        Ok(self.items)
    }
}

/// What the instance, or its script, says.
fn said_of<'i>(items: &'i [Item], name: &str) -> Option<(&'i str, usize)> {
    said(items, &format!("vrrp_instance.{name}")).or_else(|| said(items, &format!("vrrp_script.{name}")))
}

fn argument(line: usize, words: &[String]) -> Result<&str, Broken> {
    words
        .get(1)
        .map(String::as_str)
        .ok_or_else(|| Broken::at(line, format!("{}: there is no value", words[0])))
}

/// Machines that nobody could tell apart, or that begin together.
fn clashes(files: &[Vec<Item>]) -> Vec<Clash> {
    let source = |file: usize| {
        said_of(&files[file], "unicast_src_ip").or_else(|| said_of(&files[file], "mcast_src_ip"))
    };
    let pairs = twice(files, "vrrp_instance.priority").into_iter();
    pairs
        .map(|(again, before, priority)| match (source(again.0), source(before.0)) {
            (Some((address, line)), Some((other, _))) if address == other => Clash {
                again: (again.0, line),
                before,
                message: format!("priority {priority} and address {address} are another's, too: nobody could tell them apart"),
                is_fatal: true,
            },
            _ => Clash {
                again,
                before,
                message: format!("priority {priority} is another's, too: both may be masters for a moment, and the higher address wins"),
                is_fatal: false,
            },
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{left, refused, sets};
    use super::*;

    pub(in super::super) const ALL: &str = "\
! of two
global_defs {
    router_id db1
    vrrp_garp_master_repeat 3
}
include /etc/keepalived/conf.d/*
vrrp_script database
{
    script \"/usr/bin/pg_isready -q\"   # asks
    interval 2
    fall 3
    rise 2
    weight -20
}
vrrp_script other { interval 9 }
vrrp_instance DB {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 2
    nopreempt
    garp_master_delay 4
    garp_lower_prio_repeat 2
    authentication {
        auth_type PASS
        auth_pass secret
    }
    track_script {
        database weight -60
        other
    }
    virtual_ipaddress { 10.1.0.100/24 dev eth0 }
}
vrrp_instance SECOND { priority 9 }
";

    #[test]
    fn the_first_instance_and_its_check_become_options_and_the_rest_is_told() {
        let items = read(ALL).unwrap();
        let set = |option: &str, to: &str| (option.to_owned(), to.to_owned());
        assert_eq!(
            sets(&items),
            [
                set("vrrp.garp_master_repeat", "3"),
                set("vrrp.check.interval", "2s"),
                set("vrrp.check.fall", "3"),
                set("vrrp.check.rise", "2"),
                set("priorities.MACHINE", "150"),
                set("vrrp.advert_int", "2s"),
                set("vrrp.nopreempt", "true"),
                set("vrrp.garp_master_delay", "4s"),
                set("vrrp.garp_lower_prio_repeat", "2"),
                set("vrrp.check.weight", "-60"),
                set("vrrp.check.timeout", "2s"),
            ]
        );
        let left = left(&items);
        for (line, key) in [
            (3, "global_defs.router_id"),
            (6, "include"),
            (9, "vrrp_script.script"),
            (13, "vrrp_script.weight"),
            (15, "vrrp_script.interval"),
            (27, "vrrp_instance.authentication.auth_pass"),
            (31, "vrrp_instance.track_script.other"),
            (33, "vrrp_instance.virtual_ipaddress.10.1.0.100/24"),
            (35, "vrrp_instance.priority"),
        ] {
            assert!(left.contains(&(line, key.to_owned())), "{line} {key}: {left:?}");
        }
        assert!(!format!("{items:?}").contains("secret"));
    }

    #[test]
    fn who_says_nothing_of_preemption_preempts_and_so_does_who_begins_as_the_master() {
        for instance in ["priority 7", "state MASTER\nnopreempt"] {
            let items = read(&format!("vrrp_instance A {{\n{instance}\n}}\n")).unwrap();
            assert!(sets(&items).contains(&("vrrp.nopreempt".to_owned(), "false".to_owned())), "{items:?}");
        }
    }

    #[test]
    fn equal_priorities_are_told_and_with_equal_addresses_refused() {
        let file = |priority: u8, address: &str| {
            read(&format!("vrrp_instance A {{\npriority {priority}\nunicast_src_ip {address}\n}}\n")).unwrap()
        };
        assert_eq!(clashes(&[file(100, "10.1.0.1"), file(90, "10.1.0.1")]), []);
        let told = clashes(&[file(100, "10.1.0.1"), file(100, "10.1.0.2")]);
        assert_eq!((told[0].again, told[0].before, told[0].is_fatal), ((1, 2), (0, 2), false));
        let refused = clashes(&[file(100, "10.1.0.1"), file(90, "10.1.0.2"), file(100, "10.1.0.1")]);
        assert_eq!((refused[0].again, refused[0].before, refused[0].is_fatal), ((2, 3), (0, 2), true));
        assert!(refused[0].message.contains("nobody could tell them apart"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (line, why) in [
            ("priority 256", "vrrp_instance.priority: 256 is above 255"),
            ("priority", "priority: there is no value"),
            ("priority $PRIO", "vrrp_instance.priority: \"$PRIO\" is no whole number"),
            ("advert_int soon", "vrrp_instance.advert_int: \"soon\" is no time"),
            ("advert_int 0.5", "advert_int: 0.5 s is not in whole seconds, as VRRPv2's are"),
            ("advert_int 300", "vrrp_instance.advert_int: 300 s is above 255s"),
            ("state READY", "vrrp_instance.state: \"READY\" is neither MASTER nor BACKUP"),
            ("version 4", "vrrp_instance.version: 4 is above 3"),
            ("track_script { nobody }", "track_script: there is no vrrp_script nobody"),
            ("notify \"never ends", "a quote does not end"),
            ("} }", "}: no block is open"),
        ] {
            let text = format!("vrrp_instance A {{\n  interface eth0\n  {line}\n}}\n");
            assert_eq!(refused(&FORMAT, &text), (3, why.to_owned()));
        }
        let open = refused(&FORMAT, "# a\nvrrp_instance A {\n  priority 7\n  track_script {\n}\n");
        assert_eq!(open, (2, "vrrp_instance A: this block does not end".to_owned()));
        assert_eq!(refused(&FORMAT, "{\n}\n"), (1, "{: this block has no name".to_owned()));
        let deep = "a {\n".repeat(20);
        assert_eq!(refused(&FORMAT, &deep), (17, "this is nested more than 16 deep".to_owned()));
    }
}
