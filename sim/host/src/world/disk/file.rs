//! A file: its bytes as readers see them, as the medium has them, and what is on its way from one to the other.

use super::content::{Content, units};
use super::fault::{Decay, Effect};
use super::medium::Medium;
use super::pending::{Change, Pending};
use super::power;
use super::{Draw, os_error};
use crate::disk::errno;
use crate::world::draw::LateDraw;
use std::collections::BTreeSet;
use std::io;

/// The largest file of ext4 with pages of 4 KiB.
const LEN_MAX: u64 = 16 << 40;

pub(super) struct File {
    live: Content,
    pending: Pending,
    medium: Medium,
    /// Sectors that no cache has and that cannot be read.
    unreadable: BTreeSet<u64>,
    /// Nothing of it is cached: nobody has touched it since the machine lost its memory.
    cold: bool,
    /// How many syncs have failed. A handle that has heard of fewer hears of it at its next sync.
    failures: u64,
}

impl File {
    pub(super) fn new(sector: usize) -> Self {
        File {
            live: Content::default(),
            pending: Pending::default(),
            medium: Medium::new(sector),
            unreadable: BTreeSet::new(),
            cold: false,
            failures: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.live.len()
    }

    /// How many pages its readers' bytes take.
    pub(super) fn pages(&self) -> u64 {
        self.live.pages()
    }

    pub(super) fn pending(&self) -> &Pending {
        &self.pending
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Copies what readers see. Returns how much of `into` is before the end.
    pub(super) fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.cold = false;
        check_range(at, into.len())?;
        if !self.unreadable.is_empty() {
            let (size, end) = (self.medium.sector() as u64, self.len().min(at + into.len() as u64));
            if at < end && self.unreadable.range(at / size..end.div_ceil(size)).next().is_some() {
                return Err(os_error(errno::EIO));
            }
        }
        Ok(self.live.read(at, into))
    }

    /// Writes what `room` new pages and the largest file allow, and returns how much that is.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8], room: u64) -> io::Result<usize> {
        self.cold = false;
        check_range(at, bytes.len())?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let fits = bytes.len().min(LEN_MAX.saturating_sub(at) as usize);
        if fits == 0 {
            return Err(os_error(errno::EFBIG));
        }
        let fits = self.live.room(at, fits, room);
        if fits == 0 {
            return Err(os_error(errno::ENOSPC));
        }
        self.live.write(at, &bytes[..fits]);
        self.pending.write(at, &bytes[..fits]);
        if !self.unreadable.is_empty() {
            for (sector, _, _) in units(at, fits, self.medium.sector()) {
                self.unreadable.remove(&sector);
            }
        }
        Ok(fits)
    }

    pub(super) fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.cold = false;
        match len {
            _ if len > i64::MAX as u64 => Err(os_error(errno::EINVAL)),
            _ if len > LEN_MAX => Err(os_error(errno::EFBIG)),
            _ => {
                self.live.set_len(len);
                self.pending.set_len(len);
                drop(self.unreadable.split_off(&len.div_ceil(self.medium.sector() as u64)));
                Ok(())
            }
        }
    }

    /// Moves the operations numbered below `until` to the medium. Returns the writes that the device took elsewhere.
    #[must_use]
    pub(super) fn persist(&mut self, until: u64, effect: &Effect, stream: &mut LateDraw) -> Vec<Box<[u8]>> {
        let mut astray = Vec::new();
        let harmed = effect.bit_flip > 0.0 || effect.misdirect > 0.0;
        for change in self.pending.before(until) {
            match change {
                Change::SetLen(len) => self.medium.set_len(len),
                Change::Write { at, bytes } if !harmed => self.medium.write(at, bytes),
                Change::Write { at, bytes } if stream.strikes(effect.misdirect) => {
                    self.medium.miss(at, bytes);
                    astray.push(bytes.into());
                }
                Change::Write { at, bytes } => {
                    self.medium.write(at, bytes);
                    for (sector, _, _) in units(at, bytes.len(), self.medium.sector()) {
                        if stream.strikes(effect.bit_flip) {
                            self.medium.decay(sector, Decay::Flip, stream.draw());
                        }
                    }
                }
            }
        }
        self.pending.forget(until);
        astray
    }

    /// A sync fails: of the operations numbered below `until` some arrive, and the kernel takes all of them for done.
    pub(super) fn fail_sync(&mut self, until: u64, drop_cache: bool, draw: &mut Draw) {
        power::write_back_partly(&mut self.medium, &self.pending, until, draw);
        self.pending.forget(until);
        self.failures += 1;
        if drop_cache {
            let len = self.len();
            self.load();
            for change in self.pending.before(u64::MAX) {
                match change {
                    Change::Write { at, bytes } => self.live.write(at, bytes),
                    Change::SetLen(len) => self.live.set_len(len),
                }
            }
            // The length is in the inode, not in the cache.
            self.live.set_len(len);
        }
    }

    /// The memory is lost, and with it what of the pending operations does not happen to be on the medium.
    pub(super) fn power_loss(&mut self, draw: &mut Draw, garbage: f64) {
        if self.pending.len() > 0 {
            power::lose(&mut self.medium, &self.pending, draw, garbage);
        }
        self.is_left();
    }

    /// The memory is lost, and of the pending operations only the last had not arrived as a whole.
    pub(super) fn torn(&mut self) {
        power::tear_last(&mut self.medium, &self.pending);
        self.is_left();
    }

    /// What is on the medium is all that there is.
    fn is_left(&mut self) {
        self.pending.forget(u64::MAX);
        self.load();
        self.cold = true;
    }

    /// The kernel drops what it can read again.
    pub(super) fn drop_cache(&mut self) {
        if self.pending.len() == 0 {
            self.load();
            self.cold = true;
        }
    }

    /// How many sectors the medium has of it.
    pub(super) fn sectors(&self) -> u64 {
        self.medium.sectors()
    }

    /// A sector on the medium goes bad.
    pub(super) fn decay(&mut self, sector: u64, decay: Decay, draw: &mut Draw) {
        self.medium.decay(sector, decay, draw);
        self.notice();
    }

    /// A write that belongs elsewhere lands here.
    pub(super) fn hit(&mut self, sector: u64, bytes: &[u8]) {
        self.medium.hit(sector, bytes);
        self.notice();
    }

    /// Who has nothing cached sees what is wrong on the medium.
    fn notice(&mut self) {
        if self.cold {
            self.load();
        }
    }

    fn load(&mut self) {
        (self.live, self.unreadable) = self.medium.load();
    }
}

/// Places are signed numbers to the kernel.
fn check_range(at: u64, len: usize) -> io::Result<()> {
    let end = at.checked_add(len as u64);
    if end.is_some_and(|end| end <= i64::MAX as u64) { Ok(()) } else { Err(os_error(errno::EINVAL)) }
}
