//! Durations, rates and offsets. In a file each is a string with its unit: a bare number is an error that says which
//! string would be right.
//!
//! An error's text has two parts, what is wrong and, after `"; "`, what to write instead; `shape` takes them apart.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration;

/// The longest [`Time`], in seconds: 100 years of 365 days. Its nanoseconds fit an `i64`.
const SECS_MAX: u64 = 100 * 365 * 24 * 60 * 60;

/// The fastest [`Rate`], per second.
const RATE_MAX: f64 = 1e6;

/// The slowest [`Rate`], per second: one a day.
const RATE_MIN: f64 = 1.0 / (24.0 * 60.0 * 60.0);

/// A span of simulated time, `"2ms"`, `"5s"` or `"1m 30s"`; 100 years at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

/// How often something happens, `"50/s"`; `"3000/min"` and `"10/h"` are read too. One a day to a million a second.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

/// A signed span of time, `"+500ms"` or `"-2s"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    nanos: i64,
}

/// Why a text is not a time, rate or offset; what would be right follows a `"; "`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

impl Time {
    /// No time at all.
    pub const ZERO: Time = Time(Duration::ZERO);

    /// Whether it is none.
    pub const fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// So many seconds, 100 years at most.
    pub const fn from_secs(secs: u64) -> Self {
        Time::from(Duration::from_secs(secs))
    }

    /// So many milliseconds, 100 years at most.
    pub const fn from_millis(millis: u64) -> Self {
        Time::from(Duration::from_millis(millis))
    }

    /// The duration, cut to 100 years.
    pub const fn from(duration: Duration) -> Self {
        if duration.as_secs() >= SECS_MAX { Time(Duration::from_secs(SECS_MAX)) } else { Time(duration) }
    }

    /// The duration itself.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Rate {
    /// So many a second; `None` when not between one a day and a million a second.
    pub fn per_second(rate: f64) -> Option<Self> {
        (RATE_MIN..=RATE_MAX).contains(&rate).then_some(Rate(rate))
    }

    /// How many a second.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The mean time from one to the next.
    pub fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.0)
    }
}

impl Offset {
    /// So many nanoseconds forwards, or backwards when negative.
    pub const fn from_nanos(nanos: i64) -> Self {
        Offset { nanos }
    }

    /// Nanoseconds forwards, or backwards when negative.
    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }
}

impl Deref for Time {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.nanos < 0 { '-' } else { '+' };
        write!(f, "{sign}{}", humantime::format_duration(Duration::from_nanos(self.nanos.unsigned_abs())))
    }
}

impl FromStr for Time {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let example = "a time is a number and its unit: \"5s\", \"20ms\", \"1m 30s\"";
        let wrong = |what: &str| UnitError(format!("`{text}` {what}; {example}"));
        if text == "0" {
            return Err(UnitError("`0` has no unit; write \"0s\"".into()));
        }
        if text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(UnitError(format!(
                "`{text}` has no unit; write \"{text}s\" for seconds, \"{text}ms\" for milliseconds"
            )));
        }
        if text.starts_with(['+', '-']) {
            return Err(UnitError(format!(
                "`{text}` has a sign; a span of time has none: write \"{}\"",
                &text[1..]
            )));
        }
        let duration = humantime::parse_duration(text).map_err(|why| match why {
            humantime::DurationError::UnknownUnit { unit, .. } if !unit.is_empty() => UnitError(format!(
                "`{unit}` is not a unit of time; units are ns, us, ms, s, m (minutes), h, days"
            )),
            humantime::DurationError::NumberOverflow => wrong("is too large or too fine"),
            _ => wrong("is not a time"),
        })?;
        if duration > Duration::from_secs(SECS_MAX) {
            return Err(wrong("is above 100 years"));
        }
        Ok(Time(duration))
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let example = "a rate is a number a second, minute or hour: \"50/s\", \"3000/min\", \"10/h\"";
        if text.parse::<f64>().is_ok() {
            return Err(UnitError(format!("`{text}` has no unit; write \"{text}/s\"")));
        }
        let wrong = |what: &str| UnitError(format!("{text} {what}; {example}"));
        let (number, unit) = text.split_once('/').ok_or_else(|| wrong("is not a rate"))?;
        let number: f64 = number.trim().parse().map_err(|_| wrong("is not a rate"))?;
        let per_second = match unit.trim() {
            "s" | "sec" => number,
            "m" | "min" => number / 60.0,
            "h" => number / 3600.0,
            _ => return Err(wrong("is not a rate")),
        };
        if !per_second.is_finite() {
            return Err(wrong("is not a finite rate"));
        }
        if per_second <= 0.0 {
            return Err(wrong("is not above 0"));
        }
        Rate::per_second(per_second).ok_or_else(|| {
            UnitError(format!(
                "{text} is out of bounds; the slowest rate is one a day, the fastest 1000000/s"
            ))
        })
    }
}

impl FromStr for Offset {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let (sign, span) = match text.strip_prefix('-') {
            Some(span) => (-1, span),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        if span.trim().parse::<f64>().is_ok() {
            let sign = if sign < 0 { '-' } else { '+' };
            return Err(UnitError(format!("`{text}` has no unit; write \"{sign}{}s\"", span.trim())));
        }
        let wrong = || {
            UnitError(format!(
                "`{text}` is not an offset; write a sign, a number and its unit: \"+500ms\", \"-2s\""
            ))
        };
        let span: Time = span.parse().map_err(|_| wrong())?;
        let nanos = i64::try_from(span.as_nanos()).map_err(|_| wrong())?;
        Ok(Offset { nanos: sign * nanos })
    }
}

/// Reads a unit from a string; a number is read as if it were quoted, so that the error is about its unit.
struct UnitVisitor<T> {
    expected: &'static str,
    unit: PhantomData<T>,
}

impl<T: FromStr<Err = UnitError>> Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        if number.is_finite() {
            self.visit_str(&number.to_string())
        } else {
            Err(E::invalid_type(Unexpected::Float(number), &self))
        }
    }
}

/// Serde and schema of a unit: a string, with what a reader should expect and the pattern an editor checks.
macro_rules! unit {
    ($type:ty, $name:literal, $expected:literal, $pattern:literal, $examples:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(UnitVisitor { expected: $expected, unit: PhantomData })
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $expected, "pattern": $pattern, "examples": $examples })
            }
        }
    };
}

unit!(
    Time,
    "Time",
    "a time such as \"5s\" or \"20ms\"",
    r"^\s*([0-9]+(\.[0-9]+)?\s*(ns|us|µs|ms|s|sec|secs|m|min|mins|h|hour|hours|d|day|days)\s*)+$",
    ["5s", "20ms", "1m 30s"]
);
unit!(
    Rate,
    "Rate",
    "a rate such as \"50/s\"",
    r"^\s*[0-9]+(\.[0-9]+)?\s*/\s*(s|sec|m|min|h)\s*$",
    ["50/s", "3000/min"]
);
unit!(
    Offset,
    "Offset",
    "an offset such as \"+500ms\" or \"-2s\"",
    r"^\s*[+-]?\s*([0-9]+(\.[0-9]+)?\s*(ns|us|µs|ms|s|sec|secs|m|min|mins|h|hour|hours|d|day|days)\s*)+$",
    ["+500ms", "-2s"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_written_as_it_is_read() {
        for text in ["5s", "2ms", "1m 30s", "0s", "12ms 345us 678ns"] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        for text in ["50/s", "0.5/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["+500ms", "-2s", "-1m 1ns"] {
            assert_eq!(text.parse::<Offset>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_mean_the_same() {
        assert_eq!("1m30s".parse::<Time>(), Ok(Time::from_secs(90)));
        assert_eq!("1.5s".parse::<Time>(), Ok(Time::from_millis(1500)));
        assert_eq!("3000/min".parse::<Rate>(), "50 / s".parse());
        assert_eq!("500ms".parse::<Offset>(), Ok(Offset::from_nanos(500_000_000)));
    }

    #[test]
    fn an_error_says_what_to_write() {
        let time = |text: &str| text.parse::<Time>().unwrap_err().to_string();
        assert_eq!(time("20"), "`20` has no unit; write \"20s\" for seconds, \"20ms\" for milliseconds");
        assert_eq!(time("-2s"), "`-2s` has a sign; a span of time has none: write \"2s\"");
        assert_eq!(
            time("5 parsecs"),
            "`parsecs` is not a unit of time; units are ns, us, ms, s, m (minutes), h, days"
        );
        assert!(time("soon").starts_with("`soon` is not a time; "));
        assert!(time("3000000days").starts_with("`3000000days` is above 100 years; "));
        let rate = |text: &str| text.parse::<Rate>().unwrap_err().to_string();
        assert_eq!(rate("50"), "`50` has no unit; write \"50/s\"");
        assert!(rate("0/s").starts_with("0/s is not above 0; "));
        assert!(rate("inf/s").starts_with("inf/s is not a finite rate; "));
        assert!(rate("50/fortnight").starts_with("50/fortnight is not a rate; "));
        let offset = |text: &str| text.parse::<Offset>().unwrap_err().to_string();
        assert_eq!(offset("-2"), "`-2` has no unit; write \"-2s\"");
    }
}
