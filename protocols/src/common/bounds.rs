//! Options that must not be too small.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

/// The least time to wait, and the least pause: a simulated timer has no finer grain.
pub(crate) const SHORTEST: Duration = Duration::from_millis(4);

/// # Errors
///
/// Names the first of the fields that is below the least, and the least.
pub(crate) fn at_least<T: PartialOrd + Debug + Copy>(least: T, fields: &[(&str, T)]) -> io::Result<()> {
    match fields.iter().find(|(_, value)| *value < least) {
        Some((field, value)) => {
            let message = format!("{field}: {value:?} is below {least:?}");
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_that_is_too_small_is_named_with_the_least() {
        assert!(at_least(2, &[("one", 2), ("other", 3)]).is_ok());
        let refused = at_least(2, &[("one", 3), ("other", 1), ("third", 0)]).unwrap_err();
        assert_eq!(refused.to_string(), "other: 1 is below 2");
        let refused = at_least(SHORTEST, &[("pause", Duration::ZERO)]).unwrap_err();
        assert_eq!(refused.to_string(), "pause: 0ns is below 4ms");
    }
}
