//! The network: what its links are like, and which are different.

use super::cast::Name;
use super::model::Latency;
use super::units::Time;
use host::world::{self, LinkSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The network between all machines, the clients' included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// One-way latency of every link.
    pub latency: Latency,
    /// Probability that a packet is lost, 0 to below 1. TCP retransmits.
    pub loss: f64,
    /// Probability that a packet arrives twice. TCP throws the copy away.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicate: f64,
    /// Some packets are overtaken by later ones. TCP puts them in order, and waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// Probability that one byte of a UDP datagram arrives as another.
    #[serde(skip_serializing_if = "is_zero")]
    pub corrupt: f64,
    /// How much a link passes; without it, everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// Links that differ.
    #[serde(rename = "link", skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// Packets that are late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// The probability that a packet takes a detour.
    pub probability: f64,
    /// How long the detour takes at most.
    pub by: Time,
}

/// A link that passes so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// Bytes a second, headers included.
    pub bytes_per_second: u64,
    /// How many bytes may wait; what finds no room is lost.
    #[serde(default = "Bandwidth::default_queue")]
    pub queue: u64,
}

/// Links that differ from the rest; what is not said is as for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Packets from these …
    pub from: Vec<Name>,
    /// … to these; the way back is another link.
    pub to: Vec<Name>,
    /// One-way latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Probability that a packet is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Probability that a packet arrives twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<f64>,
    /// Some packets are overtaken by later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// Probability that one byte of a UDP datagram arrives as another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<f64>,
    /// How much it passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
}

// serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_zero(probability: &f64) -> bool {
    *probability == 0.0
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

impl Network {
    /// What every link is like that [`Network::links`] does not name.
    pub(crate) fn in_the_world(&self) -> LinkSettings {
        LinkSettings {
            latency: self.latency.in_the_world(),
            loss: self.loss,
            duplicate: self.duplicate,
            reorder: self.reorder.map(Reorder::in_the_world),
            corrupt: self.corrupt,
            bandwidth: self.bandwidth.map(Bandwidth::in_the_world),
        }
    }
}

impl Link {
    /// What it is like, where the others are like that.
    pub(crate) fn in_the_world(&self, others: &LinkSettings) -> LinkSettings {
        LinkSettings {
            latency: self.latency.map_or_else(|| others.latency.clone(), Latency::in_the_world),
            loss: self.loss.unwrap_or(others.loss),
            duplicate: self.duplicate.unwrap_or(others.duplicate),
            reorder: self.reorder.map(Reorder::in_the_world).or(others.reorder),
            corrupt: self.corrupt.unwrap_or(others.corrupt),
            bandwidth: self.bandwidth.map(Bandwidth::in_the_world).or(others.bandwidth),
        }
    }
}

impl Reorder {
    pub(crate) fn in_the_world(self) -> world::Reorder {
        world::Reorder { probability: self.probability, by: self.by.get() }
    }
}

impl Bandwidth {
    pub(crate) fn in_the_world(self) -> world::Bandwidth {
        world::Bandwidth { bytes_per_second: self.bytes_per_second, queue: self.queue }
    }

    /// 64 KiB: a cheap switch.
    pub(super) fn default_queue() -> u64 {
        64 << 10
    }
}

impl Default for Network {
    fn default() -> Self {
        Network {
            latency: Latency::Uniform { from: Time::from_millis(1), to: Time::from_millis(10) },
            loss: 0.0,
            duplicate: 0.0,
            reorder: None,
            corrupt: 0.0,
            bandwidth: None,
            links: Vec::new(),
        }
    }
}
