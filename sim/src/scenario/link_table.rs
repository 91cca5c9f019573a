//! A fault of links as it stands in the file: `link = { between = [["n1"], ["n2"]], fault = "slow", by = "200ms" }`.

use super::fault_table::{FaultError, wrong};
use super::link::{LinkAction, Links};
use super::network::{Bandwidth, Reorder};
use super::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Links that are up, and not well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkTable {
    /// The links between machines of different groups, both ways; or `from` and `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    between: Option<Vec<Vec<String>>>,
    /// The links from these; with `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Vec<String>>,
    /// The links to these; with `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
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

impl LinkTable {
    pub(super) fn new(links: Links, action: LinkAction) -> Self {
        let mut table = LinkTable {
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
            Links::Between(groups) => table.between = Some(groups),
            Links::OneWay { from, to } => (table.from, table.to) = (Some(from), Some(to)),
        }
        table.fault = match action {
            LinkAction::Slow { .. } => Word::Slow,
            LinkAction::Lossy { .. } => Word::Lossy,
            LinkAction::Duplicating { .. } => Word::Duplicating,
            LinkAction::Reordering(_) => Word::Reordering,
            LinkAction::Corrupting { .. } => Word::Corrupting,
            LinkAction::Thin(_) => Word::Thin,
        };
        match action {
            LinkAction::Slow { by } => table.by = Some(by),
            LinkAction::Lossy { probability }
            | LinkAction::Duplicating { probability }
            | LinkAction::Corrupting { probability } => table.probability = Some(probability),
            LinkAction::Reordering(Reorder { probability, by }) => {
                (table.probability, table.by) = (Some(probability), Some(by));
            }
            LinkAction::Thin(Bandwidth { bytes_per_second, queue }) => {
                table.bytes_per_second = Some(bytes_per_second);
                table.queue = (queue != Bandwidth::default_queue()).then_some(queue);
            }
        }
        table
    }

    pub(super) fn links(&self) -> Result<Links, FaultError> {
        match (&self.between, &self.from, &self.to) {
            (Some(groups), None, None) => Ok(Links::Between(groups.clone())),
            (None, Some(from), Some(to)) => Ok(Links::OneWay { from: from.clone(), to: to.clone() }),
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

    pub(super) fn action(&self) -> Result<LinkAction, FaultError> {
        let belong: &[&str] = match self.fault {
            Word::Slow => &["link.by"],
            Word::Lossy | Word::Duplicating | Word::Corrupting => &["link.probability"],
            Word::Reordering => &["link.probability", "link.by"],
            Word::Thin => &["link.bytes_per_second", "link.queue"],
        };
        let given = [
            ("link.probability", self.probability.is_some()),
            ("link.by", self.by.is_some()),
            ("link.bytes_per_second", self.bytes_per_second.is_some()),
            ("link.queue", self.queue.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !belong.contains(key)) {
            let says = format!("`{}` does not belong to this fault of a link", &key["link.".len()..]);
            return Err(wrong(key, says, "remove it"));
        }
        let missing = |key: &str, example: &str| {
            wrong("link", format!("this fault of a link needs `{key}`"), format!("add {key} = {example}"))
        };
        let probability = || self.probability.ok_or_else(|| missing("probability", "0.1"));
        let by = || self.by.ok_or_else(|| missing("by", "\"200ms\""));
        Ok(match self.fault {
            Word::Slow => LinkAction::Slow { by: by()? },
            Word::Lossy => LinkAction::Lossy { probability: probability()? },
            Word::Duplicating => LinkAction::Duplicating { probability: probability()? },
            Word::Reordering => LinkAction::Reordering(Reorder { probability: probability()?, by: by()? }),
            Word::Corrupting => LinkAction::Corrupting { probability: probability()? },
            Word::Thin => LinkAction::Thin(Bandwidth {
                bytes_per_second: self
                    .bytes_per_second
                    .ok_or_else(|| missing("bytes_per_second", "20000"))?,
                queue: self.queue.unwrap_or_else(Bandwidth::default_queue),
            }),
        })
    }
}
