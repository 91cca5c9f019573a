//! Values as configuration files write them, and as options want them.

/// A whole number within bounds.
pub(super) fn whole(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let number: i64 = text.parse().map_err(|_| format!("{text:?} is no whole number"))?;
    match number {
        number if number < least => Err(format!("{number} is below {least}")),
        number if number > most => Err(format!("{number} is above {most}")),
        number => Ok(number),
    }
}

/// No time-out is longer: a year.
pub(super) const SECONDS_MAX: i64 = 366 * 24 * 3600;

/// Whole seconds, from so many on.
pub(super) fn whole_seconds(text: &str, least: i64) -> Result<String, String> {
    whole(text, least, SECONDS_MAX).map(|seconds| format!("{seconds}s"))
}

/// Seconds with a fraction, in µs, within bounds.
pub(super) fn micros(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let is_number =
        text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.contains(|c: char| c.is_ascii_digit());
    let seconds: f64 =
        text.parse().ok().filter(|_| is_number).ok_or_else(|| format!("{text:?} is no time"))?;
    // Whatever is too much is the most that there is.
    let us = (seconds * 1e6).round() as i64;
    match us {
        us if us < least => Err(format!("{text} s is below {}", told(least))),
        us if us > most => Err(format!("{text} s is above {}", told(most))),
        us => Ok(us),
    }
}

/// µs as an option has them.
pub(super) fn told(us: i64) -> String {
    match us {
        us if us % 1_000_000 == 0 => format!("{}s", us / 1_000_000),
        us if us % 1_000 == 0 => format!("{}ms", us / 1_000),
        us => format!("{us}us"),
    }
}

/// Yes or no, as most programs write it.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match &*text.to_ascii_lowercase() {
        "true" | "on" | "yes" | "1" | "t" | "y" => Ok(true),
        "false" | "off" | "no" | "0" | "f" | "n" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// A text as TOML has it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_within_its_bounds_or_says_which_it_misses() {
        assert_eq!(whole("7", 1, 9), Ok(7));
        assert_eq!(whole("0", 1, 9).unwrap_err(), "0 is below 1");
        assert_eq!(whole("10", 1, 9).unwrap_err(), "10 is above 9");
        assert_eq!(whole("7x", 1, 9).unwrap_err(), "\"7x\" is no whole number");
        assert_eq!(
            whole("99999999999999999999", 1, 9).unwrap_err(),
            "\"99999999999999999999\" is no whole number"
        );
    }

    #[test]
    fn a_time_is_told_in_the_largest_unit_that_has_it_whole() {
        let told_of = |text| micros(text, 1, 1_000_000_000).map(told);
        assert_eq!(
            ["1", "0.5", "1.25", ".0005"].map(|text| told_of(text).unwrap()),
            ["1s", "500ms", "1250ms", "500us"]
        );
        for text in ["", ".", "nan", "inf", "1e9", "-1", "1s"] {
            assert_eq!(told_of(text).unwrap_err(), format!("{text:?} is no time"));
        }
        assert_eq!(told_of("0").unwrap_err(), "0 s is below 1us");
        assert_eq!(
            told_of("1000000000000000000000000").unwrap_err(),
            "1000000000000000000000000 s is above 1000s"
        );
    }

    #[test]
    fn yes_and_no_have_many_names() {
        assert_eq!(["on", "TRUE", "1", "yes"].map(|text| flag(text).unwrap()), [true; 4]);
        assert_eq!(["off", "False", "0", "no"].map(|text| flag(text).unwrap()), [false; 4]);
        assert_eq!(flag("maybe").unwrap_err(), "\"maybe\" is neither true nor false");
    }
}
