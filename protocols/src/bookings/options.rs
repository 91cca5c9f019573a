//! What can be chosen about a booking service.

use super::{calendar::Date, message::Currency};
use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

/// One node of a service: who it is, where it listens, and where the other one does.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node, from 1. The first has the say until another takes over.
    pub id: u16,
    /// Where the nodes listen: one, or a primary and its standby.
    pub nodes: Vec<SocketAddr>,
    /// What is on offer, timers and flaws, the same at both.
    pub options: Options,
}

/// What is on offer, timers, and a flaw to be caught.
///
/// What is on offer comes from elsewhere and is not in the log: who restarts a service with less may find commands in
/// its log that cannot be done any more. They are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How many hotels there are, numbered from 1.
    pub hotels: u32,
    /// How many rooms each has, numbered from 101.
    pub rooms: u32,
    /// The first night on offer.
    #[schemars(with = "String")]
    #[serde(with = "as_text")]
    pub first_night: Date,
    /// How many nights are on offer.
    pub nights: u32,
    /// The nights that a stay has at most.
    pub stay_nights_max: u32,
    /// What a night costs, by currency, for one, for two, and so on.
    pub prices: BTreeMap<String, Vec<u32>>,
    /// A snapshot is written this often.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub snapshot_every: Duration,
    /// A node that says nothing for this long is dialled again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub peer_timeout: Duration,
    /// The pause before a lost or refused connection is dialled again, and before a failed disk is opened again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// A disk that has not answered after so long has failed: the node begins anew.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub disk_timeout: Duration,
    /// The size of the log's segments, in bytes.
    pub segment_bytes: u64,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        let prices = [("EUR", vec![109, 140]), ("GBP", vec![95, 122])];
        Options {
            hotels: 3,
            rooms: 4,
            first_night: Date { year: 2023, month: 12, day: 1 },
            nights: 31,
            stay_nights_max: 14,
            prices: prices.map(|(currency, prices)| (currency.to_owned(), prices)).into(),
            snapshot_every: Duration::from_secs(60),
            peer_timeout: Duration::from_secs(2),
            redial: Duration::from_millis(200),
            disk_timeout: Duration::from_secs(5),
            segment_bytes: 1 << 20,
            flaw: None,
        }
    }
}

/// Defects that a booking service has had, or that its first drafts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A snapshot says that it has all that was logged, and has what was applied.
    SnapshotBeforeApply,
    /// The timer of the snapshots is armed once (the handler in the seed does not arm it again).
    SnapshotTimerOnce,
    /// A command that cannot be applied ends the process, and so does its replay, at every restart.
    PoisonLoop,
    /// A room that was booked is still on offer (the seed says so of itself).
    DoubleBooking,
    /// Only the first night is looked at (the seed looks the room up by its check-in date alone).
    CheckInNightOnly,
    /// After a restart versions go on from the snapshot's, for replay does not count (the seed's replay folds bookings
    /// and leaves the version alone): a later command has the version of an earlier one, and overwrites it.
    VersionFromSnapshot,
    /// What a night costs is not in the log: replay asks what it costs today.
    PriceOfToday,
}

/// Dates in options, as people write them.
mod as_text {
    use super::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let options = &self.options;
        if !(1..=2).contains(&self.nodes.len()) {
            return invalid(format!("nodes: {} is not between 1 and 2", self.nodes.len()));
        }
        if self.id == 0 || usize::from(self.id) > self.nodes.len() {
            return invalid(format!("id: {} is not between 1 and {}", self.id, self.nodes.len()));
        }
        options.validate()
    }
}

impl Options {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        for (field, value, max) in [
            ("hotels", self.hotels, 1 << 20),
            ("rooms", self.rooms, 1 << 20),
            ("nights", self.nights, 36_600),
            ("stay_nights_max", self.stay_nights_max, 366),
        ] {
            if !(1..=max).contains(&value) {
                return invalid(format!("{field}: {value} is not between 1 and {max}"));
            }
        }
        if let Err(refusal) = self.first_night.day() {
            return invalid(format!("first_night: {refusal}"));
        }
        for (currency, prices) in &self.prices {
            if let Err(why) = currency.parse::<Currency>() {
                return invalid(format!("prices: {why}"));
            }
            if !(1..=255).contains(&prices.len()) {
                return invalid(format!(
                    "prices.{currency}: {} prices are not between 1 and 255",
                    prices.len()
                ));
            }
        }
        at_least(
            SHORTEST,
            &[
                ("snapshot_every", self.snapshot_every),
                ("peer_timeout", self.peer_timeout),
                ("redial", self.redial),
                ("disk_timeout", self.disk_timeout),
            ],
        )?;
        if self.segment_bytes < 256 {
            return invalid(format!("segment_bytes: {} is below 256", self.segment_bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: Options) -> Config {
        Config { id: 1, nodes: vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2], options }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        assert!(config(Options::default()).validate().is_ok());
        let named = |config: Config, field: &str| {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        named(config(Options { hotels: 0, ..Options::default() }), "hotels");
        named(config(Options { nights: 40_000, ..Options::default() }), "nights");
        named(
            config(Options { prices: [("euro".to_owned(), vec![1])].into(), ..Options::default() }),
            "prices",
        );
        named(
            config(Options { prices: [("EUR".to_owned(), vec![])].into(), ..Options::default() }),
            "prices.EUR",
        );
        let none = Date { year: 2023, month: 2, day: 29 };
        named(config(Options { first_night: none, ..Options::default() }), "first_night");
        named(config(Options { snapshot_every: Duration::ZERO, ..Options::default() }), "snapshot_every");
        named(config(Options { segment_bytes: 0, ..Options::default() }), "segment_bytes");
        named(Config { id: 0, ..config(Options::default()) }, "id");
        named(Config { id: 3, ..config(Options::default()) }, "id");
        named(Config { nodes: Vec::new(), ..config(Options::default()) }, "nodes");
    }

    #[test]
    fn an_unknown_option_and_a_date_that_is_not_there_are_errors() {
        assert!(serde_json::from_str::<Options>(r#"{ "hotel": 3 }"#).is_err());
        assert!(serde_json::from_str::<Options>(r#"{ "first_night": "2023-02-29" }"#).is_err());
        let flawed: Options = serde_json::from_str(r#"{ "flaw": "double-booking" }"#).unwrap();
        assert_eq!(flawed.flaw, Some(Flaw::DoubleBooking));
    }
}
