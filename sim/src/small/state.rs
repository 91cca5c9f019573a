//! What all nodes believe, as a digest.

use serde_json::Value;
use std::collections::BTreeSet;
use xxhash_rust::xxh3::xxh3_64;

/// Numbers from here on are time stamps, terms of clocks, random ids: what matters of them is their order.
const LONG: u64 = 1_000_000;

/// The digest of all views. Two in which long numbers differ and their order does not are one.
pub(super) fn digest(views: &[Option<Value>]) -> u64 {
    let mut long = BTreeSet::new();
    views.iter().flatten().for_each(|view| collect(view, &mut long));
    let long: Vec<u64> = long.into_iter().collect();
    let mut text = String::new();
    for view in views {
        text.push('\n');
        if let Some(view) = view {
            let mut view = view.clone();
            rank(&mut view, &long);
            text.push_str(&view.to_string());
        }
    }
    xxh3_64(text.as_bytes())
}

fn collect(value: &Value, long: &mut BTreeSet<u64>) {
    match value {
        Value::Number(number) => long.extend(number.as_u64().filter(|number| *number >= LONG)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, long)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, long)),
        _ => {}
    }
}

fn rank(value: &mut Value, long: &[u64]) {
    match value {
        Value::Number(number) => {
            if let Some(place) = number.as_u64().and_then(|number| long.binary_search(&number).ok()) {
                *value = Value::from(LONG + place as u64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rank(item, long)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rank(field, long)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_long_numbers_only_the_order_is_a_part_of_a_state() {
        let views = |older: u64, newer: u64, count: u64| {
            digest(&[Some(json!({ "a": older, "n": count })), None, Some(json!([newer]))])
        };
        assert_eq!(views(5_000_000, 6_000_000, 3), views(7_000_001, 9_000_000, 3));
        assert_ne!(views(5_000_000, 6_000_000, 3), views(6_000_000, 5_000_000, 3));
        assert_ne!(views(5_000_000, 6_000_000, 3), views(5_000_000, 6_000_000, 4));
    }
}
