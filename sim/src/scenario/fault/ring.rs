//! Each machine hears only the one before and the one after it: `ring = ["n1", "n2", "n3", "n4"]`.

use super::partition::Partition;
use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Kind, LinkEffect, Name, Path, Plan, Problem, Said,
    Stage, groups,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Ring>("ring").drawn(&[Drawn {
    name: "ring",
    about: "Each node hears only two others.",
    nodes_min: LEAST as u32,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Ring {
    /// Each of these machines, four at least, hears only the one before and the one after it.
    ring: Vec<Name>,
}

/// Of three each hears all the others.
const LEAST: usize = 4;

impl Said for Ring {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        if self.ring.len() < LEAST {
            return Err(Problem::new(path.clone(), "is no ring: each hears all the others")
                .label(format!("{} of {LEAST}", self.ring.len()))
                .help("a ring has at least four machines"));
        }
        checks.disjoint(&[(path.clone(), &self.ring)])
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let (machines, count) = (stage.cast.ids(&self.ring), self.ring.len());
        let far = |a: usize, b: usize| a != b && (a + 1) % count != b && (b + 1) % count != a;
        let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
        let links = pairs.filter(|(a, b)| far(*a, *b)).map(|(a, b)| (machines[a], machines[b]));
        Plan::Stroke(Effect::Links(links.collect(), LinkEffect::Cut))
    }

    /// One of them does not hear those that are no neighbours of it.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        let from_the_far = |index: usize| {
            let mut around = self.ring.clone();
            around.rotate_left(index);
            let far = around[2..around.len() - 1].to_vec();
            Partition { partition: groups::of_names(vec![vec![around[0]], far]) }.into()
        };
        (0..self.ring.len()).map(from_the_far).collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    Some(Ring { ring: std::mem::take(&mut drawing.nodes) }.into())
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ring of {}", listed(&self.ring))
    }
}
