//! What a power loss leaves of a file whose operations nobody had synced.
//!
//! Four ways, equally likely: nothing arrived; everything did; a prefix did, and the operation after it is torn; or the
//! kernel had written sectors back in any order.

use super::content::units;
use super::medium::Medium;
use super::pending::{Change, Pending};
use crate::world::Draw;
use std::collections::BTreeMap;

/// The power fails. `garbage` is the probability that a sector under a torn write holds some.
pub(super) fn lose(medium: &mut Medium, pending: &Pending, draw: &mut Draw, garbage: f64) {
    match draw.below(4) {
        0 => {}
        1 => pending.before(u64::MAX).for_each(|change| apply(medium, change)),
        2 => write_prefix(medium, pending, draw, garbage),
        _ => write_back_partly(medium, pending, u64::MAX, draw),
    }
}

/// The power fails as the last operation is under way: nothing of this is left to chance.
pub(super) fn tear_last(medium: &mut Medium, pending: &Pending) {
    let mut changes = pending.before(u64::MAX);
    changes.by_ref().take(pending.len().saturating_sub(1)).for_each(|change| apply(medium, change));
    if let Some(Change::Write { at, bytes }) = changes.next() {
        let grown = medium.len().max(at + bytes.len() as u64);
        let pieces: Vec<_> = units(at, bytes.len(), medium.sector()).map(|(_, _, piece)| piece).collect();
        for piece in &pieces[..pieces.len() / 2] {
            medium.put(at + piece.start as u64, &bytes[piece.clone()]);
        }
        medium.set_len(grown);
    }
}

fn write_prefix(medium: &mut Medium, pending: &Pending, draw: &mut Draw, garbage: f64) {
    let whole = draw.below(pending.len() as u64) as usize;
    let mut changes = pending.before(u64::MAX);
    changes.by_ref().take(whole).for_each(|change| apply(medium, change));
    match changes.next() {
        Some(Change::Write { at, bytes }) => tear(medium, at, bytes, draw, garbage),
        Some(Change::SetLen(len)) if draw.chance(0.5) => medium.set_len(len),
        Some(Change::SetLen(_)) | None => {}
    }
}

/// Each sector is old, new, or has garbage where it was written to; whether the file has grown is as uncertain.
fn tear(medium: &mut Medium, at: u64, bytes: &[u8], draw: &mut Draw, garbage: f64) {
    let grown = medium.len().max(at + bytes.len() as u64);
    let len = if draw.chance(0.5) { grown } else { medium.len() };
    for (_, _, piece) in units(at, bytes.len(), medium.sector()) {
        let place = at + piece.start as u64;
        if garbage > 0.0 && draw.chance(garbage) {
            let noise: Vec<u8> = piece.map(|_| draw.bits() as u8).collect();
            medium.put(place, &noise);
        } else if draw.chance(0.5) {
            medium.put(place, &bytes[piece]);
        }
    }
    medium.set_len(len);
}

/// Of the operations numbered below `until`, each sector has seen a prefix of its own, and the length one too.
///
/// A shorter length is a change of the inode, which frees blocks: what was written beyond it earlier or later can be
/// seen only in accordance with it.
pub(super) fn write_back_partly(medium: &mut Medium, pending: &Pending, until: u64, draw: &mut Draw) {
    let size = medium.sector();
    let count = pending.count(until) as u64;
    let length_seen = draw.below(count + 1);
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut len, mut len_seen, mut freed_from) = (medium.len(), medium.len(), u64::MAX);
    for (number, change) in (0..).zip(pending.before(until)) {
        match change {
            Change::Write { at, bytes } => {
                for (sector, _, _) in units(at, bytes.len(), size) {
                    let sees = || if sector < freed_from { draw.below(count + 1) } else { 0 };
                    seen.entry(sector).or_insert_with(sees);
                }
                len = len.max(at + bytes.len() as u64);
            }
            Change::SetLen(cut) => {
                let first = cut / size as u64;
                if cut < len && number < length_seen {
                    seen.range_mut(first..).for_each(|(_, sees)| *sees = (number + 1).max(*sees));
                } else if cut < len {
                    seen.range_mut(first..).for_each(|(_, sees)| *sees = number.min(*sees));
                    freed_from = freed_from.min(first);
                }
                len = cut;
            }
        }
        if number < length_seen {
            len_seen = len;
        }
    }
    for (number, change) in (0..).zip(pending.before(until)) {
        match change {
            Change::SetLen(cut) if number < length_seen => medium.clear_from(cut),
            Change::SetLen(_) => {}
            Change::Write { at, bytes } => {
                for (sector, _, piece) in units(at, bytes.len(), size) {
                    if number < seen[&sector] {
                        medium.put(at + piece.start as u64, &bytes[piece]);
                    }
                }
            }
        }
    }
    medium.set_len(len_seen);
}

fn apply(medium: &mut Medium, change: Change<'_>) {
    match change {
        Change::Write { at, bytes } => medium.write(at, bytes),
        Change::SetLen(len) => medium.set_len(len),
    }
}
