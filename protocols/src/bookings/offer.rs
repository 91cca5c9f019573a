//! What is on offer, before any command: which rooms, which nights, at what price.

use super::{
    calendar::Day,
    message::{Currency, Hotel, Night, Room},
    options::Options,
    refusal::Refusal,
};
use std::collections::BTreeMap;

/// The number on the first door of every hotel.
const FIRST_ROOM: u32 = 101;

/// The offer that a service starts from. Each night can be changed by commands, which are in the log.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    hotels: u32,
    rooms: u32,
    first: Day,
    end: Day,
    prices: BTreeMap<Currency, Vec<u32>>,
    pub stay_nights_max: u32,
}

impl Offer {
    /// The offer of validated options; none of a first night that is not there.
    pub fn of(options: &Options) -> Result<Offer, Refusal> {
        let first = options.first_night.day()?;
        let priced = options.prices.iter();
        let prices = priced.filter_map(|(name, prices)| Some((name.parse().ok()?, prices.clone())));
        Ok(Offer {
            hotels: options.hotels,
            rooms: options.rooms,
            first,
            end: first.plus(options.nights),
            prices: prices.collect(),
            stay_nights_max: options.stay_nights_max,
        })
    }

    /// Whether there is such a room.
    pub fn has_room(&self, hotel: Hotel, room: Room) -> Result<(), Refusal> {
        let there = (1..=self.hotels).contains(&hotel.0)
            && room.0.checked_sub(FIRST_ROOM).is_some_and(|index| index < self.rooms);
        if there { Ok(()) } else { Err(Refusal::UnknownRoom { hotel, room }) }
    }

    /// Whether a room that there is can be had that night.
    pub fn has_night(&self, night: Night) -> Result<(), Refusal> {
        if self.first <= night.day && night.day < self.end {
            Ok(())
        } else {
            Err(Refusal::NotOnOffer { night })
        }
    }

    /// What a night costs for so many.
    pub fn price(&self, occupants: u8, currency: Currency) -> Result<u32, Refusal> {
        let index = usize::from(occupants).checked_sub(1);
        let price = self.prices.get(&currency).zip(index).and_then(|(prices, index)| prices.get(index));
        price.copied().ok_or(Refusal::NoPrice { occupants, currency })
    }
}
