//! What each node believed in the end of what the evidence is about.
//!
//! A view is looked through for the keys that evidence names: as keys of maps, or as the first of pairs, which is how JSON
//! has a map whose keys are no texts. Where none names any, a view that fits a line is told whole.

use crate::text::{cut, plain};
use crate::verdict::Subject;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// No value is looked into deeper.
const DEPTH_MAX: usize = 16;

/// What each node that is up believes of the keys that these subjects name, in words; none for one that believes nothing of
/// them.
pub fn held(views: &Map<String, Value>, subjects: &[Subject]) -> BTreeMap<String, Option<String>> {
    let keys: BTreeSet<&str> = subjects.iter().filter_map(key).collect();
    let up = views.iter().filter(|(_, view)| !view.is_null());
    up.map(|(node, view)| (node.clone(), found(view, &keys))).collect()
}

fn found(view: &Value, keys: &BTreeSet<&str>) -> Option<String> {
    let mut found = Vec::new();
    look(view, keys, DEPTH_MAX, &mut found);
    (!found.is_empty()).then(|| found.join(", "))
}

/// A line for each node that believes anything of these subjects, in so many columns at most: `n1  name-3: {…}`.
pub fn beliefs(views: &Map<String, Value>, subjects: &[Subject], columns: usize) -> Vec<String> {
    let held = held(views, subjects);
    let is_about = |node: &str| {
        subjects.iter().any(|subject| matches!(subject, Subject::Machine(machine) if machine == node))
    };
    let told: Vec<(&str, String)> = if held.values().any(Option::is_some) {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing of it".to_owned());
        held.iter().map(|(node, held)| (node.as_str(), text(held))).collect()
    } else {
        let whole = views.iter().filter(|(node, view)| !view.is_null() && is_about(node));
        let whole = whole.map(|(node, view)| (node.as_str(), compact(view)));
        whole.filter(|(node, text)| node.len() + 2 + text.len() <= columns).collect()
    };
    told.into_iter().map(|(node, text)| cut(&plain(&format!("{node}  {text}")), columns)).collect()
}

/// What a map of a view may have as its key.
fn key(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Key(key) => Some(key),
        Subject::Machine(_) | Subject::Client(_) | Subject::Process(_) | Subject::Item(_) => None,
    }
}

/// All entries with one of these keys.
fn look(view: &Value, keys: &BTreeSet<&str>, depth: usize, found: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    match view {
        Value::Object(entries) => {
            for (key, value) in entries {
                if keys.contains(key.as_str()) {
                    found.push(format!("{key}: {}", compact(value)));
                } else {
                    look(value, keys, depth - 1, found);
                }
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                let pair = entry.as_array().filter(|pair| pair.len() == 2 && !pair[0].is_array());
                match pair.map(|pair| (compact(&pair[0]), &pair[1])) {
                    Some((key, value)) if keys.contains(key.as_str()) => {
                        found.push(format!("{key}: {}", compact(value)));
                    }
                    _ => look(entry, keys, depth - 1, found),
                }
            }
        }
        _ => {}
    }
}

/// JSON without quotation marks.
fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("[{}]", values.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{key}: {}", compact(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn views() -> Map<String, Value> {
        let views = json!({
            "n1": { "scopes": [{ "entries": { "a": { "pid": 1 }, "b": { "pid": 2 } } }] },
            "n2": { "scopes": [{ "entries": {} }] },
            "n3": { "accounts": [[7, { "held": 0 }], [8, { "held": 1 }]] },
            "n4": null,
        });
        views.as_object().unwrap().clone()
    }

    #[test]
    fn of_a_key_each_view_is_told_that_has_it_and_that_others_have_it_not() {
        let told = beliefs(&views(), &[Subject::Key("a".to_owned())], 80);
        assert_eq!(told, ["n1  a: {pid: 1}", "n2  nothing of it", "n3  nothing of it"]);
        let told = beliefs(&views(), &[Subject::Key("8".to_owned())], 80);
        assert_eq!(told[2], "n3  8: {held: 1}");
    }

    #[test]
    fn without_a_key_a_short_view_of_a_machine_is_told_whole_and_a_long_one_not_at_all() {
        let machines = [Subject::Machine("n2".to_owned()), Subject::Machine("n4".to_owned())];
        assert_eq!(beliefs(&views(), &machines, 80), ["n2  {scopes: [{entries: {}}]}"]);
        assert!(beliefs(&views(), &machines, 20).is_empty());
        assert!(beliefs(&views(), &[], 80).is_empty());
    }

    #[test]
    fn hostile_views_are_spelt_out_and_cut() {
        let views = json!({ "n1": { "a": "\u{1b}[2J".repeat(1000) } });
        let told = beliefs(views.as_object().unwrap(), &[Subject::Key("a".to_owned())], 40);
        assert!(told[0].starts_with("n1  a: \\u{1b}[2J") && told[0].chars().count() <= 40, "{told:?}");
    }
}
