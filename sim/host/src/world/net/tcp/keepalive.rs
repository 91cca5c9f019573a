//! Keep-alive: an end that wants to know asks its silent peer whether it is still there.
//!
//! A timer runs for each end that asked for it. It looks at the last arrival from the peer; once that is `idle` ago,
//! the peer is probed, and again every `interval`, until an answer has come (then it begins anew) or `count` probes had
//! none: the end fails with `TimedOut`. While data waits for a retransmission the user time-out judges, and nothing is
//! probed: Linux's rule. A peer whose machine has lost the connection answers by RST, which travels the link.
//!
//! Probe and answer take no time, and are lost only to a link that is not up: as with acknowledgements.

use super::packet::PacketKind;
use super::{ConnectionId, EndState, Side, Tcp, died};
use crate::net::Keepalive;
use crate::world::Ground;
use crate::world::net::{Event, Ip};
use std::io;

/// The keep-alive of one end.
pub(super) struct Probing {
    options: Keepalive,
    /// Tells its timer from earlier ones.
    number: u32,
}

impl Tcp {
    pub(in crate::world) fn set_keepalive(
        &mut self,
        ground: &mut Ground,
        id: ConnectionId,
        side: Side,
        options: Option<Keepalive>,
    ) -> io::Result<()> {
        let now = ground.clock.now_ns();
        let connection = self.connection(id).ok_or_else(died)?;
        if options.is_some_and(|options| options.count == 0 || options.interval.is_zero()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let number = connection.direction(side).next_timer();
        connection.end(side).keepalive = options.map(|options| Probing { options, number });
        if let Some(options) = options {
            ground.agenda.push(
                now + options.idle.as_nanos() as u64,
                Event::KeepAlive { connection: id, side, number, unanswered: 0, since: now },
            );
        }
        Ok(())
    }

    /// The timer of an end: `unanswered` probes since it was last known to be alive, at `since` or later.
    pub(in crate::world::net) fn keep_alive(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
        (number, unanswered, since): (u32, u32, u64),
    ) {
        let Some(connection) = self.connection(id) else { return };
        let peer_gone = connection.end(side.other()).state == EndState::Gone;
        let heard = connection.direction(side.other()).last_at;
        let since = if heard <= at { since.max(heard) } else { since };
        let stalled = connection.direction(side).stall.is_some();
        let end = connection.end(side);
        let Some(Probing { options, .. }) = end.keepalive.as_ref().filter(|probing| probing.number == number)
        else {
            return;
        };
        if end.state != EndState::Open {
            return;
        }
        let (idle, interval) = (options.idle.as_nanos() as u64, options.interval.as_nanos() as u64);
        let count = options.count;
        let silent = at.saturating_sub(since);
        let (unanswered, since, next) = if stalled {
            (0, since, at + interval.max(idle))
        } else if silent < idle {
            (0, since, since + idle)
        } else if unanswered >= count {
            return self.time_out(ground, at, id, side);
        } else if self.reaches(ground, ip, at, id, side) {
            if peer_gone {
                self.send_packet(ground, ip, at, id, side.other(), PacketKind::Rst);
                (unanswered + 1, since, at + interval)
            } else if self.acknowledges(ground, ip, at, id, side) {
                (0, at, at + idle)
            } else {
                (unanswered + 1, since, at + interval)
            }
        } else {
            (unanswered + 1, since, at + interval)
        };
        ground.agenda.push(next, Event::KeepAlive { connection: id, side, number, unanswered, since });
    }
}
