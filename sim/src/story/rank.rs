//! Long numbers, told by their rank.
//!
//! A stamp or an identifier of nineteen digits fills a column, and what matters of it is whether it is the same as another,
//! or less. So on a screen each is told as `#1`, `#2` and so on, in their order.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers of so many digits are told by rank.
const DIGITS_MIN: usize = 12;

/// The ranks of the long numbers in some texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranks(BTreeMap<u128, usize>);

impl Ranks {
    /// Those of all long numbers in these texts.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut numbers = BTreeSet::new();
        for text in texts {
            each_number(text, |digits| {
                numbers.extend(digits.parse::<u128>().ok());
                None
            });
        }
        Ranks(numbers.into_iter().zip(1..).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// A text with the ranks in the place of its long numbers.
    pub fn told(&self, text: &str) -> String {
        each_number(text, |digits| Some(format!("#{}", self.0.get(&digits.parse().ok()?)?)))
    }
}

/// A text with something in the place of each long number, where there is something.
fn each_number(text: &str, mut instead: impl FnMut(&str) -> Option<String>) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        told.push_str(&rest[..start]);
        let digits = &digits[..end];
        let other = (end >= DIGITS_MIN).then(|| instead(digits)).flatten();
        told.push_str(other.as_deref().unwrap_or(digits));
        rest = &rest[start + end..];
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_told_by_rank_and_short_ones_as_they_are() {
        let texts =
            ["time: 1767225601010000123, serial: 7", "time: 1767225601010000122", "1767225601010000123"];
        let ranks = Ranks::of(texts);
        let told: Vec<String> = texts.iter().map(|text| ranks.told(text)).collect();
        assert_eq!(
            (told, ranks.count()),
            (vec!["time: #2, serial: 7".into(), "time: #1".into(), "#2".into()], 2)
        );
    }

    #[test]
    fn what_no_number_can_be_and_what_was_not_seen_stays_as_it_is() {
        let endless = "9".repeat(1000);
        let ranks = Ranks::of([endless.as_str()]);
        assert_eq!((ranks.told(&endless), ranks.count()), (endless.clone(), 0));
        assert_eq!(ranks.told("123456789012 ä"), "123456789012 ä");
    }
}
