//! What can be chosen about a provisioner.

use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, num::NonZeroU32, time::Duration};

/// One node: the controller, or a zone.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node: 1 is the controller, the others are zones.
    pub id: u32,
    /// Where all nodes listen, this one included, in order of their numbers.
    pub nodes: Vec<SocketAddr>,
    /// The same on every node.
    pub options: Options,
}

/// Limits, timers, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A zone never runs more agents than this.
    pub limit: NonZeroU32,
    /// How often the launcher asks what became of a task.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub poll: Duration,
    /// How often the launcher looks whose time has come.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub look: Duration,
    /// An agent that has not connected so long after its task was made is given up.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// An agent that had nothing to do for so long is stopped.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub retention: Duration,
    /// How often the launcher asks a zone for all that it runs.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub reconcile: Duration,
    /// So many calls a zone answers in a minute, in the long run.
    pub calls_per_minute: NonZeroU32,
    /// So many it answers at once, if it was not called for a while.
    pub burst: NonZeroU32,
    /// Who is throttled calls again after a second, then two, up to this.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub backoff_max: Duration,
    /// The least that a task takes to start.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub start_min: Duration,
    /// The most.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub start_max: Duration,
    /// How long an agent takes to boot, once its task runs.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub boot: Duration,
    /// How many in a hundred tasks fail to start.
    pub fails_percent: u32,
    /// An agent's machine is taken away after this long, on average. Never, if it is zero.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub spot_every: Duration,
    /// So long before it is, the agent is told.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub spot_notice: Duration,
    /// How often an agent says that it is there.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub ping: Duration,
    /// Who says nothing for so long is hung up on.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub silence: Duration,
    /// The pause before a lost or refused connection is dialled again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("the defaults are above zero");
        Options {
            limit: number(10),
            poll: Duration::from_secs(10),
            look: Duration::from_secs(1),
            timeout: Duration::from_secs(300),
            retention: Duration::from_secs(300),
            reconcile: Duration::from_secs(60),
            calls_per_minute: number(60),
            burst: number(20),
            backoff_max: Duration::from_secs(20),
            start_min: Duration::from_secs(20),
            start_max: Duration::from_secs(120),
            boot: Duration::from_secs(10),
            fails_percent: 0,
            spot_every: Duration::ZERO,
            spot_notice: Duration::from_secs(120),
            ping: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            redial: Duration::from_secs(1),
            flaw: None,
        }
    }
}

/// Defects that provisioners have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// The launcher does not look whether an agent has connected before a poll has seen its task running: with `poll`
    /// as long as `timeout` the deadline comes first, and an agent that waits to be used is shot. ("Waiting for next
    /// available executor": both were 300 s.)
    PollEqualsTimeout,
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let (nodes, options) = (self.nodes.len(), &self.options);
        if nodes < 2 {
            return invalid(format!("nodes: {nodes} is below 2: a controller, and a zone"));
        }
        if !(1..=nodes as u64).contains(&u64::from(self.id)) {
            return invalid(format!("id: {} is not from 1 to {nodes}", self.id));
        }
        at_least(
            SHORTEST,
            &[
                ("poll", options.poll),
                ("look", options.look),
                ("timeout", options.timeout),
                ("retention", options.retention),
                ("reconcile", options.reconcile),
                ("backoff_max", options.backoff_max),
                ("ping", options.ping),
                ("redial", options.redial),
            ],
        )?;
        if options.silence < 2 * options.ping {
            let (silence, ping) = (options.silence, options.ping);
            return invalid(format!("silence: {silence:?} is below twice the ping, {ping:?}"));
        }
        if options.start_max < options.start_min {
            let (max, min) = (options.start_max, options.start_min);
            return invalid(format!("start_max: {max:?} is below start_min, {min:?}"));
        }
        if options.fails_percent > 100 {
            return invalid(format!("fails_percent: {} is above 100", options.fails_percent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: Options) -> String {
        let nodes = vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2];
        let config = Config { id: 1, nodes, options };
        config.validate().map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
    }

    #[test]
    fn what_could_not_work_is_refused_by_field_and_bound() {
        let options = Options::default;
        assert_eq!(refused(options()), "accepted");
        let poll = Options { poll: Duration::ZERO, ..options() };
        assert_eq!(refused(poll), "poll: 0ns is below 4ms");
        let silence = Options { silence: Duration::from_secs(15), ..options() };
        assert_eq!(refused(silence), "silence: 15s is below twice the ping, 10s");
        let start = Options { start_max: Duration::from_secs(1), ..options() };
        assert_eq!(refused(start), "start_max: 1s is below start_min, 20s");
        assert_eq!(refused(Options { fails_percent: 101, ..options() }), "fails_percent: 101 is above 100");
    }

    #[test]
    fn a_controller_alone_and_a_node_that_is_none_of_the_nodes_are_refused() {
        let nodes = vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2];
        let config = Config { id: 3, nodes, options: Options::default() };
        assert_eq!(config.validate().unwrap_err().to_string(), "id: 3 is not from 1 to 2");
        let alone = Config { id: 1, nodes: config.nodes[..1].to_vec(), ..config };
        assert_eq!(
            alone.validate().unwrap_err().to_string(),
            "nodes: 1 is below 2: a controller, and a zone"
        );
    }
}
