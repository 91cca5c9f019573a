//! Dates as people write them, and days as a fold counts them.

use super::refusal::Refusal;
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A date as it was written. Nothing says that there is such a day: see [`Date::day`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date {
    /// The year of the Gregorian calendar.
    pub year: i16,
    /// 1 is January.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

/// A day that there is. A night has the day on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(i32);

impl Date {
    /// The day of this date.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSuchDate`]: the 29th of February in most years.
    pub fn day(self) -> Result<Day, Refusal> {
        let there = NaiveDate::from_ymd_opt(self.year.into(), self.month.into(), self.day.into());
        there.map(|date| Day(date.num_days_from_ce())).ok_or(Refusal::NoSuchDate { date: self })
    }
}

impl Day {
    /// So many days later.
    #[must_use]
    pub fn plus(self, days: u32) -> Day {
        Day(self.0.saturating_add_unsigned(days))
    }

    /// How many days from this one to a later one; 0 if it is not later.
    pub fn days_to(self, later: Day) -> u32 {
        u32::try_from(i64::from(later.0) - i64::from(self.0)).unwrap_or(0)
    }

    /// The days from this one up to another, which is not among them.
    pub fn up_to(self, end: Day) -> impl Iterator<Item = Day> {
        (self.0..end.0).map(Day)
    }

    /// Its date; none beyond the years that a date can have.
    pub fn date(self) -> Option<Date> {
        let date = NaiveDate::from_num_days_from_ce_opt(self.0)?;
        Some(Date {
            year: i16::try_from(date.year()).ok()?,
            month: date.month() as u8,
            day: date.day() as u8,
        })
    }
}

impl FromStr for Date {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Date, Refusal> {
        let unreadable = || Refusal::UnreadableDate { text: text.to_owned() };
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(unreadable()) };
        let date = Date {
            year: year.parse().map_err(|_| unreadable())?,
            month: month.parse().map_err(|_| unreadable())?,
            day: day.parse().map_err(|_| unreadable())?,
        };
        date.day().map(|_| date)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => date.fmt(f),
            None => write!(f, "day {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_day_is_there_every_fourth_year_and_a_date_that_is_not_there_is_refused() {
        let leap: Date = "2024-02-29".parse().unwrap();
        assert_eq!(leap.day().unwrap().plus(1).to_string(), "2024-03-01");
        let none = Date { year: 2023, ..leap };
        assert_eq!(none.day(), Err(Refusal::NoSuchDate { date: none }));
        assert_eq!("2023-02-29".parse::<Date>(), Err(Refusal::NoSuchDate { date: none }));
        for text in ["", "2023", "2023-12", "2023-12-01-01", "tomorrow", "2023-1x-01", "2023--1-01"] {
            assert!(matches!(text.parse::<Date>(), Err(Refusal::UnreadableDate { .. })), "{text}");
        }
    }

    #[test]
    fn nights_are_counted_over_the_end_of_a_month() {
        let day = |text: &str| text.parse::<Date>().unwrap().day().unwrap();
        let (from, to) = (day("2023-12-30"), day("2024-01-02"));
        let nights: Vec<String> = from.up_to(to).map(|day| day.to_string()).collect();
        assert_eq!(nights, ["2023-12-30", "2023-12-31", "2024-01-01"]);
        assert_eq!((from.days_to(to), to.days_to(from)), (3, 0));
    }
}
