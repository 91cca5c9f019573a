//! Something is wrong with links that are up: `link = { between = [["n1"], ["n2"]], fault = "slow", by = "200ms" }`, both
//! ways, or with `from` and `to` one way.

use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, FaultError, Kind, LATENCY_MAX, LinkEffect, Name, Path,
    Plan, Said, Stage, Target, Time, above_zero, at_most, drawing, groups, wrong,
};
use crate::scenario::cast::listed;
use crate::scenario::network::Bandwidth;
use crate::scenario::validate_network::out_of_range;
use host::world::{self, LinkFault, OutOfRange, Reorder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Link>("link").drawn(&[Drawn {
    name: "link",
    about: "The links between two groups, or in one direction of them, are slow, thin, lossy, or lose the order.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    links: Links,
    fault: LinkFault,
}

#[derive(Debug, Clone, PartialEq)]
enum Links {
    /// Those between machines of different groups, both ways.
    Between(Vec<Vec<Target>>),
    /// Those from the first to the second.
    OneWay { from: Vec<Name>, to: Vec<Name> },
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Form {
    /// Something is wrong with links that are up.
    link: LinkForm,
}

/// Links that are up, and not well.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WrongLink")]
#[serde(deny_unknown_fields)]
struct LinkForm {
    /// The links between machines of different groups, both ways; or `from` and `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    between: Option<Vec<Vec<Target>>>,
    /// The links from these; with `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Vec<Name>>,
    /// The links to these; with `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Vec<Name>>,
    /// What is wrong with them.
    fault: Word,
    /// How likely each packet is to be struck, for all but "slow" and "thin".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// By how much a packet is late, for "slow"; by how much at most, for "reordering".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Time>,
    /// How much passes, for "thin".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    /// How many bytes may wait, for "thin"; 65536 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<u64>,
}

/// The faults of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LinkWord")]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// Every packet takes longer.
    Slow,
    /// Packets are lost.
    Lossy,
    /// Packets arrive twice.
    Duplicating,
    /// Packets overtake each other.
    Reordering,
    /// UDP datagrams are damaged.
    Corrupting,
    /// Little passes.
    Thin,
}

impl LinkForm {
    fn links(&mut self) -> Result<Links, FaultError> {
        match (self.between.take(), self.from.take(), self.to.take()) {
            (Some(groups), None, None) => Ok(Links::Between(groups)),
            (None, Some(from), Some(to)) => Ok(Links::OneWay { from, to }),
            (None, None, None) => Err(wrong(
                "link",
                "nothing says which links",
                "add between = [[\"n1\"], [\"n2\"]], or from = [\"n1\"] and to = [\"n2\"]",
            )),
            (Some(_), _, _) => Err(wrong(
                "link.between",
                "links are those `between` groups, or `from` some `to` others",
                "remove one of the two",
            )),
            (None, _, _) => Err(wrong("link", "`from` and `to` belong together", "add the other one")),
        }
    }

    fn fault(&self) -> Result<LinkFault, FaultError> {
        let belong: &[&str] = match self.fault {
            Word::Slow => &["by"],
            Word::Lossy | Word::Duplicating | Word::Corrupting => &["probability"],
            Word::Reordering => &["probability", "by"],
            Word::Thin => &["bytes_per_second", "queue"],
        };
        let given = [
            ("probability", self.probability.is_some()),
            ("by", self.by.is_some()),
            ("bytes_per_second", self.bytes_per_second.is_some()),
            ("queue", self.queue.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !belong.contains(key)) {
            let says = format!("`{key}` does not belong to this fault of a link");
            return Err(wrong(format!("link.{key}"), says, "remove it"));
        }
        let missing = |key: &str, example: &str| {
            wrong("link", format!("this fault of a link needs `{key}`"), format!("add {key} = {example}"))
        };
        let probability = || self.probability.ok_or_else(|| missing("probability", "0.1"));
        let by = || self.by.map(Time::get).ok_or_else(|| missing("by", "\"200ms\""));
        Ok(match self.fault {
            Word::Slow => LinkFault::Slow { by: by()? },
            Word::Lossy => LinkFault::Lossy { probability: probability()? },
            Word::Duplicating => LinkFault::Duplicating { probability: probability()? },
            Word::Reordering => LinkFault::Reordering(Reorder { probability: probability()?, by: by()? }),
            Word::Corrupting => LinkFault::Corrupting { probability: probability()? },
            Word::Thin => LinkFault::Thin(world::Bandwidth {
                bytes_per_second: self
                    .bytes_per_second
                    .ok_or_else(|| missing("bytes_per_second", "20000"))?,
                queue: self.queue.unwrap_or_else(Bandwidth::default_queue),
            }),
        })
    }
}

impl Said for Link {
    type Form = Form;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        match &self.links {
            Links::Between(groups) => Some(("link.between", groups)),
            Links::OneWay { .. } => None,
        }
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        if let Links::OneWay { from, to } = &self.links {
            checks.disjoint(&[(path.then("from"), from), (path.then("to"), to)])?;
        }
        if let LinkFault::Slow { by } | LinkFault::Reordering(Reorder { by, .. }) = self.fault {
            above_zero(&path.then("by"), Time::from(by), "200ms")?;
            at_most(&path.then("by"), Time::from(by), LATENCY_MAX, "longest delay")?;
        }
        self.fault.check().map_err(|OutOfRange { field, value, bound, .. }| {
            let key = match field {
                "bandwidth" => "bytes_per_second",
                "queue" => "queue",
                _ => "probability",
            };
            out_of_range(path.then(key), value, bound)
        })
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = LinkEffect::Worsen(self.fault);
        match &self.links {
            Links::Between(groups) => groups::between(stage.cast, groups, effect),
            Links::OneWay { from, to } => groups::one_way(stage.cast, from, to, effect),
        }
    }

    fn smaller(&self, _: Cast) -> Vec<Action> {
        let links: Vec<Links> = match &self.links {
            Links::Between(groups) => groups::narrower(groups).into_iter().map(Links::Between).collect(),
            Links::OneWay { from, to } => {
                let fewer_from = groups::one_less(from).into_iter().map(|from| (from, to.clone()));
                let fewer_to = groups::one_less(to).into_iter().map(|to| (from.clone(), to));
                fewer_from.chain(fewer_to).map(|(from, to)| Links::OneWay { from, to }).collect()
            }
        };
        links.into_iter().map(|links| Link { links, fault: self.fault }.into()).collect()
    }
}

/// Nothing for datagrams alone: most protocols have none.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let mut groups = drawing.groups();
    let draw = &mut drawing.draw;
    let links = if draw.chance(0.5) {
        Links::Between(groups::of_names(groups))
    } else {
        let to = groups.pop()?;
        Links::OneWay { from: groups.pop()?, to }
    };
    let (kind, probability) = (draw.below(5), *draw.pick(&[0.01, 0.1, 0.5]));
    let by = drawing::log_uniform(draw, Duration::from_millis(10), Duration::from_secs(2));
    let fault = match kind {
        0 => LinkFault::Slow { by },
        1 => LinkFault::Lossy { probability },
        2 => LinkFault::Duplicating { probability },
        3 => LinkFault::Reordering(Reorder { probability, by }),
        _ => {
            let bytes_per_second = *draw.pick(&[1_000, 10_000, 100_000]);
            LinkFault::Thin(world::Bandwidth { bytes_per_second, queue: Bandwidth::default_queue() })
        }
    };
    Some(Link { links, fault }.into())
}

impl TryFrom<Form> for Link {
    type Error = FaultError;

    fn try_from(Form { mut link }: Form) -> Result<Self, FaultError> {
        Ok(Link { links: link.links()?, fault: link.fault()? })
    }
}

impl From<Link> for Form {
    fn from(Link { links, fault }: Link) -> Self {
        let mut link = LinkForm {
            between: None,
            from: None,
            to: None,
            fault: Word::Slow,
            probability: None,
            by: None,
            bytes_per_second: None,
            queue: None,
        };
        match links {
            Links::Between(groups) => link.between = Some(groups),
            Links::OneWay { from, to } => (link.from, link.to) = (Some(from), Some(to)),
        }
        link.fault = match fault {
            LinkFault::Slow { .. } => Word::Slow,
            LinkFault::Lossy { .. } => Word::Lossy,
            LinkFault::Duplicating { .. } => Word::Duplicating,
            LinkFault::Reordering(_) => Word::Reordering,
            LinkFault::Corrupting { .. } => Word::Corrupting,
            LinkFault::Thin(_) => Word::Thin,
        };
        match fault {
            LinkFault::Slow { by } => link.by = Some(Time::from(by)),
            LinkFault::Lossy { probability }
            | LinkFault::Duplicating { probability }
            | LinkFault::Corrupting { probability } => link.probability = Some(probability),
            LinkFault::Reordering(Reorder { probability, by }) => {
                (link.probability, link.by) = (Some(probability), Some(Time::from(by)));
            }
            LinkFault::Thin(world::Bandwidth { bytes_per_second, queue }) => {
                link.bytes_per_second = Some(bytes_per_second);
                link.queue = (queue != Bandwidth::default_queue()).then_some(queue);
            }
        }
        Form { link }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.links {
            Links::Between(groups) => write!(f, "links {} ", groups::words(groups))?,
            Links::OneWay { from, to } => write!(f, "links {} → {} ", listed(from), listed(to))?,
        }
        match self.fault {
            LinkFault::Slow { by } => write!(f, "are slower by {}", Time::from(by)),
            LinkFault::Lossy { probability } => write!(f, "lose packets ({probability})"),
            LinkFault::Duplicating { probability } => write!(f, "double packets ({probability})"),
            LinkFault::Reordering(Reorder { probability, by }) => {
                write!(f, "delay packets by up to {} ({probability})", Time::from(by))
            }
            LinkFault::Corrupting { probability } => write!(f, "damage datagrams ({probability})"),
            LinkFault::Thin(world::Bandwidth { bytes_per_second, .. }) => {
                write!(f, "pass {bytes_per_second} bytes a second")
            }
        }
    }
}
