//! The JSON schema of a scenario file, for editors: it completes keys, and with the system's name also its options,
//! operations, probes, processes and checkers.
//!
//! Draft 7, which the TOML language servers read.

use super::model::Scenario;
use super::systems::{Systems, Vocabulary};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of a whole scenario file.
pub fn json_schema(systems: &dyn Systems) -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Scenario>().to_value();
    without_null(&mut schema);
    let mut names = systems.names();
    names.sort();
    let mut conditions = Vec::new();
    for name in &names {
        let Some(words) = systems.vocabulary(name) else { continue };
        let mut options = words.options_schema.clone().to_value();
        without_null(&mut options);
        let options = hoisted(name, options, &mut schema["definitions"]);
        conditions.push(json!({
            "if": { "properties": { "system": { "const": name } }, "required": ["system"] },
            "then": then(&words, options),
        }));
    }
    schema["properties"]["system"]["enum"] = json!(names);
    schema["allOf"] = json!(conditions);
    schema
}

/// What naming one system means for the rest of the file.
fn then(words: &Vocabulary, mut options: Value) -> Value {
    if let Some(options) = options.as_object_mut() {
        options.remove("$schema");
    }
    let checkers = json!({ "enum": words.checkers });
    json!({ "properties": {
        "cluster": { "properties": { "options": options } },
        "workload": { "properties": { "mix": { "propertyNames": { "enum": words.operations } } } },
        "order": { "items": { "properties": { "name": { "enum": words.operations } } } },
        "fault": { "items": { "properties": {
            "process": { "enum": words.processes },
            "when": { "properties": { "probe": { "enum": words.probes } } },
        } } },
        "check": { "properties": { "expect": { "properties": {
            "violation": checkers,
            "tolerates": { "items": checkers },
        } } } },
    } })
}

/// Takes out `null`, which stands for an optional key in JSON and cannot be written in TOML.
fn without_null(schema: &mut Value) {
    let null = |schema: &Value| schema == "null" || *schema == json!({ "type": "null" });
    match schema {
        Value::Object(entries) => {
            if entries.get("default").is_some_and(Value::is_null) {
                entries.remove("default");
            }
            for list in ["type", "anyOf"] {
                let Some(Value::Array(choices)) = entries.get_mut(list) else { continue };
                choices.retain(|choice| !null(choice));
                if list == "type" && choices.len() == 1 {
                    let only = choices.remove(0);
                    entries.insert(list.into(), only);
                }
            }
            entries.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Moves a system's own definitions to the root, under its name, and points its references there.
fn hoisted(system: &str, mut schema: Value, definitions: &mut Value) -> Value {
    for own in ["$defs", "definitions"] {
        let Some(Value::Object(entries)) = schema.as_object_mut().and_then(|schema| schema.remove(own))
        else {
            continue;
        };
        for (name, mut definition) in entries {
            redirect(system, &mut definition);
            definitions[format!("{system}.{name}")] = definition;
        }
    }
    redirect(system, &mut schema);
    schema
}

fn redirect(system: &str, schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries {
                let own = value.as_str().and_then(|target| {
                    target.strip_prefix("#/$defs/").or_else(|| target.strip_prefix("#/definitions/"))
                });
                match own {
                    Some(name) if key == "$ref" => *value = json!(format!("#/definitions/{system}.{name}")),
                    _ => redirect(system, value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(system, item)),
        _ => {}
    }
}
