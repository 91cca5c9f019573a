//! The nodes fall into two groups that do not hear each other, as the seed decides: `halves = true`. It is short for a
//! partition.

use super::partition::Partition;
use super::{Checked, Checks, FaultError, Kind, Path, Plan, Said, Stage, drawing, groups, wrong};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Halves>("halves");

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Halves;

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Form {
    /// `true`: the nodes fall into two groups that do not hear each other, as the seed decides.
    halves: bool,
}

impl Said for Halves {
    type Form = Form;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        checks.enough(path, 2, "halves")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let (mut nodes, mut draw): (Vec<_>, _) = (stage.cast.nodes().collect(), stage.draw());
        draw.shuffle(&mut nodes);
        Plan::Instead(Partition { partition: groups::of_names(drawing::split(&mut draw, nodes)) }.into())
    }
}

impl TryFrom<Form> for Halves {
    type Error = FaultError;

    fn try_from(Form { halves }: Form) -> Result<Self, FaultError> {
        if halves {
            return Ok(Halves);
        }
        Err(wrong(
            "halves",
            "a fault that is not there does nothing",
            "write `halves = true`, or remove the fault",
        ))
    }
}

impl From<Halves> for Form {
    fn from(Halves: Halves) -> Self {
        Form { halves: true }
    }
}

impl fmt::Display for Halves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("partition into halves")
    }
}
