//! What machines say in probes, as far as it is judged.

use host::probe::Value;
use host::world::{MachineId, Probe};
use std::collections::BTreeSet;

/// What a machine has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// An entry is in its log.
    Appended { lsn: u64, timeline: String, id: u64 },
    /// What is behind this entry no longer is.
    Cut { lsn: u64 },
    /// Its log is now that of another machine, up to this entry.
    Cloned { lsn: u64, timeline: String, from: MachineId },
    /// After a restart its log ends with this entry.
    Recovered { lsn: u64, timeline: String },
    /// It has told a client that a write is done.
    Committed { id: u64, lsn: u64 },
    /// It follows another, from the entry after this one.
    Streams { from: MachineId, after: u64 },
    /// Its manager has got the leader's lock, or has it no longer.
    Lock { acquired: bool },
    /// A client asks for a write, and no longer than this may pass without one, in ns.
    Asked { client: u64, id: u64, within_ns: u64 },
    /// Its manager was told that its database never leads.
    MayNotLead,
    /// It is a primary that nobody here manages.
    Elsewhere,
    /// Its manager was told to let its database stream from another standby.
    MayCascade,
    /// Its manager, which leads, has written this position down in the store.
    Kept { lsn: u64 },
    /// Its manager was told that who takes over may lack so many entries.
    MayLack { entries: u64 },
    /// An operator asks for another primary.
    Wished,
    /// Its daemon is the master of its group now, or something else.
    Daemon { is_master: bool },
    /// It has the address that moves, or has it no longer.
    Address { has: bool },
    /// Its daemon is the master, and has heard another one.
    AnotherMaster { is: MachineId },
    /// Its daemon becomes the master, so long after it has heard another one.
    TakesOver { from: MachineId, after_ms: u64 },
    /// It is a pooler, and holds its clients' queries, or no longer does.
    Pooler { is_paused: bool },
    /// Its daemon was told to leave a master alone that it hears, so often.
    Stays { within_ms: u64 },
    /// It has published a machine's promotion, or has read it: what the store has after this change.
    Published { of: MachineId, promoted_ns: u64, change: u64 },
    /// It is an application, and was told of a machine's promotion, which it took; of 0 as it begins.
    Told { of: MachineId, promoted_ns: u64 },
    /// It is an application's pool, and leads there, if anywhere.
    Leads { to: Option<MachineId> },
    /// It is one, and has read which orchestrators are present.
    Present { machines: BTreeSet<MachineId> },
    /// Its orchestrator is listed as present, or not, as far as it knows.
    Listed { is: bool },
}

/// Said by a client that asks for a write: how long the service may be without one, in ms; its number, and the write's.
pub(super) const SERVICE_WITHIN: &str = "service within";
/// Said by a machine whose database is a primary that nobody here manages.
pub(super) const ELSEWHERE: &str = "primary elsewhere";
/// Said by a machine whose database may stream from another standby.
pub(super) const MAY_CASCADE: &str = "may stream from a standby";
/// Said by a machine whose database may take over although it lacks so many entries.
pub(super) const MAY_LACK: &str = "may lack entries";
/// Said by a client that asks for another primary.
pub(super) const WISHED: &str = "another primary wished for";
/// Said by a machine whose database never leads.
pub(super) const MAY_NOT_LEAD: &str = "may not lead";
/// Said by a machine whose daemon leaves a master alone that it has heard within so long, in ms.
pub(super) const STAYS: &str = "a master stays";

/// Said by a replica of the store: leader, follower, candidate or learner, and its term. `role` is the databases': who is
/// no primary is a database, too.
pub(super) const RAFT: &str = "raft";

/// The probes of the machines here, besides those of their protocols.
pub(super) const PROBES: [&str; 8] =
    [ELSEWHERE, MAY_CASCADE, MAY_LACK, MAY_NOT_LEAD, RAFT, SERVICE_WITHIN, STAYS, WISHED];

impl Fact {
    /// The machine that published a probe, and what it says; none if it is not judged.
    pub(super) fn of(probe: &Probe) -> Option<(MachineId, Fact)> {
        let fact = match (probe.name, &probe.values[..]) {
            ("appended", [Value::Uint(lsn), timeline, Value::Uint(id)]) => {
                Fact::Appended { lsn: *lsn, timeline: timeline.to_string(), id: *id }
            }
            ("cut", [Value::Uint(lsn)]) => Fact::Cut { lsn: *lsn },
            ("cloned", [Value::Uint(lsn), timeline, from]) => {
                Fact::Cloned { lsn: *lsn, timeline: timeline.to_string(), from: machine(from)? }
            }
            ("recovered", [Value::Uint(lsn), timeline]) => {
                Fact::Recovered { lsn: *lsn, timeline: timeline.to_string() }
            }
            ("committed", [Value::Uint(id), Value::Uint(lsn)]) => Fact::Committed { id: *id, lsn: *lsn },
            ("streams", [from, Value::Uint(after)]) => Fact::Streams { from: machine(from)?, after: *after },
            ("lock", [Value::Text(what)]) => Fact::Lock { acquired: what == "acquired" },
            ("state", [Value::Text(state), _]) => Fact::Daemon { is_master: state == "master" },
            ("address", [Value::Text(what), _]) => Fact::Address { has: what == "claimed" },
            ("pooler", [Value::Text(what)]) => Fact::Pooler { is_paused: what == "paused" },
            ("another master", [is]) => Fact::AnotherMaster { is: machine(is)? },
            ("takes over", [from, Value::Uint(ms)]) => {
                Fact::TakesOver { from: machine(from)?, after_ms: *ms }
            }
            ("master published" | "master read", [of, Value::Uint(ns), Value::Uint(change)]) => {
                Fact::Published { of: machine(of)?, promoted_ns: *ns, change: *change }
            }
            ("told", [of, Value::Uint(ns)]) => Fact::Told { of: machine(of)?, promoted_ns: *ns },
            ("leads to", [to]) => Fact::Leads { to: machine(to) },
            ("present", [Value::Text(numbers)]) => {
                let numbers = numbers.split_whitespace().filter_map(|number| number.parse().ok());
                Fact::Present { machines: numbers.map(MachineId::numbered).collect() }
            }
            ("presence", [Value::Text(what)]) => Fact::Listed { is: what == "listed" },
            (STAYS, [Value::Uint(ms)]) => Fact::Stays { within_ms: *ms },
            (ELSEWHERE, []) => Fact::Elsewhere,
            (MAY_CASCADE, []) => Fact::MayCascade,
            (MAY_NOT_LEAD, []) => Fact::MayNotLead,
            ("position kept", [Value::Uint(lsn)]) => Fact::Kept { lsn: *lsn },
            (MAY_LACK, [Value::Uint(entries)]) => Fact::MayLack { entries: *entries },
            (WISHED, []) => Fact::Wished,
            (SERVICE_WITHIN, [Value::Uint(ms), Value::Uint(client), Value::Uint(id)]) => {
                Fact::Asked { client: *client, id: *id, within_ns: ms * 1_000_000 }
            }
            _ => return None,
        };
        Some((probe.host?, fact))
    }
}

/// The machine of the database with this number.
fn machine(number: &Value) -> Option<MachineId> {
    match number {
        Value::Uint(number @ 1..) => u32::try_from(*number).ok().map(MachineId::numbered),
        _ => None,
    }
}

/// The name of a machine.
pub(super) fn name(host: MachineId) -> String {
    format!("n{}", host.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);

    fn fact(name: &'static str, values: Vec<Value>) -> Option<(MachineId, Fact)> {
        Fact::of(&Probe { at_ns: 1, host: Some(N4), name, values })
    }

    #[test]
    fn a_database_is_known_by_the_number_of_its_machine() {
        let cloned = fact("cloned", vec![7_u64.into(), "2-b".into(), 5_u32.into()]);
        assert_eq!(
            cloned,
            Some((N4, Fact::Cloned { lsn: 7, timeline: "2-b".to_owned(), from: MachineId::numbered(5) }))
        );
        assert_eq!(fact("streams", vec![0_u32.into(), 7_u64.into()]), None, "there is no database 0");
        assert_eq!(name(N4), "n4");
    }

    #[test]
    fn only_an_acquired_lock_is_held() {
        let lock = |what: &str| fact("lock", vec![what.into()]);
        assert_eq!(lock("acquired"), Some((N4, Fact::Lock { acquired: true })));
        assert_eq!(lock("released"), Some((N4, Fact::Lock { acquired: false })));
        assert_eq!(lock("lost"), Some((N4, Fact::Lock { acquired: false })));
    }

    #[test]
    fn who_is_present_is_read_from_numbers_with_blanks_between() {
        let present = |numbers: &str| fact("present", vec![numbers.into()]);
        let machines = BTreeSet::from([4, 6].map(MachineId::numbered));
        assert_eq!(present("4 6"), Some((N4, Fact::Present { machines })));
        assert_eq!(present(""), Some((N4, Fact::Present { machines: BTreeSet::new() })));
        assert_eq!(fact("leads to", vec![0_u32.into()]), Some((N4, Fact::Leads { to: None })));
    }

    #[test]
    fn what_is_not_judged_is_no_fact() {
        assert_eq!(fact("watchdog fired", Vec::new()), None);
    }
}
