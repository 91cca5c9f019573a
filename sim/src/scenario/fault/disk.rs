//! Something is wrong with a machine's disk, `disk = { node = "n1", fault = "slow", factor = 20 }`, or happens to it at
//! once, `disk = { node = "n1", fault = "decay", sectors = 1 }`.

use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Ends, FaultError, HEAL_AFTER, Kind, MachineEffect,
    Path, Plan, Said, Stage, Target, wrong,
};
use crate::scenario::validate_network::out_of_range;
use host::world::{Decay, DiskFault, Draw, OutOfRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Disk>("disk").drawn(&[
    Drawn {
        name: "disk",
        about: "One node's disk is slow, stalls, is full, or answers with errors.",
        nodes_min: 1,
        draw: |drawing| draw(drawing, failing),
    },
    Drawn {
        name: "corruption",
        about: "One node's disk changes what was written to it.",
        nodes_min: 1,
        draw: |drawing| draw(drawing, corrupting),
    },
]);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Disk {
    node: Target,
    wrong: Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    /// This, as long as the fault lasts.
    Fault(DiskFault),
    /// Sectors at rest go bad, at once.
    Decay { sectors: u32, unreadable: bool },
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Form {
    /// Something is wrong with a node's disk.
    disk: DiskForm,
}

/// A disk that fails.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WrongDisk")]
#[serde(deny_unknown_fields)]
struct DiskForm {
    /// Whose: a node, "that" for the one which published the probe, or one by what it published.
    node: Target,
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
#[schemars(rename = "DiskWord")]
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

impl Disk {
    /// So many times as slow as it is otherwise.
    pub(super) fn slow(node: Target, factor: f64) -> Self {
        Disk { node, wrong: Wrong::Fault(DiskFault::Slow { factor }) }
    }
}

impl DiskForm {
    fn wrong(&self) -> Result<Wrong, FaultError> {
        let belong: &[&str] = match self.fault {
            Word::ReadError | Word::WriteError | Word::BitFlip | Word::Misdirect => &["probability"],
            Word::SyncError => &["probability", "drop_cache"],
            Word::Slow => &["factor"],
            Word::Decay => &["sectors", "unreadable"],
            Word::Full | Word::Stall | Word::Hang => &[],
        };
        let given = [
            ("probability", self.probability.is_some()),
            ("factor", self.factor.is_some()),
            ("sectors", self.sectors.is_some()),
            ("unreadable", self.unreadable.is_some()),
            ("drop_cache", self.drop_cache.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !belong.contains(key)) {
            let says = format!("`{key}` does not belong to this fault of a disk");
            return Err(wrong(format!("disk.{key}"), says, "remove it"));
        }
        let missing = |key: &str, example: &str| {
            wrong("disk", format!("this fault of a disk needs `{key}`"), format!("add {key} = {example}"))
        };
        let probability = || self.probability.ok_or_else(|| missing("probability", "0.01"));
        let likely = self.probability.unwrap_or(1.0);
        Ok(Wrong::Fault(match self.fault {
            Word::ReadError => DiskFault::ReadError { probability: likely },
            Word::WriteError => DiskFault::WriteError { probability: likely },
            Word::SyncError => {
                DiskFault::SyncError { probability: likely, drop_cache: self.drop_cache.unwrap_or(false) }
            }
            Word::Full => DiskFault::Full,
            Word::Slow => DiskFault::Slow { factor: self.factor.ok_or_else(|| missing("factor", "20"))? },
            Word::Stall => DiskFault::Stall,
            Word::Hang => DiskFault::Hang,
            Word::BitFlip => DiskFault::BitFlip { probability: probability()? },
            Word::Misdirect => DiskFault::Misdirect { probability: probability()? },
            Word::Decay => {
                return Ok(Wrong::Decay {
                    sectors: self.sectors.ok_or_else(|| missing("sectors", "1"))?,
                    unreadable: self.unreadable.unwrap_or(false),
                });
            }
        }))
    }
}

impl Said for Disk {
    type Form = Form;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        match self.wrong {
            Wrong::Fault(_) => Ends::After(HEAL_AFTER),
            Wrong::Decay { .. } => {
                Ends::ByItself { why: "the decay of a disk is over at once", help: "remove it" }
            }
        }
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("disk.node", &self.node))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        let checked = match self.wrong {
            Wrong::Fault(fault) => fault.check(),
            Wrong::Decay { sectors: 0, .. } => {
                Err(OutOfRange { of: "disk", field: "sectors", value: 0.0, bound: "at least 1" })
            }
            Wrong::Decay { .. } => Ok(()),
        };
        checked.map_err(|OutOfRange { field, value, bound, .. }| {
            out_of_range(path.then(field.rsplit('.').next().unwrap_or(field)), value, bound)
        })
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = match self.wrong {
            Wrong::Fault(fault) => MachineEffect::FailDisk(fault),
            Wrong::Decay { sectors, unreadable: false } => MachineEffect::Decay(sectors, Decay::Flip),
            Wrong::Decay { sectors, unreadable: true } => MachineEffect::Decay(sectors, Decay::Unreadable),
        };
        Plan::Stroke(Effect::Machine(self.node.aim(stage.cast), effect))
    }

    /// Surely, or every other time, and not sometimes; a tenth as slow; one sector.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        let wrongs = match self.wrong {
            Wrong::Fault(DiskFault::Slow { factor }) if factor >= 20.0 => {
                vec![Wrong::Fault(DiskFault::Slow { factor: factor / 10.0 })]
            }
            Wrong::Fault(fault) => likelier(fault).into_iter().map(Wrong::Fault).collect(),
            Wrong::Decay { sectors, unreadable } if sectors > 1 => {
                vec![Wrong::Decay { sectors: 1, unreadable }]
            }
            Wrong::Decay { .. } => Vec::new(),
        };
        wrongs.into_iter().map(|wrong| Disk { node: self.node.clone(), wrong }.into()).collect()
    }
}

/// What strikes more often takes fewer operations to be seen, and depends less on chance.
fn likelier(fault: DiskFault) -> Vec<DiskFault> {
    let (now, with): (f64, &dyn Fn(f64) -> DiskFault) = match fault {
        DiskFault::ReadError { probability } => {
            (probability, &|probability| DiskFault::ReadError { probability })
        }
        DiskFault::WriteError { probability } => {
            (probability, &|probability| DiskFault::WriteError { probability })
        }
        DiskFault::SyncError { probability, drop_cache } => {
            (probability, &move |probability| DiskFault::SyncError { probability, drop_cache })
        }
        DiskFault::BitFlip { probability } => {
            (probability, &|probability| DiskFault::BitFlip { probability })
        }
        DiskFault::Misdirect { probability } => {
            (probability, &|probability| DiskFault::Misdirect { probability })
        }
        DiskFault::Full | DiskFault::Slow { .. } | DiskFault::Stall | DiskFault::Hang => return Vec::new(),
    };
    [1.0, 0.5].into_iter().filter(|probability| now < *probability).map(with).collect()
}

fn draw(drawing: &mut Drawing, wrong: fn(&mut Draw) -> Wrong) -> Option<Action> {
    let (node, wrong) = (drawing.target()?, wrong(&mut drawing.draw));
    Some(Disk { node, wrong }.into())
}

/// A disk that says so when it fails.
fn failing(draw: &mut Draw) -> Wrong {
    let (kind, probability) = (draw.below(6), *draw.pick(&[0.01, 0.1, 1.0]));
    Wrong::Fault(match kind {
        0 => DiskFault::Slow { factor: *draw.pick(&[10.0, 100.0, 1000.0]) },
        1 => DiskFault::Stall,
        2 => DiskFault::Full,
        3 => DiskFault::SyncError { probability, drop_cache: draw.chance(0.5) },
        4 => DiskFault::WriteError { probability },
        _ => DiskFault::ReadError { probability },
    })
}

/// A disk that says nothing.
fn corrupting(draw: &mut Draw) -> Wrong {
    let (kind, probability) = (draw.below(3), *draw.pick(&[0.001, 0.01, 0.1]));
    match kind {
        0 => Wrong::Fault(DiskFault::BitFlip { probability }),
        1 => Wrong::Fault(DiskFault::Misdirect { probability }),
        _ => Wrong::Decay { sectors: draw.between(1, 4) as u32, unreadable: draw.chance(0.5) },
    }
}

impl TryFrom<Form> for Disk {
    type Error = FaultError;

    fn try_from(Form { disk }: Form) -> Result<Self, FaultError> {
        Ok(Disk { wrong: disk.wrong()?, node: disk.node })
    }
}

impl From<Disk> for Form {
    fn from(Disk { node, wrong }: Disk) -> Self {
        let mut disk = DiskForm {
            node,
            fault: Word::Full,
            probability: None,
            factor: None,
            sectors: None,
            unreadable: None,
            drop_cache: None,
        };
        let (fault, probability) = match wrong {
            Wrong::Fault(DiskFault::ReadError { probability }) => (Word::ReadError, Some(probability)),
            Wrong::Fault(DiskFault::WriteError { probability }) => (Word::WriteError, Some(probability)),
            Wrong::Fault(DiskFault::SyncError { probability, drop_cache }) => {
                disk.drop_cache = drop_cache.then_some(true);
                (Word::SyncError, Some(probability))
            }
            Wrong::Fault(DiskFault::Full) => (Word::Full, None),
            Wrong::Fault(DiskFault::Slow { factor }) => {
                disk.factor = Some(factor);
                (Word::Slow, None)
            }
            Wrong::Fault(DiskFault::Stall) => (Word::Stall, None),
            Wrong::Fault(DiskFault::Hang) => (Word::Hang, None),
            Wrong::Fault(DiskFault::BitFlip { probability }) => (Word::BitFlip, Some(probability)),
            Wrong::Fault(DiskFault::Misdirect { probability }) => (Word::Misdirect, Some(probability)),
            Wrong::Decay { sectors, unreadable } => {
                disk.sectors = Some(sectors);
                disk.unreadable = unreadable.then_some(true);
                (Word::Decay, None)
            }
        };
        (disk.fault, disk.probability) = (fault, probability);
        Form { disk }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disk of {} ", self.node)?;
        match self.wrong {
            Wrong::Fault(fault) => match fault {
                DiskFault::ReadError { probability } => write!(f, "fails reads ({probability})"),
                DiskFault::WriteError { probability } => write!(f, "fails writes ({probability})"),
                DiskFault::SyncError { probability, .. } => write!(f, "fails syncs ({probability})"),
                DiskFault::Full => f.write_str("is full"),
                DiskFault::Slow { factor } => write!(f, "is {factor} times as slow"),
                DiskFault::Stall => f.write_str("stalls"),
                DiskFault::Hang => f.write_str("hangs"),
                DiskFault::BitFlip { probability } => write!(f, "flips bits ({probability})"),
                DiskFault::Misdirect { probability } => write!(f, "misdirects writes ({probability})"),
            },
            Wrong::Decay { sectors, unreadable: false } => write!(f, "flips a bit in {sectors} sectors"),
            Wrong::Decay { sectors, unreadable: true } => write!(f, "loses {sectors} sectors"),
        }
    }
}
