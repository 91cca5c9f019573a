//! What the medium holds of one file, and where it holds something else than it was told.

use super::content::{Content, units};
use super::fault::Decay;
use crate::world::Draw;
use std::collections::{BTreeMap, BTreeSet};

/// A sector that is not what it should be. Readers notice when they no longer have it cached.
enum Flaw {
    /// It holds this.
    Holds(Box<[u8]>),
    /// It cannot be read.
    Unreadable,
}

pub(super) struct Medium {
    /// What was written, and what the kernel believes is there.
    content: Content,
    /// Where that is wrong, by sector.
    flaws: BTreeMap<u64, Flaw>,
    sector: usize,
}

impl Medium {
    pub(super) fn new(sector: usize) -> Self {
        Medium { content: Content::default(), flaws: BTreeMap::new(), sector }
    }

    pub(super) fn len(&self) -> u64 {
        self.content.len()
    }

    /// In bytes.
    pub(super) fn sector(&self) -> usize {
        self.sector
    }

    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        self.content.write(at, bytes);
        self.heal(at, bytes.len());
    }

    /// Writes without a change of length.
    pub(super) fn put(&mut self, at: u64, bytes: &[u8]) {
        self.content.put(at, bytes);
        self.heal(at, bytes.len());
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.content.set_len(len);
        self.clear_from(len);
    }

    /// Forgets what is beyond an end, without a change of length.
    pub(super) fn clear_from(&mut self, end: u64) {
        self.content.clear_from(end);
        drop(self.flaws.split_off(&end.div_ceil(self.sector as u64)));
    }

    /// A write that the device takes to another place: here everything stays as it was, though nobody knows.
    pub(super) fn miss(&mut self, at: u64, bytes: &[u8]) {
        let sectors: Vec<u64> = units(at, bytes.len(), self.sector).map(|(sector, _, _)| sector).collect();
        let stays: Vec<Box<[u8]>> = sectors.iter().map(|sector| self.actual(*sector)).collect();
        self.write(at, bytes);
        for (sector, held) in sectors.into_iter().zip(stays) {
            self.flaws.insert(sector, Flaw::Holds(held));
        }
    }

    /// Data that belongs elsewhere lands here, from this sector on and up to the end of the file.
    pub(super) fn hit(&mut self, sector: u64, bytes: &[u8]) {
        for (sector, piece) in (sector..self.sectors()).zip(bytes.chunks(self.sector)) {
            let mut held = self.actual(sector);
            held[..piece.len()].copy_from_slice(piece);
            self.flaws.insert(sector, Flaw::Holds(held));
        }
    }

    /// A sector goes bad.
    pub(super) fn decay(&mut self, sector: u64, decay: Decay, draw: &mut Draw) {
        let flaw = match decay {
            Decay::Unreadable => Flaw::Unreadable,
            Decay::Flip => {
                let mut held = self.actual(sector);
                let bytes = (self.len() - sector * self.sector as u64).min(self.sector as u64);
                let bit = draw.below(bytes * 8);
                held[(bit / 8) as usize] ^= 1 << (bit % 8);
                Flaw::Holds(held)
            }
        };
        self.flaws.insert(sector, flaw);
    }

    /// How many sectors the file has.
    pub(super) fn sectors(&self) -> u64 {
        self.len().div_ceil(self.sector as u64)
    }

    /// What a reader without a cache finds, and the sectors that it cannot read. What is wrong is now what the kernel
    /// believes as well.
    pub(super) fn load(&mut self) -> (Content, BTreeSet<u64>) {
        let mut unreadable = BTreeSet::new();
        let len = self.len();
        let (content, size) = (&mut self.content, self.sector as u64);
        self.flaws.retain(|sector, flaw| match flaw {
            Flaw::Unreadable => unreadable.insert(*sector),
            Flaw::Holds(held) => {
                let within = len.saturating_sub(sector * size).min(size) as usize;
                content.put(sector * size, &held[..within]);
                false
            }
        });
        (self.content.clone(), unreadable)
    }

    /// What is on the medium in this sector; zeros where it cannot be read or nothing was written.
    fn actual(&self, sector: u64) -> Box<[u8]> {
        match self.flaws.get(&sector) {
            Some(Flaw::Holds(held)) => held.clone(),
            Some(Flaw::Unreadable) => vec![0; self.sector].into(),
            None => {
                let mut held = vec![0; self.sector];
                self.content.read(sector * self.sector as u64, &mut held);
                held.into()
            }
        }
    }

    fn heal(&mut self, at: u64, len: usize) {
        if !self.flaws.is_empty() {
            for (sector, _, _) in units(at, len, self.sector) {
                self.flaws.remove(&sector);
            }
        }
    }
}
