//! Disks: how they are set up, and what goes wrong with them.

use super::model::Latency;
use super::units::Time;
use host::world::{self, Decay, DirectoryOrder, DiskFault, DiskSettings, OutOfRange, SectorSize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The machines' disks. What is not said is a small NVMe drive with a journaling file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// From the moment when the disk takes an operation up until it is answered.
    pub latency: Latency,
    /// What a sync takes in addition.
    pub sync: Latency,
    /// How many operations a second a disk serves.
    pub operations_per_second: u64,
    /// How many bytes a second it moves.
    pub bandwidth: u64,
    /// How many bytes its files may hold.
    pub capacity: u64,
    /// The unit, in bytes, in which writes tear: 512 or 4096.
    pub sector: Sector,
    /// The probability that a sector under a torn write holds garbage.
    pub garbage: f64,
    /// In what order unsynced changes of directories reach the medium.
    pub directories: Directories,
}

/// The unit in which writes tear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(with = "u32")]
pub enum Sector {
    /// 512 bytes.
    Bytes512,
    /// 4096 bytes.
    Bytes4096,
}

/// In what order unsynced changes of directories reach the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Directories {
    /// In the order in which they were made.
    Ordered,
    /// In any order that keeps the history of each name and of each file.
    Weak,
}

/// What is wrong with a disk, or happens to it at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DiskAction {
    /// Reads fail with EIO.
    ReadError {
        /// How likely, for each read.
        probability: f64,
    },
    /// Writes fail with EIO.
    WriteError {
        /// How likely, for each write.
        probability: f64,
    },
    /// Syncs fail with EIO. The next one succeeds, and what this one was to sync may be gone.
    SyncError {
        /// How likely, for each sync.
        probability: f64,
        /// Readers lose sight at once of what did not arrive, instead of at the next boot.
        drop_cache: bool,
    },
    /// Writes to new pages fail with ENOSPC.
    Full,
    /// Everything takes longer.
    Slow {
        /// How many times as long.
        factor: f64,
    },
    /// Nothing is answered until the fault ends.
    Stall,
    /// What is asked during the fault is never answered.
    Hang,
    /// Sectors that reach the medium have a bit flipped.
    BitFlip {
        /// How likely, for each sector.
        probability: f64,
    },
    /// Writes that reach the medium go to the place of other data.
    Misdirect {
        /// How likely, for each write.
        probability: f64,
    },
    /// Sectors at rest go bad, at once.
    Decay {
        /// How many.
        sectors: u32,
        /// They cannot be read any more, instead of having a bit flipped.
        unreadable: bool,
    },
}

impl DiskAction {
    /// Whether it is over at once.
    pub fn is_instant(&self) -> bool {
        matches!(self, DiskAction::Decay { .. })
    }

    /// Whether what a machine has synced may be different afterwards.
    pub fn corrupts(&self) -> bool {
        matches!(self, DiskAction::BitFlip { .. } | DiskAction::Misdirect { .. } | DiskAction::Decay { .. })
    }

    /// The lasting fault that it is, or how sectors decay, and how many.
    pub(crate) fn in_the_world(self) -> Result<DiskFault, (u32, Decay)> {
        Ok(match self {
            DiskAction::ReadError { probability } => DiskFault::ReadError { probability },
            DiskAction::WriteError { probability } => DiskFault::WriteError { probability },
            DiskAction::SyncError { probability, drop_cache } => {
                DiskFault::SyncError { probability, drop_cache }
            }
            DiskAction::Full => DiskFault::Full,
            DiskAction::Slow { factor } => DiskFault::Slow { factor },
            DiskAction::Stall => DiskFault::Stall,
            DiskAction::Hang => DiskFault::Hang,
            DiskAction::BitFlip { probability } => DiskFault::BitFlip { probability },
            DiskAction::Misdirect { probability } => DiskFault::Misdirect { probability },
            DiskAction::Decay { sectors, unreadable } => {
                return Err((sectors, if unreadable { Decay::Unreadable } else { Decay::Flip }));
            }
        })
    }

    /// What is out of its range.
    pub(crate) fn check(self) -> Result<(), OutOfRange> {
        match self.in_the_world() {
            Ok(fault) => fault.check(),
            Err((0, _)) => Err(OutOfRange { of: "disk", field: "sectors", value: 0.0, bound: "at least 1" }),
            Err(_) => Ok(()),
        }
    }
}

impl fmt::Display for DiskAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskAction::ReadError { probability } => write!(f, "fails reads ({probability})"),
            DiskAction::WriteError { probability } => write!(f, "fails writes ({probability})"),
            DiskAction::SyncError { probability, .. } => write!(f, "fails syncs ({probability})"),
            DiskAction::Full => f.write_str("is full"),
            DiskAction::Slow { factor } => write!(f, "is {factor} times as slow"),
            DiskAction::Stall => f.write_str("stalls"),
            DiskAction::Hang => f.write_str("hangs"),
            DiskAction::BitFlip { probability } => write!(f, "flips bits ({probability})"),
            DiskAction::Misdirect { probability } => write!(f, "misdirects writes ({probability})"),
            DiskAction::Decay { sectors, unreadable: false } => write!(f, "flips a bit in {sectors} sectors"),
            DiskAction::Decay { sectors, unreadable: true } => write!(f, "loses {sectors} sectors"),
        }
    }
}

impl Disk {
    /// The settings of the simulated disk.
    pub(crate) fn in_the_world(&self) -> DiskSettings {
        DiskSettings {
            latency: self.latency.in_the_world(),
            sync: self.sync.in_the_world(),
            operations_per_second: self.operations_per_second,
            bandwidth: self.bandwidth,
            capacity: self.capacity,
            sector: match self.sector {
                Sector::Bytes512 => SectorSize::Bytes512,
                Sector::Bytes4096 => SectorSize::Bytes4096,
            },
            garbage: self.garbage,
            directories: match self.directories {
                Directories::Ordered => DirectoryOrder::Ordered,
                Directories::Weak => DirectoryOrder::Weak,
            },
            ..DiskSettings::default()
        }
    }
}

impl Default for Disk {
    fn default() -> Self {
        let world = DiskSettings::default();
        let micros = |us: u64| Latency::Constant(Time::from(std::time::Duration::from_micros(us)));
        Disk {
            latency: micros(15),
            sync: micros(500),
            operations_per_second: world.operations_per_second,
            bandwidth: world.bandwidth,
            capacity: world.capacity,
            sector: Sector::Bytes512,
            garbage: world.garbage,
            directories: Directories::Ordered,
        }
    }
}

impl Latency {
    /// The same, for the simulated world.
    pub(crate) fn in_the_world(self) -> world::Latency {
        match self {
            Latency::Constant(time) => world::Latency::constant(time.get()),
            Latency::Uniform { from, to } => world::Latency::uniform(from.get(), to.get()),
            Latency::Pareto { median, p99, .. } => world::Latency::pareto(median.get(), p99.get()),
            Latency::LogNormal { median, p99 } => world::Latency::log_normal(median.get(), p99.get()),
        }
    }
}

impl TryFrom<u32> for Sector {
    type Error = String;

    fn try_from(bytes: u32) -> Result<Self, String> {
        match bytes {
            512 => Ok(Sector::Bytes512),
            4096 => Ok(Sector::Bytes4096),
            _ => Err(format!("{bytes} is not the size of a sector; it is 512 or 4096")),
        }
    }
}

impl From<Sector> for u32 {
    fn from(sector: Sector) -> u32 {
        match sector {
            Sector::Bytes512 => 512,
            Sector::Bytes4096 => 4096,
        }
    }
}
