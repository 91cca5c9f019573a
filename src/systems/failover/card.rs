//! The card of failover: every manager, what befalls its primary, and whether writes wait for a standby.
//!
//! One line a manager, one line a fault, one line a mode. A cluster has time to become whole; then the fault strikes the
//! primary, whichever machine that is, and lasts for 90 s unless it says otherwise, which is longer than any of them
//! needs; and clients work for 20 s more. Machines begin up to 10 s apart, so that the fault finds managers anywhere
//! between two looks. What happens before it does not count.

use super::figures::Figures;
use host::world::Happening;
use sim::card::{AXES, Axis, Card, Cell, Kind, Measure, Pick};
use sim::run::Recording;
use sim::time::told_ns;

/// What each failover costs.
pub static CARD: Card = Card {
    name: "failover",
    title: "What a failover costs",
    axes: [
        Axis { name: "fault", picks: || FAULTS.iter().map(|fault| pick(fault.name, fault.means)).collect() },
        Axis { name: "manager", picks: || MANAGERS.iter().map(|of| pick(of.name, of.means)).collect() },
        Axis { name: "mode", picks: || MODES.iter().map(|mode| pick(mode.name, mode.means)).collect() },
    ],
    measures: &[
        measure("restored", "restored", Kind::Holds, "clients write 90 s after the fault has struck"),
        measure(
            "no_write_ms",
            "no write p50 / p99 / max",
            Kind::Times,
            "the longest time without an acknowledged write, from the fault on",
        ),
        measure(
            "lost",
            "lost",
            Kind::Lost,
            "acknowledged writes that the log of the primary lacks in the end: in how many runs, and in the worst",
        ),
        measure(
            "two_primaries_ms",
            "two primaries",
            Kind::Longest,
            "how long two databases took themselves for the primary: in how many runs, and the longest",
        ),
        measure(
            "stale_reads",
            "stale reads",
            Kind::Most,
            "reads that lack a write that was acknowledged before, and not lost: in how many runs, and in the worst",
        ),
        measure(
            "displaced",
            "displaced",
            Kind::Happens,
            "another became the primary although the one before was well, in so many runs",
        ),
        measure(
            "left_behind",
            "left behind",
            Kind::Most,
            "clients whose writes an old primary did after there was a new one: in how many runs, and in the worst",
        ),
    ],
    gravest: &[
        "lost",
        "restored",
        "stale_reads",
        "two_primaries_ms",
        "left_behind",
        "displaced",
        "no_write_ms",
    ],
    cell,
    measure: measured,
};

/// Who manages the databases. A new one is an entry.
const MANAGERS: &[Managed] = &[
    Managed {
        name: "patroni",
        means: "Patroni, with HAProxy",
        scenario: "failover/patroni-quiet",
        agent: "agent",
        ..BEHIND_A_ROUTER
    },
    Managed {
        name: "stolon",
        means: "stolon, with its proxies",
        scenario: "failover/stolon-quiet",
        agent: "keeper",
        ..BEHIND_A_ROUTER
    },
    Managed {
        name: "keepalived",
        means: "keepalived, with `nopreempt`",
        scenario: "failover/vrrp-quiet",
        agent: "keepalived",
        ..BEHIND_AN_ADDRESS
    },
    Managed {
        name: "repmgr",
        means: "repmgr, with a witness and PgBouncer",
        scenario: "failover/repmgr-quiet",
        agent: "repmgrd",
        databases: "'n1', 'n2', 'n3'",
        stores: "",
        routers: "'n5'",
        lacks_modes: NOBODY_TELLS,
        ..BEHIND_A_ROUTER
    },
    Managed {
        name: "agrajag",
        means: "Agrajag, with repmgr, a store and applications' pools",
        scenario: "failover/agrajag-quiet",
        agent: "agrajag",
        lacks_modes: NOBODY_TELLS,
        ..BEHIND_A_ROUTER
    },
    Managed {
        name: "ucarp",
        means: "UCARP",
        scenario: "failover/ucarp-primary-crash",
        agent: "ucarp",
        ..BEHIND_AN_ADDRESS
    },
];

/// With a store on n1 to n3, and clients that come by a router on n7.
const BEHIND_A_ROUTER: Managed = Managed {
    name: "",
    means: "",
    scenario: "",
    agent: "",
    databases: "'n4', 'n5', 'n6'",
    stores: "'n1', 'n2', 'n3'",
    routers: "'n7'",
    works: "170s",
    strikes: "60s",
    less_than_lease: "10s",
    lacks_modes: None,
};

/// With three databases, and an address that moves.
const BEHIND_AN_ADDRESS: Managed = Managed {
    databases: "'n1', 'n2', 'n3'",
    stores: "",
    routers: "",
    works: "140s",
    strikes: "30s",
    less_than_lease: "2s",
    lacks_modes: NOBODY_TELLS,
    ..BEHIND_A_ROUTER
};

const NOBODY_TELLS: Option<&str> = Some("nobody tells its databases whom to wait for");

/// What befalls the primary.
const FAULTS: &[Fault] = &[
    fault("none", "nothing happens", |_| Ok(String::new())),
    fault("crash", "its machine crashes, and says so", |_| lasting("crash = PRIMARY", "restart")),
    fault("power", "its machine loses power", |_| lasting("crash = PRIMARY, how = 'power'", "restart")),
    fault("database", "its database crashes, and is started after 10 s", |_| {
        Ok("crash = PRIMARY, process = 'database', restart_after = '10s'".to_owned())
    }),
    fault("agent", "its manager is restarted, and is away for 5 s", |on| {
        Ok(format!("crash = PRIMARY, process = '{}', restart_after = '5s'", on.agent))
    }),
    fault("agent-dead", "its manager is gone", |on| {
        lasting(&format!("crash = PRIMARY, process = '{}'", on.agent), "restart")
    }),
    fault("cut-peers", "it is cut from the other databases", |on| cut(on.databases)),
    fault("cut-store", "it is cut from the store", |on| on.has_store().and_then(|()| cut(on.stores))),
    fault("cut-off", "it is cut from the other databases and the store", |on| {
        on.has_store().and_then(|()| cut(&format!("{}, {}", on.stores, on.databases)))
    }),
    fault("cut-clients", "it is cut from where clients come from", |on| match on.routers {
        "" => lasting("isolate = { node = PRIMARY, from = 'clients' }", "heal"),
        routers => cut(routers),
    }),
    fault("cut-all", "it is cut from everyone", |_| {
        lasting("isolate = { node = PRIMARY, from = 'everyone' }", "heal")
    }),
    fault("pause", "its machine stands still, longer than any lease", |_| {
        lasting("pause = PRIMARY", "resume")
    }),
    fault("pause-short", "its machine stands still, for less than the lease", |on| {
        Ok(format!("pause = PRIMARY, resume_after = '{}'", on.less_than_lease))
    }),
    fault("slow-disk", "its disk takes a thousand times as long", |_| {
        lasting("disk = { node = PRIMARY, fault = 'slow', factor = 1000 }", "heal")
    }),
    fault("full-disk", "its disk is full", |_| lasting("disk = { node = PRIMARY, fault = 'full' }", "heal")),
];

/// Whether writes wait for a standby.
const MODES: &[Mode] = &[
    Mode {
        name: "asynchronous",
        means: "no write waits for a standby",
        sets: &[],
        keeps: &["cluster.options.patroni.synchronous_mode"],
    },
    Mode {
        name: "synchronous",
        means: "a write waits for a standby, in the manager's own way",
        sets: &[("cluster.options.synchronous", "true")],
        keeps: &[],
    },
];

/// A manager, and which machines are what.
struct Managed {
    name: &'static str,
    means: &'static str,
    /// A scenario of it.
    scenario: &'static str,
    /// Its process beside a database.
    agent: &'static str,
    /// The machines, as a file lists them; of stores and routers there may be none.
    databases: &'static str,
    stores: &'static str,
    routers: &'static str,
    /// For how long clients work, and when the fault strikes.
    works: &'static str,
    strikes: &'static str,
    less_than_lease: &'static str,
    /// Why it lacks a mode other than the first.
    lacks_modes: Option<&'static str>,
}

struct Fault {
    name: &'static str,
    means: &'static str,
    /// What a scenario says of it, without the moment; nothing for no fault; or why it cannot be.
    says: fn(&Managed) -> Result<String, String>,
}

struct Mode {
    name: &'static str,
    means: &'static str,
    sets: &'static [(&'static str, &'static str)],
    /// What a file of the manager's may say, and this mode is about.
    keeps: &'static [&'static str],
}

/// Clients work for so long after the fault has struck.
const WORKS_AFTER_NS: u64 = 110_000_000_000;
const PRIMARY: &str = "{ whose = 'role', is = 'primary' }";

impl Managed {
    fn has_store(&self) -> Result<(), String> {
        if self.stores.is_empty() { Err("it has no store".to_owned()) } else { Ok(()) }
    }
}

const fn fault(
    name: &'static str,
    means: &'static str,
    says: fn(&Managed) -> Result<String, String>,
) -> Fault {
    Fault { name, means, says }
}

const fn measure(name: &'static str, label: &'static str, kind: Kind, means: &'static str) -> Measure {
    Measure { name, label, means, kind }
}

fn pick(name: &'static str, means: &'static str) -> Pick {
    Pick { name, means }
}

/// What a scenario says of a fault that outlasts every failover, by what its end is called.
fn lasting(says: &str, end: &str) -> Result<String, String> {
    Ok(format!("{says}, {end}_after = '90s'"))
}

fn cut(machines: &str) -> Result<String, String> {
    lasting(&format!("isolate = {{ node = PRIMARY, from = [{machines}] }}"), "heal")
}

fn cell([fault, manager, mode]: [&str; AXES]) -> Result<Cell, String> {
    let found = "a card is asked for its own picks";
    let on = MANAGERS.iter().find(|on| on.name == manager).expect(found);
    let fault = FAULTS.iter().find(|of| of.name == fault).expect(found);
    let mode = MODES.iter().find(|of| of.name == mode).expect(found);
    match on.lacks_modes {
        Some(why) if !mode.sets.is_empty() => return Err(why.to_owned()),
        _ => {}
    }
    let says = (fault.says)(on)?.replace("PRIMARY", PRIMARY);
    let faults =
        if says.is_empty() { "[]".to_owned() } else { format!("[{{ at = '{}', {says} }}]", on.strikes) };
    // A shell is told of it in single quotes.
    let faults = faults.replace('\'', "\"");
    let fixed = [("cluster.stagger", "10s"), ("workload.for", on.works), ("fault", &*faults)];
    let sets = fixed.iter().chain(mode.sets);
    let overrides = sets.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let keeps = mode.keeps.iter().map(|key| (*key).to_owned()).collect();
    Ok(Cell { scenario: on.scenario, overrides, keeps })
}

fn measured(recording: &Recording) -> Vec<Option<u64>> {
    let worked_ns = recording.plan.workload.duration.as_nanos() as u64;
    // A run in which nothing happens counts from when something would have.
    let struck = recording.trace.iter().find(|event| matches!(event.happening, Happening::Fault(_)));
    let from_ns =
        struck.map_or(worked_ns.saturating_sub(WORKS_AFTER_NS), |event| told_ns(event.at_ns).unsigned_abs());
    let figures = Figures::since(recording, from_ns);
    let count = |count: usize| Some(count as u64);
    // Without a single write it is as long as it counts.
    let without_ms =
        figures.without_writes.map_or((worked_ns - from_ns) / 1_000_000, |time| time.as_millis() as u64);
    vec![
        count(figures.restored.into()),
        Some(without_ms),
        figures.lost.and_then(count),
        Some(figures.two_primaries.as_millis() as u64),
        count(figures.stale_reads),
        count(figures.displaced),
        count(figures.left_behind),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_a_scenario_that_can_be_or_has_its_reason() {
        let names = |axis: usize| (CARD.axes[axis].picks)().iter().map(|pick| pick.name).collect::<Vec<_>>();
        let catalog = sim::catalog::Catalog::new(crate::systems::ALL).carrying(crate::scenarios);
        let mut reasons: Vec<String> = Vec::new();
        for picks in Card::combinations(&[names(0), names(1), names(2)]) {
            match (CARD.cell)(picks) {
                Ok(cell) => {
                    let loaded = catalog.load(cell.scenario, &cell.overrides);
                    let cases = loaded.unwrap_or_else(|why| panic!("{picks:?}: {why:?}"));
                    let faults = &cases[0].scenario.faults;
                    assert_eq!(
                        (cases.len(), faults.len()),
                        (1, usize::from(picks[0] != "none")),
                        "{picks:?}"
                    );
                }
                Err(why) => reasons.push(why),
            }
        }
        reasons.sort();
        reasons.dedup();
        assert_eq!(reasons, ["it has no store", "nobody tells its databases whom to wait for"]);
    }

    #[test]
    fn a_fault_says_the_same_of_all_but_for_the_machines_and_processes() {
        let fault = |picks| (CARD.cell)(picks).map(|cell| cell.overrides[2].1.replace('"', "'"));
        let primary = "{ whose = 'role', is = 'primary' }";
        assert_eq!(
            fault(["agent", "stolon", "synchronous"]).unwrap(),
            format!("[{{ at = '60s', crash = {primary}, process = 'keeper', restart_after = '5s' }}]")
        );
        assert_eq!(
            fault(["cut-peers", "ucarp", "asynchronous"]).unwrap(),
            format!(
                "[{{ at = '30s', isolate = {{ node = {primary}, from = ['n1', 'n2', 'n3'] }}, heal_after = '90s' }}]"
            )
        );
        assert_eq!(fault(["none", "patroni", "asynchronous"]).unwrap(), "[]");
        assert_eq!(fault(["cut-store", "ucarp", "asynchronous"]).unwrap_err(), "it has no store");
    }
}
