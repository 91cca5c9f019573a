//! What a disk is: how fast, how large, in what units it tears, how its directories reach the medium.

use super::super::Latency;
use super::super::out_of_range::{Limits, OutOfRange};
use std::time::Duration;

/// The unit in which a write reaches the medium whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectorSize {
    /// 512 bytes: most disks tell their users so.
    Bytes512,
    /// 4096 bytes: "advanced format", and most flash.
    Bytes4096,
}

impl SectorSize {
    /// In bytes.
    pub fn bytes(self) -> usize {
        match self {
            SectorSize::Bytes512 => 512,
            SectorSize::Bytes4096 => 4096,
        }
    }
}

/// In what order unsynced changes of directories may reach the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryOrder {
    /// In the order in which they were made, over the whole disk: ext4, XFS.
    Ordered,
    /// In any order that keeps the history of each name and of each file: what POSIX leaves open, and btrfs did.
    Weak,
}

/// How a disk is set up. The default is a small NVMe drive with a journaling file system.
#[derive(Debug, Clone)]
pub struct DiskSettings {
    /// From the moment when the disk takes an operation up until it is answered, besides the time that the operation
    /// keeps the disk busy. 15 µs; with the 5 µs of `operations_per_second`, an operation alone takes 20 µs.
    pub latency: Latency,
    /// What a sync takes in addition: 500 µs. Syncs under way at once share a flush, so they overlap.
    pub sync: Latency,
    /// How many operations the disk serves, in 1/s; at least 1. 200,000.
    pub operations_per_second: u64,
    /// How many bytes it moves, in bytes/s; at least 1. 2 GB/s.
    pub bandwidth: u64,
    /// How many bytes its files may hold, counted in pages of 4 KiB that were ever written to; holes are free.
    /// 1 GiB: it is the testbed's memory.
    pub capacity: u64,
    /// The unit of tearing: 512 bytes.
    pub sector: SectorSize,
    /// The probability, `0..=1`, that a sector under a torn write holds garbage where it was written to. 0.05.
    pub garbage: f64,
    /// How directories reach the medium: ordered.
    pub directories: DirectoryOrder,
    /// How many unsynced bytes a file may have before the kernel writes the older half back by itself. 16 MiB.
    pub dirty_max: usize,
}

impl Default for DiskSettings {
    fn default() -> Self {
        DiskSettings {
            latency: Latency::constant(Duration::from_micros(15)),
            sync: Latency::constant(Duration::from_micros(500)),
            operations_per_second: 200_000,
            bandwidth: 2_000_000_000,
            capacity: 1 << 30,
            sector: SectorSize::Bytes512,
            garbage: 0.05,
            directories: DirectoryOrder::Ordered,
            dirty_max: 16 << 20,
        }
    }
}

impl DiskSettings {
    /// Whether a disk can be so.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.latency.check(&LIMITS, "latency")?;
        self.sync.check(&LIMITS, "sync")?;
        LIMITS.at_least_one("operations_per_second", self.operations_per_second)?;
        LIMITS.at_least_one("bandwidth", self.bandwidth)?;
        LIMITS.probability("garbage", self.garbage)
    }
}

pub(super) const LIMITS: Limits = Limits { of: "disk" };
