//! Operations that a plan lists, in place of drawing them.
//!
//! ```toml
//! [[operation]]
//! at = "1s 200ms"          # when it is due; its client begins later if its last one has not ended
//! client = "c2"
//! name = "transfer"        # as histories call it
//! argument = [1, 2, 10]    # what it is about, if it is about anything
//! ```
//!
//! An argument that TOML cannot say (nothing in the place of a value, a number beyond 64 bits) is written as JSON, in a
//! text: `json = "[null]"`.

use super::cast::Name;
use super::error::{Problem, suggest};
use super::shape;
use super::source::Path;
use super::units::Time;
use super::validate::{Checked, Checks};
use crate::verdict::Subject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One operation that a client is told to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Form", into = "Form")]
#[schemars(with = "Form")]
pub struct ListedOperation {
    /// When it is due, counted from the start of the workload. Its client begins later if its last one has not ended.
    pub at: Time,
    /// Who does it.
    pub client: Name,
    /// What is done, as histories call it.
    pub name: String,
    /// What it is about; null for nothing.
    pub argument: Value,
}

/// An operation in the place of a drawn one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Operation")]
#[serde(deny_unknown_fields)]
struct Form {
    /// When it is due, counted from the start of the workload. Its client begins later if its last one has not ended.
    at: Time,
    /// Who does it: "c1", "c2" and so on.
    client: Name,
    /// What is done, as histories call it.
    name: String,
    /// What it is about, if it is about anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argument: Option<Value>,
    /// The same as JSON, in a text: for what TOML cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<String>,
}

impl ListedOperation {
    /// Who does it, and what it is about.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects = vec![Subject::Client(self.client.to_string())];
        keys(&self.argument, &mut subjects);
        subjects
    }
}

/// The names and numbers in an argument, at any depth.
fn keys(argument: &Value, found: &mut Vec<Subject>) {
    match argument {
        Value::String(key) => found.push(Subject::Key(key.clone())),
        Value::Number(key) => found.push(Subject::Key(key.to_string())),
        Value::Array(several) => several.iter().for_each(|one| keys(one, found)),
        Value::Object(several) => several.values().for_each(|one| keys(one, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

impl TryFrom<Form> for ListedOperation {
    type Error = String;

    fn try_from(Form { at, client, name, argument, json }: Form) -> Result<Self, String> {
        Ok(ListedOperation { at, client, name, argument: read(argument, json)? })
    }
}

impl From<ListedOperation> for Form {
    fn from(ListedOperation { at, client, name, argument }: ListedOperation) -> Self {
        let (argument, json) = written(argument);
        Form { at, client, name, argument, json }
    }
}

/// The argument that `argument` or `json` says.
pub(super) fn read(argument: Option<Value>, json: Option<String>) -> Result<Value, String> {
    match (argument, json) {
        (Some(_), Some(_)) => Err("`argument` and `json` say the same; remove one of the two".into()),
        (argument, None) => Ok(argument.unwrap_or_default()),
        (None, Some(json)) => {
            let wrong = |why| format!("`json` is not JSON: {why}; write the value as JSON, \"[null]\"");
            serde_json::from_str(&json).map_err(wrong)
        }
    }
}

/// An argument as what `argument` and `json` say.
pub(super) fn written(argument: Value) -> (Option<Value>, Option<String>) {
    match argument {
        Value::Null => (None, None),
        argument if is_toml(&argument) => (Some(argument), None),
        argument => (None, Some(argument.to_string())),
    }
}

/// Whether TOML can say it.
fn is_toml(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Number(number) => number.is_i64() || number.is_f64(),
        Value::Array(items) => items.iter().all(is_toml),
        Value::Object(entries) => entries.values().all(is_toml),
        Value::Bool(_) | Value::String(_) => true,
    }
}

impl std::fmt::Display for ListedOperation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ListedOperation { at, client, name, argument } = self;
        write!(f, "{at}: {client} {name}")?;
        if argument.is_null() { Ok(()) } else { write!(f, " {argument}") }
    }
}

impl Checks<'_> {
    pub(super) fn operations(&self) -> Checked {
        for (index, operation) in self.scenario.operations.iter().enumerate() {
            let ListedOperation { at, client, name, argument } = operation;
            let path = Path::of("operation").then(index);
            self.client(path.then("client"), *client)?;
            self.operation(&path, *at, name, argument)?;
        }
        Ok(())
    }

    /// It is due before the end, and the system has it.
    pub(super) fn operation(&self, path: &Path, at: Time, name: &str, argument: &Value) -> Checked {
        let end = self.scenario.workload.duration;
        if at >= end {
            let says = format!("{at} is after the end: the workload ends at {end}");
            return Err(Problem::new(path.then("at"), says)
                .label("after the end")
                .help(format!("write less than {end} here, or more for workload.for")));
        }
        let Err(why) = (self.words.check_operation)(name, argument) else { return Ok(()) };
        let system = &self.scenario.system;
        if let Some((_, known)) = shape::unknown(&why, "unknown variant ") {
            return Err(Problem::new(path.then("name"), format!("{system} has no operation `{name}`"))
                .label("unknown operation")
                .help(suggest(name, "operations", &known)));
        }
        let why = match shape::mistaken(&why) {
            Some((found, expected)) => format!("expected {expected}, found {found}"),
            None => why,
        };
        Err(Problem::new(path.then("argument"), format!("`{name}` is not about this: {why}"))
            .label(format!("not what `{name}` takes"))
            .help("the history that `replay` writes shows how it is written: as the value of an invocation"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_toml_cannot_say_is_written_as_json() {
        let written = |argument: &str| {
            let argument: Value = serde_json::from_str(argument).unwrap();
            let (at, client, name) = (Time::from_secs(1), Name::Client(2), "put".to_owned());
            let operation = ListedOperation { at, client, name, argument };
            let text = toml_edit::ser::to_string(&operation).unwrap();
            assert_eq!(toml::from_str::<ListedOperation>(&text).unwrap(), operation, "{text}");
            text.lines().skip(3).map(str::to_owned).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(written("null"), "");
        assert_eq!(written(r#"[1, "k", 0.5]"#), r#"argument = [1, "k", 0.5]"#);
        assert_eq!(written(r#"{"key": "k", "by": [true]}"#), r#"argument = { by = [true], key = "k" }"#);
        assert_eq!(written("[1, null]"), r#"json = "[1,null]""#);
        assert_eq!(written("18446744073709551615"), r#"json = "18446744073709551615""#);
    }
}
