//! A fault as it stands in a file: flat, so that it reads like a sentence.
//!
//! ```toml
//! [[fault]]
//! at = "3s"                                  # or: when = { node = "any", probe = "conflict" } and after = "10ms"
//! partition = [["n1"], ["n2", "n3"]]         # the keys of exactly one kind
//! heal_after = "5s"                          # how long, under the name that fits the kind
//! ```
//!
//! The file can say what a [`Fault`] cannot: two actions, none, a crash that heals. Each is an error that names the key
//! and what would be right. Which keys a kind has, and what they hold, the list of kinds says.

use super::kind::{Action, Ends, Kind};
use super::target::Target;
use super::{Fault, KINDS, Moment};
use crate::scenario::cast::{HELP, Name};
use crate::scenario::error::suggest;
use crate::scenario::units::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml_edit::ser::ValueSerializer;

pub(super) const HEAL_AFTER: &str = "heal_after";
pub(super) const RESTART_AFTER: &str = "restart_after";
pub(super) const RESUME_AFTER: &str = "resume_after";

/// When it strikes: the keys before those of its kind.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Begin {
    /// When it strikes, counted from the start of the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
    /// It strikes when a node publishes a probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<Trigger>,
    /// How long after the probe; at once if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Time>,
    /// It strikes again after each such period, while the workload lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<Time>,
    /// How often it strikes: with `every`, at most; with `when`, at the first so many probes (1 if not given).
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
}

/// The probe that triggers a fault.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "When")]
#[serde(deny_unknown_fields)]
struct Trigger {
    /// Which node must publish it: its name, or "any".
    #[serde(default = "Trigger::any")]
    node: String,
    /// The probe's name.
    probe: String,
    /// What its first value must be, as a text; anything if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<String>,
    /// Only what nodes publish from this time on, counted from the start of the workload; anything if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Time>,
}

/// How it ends: the keys after those of its kind.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct End {
    /// How long a fault of links, disks or clocks lasts; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    heal_after: Option<Time>,
    /// How long a crashed machine is down; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_after: Option<Time>,
    /// How long a paused machine stands still; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_after: Option<Time>,
    /// The fault stays through the heal phase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
}

const BEGIN: [&str; 5] = ["at", "when", "after", "every", "times"];
const END: [&str; 4] = [HEAL_AFTER, RESTART_AFTER, RESUME_AFTER, "permanent"];
const ANY: &str = "any";

/// Why a table is no fault.
#[derive(Debug, thiserror::Error)]
pub(in crate::scenario) enum ReadError {
    /// A value is not of the type that its key takes.
    #[error(transparent)]
    Shape(#[from] toml::de::Error),
    /// A key is not known, or does not go with the others.
    #[error(transparent)]
    Keys(#[from] FaultError),
}

/// Keys of a fault that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{says}; {help}")]
pub(in crate::scenario) struct FaultError {
    /// The key at fault, dotted when nested; none when one is missing.
    pub(in crate::scenario) key: Option<String>,
    /// What is wrong.
    pub(in crate::scenario) says: String,
    /// What stands under it.
    pub(in crate::scenario) label: &'static str,
    /// What would be right.
    pub(in crate::scenario) help: String,
}

impl Fault {
    /// Reads a fault from its table.
    pub(in crate::scenario) fn read(table: Spanned<DeTable<'_>>) -> Result<Fault, ReadError> {
        let span = table.span();
        let (mut begin, mut own, mut end) = (DeTable::new(), DeTable::new(), DeTable::new());
        for (key, value) in table.into_inner() {
            let part = match key.get_ref().as_ref() {
                name if BEGIN.contains(&name) => &mut begin,
                name if END.contains(&name) => &mut end,
                name if KINDS.iter().any(|kind| kind.has(name)) => &mut own,
                name => return Err(unknown(name).into()),
            };
            part.insert(key, value);
        }
        let (begin, end): (Begin, End) = (part(begin, &span)?, part(end, &span)?);
        let kind = the_kind(&own)?;
        a_table_where_one_belongs(kind, &own)?;
        let action = kind.read(Spanned::new(span, own))?;
        let moment = begin.moment()?;
        let aimed = action.target().filter(|(_, target)| **target == Target::That).map(|(key, _)| key);
        let between =
            action.groups().filter(|(_, groups)| groups.iter().flatten().any(|one| *one == Target::That));
        let that = aimed.or(between.map(|(key, _)| key));
        if let (Some(key), Moment::At { .. }) = (that, &moment) {
            return Err(wrong(
                key,
                "\"that\" is the node that published the probe, and this fault waits for none",
                "name a node, or replace `at` with `when = { node = \"any\", probe = \"…\" }`",
            )
            .into());
        }
        let lasts = end.lasts(&action)?;
        Ok(Fault { moment, action, lasts, permanent: end.permanent })
    }

    /// The keys and values of its table, in order.
    fn write(&self) -> Result<Vec<(String, toml_edit::Value)>, toml_edit::ser::Error> {
        let mut entries = Vec::new();
        let begin = Begin::new(&self.moment).serialize(ValueSerializer::new())?;
        let end = End::new(self).serialize(ValueSerializer::new())?;
        for part in [begin, self.action.write()?, end] {
            if let toml_edit::Value::InlineTable(part) = part {
                entries.extend(part.into_iter().map(|(key, value)| (key.to_string(), value)));
            }
        }
        Ok(entries)
    }
}

/// The part of a fault's table with these keys; the span is that of the whole.
fn part<T: DeserializeOwned>(keys: DeTable<'_>, span: &Range<usize>) -> Result<T, toml::de::Error> {
    T::deserialize(ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(keys))))
}

/// The one kind whose keys these are. If there are two, the second is the mistake.
fn the_kind(own: &DeTable<'_>) -> Result<&'static Kind, FaultError> {
    let mut given = KINDS.iter().filter(|kind| own.contains_key(kind.key));
    let Some(kind) = given.next() else {
        let keys: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        return Err(FaultError {
            key: None,
            says: "nothing says what the fault does".into(),
            label: "here",
            help: format!("add one of: {}", keys.join(", ")),
        });
    };
    if let Some(second) = given.next() {
        return Err(wrong(
            second.key,
            format!("a fault does one thing, and this one has `{}` already", kind.key),
            format!("give `{}` a [[fault]] of its own", second.key),
        ));
    }
    match own.keys().find(|key| !kind.has(key.get_ref())) {
        None => Ok(kind),
        Some(key) => {
            let key = key.get_ref().as_ref();
            let owners: Vec<&str> = KINDS.iter().filter(|kind| kind.has(key)).map(|kind| kind.key).collect();
            let owners = owners.join(" or a ");
            let says = format!("`{key}` belongs to a {owners}, and this fault is a {}", kind.key);
            Err(wrong(key, says, format!("remove `{key}`")))
        }
    }
}

/// A list would be read as the table's values, in the order of its keys: the error would name a place that no one wrote.
fn a_table_where_one_belongs(kind: &Kind, own: &DeTable<'_>) -> Result<(), FaultError> {
    let is_list = own.get(kind.key).is_some_and(|value| value.get_ref().is_array());
    let Some(keys) = kind.table_keys().filter(|_| is_list) else { return Ok(()) };
    let keys: Vec<String> = keys.iter().map(|key| format!("{key} = …")).collect();
    Err(wrong(
        kind.key,
        format!("`{}` takes a table, and this is a list", kind.key),
        format!("write `{} = {{ {} }}`", kind.key, keys.join(", ")),
    ))
}

fn unknown(key: &str) -> FaultError {
    let kinds = KINDS.iter().flat_map(|kind| [&kind.key].into_iter().chain(kind.beside));
    let mut known: Vec<&str> = Vec::new();
    for key in BEGIN.iter().chain(kinds).chain(&END) {
        if !known.contains(key) {
            known.push(key);
        }
    }
    FaultError {
        key: Some(key.to_owned()),
        says: format!("there is no key `{key}` here"),
        label: "unknown key",
        help: suggest(key, "keys", &known),
    }
}

pub(super) fn wrong(key: impl Into<String>, says: impl Into<String>, help: impl Into<String>) -> FaultError {
    FaultError { key: Some(key.into()), says: says.into(), label: "here", help: help.into() }
}

impl Kind {
    fn has(&self, key: &str) -> bool {
        self.key == key || self.beside.contains(&key)
    }
}

impl Begin {
    fn new(moment: &Moment) -> Self {
        match moment.clone() {
            Moment::At { at, every, times } => Begin { at: Some(at), every, times, ..Begin::default() },
            Moment::Probe { node, probe, is, from, after, times } => {
                let from = (from > Time::ZERO).then_some(from);
                let node = node.map_or_else(Trigger::any, |node| node.to_string());
                Begin {
                    when: Some(Trigger { node, probe, is, from }),
                    after: (after > Time::ZERO).then_some(after),
                    times: (times != 1).then_some(times),
                    ..Begin::default()
                }
            }
        }
    }

    fn moment(self) -> Result<Moment, FaultError> {
        match (self.at, self.when) {
            (Some(_), Some(_)) => Err(wrong(
                "when",
                "a fault strikes either `at` a time or `when` a probe is published, not both",
                "remove one of the two",
            )),
            (None, None) => Err(FaultError {
                key: self.after.map(|_| "after".to_owned()),
                says: "nothing says when the fault strikes".into(),
                label: "here",
                help: "add `at = \"3s\"`, or `when = { node = \"any\", probe = \"…\" }`".into(),
            }),
            (Some(_), None) if self.after.is_some() => Err(wrong(
                "after",
                "`after` counts from the probe of `when`, and this fault has `at`",
                "remove `after`; for how long a fault lasts write heal_after, restart_after or resume_after",
            )),
            (Some(_), None) if self.times.is_some() && self.every.is_none() => Err(wrong(
                "times",
                "`times` says how often, and nothing says at what intervals",
                "add `every = \"5s\"`",
            )),
            (Some(at), None) => Ok(Moment::At { at, every: self.every, times: self.times }),
            (None, Some(_)) if self.every.is_some() => Err(wrong(
                "every",
                "this fault strikes when a probe is published, not at intervals",
                "write `times` for the first so many probes, or `at` instead of `when`",
            )),
            (None, Some(Trigger { node, probe, is, from })) => Ok(Moment::Probe {
                node: Trigger::node(&node)?,
                probe,
                is,
                from: from.unwrap_or_default(),
                after: self.after.unwrap_or_default(),
                times: self.times.unwrap_or(1),
            }),
        }
    }
}

impl Trigger {
    fn any() -> String {
        ANY.to_owned()
    }

    fn node(node: &str) -> Result<Option<Name>, FaultError> {
        if node == ANY {
            return Ok(None);
        }
        let wrong =
            |_| wrong("when.node", format!("`{node}` is no machine"), format!("\"{ANY}\", or {HELP}"));
        node.parse().map(Some).map_err(wrong)
    }
}

impl End {
    fn new(fault: &Fault) -> Self {
        let under = |key| fault.lasts.filter(|_| fault.action.duration_key() == Some(key));
        End {
            heal_after: under(HEAL_AFTER),
            restart_after: under(RESTART_AFTER),
            resume_after: under(RESUME_AFTER),
            permanent: fault.permanent,
        }
    }

    /// How long a fault lasts that does this.
    fn lasts(&self, action: &Action) -> Result<Option<Time>, FaultError> {
        let given = [
            (HEAL_AFTER, self.heal_after),
            (RESTART_AFTER, self.restart_after),
            (RESUME_AFTER, self.resume_after),
        ];
        let given = given.into_iter().find_map(|(key, time)| Some((key, time?)));
        match (action.ends(), given) {
            (Ends::After(right), Some((key, time))) if key != right => Err(wrong(
                key,
                format!("a {} ends by `{right}`, not by `{key}`", action.key()),
                format!("write `{right} = \"{time}\"`"),
            )),
            (Ends::After(_), Some((key, _))) if self.permanent => Err(wrong(
                "permanent",
                format!("a permanent fault does not end, and this one has `{key}`"),
                "remove one of the two",
            )),
            (Ends::After(_), given) => Ok(given.map(|(_, time)| time)),
            (Ends::ByItself { why, help }, Some((key, _))) => {
                Err(wrong(key, format!("{why}, and has no `{key}`"), help))
            }
            (Ends::ByItself { why, .. }, None) if self.permanent => {
                Err(wrong("permanent", why, "remove `permanent`"))
            }
            (Ends::ByItself { .. }, None) => Ok(None),
        }
    }
}

impl From<Infallible> for FaultError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// From any format; only `Fault::read` knows the places of mistakes.
impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = toml::to_string(&toml::Table::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Fault::read(DeTable::parse(&text).map_err(D::Error::custom)?).map_err(D::Error::custom)
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.write().map_err(S::Error::custom)?;
        serializer.collect_map(entries.iter().map(|(key, value)| (key, Written(value))))
    }
}

/// A value in the order in which it was written.
struct Written<'v>(&'v toml_edit::Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            toml_edit::Value::String(text) => text.value().serialize(serializer),
            toml_edit::Value::Integer(number) => number.value().serialize(serializer),
            toml_edit::Value::Float(number) => number.value().serialize(serializer),
            toml_edit::Value::Boolean(truth) => truth.value().serialize(serializer),
            toml_edit::Value::Datetime(_) => Err(S::Error::custom("a fault has no dates")),
            toml_edit::Value::Array(values) => serializer.collect_seq(values.iter().map(Written)),
            toml_edit::Value::InlineTable(table) => {
                serializer.collect_map(table.iter().map(|(key, value)| (key, Written(value))))
            }
        }
    }
}

impl JsonSchema for Fault {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut parts = vec![Begin::json_schema(generator)];
        parts.extend(KINDS.iter().map(|kind| kind.schema(generator)));
        parts.push(End::json_schema(generator));
        let mut properties = Map::new();
        for (key, schema) in parts.iter().filter_map(|part| part.get("properties")?.as_object()).flatten() {
            properties.entry(key.clone()).or_insert_with(|| schema.clone());
        }
        let one_of = |keys: &[&str]| -> Value {
            keys.iter().map(|key| serde_json::json!({ "required": [key] })).collect()
        };
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        json_schema!({
            "type": "object",
            "description": "One fault: a moment, exactly one action, and how long it lasts.",
            "properties": properties,
            "additionalProperties": false,
            "allOf": [{ "oneOf": one_of(&kinds) }, { "oneOf": one_of(&["at", "when"]) }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_where_a_table_belongs_is_told_as_one_for_every_kind() {
        let tables: Vec<&Kind> = KINDS.iter().copied().filter(|kind| kind.table_keys().is_some()).collect();
        assert!(tables.iter().any(|kind| kind.key == "blackout"), "{tables:?}");
        for kind in tables {
            let text = format!("at = \"1s\"\n{} = [\"n4\"]\n", kind.key);
            let why = Fault::read(DeTable::parse(&text).unwrap()).unwrap_err().to_string();
            assert!(why.starts_with(&format!("`{}` takes a table, and this is a list", kind.key)), "{why}");
        }
    }

    #[test]
    fn a_list_of_groups_is_no_table() {
        let text = "at = \"1s\"\npartition = [[\"n1\"], [\"n2\"]]\n";
        assert!(Fault::read(DeTable::parse(text).unwrap()).is_ok());
    }
}
