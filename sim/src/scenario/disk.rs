//! Disks: how they are set up. What goes wrong with them is in `fault/disk.rs`.

use super::model::Latency;
use super::units::Time;
use host::world::{DirectoryOrder, DiskSettings, SectorSize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
