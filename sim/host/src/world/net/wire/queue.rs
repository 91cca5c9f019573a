//! The queue in front of a link that has a bandwidth: first in, first out, and what finds no room is lost.
//!
//! Nothing is stored. A link that sends without a pause until `busy_until` has exactly as many bytes waiting as pass in
//! the time until then.

use super::Bandwidth;

const SECOND: u128 = 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// When everything that waits has left, in ns.
    busy_until: u64,
}

impl Queue {
    /// Bytes that can still join now.
    pub(super) fn room(&self, now: u64, bandwidth: Bandwidth) -> usize {
        let waits = u128::from(self.busy_until.saturating_sub(now));
        let waiting = waits * u128::from(bandwidth.bytes_per_second) / SECOND;
        u128::from(bandwidth.queue).saturating_sub(waiting) as usize
    }

    /// A packet joins. Returns when its last byte has left, in ns from now; none when it finds no room.
    pub(super) fn pass(&mut self, now: u64, size: usize, bandwidth: Bandwidth) -> Option<u64> {
        (size <= self.room(now, bandwidth)).then(|| {
            self.busy_until = self.busy_until.max(now) + time_for(size as u64, bandwidth);
            self.busy_until - now
        })
    }

    /// When half of the queue is free again.
    pub(super) fn roomy_at(&self, now: u64, bandwidth: Bandwidth) -> u64 {
        self.busy_until.saturating_sub(time_for(bandwidth.queue / 2, bandwidth)).max(now)
    }
}

/// How long so many bytes take to leave, in ns.
fn time_for(bytes: u64, bandwidth: Bandwidth) -> u64 {
    let nanos = (u128::from(bytes) * SECOND).div_ceil(u128::from(bandwidth.bytes_per_second));
    u64::try_from(nanos).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte a microsecond.
    const THIN: Bandwidth = Bandwidth { bytes_per_second: 1_000_000, queue: 3000 };

    #[test]
    fn packets_leave_one_after_the_other() {
        let mut queue = Queue::default();
        assert_eq!(queue.pass(0, 1000, THIN), Some(1_000_000));
        assert_eq!(queue.pass(400_000, 1000, THIN), Some(1_600_000));
        assert_eq!(queue.pass(5_000_000, 1000, THIN), Some(1_000_000));
    }

    #[test]
    fn what_finds_no_room_is_lost_and_delays_nobody() {
        let mut queue = Queue::default();
        assert_eq!(queue.pass(0, 2500, THIN), Some(2_500_000));
        assert_eq!(queue.pass(0, 501, THIN), None);
        assert_eq!(queue.pass(0, 500, THIN), Some(3_000_000));
    }

    #[test]
    fn a_queue_is_roomy_when_half_of_it_has_left() {
        let mut queue = Queue::default();
        queue.pass(0, 3000, THIN);
        let at = queue.roomy_at(0, THIN);
        assert_eq!((at, queue.room(at, THIN)), (1_500_000, 1500));
    }
}
