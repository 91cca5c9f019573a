//! The provisioner under test.
//!
//! n1 is the controller, the others are zones. Clients have something built, one build after the other; a build takes an
//! agent some seconds, and an operation as long as it waits for its agent and is built.
//!
//! Judged: **used** (an agent that was welcomed is never stopped for not having come), **terminating** (one that is
//! being stopped gets no work), **unharmed** (none that works is stopped by who knows that it does), **retained** (none
//! is retired before it had nothing to do for as long as it is kept), **limit** (no zone runs more agents than it may),
//! **served** (after the heal every build gets its agent, within `settle`) and **leaked** (and then, when all were idle
//! for long enough, none is left).

use host::probe::Value;
use host::world::Probe;
use protocols::provisioner::{self, Client as Connection, Config, Options, View};
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Seen, Views};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

/// How long a build takes, in seconds: from the first to the second.
const SECONDS: (u64, u64) = (5, 30);
const LONG_SECONDS: (u64, u64) = (60, 180);

/// The provisioner.
#[derive(Debug)]
pub struct Provisioner;

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Have something built that takes so many seconds.
    Build(u64),
    /// The same, for minutes.
    LongBuild(u64),
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ret {
    /// It is built, and waited so many ms for its agent.
    Built(u64),
}

impl System for Provisioner {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "provisioner";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("build", |_, draw| Op::Build(draw.between(SECONDS.0, SECONDS.1))),
            Operation("long-build", |_, draw| Op::LongBuild(draw.between(LONG_SECONDS.0, LONG_SECONDS.1))),
        ]
    }

    fn probes() -> Vec<&'static str> {
        provisioner::PROBES.to_vec()
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        if node.id == 1 {
            host::probe!("retains", node.options.retention.as_millis() as u64);
        }
        let config = Config { id: node.id, nodes: node.nodes.clone(), options: node.options };
        provisioner::run(config).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        BuildClient(Connection::new(client.nodes[0]))
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let (mut welcomed, mut stopping, mut idle) = (BTreeSet::new(), BTreeSet::new(), Idle::default());
        Checkers::new()
            .invariant("used", move |seen| used(&mut welcomed, seen))
            .invariant("terminating", move |seen| gets_no_work(&mut stopping, seen))
            .invariant("unharmed", unharmed)
            .invariant("retained", move |seen| idle.judge(seen))
            .invariant("limit", |seen| within_limit(seen.views))
            .eventually("served", served)
            .eventually("leaked", none_left)
    }
}

struct BuildClient(Connection);

impl Client<Op, Ret> for BuildClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let (Op::Build(seconds) | Op::LongBuild(seconds)) = op;
        let waited = self.0.build(Duration::from_secs(*seconds)).await;
        Outcome::Ok(Ret::Built(waited.as_millis() as u64))
    }
}

fn value(probe: &Probe, place: usize) -> String {
    probe.values.get(place).map(ToString::to_string).unwrap_or_default()
}

/// An agent that was welcomed is never stopped for not having come.
fn used(welcomed: &mut BTreeSet<String>, seen: &Seen<'_, View>) -> Result<(), Broken> {
    if let Some(probe) = seen.on("welcomed") {
        welcomed.insert(value(probe, 0));
    }
    // One that has ended by itself is not shot.
    if let Some(probe) = seen.on("ended") {
        welcomed.remove(&value(probe, 0));
    }
    match seen.on("stopping") {
        Some(probe) if value(probe, 1) == "deadline" && welcomed.contains(&value(probe, 0)) => {
            let agent = value(probe, 0);
            let why = format!("agent {agent} had connected, and was stopped at its deadline, unused");
            Err(Broken::new(why).item(agent))
        }
        _ => Ok(()),
    }
}

/// An agent that is being stopped gets no work.
fn gets_no_work(stopping: &mut BTreeSet<String>, seen: &Seen<'_, View>) -> Result<(), Broken> {
    if let Some(probe) = seen.on("stopping") {
        stopping.insert(value(probe, 0));
    }
    match seen.on("working") {
        Some(probe) if stopping.contains(&value(probe, 0)) => {
            let (agent, build) = (value(probe, 0), value(probe, 1));
            let why = format!("agent {agent} is being stopped, and was given build {build}");
            Err(Broken::new(why).item(agent))
        }
        _ => Ok(()),
    }
}

/// No agent that works is stopped, but one that was lost, or is taken away, or that nobody knows.
fn unharmed(seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.on("ended") else { return Ok(()) };
    let (agent, how, works) = (value(probe, 0), value(probe, 1), value(probe, 2));
    if works == "true" && ["retired", "deadline", "interrupted"].contains(&how.as_str()) {
        let why = format!("agent {agent} was stopped ({how}) while it worked");
        return Err(Broken::new(why).item(agent));
    }
    Ok(())
}

/// Since when agents may have had nothing to do.
#[derive(Debug, Default)]
struct Idle {
    retention_ns: u64,
    /// When each was accepted, or was given work last: it had some for a while after that.
    since_ns: BTreeMap<String, u64>,
}

impl Idle {
    /// No agent is retired before it had nothing to do for as long as it is kept.
    fn judge(&mut self, seen: &Seen<'_, View>) -> Result<(), Broken> {
        let Some(probe) = seen.probe else { return Ok(()) };
        match (probe.name, &probe.values[..]) {
            ("retains", [Value::Uint(ms)]) => self.retention_ns = ms * 1_000_000,
            ("accepted", [agent]) | ("working", [agent, _]) => {
                self.since_ns.insert(agent.to_string(), probe.at_ns);
            }
            ("stopping", [agent, why]) if why.to_string() == "retired" => {
                let agent = agent.to_string();
                let kept_ns = self.since_ns.get(&agent).map_or(u64::MAX, |since| probe.at_ns - since);
                // Its clock may be fast.
                if kept_ns < self.retention_ns / 100 * 99 {
                    let (kept, retention) = (kept_ns as f64 / 1e9, self.retention_ns as f64 / 1e9);
                    let why =
                        format!("agent {agent} was retired after {kept:.1} s, and is kept for {retention} s");
                    return Err(Broken::new(why).item(agent));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// No zone runs more agents than it may.
fn within_limit(views: &Views<View>) -> Result<(), Broken> {
    for (node, view) in views.up() {
        if let View::Zone { tasks, limit } = view
            && tasks.len() > *limit as usize
        {
            let why = format!("n{node} runs {} agents, and may run {limit}", tasks.len());
            return Err(Broken::new(why).node(node));
        }
    }
    Ok(())
}

/// Every build has been built.
fn served(views: &Views<View>) -> Result<(), Broken> {
    match views.get(1) {
        Some(View::Controller { queued: 0, running: 0, .. }) => Ok(()),
        Some(View::Controller { queued, running, .. }) => {
            let why = format!("{queued} builds wait for an agent, and {running} are under way");
            Err(Broken::new(why).node(1))
        }
        _ => Err(Broken::new("there is no controller").node(1)),
    }
}

/// No agent is left, and the controller knows of none.
fn none_left(views: &Views<View>) -> Result<(), Broken> {
    for (node, view) in views.up() {
        let (left, what) = match view {
            View::Controller { agents, .. } => (*agents, "are known to the controller"),
            View::Zone { tasks, .. } => (tasks.len(), "run, and there is nothing to build"),
        };
        if left > 0 {
            return Err(Broken::new(format!("{left} agents {what}, n{node}")).node(node));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! Each checker, with a good run and its near twin.

    use super::*;
    use host::world::MachineId;
    use protocols::provisioner::AgentId;

    /// What a checker says of these probes of n1, one after the other.
    fn judge(
        mut check: impl FnMut(&Seen<'_, View>) -> Result<(), Broken>,
        probes: &[(&'static str, &[Value])],
    ) -> Result<(), Broken> {
        let views = Views::new(Vec::new());
        probes.iter().try_for_each(|(name, values)| {
            let probe = Probe { at_ns: 0, host: Some(MachineId::numbered(1)), name, values: values.to_vec() };
            check(&Seen::new(Some(&probe), &views))
        })
    }

    fn texts<const N: usize>(values: [&str; N]) -> [Value; N] {
        values.map(Value::from)
    }

    #[test]
    fn used_accepts_a_deadline_of_who_never_came_and_refuses_that_of_who_was_welcomed() {
        let judge = |welcomed: &str, why: &str| {
            let mut known = BTreeSet::new();
            let (hello, stop) = (texts([welcomed]), texts(["1.1", why]));
            judge(move |seen| used(&mut known, seen), &[("welcomed", &hello), ("stopping", &stop)])
        };
        assert_eq!(judge("1.2", "deadline"), Ok(()));
        assert_eq!(judge("1.1", "retired"), Ok(()));
        assert!(judge("1.1", "deadline").is_err());
    }

    #[test]
    fn terminating_accepts_work_before_an_agent_is_stopped_and_refuses_it_after() {
        let judge = |probes: &[(&'static str, &[Value])]| {
            let mut known = BTreeSet::new();
            judge(move |seen| gets_no_work(&mut known, seen), probes)
        };
        let (work, stop) = (texts(["1.1", "7.1"]), texts(["1.1", "retired"]));
        assert_eq!(judge(&[("working", &work), ("stopping", &stop)]), Ok(()));
        assert!(judge(&[("stopping", &stop), ("working", &work)]).is_err());
    }

    #[test]
    fn unharmed_accepts_the_end_of_who_was_lost_and_refuses_that_of_who_worked() {
        let ended = |how: &str, works: bool| {
            let values = [Value::from("1.1"), Value::from(how), Value::from(works)];
            judge(unharmed, &[("ended", &values)])
        };
        assert_eq!(ended("lost", true), Ok(()));
        assert_eq!(ended("retired", false), Ok(()));
        assert!(ended("retired", true).is_err());
        assert!(ended("deadline", true).is_err());
    }

    #[test]
    fn retained_accepts_the_end_of_who_was_idle_for_long_and_refuses_that_of_who_had_just_worked() {
        let after = |seconds: u64| {
            let (mut idle, views) = (Idle::default(), Views::new(Vec::new()));
            let said = [
                (0, "retains", vec![Value::from(90_000_u64)]),
                (1, "accepted", texts(["1.1"]).to_vec()),
                (9, "working", texts(["1.1", "7.1"]).to_vec()),
                (9 + seconds, "stopping", texts(["1.1", "retired"]).to_vec()),
            ];
            said.into_iter().try_for_each(|(second, name, values)| {
                let host = Some(MachineId::numbered(1));
                idle.judge(&Seen::new(
                    Some(&Probe { at_ns: second * 1_000_000_000, host, name, values }),
                    &views,
                ))
            })
        };
        assert_eq!(after(90), Ok(()));
        let why = after(30).unwrap_err().to_string();
        assert_eq!(why, "agent 1.1 was retired after 30.0 s, and is kept for 90 s");
    }

    fn views(queued: usize, agents: usize, tasks: usize) -> Views<View> {
        let task = |number| AgentId { life: 1, number };
        let tasks = (0..tasks as u32).map(task).collect();
        let controller = View::Controller { queued, running: 0, agents };
        Views::new(vec![Some(controller), Some(View::Zone { tasks, limit: 2 })])
    }

    #[test]
    fn limit_accepts_a_full_zone_and_refuses_one_agent_more() {
        assert_eq!(within_limit(&views(0, 2, 2)), Ok(()));
        assert!(within_limit(&views(0, 2, 3)).is_err());
    }

    #[test]
    fn served_and_leaked_accept_an_empty_house_and_refuse_a_build_and_an_agent_that_are_left() {
        assert_eq!(served(&views(0, 0, 0)), Ok(()));
        assert!(served(&views(1, 0, 0)).is_err());
        assert_eq!(none_left(&views(0, 0, 0)), Ok(()));
        assert!(none_left(&views(0, 1, 0)).is_err());
        assert!(none_left(&views(0, 0, 1)).is_err());
        assert!(served(&Views::new(vec![None])).is_err());
    }
}
