//! What a scenario may name of a system. The caller knows the systems; this module asks.

use super::model::Tolerated;
use super::random::Choice;
use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The systems that a scenario may name.
pub trait Systems {
    /// Their names, as `system = "…"` has them.
    fn names(&self) -> Vec<String>;

    /// What a scenario may name of one; `None` when there is no such system.
    fn vocabulary(&self, system: &str) -> Option<Vocabulary>;

    /// What a system does not promise under these options, which it has accepted.
    fn tolerates(&self, _system: &str, _options: &toml::Table) -> Vec<Tolerated> {
        Vec::new()
    }
}

/// What a scenario may name of one system.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// What clients can do: the keys of `workload.mix`.
    pub operations: Vec<String>,
    /// Whether there is an operation with this name and argument: `operation.name`, `operation.argument`. What serde says if
    /// there is none.
    pub check_operation: fn(&str, &Value) -> Result<(), String>,
    /// What nodes publish: `fault.when.probe`.
    pub probes: Vec<String>,
    /// What a seed may pick of the options: where `random.sizes` is set.
    pub choices: Vec<Choice>,
    /// What can crash or stand still by itself on a machine: `fault.process`.
    pub processes: Vec<String>,
    /// What can be violated: the names in `check.expect`.
    pub checkers: Vec<String>,
    /// The schema of `[cluster.options]`.
    pub options_schema: Schema,
    /// Whether `[cluster.options]` can be read; the error keeps its place in the file.
    pub check_options: fn(toml::Deserializer<'_>) -> Result<(), toml::de::Error>,
}

impl Vocabulary {
    /// A vocabulary with these options and no words yet; operations that are listed are not looked at.
    ///
    /// ```
    /// # use sim::scenario::Vocabulary;
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Options { fsync: bool }
    ///
    /// let words = Vocabulary { operations: vec!["add".into()], ..Vocabulary::with_options::<Options>() };
    /// ```
    pub fn with_options<Options: DeserializeOwned + JsonSchema>() -> Self {
        Vocabulary {
            operations: Vec::new(),
            check_operation: |_, _| Ok(()),
            probes: Vec::new(),
            choices: Vec::new(),
            processes: Vec::new(),
            checkers: Vec::new(),
            options_schema: schema_for!(Options),
            check_options: |options| Options::deserialize(options).map(drop),
        }
    }

    /// The names of the options, for help.
    pub(super) fn option_names(&self) -> Vec<&str> {
        let properties = self.options_schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect()
    }
}
