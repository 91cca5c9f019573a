//! An operation as a function and its value, as Jepsen has it, and back.

use super::to_json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an operation that is no variant of an enum is called.
const NO_VARIANT: &str = "op";

/// An enum's variant and content, as Jepsen's `f` and `value`.
pub(crate) fn function_and_value<Op: Serialize>(op: &Op) -> (String, Value) {
    match to_json(op) {
        Value::String(f) => (f, Value::Null),
        Value::Object(map) if map.len() == 1 => map.into_iter().next().expect("one entry"),
        other => (NO_VARIANT.to_owned(), other),
    }
}

/// Its function alone.
pub(crate) fn kind<Op: Serialize>(op: &Op) -> &'static str {
    serde_variant::to_variant_name(op).unwrap_or(NO_VARIANT)
}

/// The operation with this function and value.
///
/// # Errors
///
/// What serde says, if there is none.
pub(crate) fn operation<Op: DeserializeOwned>(f: &str, value: &Value) -> Result<Op, serde_json::Error> {
    let variant = Value::Object([(f.to_owned(), value.clone())].into_iter().collect());
    serde_json::from_value(variant).or_else(|error| match f {
        NO_VARIANT => serde_json::from_value(value.clone()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::fmt::Debug;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Op {
        Audit,
        Open(Option<u32>),
        Move(u32, String),
        Put { key: String, value: f64 },
    }

    fn there_and_back<Op: Serialize + DeserializeOwned + PartialEq + Debug>(op: &Op) {
        let (f, value) = function_and_value(op);
        assert_eq!(kind(op), f);
        assert_eq!(&operation::<Op>(&f, &value).unwrap(), op, "{f} {value}");
    }

    #[test]
    fn every_form_of_an_operation_reads_back_as_it_was() {
        there_and_back(&Op::Audit);
        there_and_back(&Op::Open(None));
        there_and_back(&Op::Open(Some(3)));
        there_and_back(&Op::Move(1, "to".to_owned()));
        there_and_back(&Op::Put { key: "k".to_owned(), value: 0.1 });
        there_and_back(&());
        there_and_back(&(1, 2));
    }

    #[test]
    fn another_function_or_value_is_no_operation() {
        assert!(operation::<Op>("close", &Value::Null).is_err());
        assert!(operation::<Op>("audit", &Value::from(3)).is_err());
        assert!(operation::<Op>("move", &Value::from(3)).is_err());
        assert!(operation::<()>("audit", &Value::Null).is_err());
    }
}
