//! Why nobody leads: what each machine with a database said last about it.

use super::fact::name;
use host::probe::Value;
use host::world::{MachineId, Probe};
use protocols::database::{Role, View};
use sim::check::{Broken, Views};
use std::collections::{BTreeMap, BTreeSet};

/// Each machine's last word on why its database does not lead, since there was a primary last.
#[derive(Debug, Default)]
pub(super) struct Leaderless(BTreeMap<MachineId, String>);

impl Leaderless {
    /// Takes a probe in.
    pub(super) fn hear(&mut self, probe: &Probe) {
        let Some(host) = probe.host else { return };
        match (probe.name, &probe.values[..]) {
            ("role", [Value::Text(role), ..]) if role == "primary" => self.0.clear(),
            ("nobody to elect", [Value::Uint(keeper), Value::Text(why)]) => {
                if let Ok(keeper) = u32::try_from(*keeper) {
                    self.0.insert(MachineId::numbered(keeper), format!("is not elected: {why}"));
                }
            }
            (what, values) => {
                if let Some(word) = word(what, values) {
                    self.0.insert(host, word);
                }
            }
        }
    }

    /// That there is no primary, and why, of each machine that has, or had, a database.
    pub(super) fn tell(&self, views: &Views<View>, databases: &BTreeSet<MachineId>) -> Broken {
        let words: Vec<String> = databases.iter().map(|host| self.word_of(*host, views)).collect();
        let why = if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) };
        let broken = Broken::new(format!("there is no primary{why}"));
        databases.iter().map(|host| host.number()).fold(broken, Broken::node)
    }

    fn word_of(&self, host: MachineId, views: &Views<View>) -> String {
        let word = match views.get(host.number()).map(|view| view.role) {
            None => "is down",
            Some(Role::Stopped) => "has a database that is stopped",
            Some(Role::Starting) => "has a database that is starting",
            Some(_) => self.0.get(&host).map_or("is a standby, and does not say why", String::as_str),
        };
        format!("{} {word}", name(host))
    }
}

/// What a probe says of the machine that published it; none if it does not say why it does not lead.
fn word(what: &str, values: &[Value]) -> Option<String> {
    let word = match (what, values) {
        (what, _) if what.starts_with("stepped aside ") => what.to_owned(),
        ("the database belongs to another cluster", _) => "has a database of another cluster".to_owned(),
        ("a crashed primary is given up", _) => "gave up its crashed primary".to_owned(),
        ("demoted as the store does not answer", _) => "was demoted as the store does not answer".to_owned(),
        ("the required watchdog cannot be armed", _) => {
            "cannot arm the watchdog that it must have".to_owned()
        }
        ("election cancelled", [why]) => format!("cancelled its election: {why}"),
        ("election", [Value::Text(how), ..]) if how == "lost" => "lost its election".to_owned(),
        ("election", [Value::Text(how), ..]) if how == "no candidate" => "is no candidate".to_owned(),
        ("script stops", _) => "has a promotion script that stopped".to_owned(),
        ("state", [Value::Text(state), _]) => format!("has a daemon whose state is {state}"),
        _ => return None,
    };
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example::view;

    /// n1 is down, n2 and n3 are standbys, n4 is stopped; these have said so.
    fn told(said: &[(u32, &'static str, Vec<Value>)]) -> String {
        let mut leaderless = Leaderless::default();
        for (host, name, values) in said {
            let host = Some(MachineId::numbered(*host));
            leaderless.hear(&Probe { at_ns: 1, host, name, values: values.clone() });
        }
        let views = [view(2, Role::Standby), view(3, Role::Standby), view(4, Role::Stopped)];
        let views = [None].into_iter().chain(views.map(Some)).collect();
        let databases = (1..=4).map(MachineId::numbered).collect();
        leaderless.tell(&Views::new(views), &databases).to_string()
    }

    #[test]
    fn of_each_machine_its_last_word_is_told_and_what_is_seen_of_those_that_cannot_speak() {
        let said = [
            (1, "stepped aside as it lags", vec![]),
            (2, "stepped aside as it may not lead", vec![]),
            (3, "stepped aside as it lags", vec![]),
            (3, "election cancelled", vec!["somebody sees the primary".into()]),
        ];
        assert_eq!(
            told(&said),
            "there is no primary: n1 is down; n2 stepped aside as it may not lead; \
             n3 cancelled its election: somebody sees the primary; n4 has a database that is stopped"
        );
    }

    #[test]
    fn what_was_said_before_there_was_a_primary_explains_nothing_after_it() {
        let said = [
            (2, "stepped aside as it may not lead", vec![]),
            (1, "role", vec!["primary".into(), 1_u64.into()]),
            (2, "nobody to elect", vec![3_u32.into(), "it lacks too much".into()]),
        ];
        assert_eq!(
            told(&said),
            "there is no primary: n1 is down; n2 is a standby, and does not say why; \
             n3 is not elected: it lacks too much; n4 has a database that is stopped"
        );
    }
}
