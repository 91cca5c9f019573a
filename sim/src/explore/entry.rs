//! The specifications of a command: names, sizes that may be chosen, and how one is made.

use super::AnySpec;
use std::collections::BTreeMap;
use std::fmt;

/// A specification that a command knows by name.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it says, in a line.
    pub title: &'static str,
    /// What may be chosen.
    pub settings: &'static [Setting],
    /// Makes it, of values that are within their bounds.
    pub build: fn(&Values) -> Box<dyn AnySpec>,
}

/// A number that may be chosen, with its bounds. A choice of yes or no is 1 or 0.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// What `--set` calls it.
    pub name: &'static str,
    /// Its value if nobody chooses.
    pub default: u8,
    /// The smallest value.
    pub min: u8,
    /// The largest value.
    pub max: u8,
    /// What it is.
    pub what: &'static str,
}

impl Setting {
    /// A number within bounds.
    #[must_use]
    pub const fn number(name: &'static str, default: u8, min: u8, max: u8, what: &'static str) -> Self {
        Setting { name, default, min, max, what }
    }

    /// Yes or no.
    #[must_use]
    pub const fn switch(name: &'static str, default: bool, what: &'static str) -> Self {
        Setting { name, default: default as u8, min: 0, max: 1, what }
    }
}

/// The values of all settings of a specification.
#[derive(Debug, Clone)]
pub struct Values(BTreeMap<&'static str, u8>);

impl Values {
    /// The value of a setting.
    ///
    /// # Panics
    ///
    /// Panics if the specification has no setting of this name.
    #[must_use]
    pub fn number(&self, name: &str) -> u8 {
        self.0[name]
    }

    /// Whether a setting is switched on.
    ///
    /// # Panics
    ///
    /// Panics if the specification has no setting of this name.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.number(name) != 0
    }
}

/// A setting that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The specification has no such setting.
    #[error("there is no setting `{name}`")]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// No number, or one beyond the bounds.
    #[error("{name}: `{value}` is not a number from {min} to {max}")]
    Number {
        /// The setting.
        name: &'static str,
        /// As it was written.
        value: String,
        /// The smallest value.
        min: u8,
        /// The largest value.
        max: u8,
    },
    /// Neither yes nor no.
    #[error("{name}: `{value}` is neither yes nor no")]
    Switch {
        /// The setting.
        name: &'static str,
        /// As it was written.
        value: String,
    },
}

impl Entry {
    /// The specification with these settings, the others as they are by default.
    ///
    /// # Errors
    ///
    /// The first setting that is not known or not within its bounds.
    pub fn with(&self, chosen: &[(String, String)]) -> Result<Box<dyn AnySpec>, SettingError> {
        let mut values =
            Values(self.settings.iter().map(|setting| (setting.name, setting.default)).collect());
        for (name, value) in chosen {
            let setting = self
                .settings
                .iter()
                .find(|setting| setting.name == name)
                .ok_or_else(|| SettingError::Unknown { name: name.clone() })?;
            values.0.insert(setting.name, setting.read(value)?);
        }
        Ok((self.build)(&values))
    }
}

impl Setting {
    fn is_switch(&self) -> bool {
        (self.min, self.max) == (0, 1)
    }

    fn read(&self, value: &str) -> Result<u8, SettingError> {
        let Setting { name, min, max, .. } = *self;
        let number = value.parse().ok().filter(|number| (min..=max).contains(number));
        match value {
            "yes" | "true" if self.is_switch() => Ok(1),
            "no" | "false" if self.is_switch() => Ok(0),
            _ if self.is_switch() => Err(SettingError::Switch { name, value: value.to_owned() }),
            _ => number.ok_or_else(|| SettingError::Number { name, value: value.to_owned(), min, max }),
        }
    }
}

/// The setting as it is by default: `names=5`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.default {
            0 if self.is_switch() => write!(f, "{}=no", self.name),
            1 if self.is_switch() => write!(f, "{}=yes", self.name),
            number => write!(f, "{}={number}", self.name),
        }
    }
}
