//! A provisioner of build agents: machines that are rented when a build needs one, and given back when none does.
//!
//! # The algorithm
//!
//! One node is the *controller*; each other node is a *zone*, with a task service that runs agents. Builds come to the
//! controller and queue. As long as more builds wait than agents are idle or on their way, its *launcher* asks a zone
//! for a task, which is an agent that has a name and nothing to do yet.
//!
//! | | the launcher | the agent |
//! |---|---|---|
//! | asks | `Run(name)`, again until it is answered: a name is one task, however often it is asked for | – |
//! | starts | asks every `poll` what became of it; one that has stopped is forgotten, and another launched | starts slowly (`start_min` to `start_max`), or fails to |
//! | connects | **accepts it at once**, whatever the last poll has said | boots, dials, says its name, and is welcomed or sent away |
//! | works | gives it one build at a time | says when it is done |
//! | ends | stops it: idle for `retention`, or not connected within `timeout` of being made, or lost | ends when it is stopped, interrupted, or hung up on |
//!
//! A zone's calls are *limited*: a bucket of `burst` calls that fills at `calls_per_minute`. Who is throttled asks again
//! later, twice as late each time. There is one call at a time a zone, so that its answers come in the order of what
//! they tell.
//!
//! *Nothing leaks.* What a zone runs is listed when its controller connects, and every `reconcile`. What is on the list
//! and unknown, because a controller has died and another has come, is stopped; what is known and not on it is gone, and
//! its build queues again, in front. Nothing is launched in a zone that was not listed, and what is being stopped counts
//! until the zone has said that it is gone: so there are never more agents than `limit`. The newest connection of a
//! launcher is the only one that a zone obeys.
//!
//! *Spot machines* may be taken away: the agent is told `spot_notice` before, tells the controller, gets no more work, and
//! ends with what it has, or without.
//!
//! # The source
//!
//! "Waiting for next available executor": Jenkins with agents on Fargate. Its launcher (that of
//! jenkinsci/amazon-ecs-plugin) asks for the task's state every `taskPollingIntervalInSeconds` until it is RUNNING, and
//! only then looks, once a second, whether the agent is connected, all under one deadline of `slaveTimeoutInSeconds` from
//! when the task was made. Both were 300 s, because polls had been throttled. The first poll comes too early; the second
//! would come at the deadline: an agent that had connected after 78 s is shot after 300. That is
//! [`Flaw::PollEqualsTimeout`], which is the launcher as it was, with any `poll` and `timeout`: the seed's are its cliff's
//! foot. In the log of the source the agent is found connected at that moment, and stopped one second later; in the
//! plugin's code as it is published the launch is given up without a look. Either way it never worked.
//!
//! # Invariants
//!
//! * An agent that was welcomed is used: it is never stopped for not having come.
//! * An agent that works is stopped by nobody who knows that it does; one that is being stopped gets no work.
//! * A zone never runs more than `limit` agents. In the end, without builds, it runs none.
//! * Every build gets an agent, once its zones can be reached: after `timeout` at most for each launch that fails.
//!
//! # What it gives up
//!
//! A build that was under way when its agent was lost, or its controller, runs again from the beginning: at least once.
//! The queue is in memory; clients ask again. An agent whose connection breaks is not taken back. While a zone cannot be
//! reached, its agents count, and nothing is launched in it.
//!
//! # Where to look
//!
//! * the controller: its rules ([`rules`](self), `rules.rs`), its connections (`node/controller.rs`)
//! * a zone: its calls (`rules/calls.rs`), its tasks (`node/zone.rs`), an agent (`node/agent.rs`)
//! * [`Client`] (`client.rs`); wire types (`message.rs`); [`Config`], [`Options`], [`Flaw`] (`options.rs`)
//! * what a checker sees: [`View`] (`view.rs`), [`PROBES`] (here)
//!
//! What is absent: labels, sizes and prices of agents, and anything that a build does.

mod client;
mod message;
mod node;
mod options;
mod rules;
mod view;

pub use client::Client;
pub use message::{AgentId, BuildId};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub use view::View;

/// Every probe of the provisioner: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // agent, zone: it is asked for
    "launching",
    // agent: it has connected, and heard that it is welcome
    "welcomed",
    // agent: the launcher gives it work from now on
    "accepted",
    // agent, build
    "working",
    // agent, why: it gets no work any more
    "stopping",
    // agent, how, whether a build was under way: its task is gone
    "ended",
    // so many ms an agent is kept that has nothing to do
    "retains",
    // build, how many ms it waited for the agent that built it
    "built",
    "agent connected late and was sent away",
    "agent interrupted",
    "agent lost while it worked",
    "build queued again",
    "call throttled",
    "call without an answer",
    "malformed frame dropped",
    "older launcher not obeyed",
    "orphan found",
    "task asked for again",
    "task failed to start",
    "zone at its limit",
];

#[cfg(test)]
mod tests {
    use super::PROBES;
    use std::collections::BTreeSet;

    #[test]
    fn every_probe_is_declared_and_every_declared_probe_is_used() {
        let sources = [
            include_str!("node/agent.rs"),
            include_str!("node/controller.rs"),
            include_str!("node/zone.rs"),
            include_str!("rules.rs"),
        ];
        let published = sources
            .iter()
            .flat_map(|source| source.split("probe!(\"").skip(1).chain(source.split("sometimes!(\"").skip(1)))
            .filter_map(|rest| rest.split('"').next());
        // One is published by the system around it.
        let used: BTreeSet<&str> = published.chain(["retains"]).collect();
        let declared: BTreeSet<&str> = PROBES.iter().copied().collect();
        assert_eq!(used, declared);
        assert_eq!(declared.len(), PROBES.len(), "a probe is declared twice");
    }
}
