//! Options that an operator changes while a system runs.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Some options, by their names: these become what is said here, and the others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Change(Map<String, Value>);

impl Change {
    /// Of one option, to this value.
    pub fn of_one(option: &str, value: Value) -> Change {
        Change([(option.to_owned(), value)].into_iter().collect())
    }

    /// What becomes of these options.
    ///
    /// # Errors
    ///
    /// Names the option that there is not, or says what is wrong with its value.
    pub fn of<T: Serialize + DeserializeOwned>(&self, options: &T) -> Result<T, String> {
        let mut all = serde_json::to_value(options).map_err(|error| error.to_string())?;
        if let Some(all) = all.as_object_mut() {
            all.extend(self.0.clone());
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    /// This one, and then another.
    pub fn then(&mut self, later: &Change) {
        self.0.extend(later.0.clone());
    }

    /// Whether it changes an option.
    pub fn names(&self, option: &str) -> bool {
        self.0.contains_key(option)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        #[serde(with = "humantime_serde")]
        ttl: std::time::Duration,
        keys: u32,
    }

    const BEFORE: Options = Options { ttl: std::time::Duration::from_secs(30), keys: 8 };

    fn change(text: &str) -> Change {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_named_changes_and_the_rest_stays() {
        assert_eq!(change("{}").of(&BEFORE), Ok(BEFORE));
        assert_eq!(change(r#"{ "keys": 9 }"#).of(&BEFORE), Ok(Options { keys: 9, ..BEFORE }));
        let mut both = change(r#"{ "keys": 9, "ttl": "20s" }"#);
        both.then(&change(r#"{ "ttl": "40s" }"#));
        let ttl = std::time::Duration::from_secs(40);
        assert_eq!(both.of(&BEFORE), Ok(Options { ttl, keys: 9 }));
    }

    #[test]
    fn what_there_is_not_and_what_cannot_be_is_refused() {
        let refused = |text| change(text).of(&BEFORE).unwrap_err();
        assert!(refused(r#"{ "tll": "20s" }"#).starts_with("unknown field `tll`"));
        assert!(refused(r#"{ "keys": "many" }"#).contains("invalid type"));
    }
}
