//! A booking service that keeps a log of commands: rooms by hotel, room and night, prices by occupancy and currency.
//!
//! # The algorithm
//!
//! A command is *validated* against all that is written, *logged*, *answered* once nobody can take it back, and *applied*.
//! A state is the fold of the log, wherever it is folded: when a command is new, when it is replayed after a crash, and at
//! the standby. Prices and availability change by commands, too; so what a night cost on the day of a booking is known
//! however late one asks.
//!
//! *Versions* are the places of lines in the log. What is next follows from the last line that is there, and never from a
//! count of bookings, commands or snapshots; each line says its own, and replay checks it.
//!
//! *Ids.* A command has an id that its client made up, and is done once. The answer is kept until the same client asks for
//! something else, a refusal too: so what is kept grows with the clients, not with the commands.
//!
//! *Cancellations* are compensations: a command of its own that undoes the effect of another. The log takes nothing back.
//!
//! *Poison* is a command that cannot be done when its turn comes: an import that was never validated, a line that nobody
//! can read, a booking of what a later configuration does not offer. It is *set aside* by the fold itself, at the same
//! place wherever the log is folded, with a report; recovery goes on. A person inspects it, and discards it or makes up
//! for it, each by a command ([`poison`], [`settle`], or a client).
//!
//! *Snapshots* are written on a timer that is armed again each time, and only of what is done. Two are kept, with the
//! log behind the older: where the newest cannot be read, the older one and the log lead to the same state.
//!
//! *A standby* dials the primary, gets each line once it is durable there, writes it to a log of its own, and says so.
//! From the line on that says *accompanied*, the primary promises nothing that its standby has not. A standby whose log
//! says so can be told to take over: the line that says it begins an *epoch*, and whoever hears of a later one steps down,
//! and copies the state if it had gone its own way.
//!
//! # The source
//!
//! "CQRS Bookings" (1 and 2): a process that keeps availability, bookings and commands in a table by version, a snapshot
//! by a timer, and replay of what is newer. Its open ends are the [`Flaw`]s here: it does not take a room off the offer,
//! looks at the first night alone, does not count while it replays, does not arm its timer again, and asks what becomes of
//! poison. That a standby must hold what was acknowledged, and that an epoch fences, is how PostgreSQL and viewstamped
//! replication do it.
//!
//! # Invariants
//!
//! * No room is sold twice for a night.
//! * A command that was acknowledged has its effect, once, in every later state; a version is never used again.
//! * A price stays what was told. What was charged less what was paid back is what the standing bookings cost.
//! * Restarted ⇒ serving, whatever is in the log of ours. What is replayed is what a period of the timer brought.
//! * A standby agrees with its primary, line by line; healed ⇒ one primary, accompanied.
//!
//! # What it gives up
//!
//! Writes wait while an accompanied primary is without its standby: of two nodes one alone cannot know whether the other
//! has taken over. Nobody takes over unless told. [`Client::find`] is answered by any node, and may be behind. What is on
//! offer at first is configuration: changed, it makes poison of what it does not allow any more. A state is copied as one
//! frame, of 64 MiB at most.
//!
//! # Where to look
//!
//! * dates (`calendar.rs`), what is on offer (`offer.rs`), the rules (`rules.rs`), why they say no ([`Refusal`])
//! * the log and its fold (`journal.rs`), what was set aside (`poison.rs`)
//! * the node: [`run`] and [`serve`] (`node.rs`), shipping (`node/standby.rs`), clients (`client_port.rs`)
//! * [`Client`] (`client.rs`); what is said and written (`message.rs`); [`Config`], [`Options`] (`options.rs`)
//! * what a checker sees: [`View`] (`view.rs`), [`PROBES`] (here)

mod calendar;
mod client;
mod client_port;
mod journal;
mod message;
mod node;
mod offer;
mod options;
mod poison;
mod refusal;
mod rules;
mod view;

pub use calendar::{Date, Day};
pub use client::{Client, ClientError};
pub use journal::{Journal, JournalError};
pub use message::{Answer, Command, Currency, Entry, Hotel, Id, Night, Record, Room, Stay, Version};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub use poison::{SettleError, Settlement, poison, settle};
pub use refusal::{Refusal, TakeOverRefusal};
pub use rules::{Booking, Misplaced, Poison};
pub use view::{Summary, View};

/// Every probe of the service: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // the line that the snapshot ends with, the last line: a node begins a life
    "recovered",
    // version: a line was appended, and is not durable
    "writing",
    // record: all up to it is durable
    "durable",
    // version, id, room, check-in, check-out, price: nobody can take the booking back
    "booked",
    // version, id, the booking: nobody can take the cancellation back
    "cancelled",
    // version, id: another command is done
    "changed",
    // version, id: a command could not be done
    "set aside",
    // the timer of the snapshots
    "snapshot due",
    // epoch, version: a primary has nothing open for the first time in its epoch, or its life
    "serving",
    // version: a standby begins with this state
    "copied",
    // what a client was told: the booking, its price
    "told booked",
    // what a client is about to ask: the booking that is to be cancelled
    "asks to cancel",
    // what a client was told: the booking that was cancelled
    "told cancelled",
    // what a client was told: the room, the night that is no more on offer
    "told withdrawn",
    // the first night, the day after the last: so many are on offer
    "on offer",
    // id: the same command had another answer
    "answer changed",
    "command set aside",
    "log corrupt",
    "malformed frame dropped",
    "no room for a snapshot",
    "node begins anew",
    "older snapshot taken",
    "primary steps down",
    "refused as the disk is full",
    "snapshot written",
    "standby begins with a copy",
    "standby has more than its primary",
    "standby takes over",
    "torn tail cut",
];

#[cfg(test)]
mod tests {
    use super::PROBES;
    use std::collections::BTreeSet;

    /// Those that the system around the protocol publishes.
    const OF_THE_SYSTEM: [&str; 7] = [
        "answer changed",
        "asks to cancel",
        "log corrupt",
        "on offer",
        "told booked",
        "told cancelled",
        "told withdrawn",
    ];

    #[test]
    fn every_probe_is_declared_and_every_declared_probe_is_used() {
        let sources =
            [include_str!("client_port.rs"), include_str!("node.rs"), include_str!("node/standby.rs")];
        let published = sources
            .iter()
            .flat_map(|source| source.split("probe!(\"").skip(1).chain(source.split("sometimes!(\"").skip(1)))
            .filter_map(|rest| rest.split('"').next());
        let used: BTreeSet<&str> = published.chain(OF_THE_SYSTEM).collect();
        let declared: BTreeSet<&str> = PROBES.iter().copied().collect();
        assert_eq!(used, declared);
        assert_eq!(declared.len(), PROBES.len(), "a probe is declared twice");
    }
}
