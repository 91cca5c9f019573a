//! How keys are announced: URL-encoded, a blank as a plus sign.

use crate::pipeline::{message::KeyError, options::Flaw};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What object stores leave as it is: letters, digits, and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// The key as it is announced.
pub(in crate::pipeline) fn encode(key: &str) -> String {
    utf8_percent_encode(key, ENCODED).to_string().replace("%20", "+")
}

/// The key that was announced.
///
/// # Errors
///
/// When no key is announced so.
pub(in crate::pipeline) fn decode(announced: &str, flaw: Option<Flaw>) -> Result<String, KeyError> {
    for (at, _) in announced.match_indices('%') {
        let digits = announced.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(KeyError::Escape { at });
        }
    }
    // Before escapes are decoded: a plus sign of the key is announced as %2B.
    let announced = match flaw {
        Some(Flaw::PlusKept) => announced.to_owned(),
        _ => announced.replace('+', " "),
    };
    let key = percent_decode_str(&announced).decode_utf8().map_err(|_| KeyError::Text)?;
    Ok(key.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_encoded_is_decoded_to_itself() {
        for key in ["logs/2017 02/a+b=c&d.log", "100%", "Zürich/ü.log", "%2B", "+ +", "a*b-c_d.e"] {
            assert_eq!(decode(&encode(key), None).unwrap(), key);
        }
        assert_eq!(encode("logs/a b+c.log"), "logs/a+b%2Bc.log");
    }

    #[test]
    fn a_plus_sign_that_is_kept_names_another_key() {
        let announced = encode("a b");
        assert_eq!(decode(&announced, Some(Flaw::PlusKept)).unwrap(), "a+b");
        assert_eq!(decode(&encode("a+b"), Some(Flaw::PlusKept)).unwrap(), "a+b");
    }

    #[test]
    fn what_no_key_is_announced_as_is_an_error_with_its_place() {
        assert_eq!(decode("ab%2", None), Err(KeyError::Escape { at: 2 }));
        assert_eq!(decode("%zz", None), Err(KeyError::Escape { at: 0 }));
        assert_eq!(decode("%ff", None), Err(KeyError::Text));
    }
}
