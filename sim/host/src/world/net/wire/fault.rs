//! What makes a link worse for a while.

use super::settings::LIMITS;
use super::{Bandwidth, LinkSettings, Reorder};
use crate::world::OutOfRange;
use std::time::Duration;

/// Something that is wrong with a link that is up. Faults overlap each other and the link's settings: the worst of each
/// kind counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LinkFault {
    /// Every packet takes so much longer: a detour through another continent, a saturated path.
    Slow {
        /// By how much.
        by: Duration,
    },
    /// Packets are lost: a bad cable, an overloaded switch.
    Lossy {
        /// How likely each is.
        probability: f64,
    },
    /// Packets arrive twice: a loop that spanning tree has not closed yet.
    Duplicating {
        /// How likely each is.
        probability: f64,
    },
    /// Packets overtake each other: several paths of unequal length.
    Reordering(Reorder),
    /// Datagrams are damaged: bad memory in a router, which computes the checksum anew.
    Corrupting {
        /// How likely each is.
        probability: f64,
    },
    /// Little passes: a neighbour's backup, a fall-back line.
    Thin(Bandwidth),
}

impl LinkFault {
    /// Whether there can be such a fault.
    ///
    /// # Errors
    ///
    /// The parameter that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        match *self {
            LinkFault::Slow { .. } => Ok(()),
            LinkFault::Lossy { probability } => LIMITS.probability("lossy.probability", probability),
            LinkFault::Duplicating { probability } => {
                LIMITS.probability("duplicating.probability", probability)
            }
            LinkFault::Reordering(Reorder { probability, .. }) => {
                LIMITS.probability("reordering.probability", probability)
            }
            LinkFault::Corrupting { probability } => {
                LIMITS.probability("corrupting.probability", probability)
            }
            LinkFault::Thin(bandwidth) => bandwidth.check(),
        }
    }
}

/// Settings and faults together.
pub(super) struct Worst {
    pub(super) slow_by: Duration,
    pub(super) loss: f64,
    pub(super) duplicate: f64,
    pub(super) reorder: Option<Reorder>,
    pub(super) corrupt: f64,
    pub(super) bandwidth: Option<Bandwidth>,
}

pub(super) fn worst(settings: &LinkSettings, faults: &[LinkFault]) -> Worst {
    let mut worst = Worst {
        slow_by: Duration::ZERO,
        loss: settings.loss,
        duplicate: settings.duplicate,
        reorder: settings.reorder,
        corrupt: settings.corrupt,
        bandwidth: settings.bandwidth,
    };
    for fault in faults {
        match *fault {
            LinkFault::Slow { by } => worst.slow_by = worst.slow_by.max(by),
            LinkFault::Lossy { probability } => worst.loss = worst.loss.max(probability),
            LinkFault::Duplicating { probability } => worst.duplicate = worst.duplicate.max(probability),
            LinkFault::Reordering(Reorder { probability, by }) => {
                worst.reorder = Some(worst.reorder.map_or(Reorder { probability, by }, |other| Reorder {
                    probability: other.probability.max(probability),
                    by: other.by.max(by),
                }));
            }
            LinkFault::Corrupting { probability } => worst.corrupt = worst.corrupt.max(probability),
            LinkFault::Thin(thin) => {
                let thinner = |other: Bandwidth| {
                    if other.bytes_per_second < thin.bytes_per_second { other } else { thin }
                };
                worst.bandwidth = Some(worst.bandwidth.map_or(thin, thinner));
            }
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Latency;

    #[test]
    fn the_worst_of_settings_and_faults_counts() {
        let settings = LinkSettings { loss: 0.2, ..LinkSettings::new(Latency::constant(Duration::ZERO)) };
        let (thin, thinner) = (
            Bandwidth { bytes_per_second: 1000, queue: 9000 },
            Bandwidth { bytes_per_second: 100, queue: 90_000 },
        );
        let faults = [
            LinkFault::Lossy { probability: 0.1 },
            LinkFault::Slow { by: Duration::from_millis(5) },
            LinkFault::Slow { by: Duration::from_millis(3) },
            LinkFault::Thin(thinner),
            LinkFault::Thin(thin),
        ];
        let worst = worst(&settings, &faults);
        assert_eq!(
            (worst.loss, worst.slow_by, worst.bandwidth),
            (0.2, Duration::from_millis(5), Some(thinner))
        );
    }
}
