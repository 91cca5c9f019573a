//! Packets from the first machines to the second are lost; the way back works:
//! `one_way = { from = ["n1"], to = ["n2"] }`.

use super::groups::one_less;
use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Kind, LinkEffect, Name, Path, Plan, Said, Stage, groups,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<OneWay>("one_way").drawn(&[Drawn {
    name: "one-way",
    about: "Some nodes do not hear one other; the way back works.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct OneWay {
    /// Packets from the first to the second are lost; the way back works.
    one_way: Way,
}

/// A one-way cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OneWay")]
#[serde(deny_unknown_fields)]
struct Way {
    /// The senders.
    from: Vec<Name>,
    /// The receivers that do not hear them.
    to: Vec<Name>,
}

impl Said for OneWay {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        checks.disjoint(&[(path.then("from"), &self.one_way.from), (path.then("to"), &self.one_way.to)])
    }

    fn plan(&self, stage: &Stage) -> Plan {
        groups::one_way(stage.cast, &self.one_way.from, &self.one_way.to, LinkEffect::Cut)
    }

    fn smaller(&self, _: Cast) -> Vec<Action> {
        let Way { from, to } = &self.one_way;
        let fewer_from = one_less(from).into_iter().map(|from| Way { from, to: to.clone() });
        let fewer_to = one_less(to).into_iter().map(|to| Way { from: from.clone(), to });
        fewer_from.chain(fewer_to).map(|one_way| OneWay { one_way }.into()).collect()
    }
}

/// One node and some of the others, either way.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let (one, mut some) = (vec![drawing.one()?], std::mem::take(&mut drawing.nodes));
    some.truncate(drawing.draw.between(1, some.len() as u64) as usize);
    some.sort_unstable();
    let (from, to) = if drawing.draw.chance(0.5) { (some, one) } else { (one, some) };
    Some(OneWay { one_way: Way { from, to } }.into())
}

impl fmt::Display for OneWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one-way cut {} → {}", listed(&self.one_way.from), listed(&self.one_way.to))
    }
}
