//! A fault of a disk as it stands in the file: `disk = { node = "n1", fault = "slow", factor = 20 }`.

use super::disk::DiskAction;
use super::fault_forms::TargetForm;
use super::fault_table::{FaultError, wrong};
use host::world::DiskFault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A disk that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskTable {
    /// Whose: a node, "that" for the one which published the probe, or one by what it published.
    pub(super) node: TargetForm,
    /// What is wrong with it.
    fault: Word,
    /// How likely each operation is to fail: 1 if not given for errors, needed for "bit-flip" and "misdirect".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// How many times as slow, for "slow".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    /// How many sectors, for "decay".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sectors: Option<u32>,
    /// For "decay": the sectors cannot be read any more, instead of having a bit flipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<bool>,
    /// For "sync-error": readers lose sight at once of what did not arrive, instead of at the next boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drop_cache: Option<bool>,
}

/// The faults of disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// Reads fail with EIO.
    ReadError,
    /// Writes fail with EIO.
    WriteError,
    /// Syncs fail with EIO, and what they were to sync may be gone.
    SyncError,
    /// Writes to new pages fail with ENOSPC.
    Full,
    /// Everything takes longer.
    Slow,
    /// Nothing is answered until the fault ends.
    Stall,
    /// What is asked during the fault is never answered.
    Hang,
    /// Sectors that reach the medium have a bit flipped.
    BitFlip,
    /// Writes that reach the medium go to the place of other data.
    Misdirect,
    /// Sectors at rest go bad, at once.
    Decay,
}

impl DiskTable {
    pub(super) fn new(node: TargetForm, action: DiskAction) -> Self {
        let mut table = DiskTable {
            node,
            fault: Word::Full,
            probability: None,
            factor: None,
            sectors: None,
            unreadable: None,
            drop_cache: None,
        };
        table.fault = match action {
            DiskAction::Fault(DiskFault::ReadError { .. }) => Word::ReadError,
            DiskAction::Fault(DiskFault::WriteError { .. }) => Word::WriteError,
            DiskAction::Fault(DiskFault::SyncError { .. }) => Word::SyncError,
            DiskAction::Fault(DiskFault::Full) => Word::Full,
            DiskAction::Fault(DiskFault::Slow { .. }) => Word::Slow,
            DiskAction::Fault(DiskFault::Stall) => Word::Stall,
            DiskAction::Fault(DiskFault::Hang) => Word::Hang,
            DiskAction::Fault(DiskFault::BitFlip { .. }) => Word::BitFlip,
            DiskAction::Fault(DiskFault::Misdirect { .. }) => Word::Misdirect,
            DiskAction::Decay { .. } => Word::Decay,
        };
        match action {
            DiskAction::Fault(
                DiskFault::ReadError { probability }
                | DiskFault::WriteError { probability }
                | DiskFault::BitFlip { probability }
                | DiskFault::Misdirect { probability },
            ) => table.probability = Some(probability),
            DiskAction::Fault(DiskFault::SyncError { probability, drop_cache }) => {
                table.probability = Some(probability);
                table.drop_cache = drop_cache.then_some(true);
            }
            DiskAction::Fault(DiskFault::Slow { factor }) => table.factor = Some(factor),
            DiskAction::Fault(DiskFault::Full | DiskFault::Stall | DiskFault::Hang) => {}
            DiskAction::Decay { sectors, unreadable } => {
                table.sectors = Some(sectors);
                table.unreadable = unreadable.then_some(true);
            }
        }
        table
    }

    pub(super) fn action(&self) -> Result<DiskAction, FaultError> {
        let (belong, needs): (&[&str], Option<(&str, &str)>) = match self.fault {
            Word::ReadError | Word::WriteError => (&["disk.probability"], None),
            Word::SyncError => (&["disk.probability", "disk.drop_cache"], None),
            Word::BitFlip | Word::Misdirect => (&["disk.probability"], Some(("probability", "0.01"))),
            Word::Slow => (&["disk.factor"], Some(("factor", "20"))),
            Word::Decay => (&["disk.sectors", "disk.unreadable"], Some(("sectors", "1"))),
            Word::Full | Word::Stall | Word::Hang => (&[], None),
        };
        let given = [
            ("disk.probability", self.probability.is_some()),
            ("disk.factor", self.factor.is_some()),
            ("disk.sectors", self.sectors.is_some()),
            ("disk.unreadable", self.unreadable.is_some()),
            ("disk.drop_cache", self.drop_cache.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !belong.contains(key)) {
            let says =
                format!("`{}` does not belong to this fault of a disk", key.trim_start_matches("disk."));
            return Err(wrong(key, says, "remove it"));
        }
        let missing = || {
            let (key, example) = needs.expect("only keys that are needed are missing");
            wrong("disk", format!("this fault of a disk needs `{key}`"), format!("add {key} = {example}"))
        };
        let likely = self.probability.unwrap_or(1.0);
        Ok(DiskAction::Fault(match self.fault {
            Word::ReadError => DiskFault::ReadError { probability: likely },
            Word::WriteError => DiskFault::WriteError { probability: likely },
            Word::SyncError => {
                DiskFault::SyncError { probability: likely, drop_cache: self.drop_cache.unwrap_or(false) }
            }
            Word::Full => DiskFault::Full,
            Word::Slow => DiskFault::Slow { factor: self.factor.ok_or_else(missing)? },
            Word::Stall => DiskFault::Stall,
            Word::Hang => DiskFault::Hang,
            Word::BitFlip => DiskFault::BitFlip { probability: self.probability.ok_or_else(missing)? },
            Word::Misdirect => DiskFault::Misdirect { probability: self.probability.ok_or_else(missing)? },
            Word::Decay => {
                return Ok(DiskAction::Decay {
                    sectors: self.sectors.ok_or_else(missing)?,
                    unreadable: self.unreadable.unwrap_or(false),
                });
            }
        }))
    }
}
