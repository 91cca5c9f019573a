//! How segments travel: departure, arrival, and the two timers that keep a direction from hanging.
//!
//! The fast path is [`Tcp::send_segment`], one madsim timer, and [`Tcp::segment_arrives`].
//!
//! **Stall.** A segment that is lost (by chance, to a cut, to a machine without power) goes back to its sender, and the
//! direction stalls: everything new waits behind it, and a retransmission timer backs off from 200 ms to 2 min. A stall
//! ends when a retransmission can arrive *and* its acknowledgement can come back; after the user time-out the sender's
//! end fails with `TimedOut`. So a cut of only the reverse direction delivers the data and times the sender out.
//! Where a hold ends, on either of the two links, what waited for it flows at once.
//!
//! **Crowd.** What finds no room in the queue of a link waits with its sender, who goes on when half of the queue has
//! drained: in place of congestion control, whose acknowledgements would tell it just that.
//!
//! **Block.** A writer that found no room waits for a window update. As that can be lost, a persist timer asks again,
//! with the same back-off and the same time-out when nobody answers.

use super::direction::{Blocked, Shelf, Stall};
use super::packet::{PacketKind, TCP_HEADER};
use super::{ConnectionId, EndState, Side, Tcp, observe, wake};
use crate::world::net::wire::{Passage, Way};
use crate::world::net::{Event, Ip};
use crate::world::record::{Happening, MessageStep, Observed};
use crate::world::{Ground, lend};
use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};

const FIRST_RETRANSMISSION: u64 = 200_000_000;
const LAST_RETRANSMISSION: u64 = 120_000_000_000;
/// Without an acknowledgement for this long the connection is dead (2 min), unless an application says otherwise.
pub(super) const USER_TIMEOUT: u64 = 120_000_000_000;
/// How long a sender that found room in a crowded queue lets others go first (10 µs).
const CROWDED: u64 = 10_000;

/// What became of a stalled direction.
enum Flow {
    /// The stall is over.
    Free,
    /// Nothing got through, or no acknowledgement will.
    Stalled,
    /// The link's queue is full, perhaps of what was just sent.
    Crowded {
        /// When it will be half empty, in ns.
        roomy_at: u64,
        /// Something was sent, and will be acknowledged.
        moved: bool,
    },
}

impl Tcp {
    /// Sends bytes that are in the direction's buffer already.
    pub(super) fn send_segment(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: ConnectionId,
        side: Side,
        len: usize,
        fin: bool,
    ) {
        let now = ground.clock.now_ns();
        let connection = &mut self.connections[id.slot as usize];
        let way = connection.way(side);
        let direction = connection.direction(side);
        if direction.stall.is_some() {
            direction.shelve(Shelf::Sender, len, fin);
            return self.tell(ground, now, id, side, MessageStep::Waits);
        }
        let found = self.finds_way(ground, ip, now, id, side);
        if found && way.is_loopback() {
            let direction = self.connections[id.slot as usize].direction(side);
            direction.send(now, len, fin);
            let epoch = direction.epoch;
            self.segment_arrives(ground, ip, id, side, epoch);
            return;
        }
        let shelf = match if found { ip.wire.departs(way) } else { Passage::Lost } {
            Passage::Travels(()) => return self.launch(ground, ip, now, id, side, (len, fin)),
            Passage::Held => Shelf::Wire,
            Passage::Lost => Shelf::Sender,
        };
        self.connections[id.slot as usize].direction(side).shelve(shelf, len, fin);
        self.tell(ground, now, id, side, shelf.step());
        self.stall(ground, now, id, side);
    }

    /// Tells the trace which messages have left the wire, or are on it again.
    fn tell(&self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side, step: MessageStep) {
        if ground.record.is_recording() {
            let shelved = self.connections[id.slot as usize].directions[side as usize].shelved();
            ground.record.kept_back(at, id.stream(side), shelved, step);
        }
    }

    /// Data leaves over a link that is up: as much as fits into its queue.
    fn launch(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        now: u64,
        id: ConnectionId,
        side: Side,
        (len, fin): (usize, bool),
    ) {
        let way = self.connections[id.slot as usize].way(side);
        let fits = ip.wire.fits(now, way, TCP_HEADER, len);
        if fits == Some(len) {
            let transit = ip.wire.transit(now, way, TCP_HEADER + len);
            let direction = self.connections[id.slot as usize].direction(side);
            if transit.lost {
                direction.shelve(Shelf::Sender, len, fin);
                self.tell(ground, now, id, side, MessageStep::Lost);
                self.stall(ground, now, id, side);
                return;
            }
            let at = (now + transit.latency).max(direction.last_at);
            if direction.send(at, len, fin) {
                // TCP's windows limit it: it counts, and is never refused.
                ip.load.admit(len);
                self.arm_arrival(ground, ip, id, side, at);
            }
            return;
        }
        if let Some(fits) = fits {
            self.launch(ground, ip, now, id, side, (fits, false));
        }
        let rest = len - fits.unwrap_or(0);
        self.connections[id.slot as usize].direction(side).shelve(Shelf::Sender, rest, fin);
        self.tell(ground, now, id, side, MessageStep::Waits);
        let roomy_at = ip.wire.roomy_at(now, way);
        self.stall_until(ground, now, id, side, roomy_at);
    }

    fn arm_arrival(&mut self, ground: &mut Ground, ip: &mut Ip, id: ConnectionId, side: Side, at: u64) {
        let direction = &self.connections[id.slot as usize].directions[side as usize];
        let epoch = direction.epoch;
        if !ground.clock.arm(at, direction.arrival()) {
            self.segment_arrives(ground, ip, id, side, epoch);
        }
    }

    /// The head of a direction's queue reaches its destination. Runs in a timer's callback: arms nothing.
    pub(in crate::world::net) fn segment_arrives(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: ConnectionId,
        side: Side,
        epoch: u32,
    ) {
        let Some(connection) = self.connection(id) else { return };
        let way = connection.way(side);
        let direction = connection.direction(side);
        let Some(segment) = direction.head().filter(|_| direction.epoch == epoch) else { return };
        let at = segment.at;
        let mut acknowledged = true;
        if !way.is_loopback() || connection.virtual_ends {
            match ip.wire.arrives(way, || connection.is_taken(ground, &ip.addresses, side.other())) {
                Passage::Travels(()) => {}
                Passage::Held => return self.miss(ground, at, id, side, Shelf::Wire),
                Passage::Lost => return self.miss(ground, at, id, side, Shelf::Sender),
            }
            acknowledged = self.acknowledges(ground, ip, at, id, side);
            if acknowledged {
                self.confirm_owner(ip, at, id, side);
            }
        }
        self.establish_acceptor(ground, ip, at, id);
        let Some(connection) = self.connection(id) else { return };
        let receiver = connection.end(side.other());
        if receiver.state != EndState::Open || !receiver.held {
            self.meet_dead_end(ground, ip, at, id, side);
            return;
        }
        wake(&mut receiver.reader);
        let record = &mut ground.record;
        record.count_message(segment.len);
        record.event(Observed::Delivery, at, way.word(), segment.len as u64);
        let (first, second) = connection.direction(side).deliver_head();
        record.bytes(first);
        record.bytes(second);
        let (Way { from, to }, bytes, fin) = (way, segment.len, segment.fin);
        record.keep(at, || Happening::Delivered { from, to, bytes, fin });
        record.arrived(at, id.stream(side), bytes, MessageStep::Delivered);
        if !acknowledged {
            self.stall(ground, at, id, side);
        }
    }

    /// Whether what one side sends now reaches the other's machine, but for chance.
    pub(super) fn reaches(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
    ) -> bool {
        let connection = &self.connections[id.slot as usize];
        let way = connection.way(side);
        if !connection.virtual_ends {
            return ip.wire.is_open(way) && ground.machines.is_up(way.to);
        }
        ip.wire.is_open(way)
            && self.finds_way(ground, ip, at, id, side)
            && self.connections[id.slot as usize].is_taken(ground, &ip.addresses, side.other())
    }

    /// Whether acknowledgements of what one side sends find their way back.
    pub(super) fn acknowledges(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
    ) -> bool {
        self.reaches(ground, ip, at, id, side.other())
    }

    /// The head does not arrive. Its sender has a copy, unless it is dead.
    fn miss(&mut self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side, shelf: Shelf) {
        let connection = &mut self.connections[id.slot as usize];
        let sender_lives = connection.end(side).state != EndState::Gone;
        let direction = connection.direction(side);
        if shelf == Shelf::Sender && !sender_lives {
            let lost = direction.lose_head();
            ground.record.arrived(at, id.stream(side), lost, MessageStep::Lost);
            return;
        }
        direction.recall(shelf, |epoch| arrival(id, side, epoch));
        self.tell(ground, at, id, side, shelf.step());
        self.stall(ground, at, id, side);
    }

    /// The head reaches an end at which nobody reads any more: it is answered by RST.
    fn meet_dead_end(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        let segment = connection.direction(side).head().expect("it has just arrived");
        connection.direction(side).lose_head();
        ground.record.arrived(at, id.stream(side), segment.len, MessageStep::Refused);
        let gone = connection.end(side.other()).state == EndState::Gone;
        // A FIN that meets a FIN is the ordinary end of a connection, and owed no answer.
        if gone || segment.len > 0 {
            self.send_packet(ground, ip, at, id, side.other(), PacketKind::Rst);
            self.connections[id.slot as usize].give_up(side.other());
        }
    }

    /// Starts the retransmission timer of a direction, unless it runs already or its sender is dead.
    fn stall(&mut self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side) {
        self.stall_until(ground, at, id, side, at + FIRST_RETRANSMISSION);
    }

    fn stall_until(&mut self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side, next: u64) {
        let connection = &mut self.connections[id.slot as usize];
        let dead = connection.end(side).state == EndState::Gone;
        let direction = connection.direction(side);
        if direction.stall.is_none() && !dead {
            let number = direction.next_timer();
            direction.stall = Some(Stall { since: at, attempt: 0, number });
            ground.agenda.push(next, Event::Retransmit { connection: id, side, stall: number });
        }
    }

    pub(in crate::world::net) fn retransmit(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
        number: u32,
    ) {
        let Some(connection) = self.connection(id) else { return };
        let Some(stall) = connection.direction(side).stall.as_mut().filter(|stall| stall.number == number)
        else {
            return;
        };
        stall.attempt += 1;
        let Stall { since, attempt, .. } = *stall;
        let timeout = connection.end(side).user_timeout;
        let next = match self.flow(ground, ip, at, id, side) {
            Flow::Free => return,
            Flow::Stalled => next_attempt(at, attempt, since, timeout),
            Flow::Crowded { roomy_at, moved } => {
                let Some(connection) = self.connection(id) else { return };
                let Some(stall) = connection.direction(side).stall.as_mut() else { return };
                if moved {
                    (stall.since, stall.attempt) = (at, 0);
                }
                // Who has just had its turn comes after those who wait in vain.
                let next = roomy_at + if moved { CROWDED } else { 0 };
                (at < stall.since + timeout).then(|| next.max(at + CROWDED))
            }
        };
        match next {
            Some(next) => ground.agenda.push(next, Event::Retransmit { connection: id, side, stall: number }),
            None => self.time_out(ground, at, id, side),
        }
    }

    /// Sends what is shelved, if its link is up.
    fn flow(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId, side: Side) -> Flow {
        let way = self.connections[id.slot as usize].way(side);
        if !self.reaches(ground, ip, at, id, side) {
            return Flow::Stalled;
        }
        let acknowledged = self.acknowledges(ground, ip, at, id, side);
        let direction = self.connections[id.slot as usize].direction(side);
        if direction.has_shelved() {
            let len = direction.shelved();
            let Some(fits) = ip.wire.fits(at, way, TCP_HEADER, len) else {
                return Flow::Crowded { roomy_at: ip.wire.roomy_at(at, way), moved: false };
            };
            let transit = ip.wire.transit(at, way, TCP_HEADER + fits);
            if transit.lost {
                return Flow::Stalled;
            }
            let direction = self.connections[id.slot as usize].direction(side);
            let arrival = (at + transit.latency).max(direction.last_at);
            direction.resend(arrival, fits);
            self.tell(ground, at, id, side, MessageStep::Resent);
            self.arm_arrival(ground, ip, id, side, arrival);
            if fits < len {
                return Flow::Crowded { roomy_at: ip.wire.roomy_at(at, way), moved: acknowledged };
            }
        }
        if !acknowledged {
            return Flow::Stalled;
        }
        // What was sent with no latency may have ended the connection.
        if let Some(connection) = self.connection(id) {
            connection.direction(side).stall = None;
        }
        Flow::Free
    }

    /// A way is open again after a hold: the data and the acknowledgements that waited on it travel on.
    pub(in crate::world::net) fn release(&mut self, ground: &mut Ground, ip: &mut Ip, way: Way) {
        let now = ground.clock.now_ns();
        let freed: Vec<(ConnectionId, Side)> = self
            .ends()
            .filter(|(connection, (_, side))| {
                let direction = &connection.directions[*side as usize];
                let sends = connection.way(*side);
                sends == way && direction.has_shelved()
                    || (sends == way || sends == way.back()) && direction.stall.is_some()
            })
            .map(|(_, end)| end)
            .collect();
        for (id, side) in freed {
            if self.connection(id).is_some() {
                self.flow(ground, ip, now, id, side);
            }
        }
    }

    /// A way is cut: what a hold kept on its wire is lost.
    pub(in crate::world::net) fn lose_held(&mut self, way: Way) {
        let held: Vec<(ConnectionId, Side)> = self
            .ends()
            .filter(|(connection, (_, side))| connection.way(*side) == way)
            .map(|(_, end)| end)
            .collect();
        for (id, side) in held {
            let connection = &mut self.connections[id.slot as usize];
            connection.direction(side).lose_held();
            if connection.end(side).state == EndState::Gone {
                connection.give_up(side);
            }
        }
    }

    /// The writer of a direction waits for room from now on.
    pub(super) fn block_writer(&mut self, ground: &mut Ground, id: ConnectionId, side: Side) {
        let now = ground.clock.now_ns();
        let direction = self.connections[id.slot as usize].direction(side);
        if direction.blocked.is_none() {
            let number = direction.next_timer();
            direction.blocked = Some(Blocked { announced: false, number });
            let probe = Event::ProbeWindow { connection: id, side, block: number, attempt: 0, heard: now };
            ground.agenda.push(now + FIRST_RETRANSMISSION, probe);
        }
    }

    /// The reader of a direction has made room: a blocked writer is told, once.
    pub(super) fn announce_room(&mut self, ground: &mut Ground, ip: &mut Ip, id: ConnectionId, side: Side) {
        let direction = self.connections[id.slot as usize].direction(side);
        let roomy = direction.is_roomy();
        if let Some(blocked) = direction.blocked.as_mut().filter(|blocked| roomy && !blocked.announced) {
            blocked.announced = true;
            self.send_packet(ground, ip, ground.clock.now_ns(), id, side.other(), PacketKind::Window);
        }
    }

    pub(super) fn unblock_writer(&mut self, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        if connection.direction(side).room() > 0 {
            connection.direction(side).blocked = None;
            wake(&mut connection.end(side).writer);
        }
    }

    /// The persist timer: asks for room, `heard` being the last sign of life.
    pub(in crate::world::net) fn probe_window(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
        (number, attempt, mut heard): (u32, u32, u64),
    ) {
        let Some(connection) = self.connection(id) else { return };
        if connection.direction(side).blocked.is_none_or(|blocked| blocked.number != number) {
            return;
        }
        let timeout = connection.end(side).user_timeout;
        let reader = connection.end(side.other());
        let reader_lives = reader.held && reader.state != EndState::Gone;
        let there = self.reaches(ground, ip, at, id, side);
        let and_back = self.acknowledges(ground, ip, at, id, side);
        if there && !reader_lives {
            self.send_packet(ground, ip, at, id, side.other(), PacketKind::Rst);
        } else if there && and_back {
            heard = at;
            self.unblock_writer(id, side);
            if self.connections[id.slot as usize].direction(side).blocked.is_none() {
                return;
            }
        }
        match next_attempt(at, attempt + 1, heard, timeout) {
            Some(next) => {
                let attempt = attempt + 1;
                let probe = Event::ProbeWindow { connection: id, side, block: number, attempt, heard };
                ground.agenda.push(next, probe);
            }
            None => self.time_out(ground, at, id, side),
        }
    }

    pub(super) fn time_out(&mut self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        let way = connection.way(side);
        connection.fail(side, io::ErrorKind::TimedOut);
        observe(ground, at, way, "timed out");
    }
}

/// The waker of a segment's timer: delivers instead of waking a task.
struct Arrival {
    connection: ConnectionId,
    side: Side,
    epoch: u32,
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Arrival { connection, side, epoch } = **self;
        // The clock may go on once more when the run has ended.
        let _ = lend(|world| {
            world.tcp(|tcp, ground, ip| tcp.segment_arrives(ground, ip, connection, side, epoch));
        });
    }
}

/// The waker for the timers of what one side sends, in one epoch.
pub(super) fn arrival(connection: ConnectionId, side: Side, epoch: u32) -> Waker {
    Waker::from(Arc::new(Arrival { connection, side, epoch }))
}

/// When to try again after the given attempt: after 200 ms, doubled by each attempt, at most 2 min. Not beyond the user
/// time-out, which ends in a last attempt; none after that.
fn next_attempt(at: u64, attempt: u32, since: u64, timeout: u64) -> Option<u64> {
    let delay = (FIRST_RETRANSMISSION << attempt.min(16)).min(LAST_RETRANSMISSION);
    let deadline = since + timeout;
    (at < deadline).then(|| (at + delay).min(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_back_off_and_end_with_the_user_time_out() {
        let mut attempts = vec![FIRST_RETRANSMISSION];
        while let Some(next) =
            next_attempt(attempts[attempts.len() - 1], attempts.len() as u32, 0, USER_TIMEOUT)
        {
            attempts.push(next);
        }
        let ms: Vec<u64> = attempts.iter().map(|at| at / 1_000_000).collect();
        assert_eq!(ms, [200, 600, 1400, 3000, 6200, 12600, 25400, 51000, 102_200, 120_000]);
    }
}
