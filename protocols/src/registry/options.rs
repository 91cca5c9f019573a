//! What can be chosen about a registry node.

use super::{
    message::check_name,
    process::NodeId,
    resolver::{Resolve, Resolver},
    scope::{DEFAULT_SCOPE, ScopeName},
};
use crate::common::bounds::{SHORTEST, at_least};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, time::Duration};

/// One node of a cluster: who it is, where it listens, and how to reach the others.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub id: NodeId,
    /// Where peers and clients connect.
    pub listen: SocketAddr,
    /// The other nodes. Of two nodes the one with the smaller id dials.
    pub peers: Vec<(NodeId, SocketAddr)>,
    /// Timers and flaws, the same on every node.
    pub options: Options,
    /// A resolver of your own, the same on every node, in place of the options'.
    pub resolve: Option<Resolve>,
}

/// The rules, timers, and a flaw to be caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Whose rules.
    pub protocol: Protocol,
    /// What the node takes part in from the start. It can add further scopes later.
    pub scopes: Vec<String>,
    /// Who keeps a name that two processes have. Only Syn's rules can be given another than their own.
    pub resolver: Resolver,
    /// Whom a custom resolver gives up is stopped up to this long later, by a task at each of the two nodes. Unless said:
    /// `1500ms` with `earliest`, as in Logflare, and never with the others.
    #[serde(with = "humantime_serde::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub kill_later: Option<Duration>,
    /// A peer from which nothing arrived for this long is down. Erlang's default is `60s`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub net_tick: Duration,
    /// How long a call waits for the process' node. An answer that comes later is dropped.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub call_timeout: Duration,
    /// The pause before a lost or refused connection is dialled again. One attempt lasts at most four times as long.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redial: Duration,
    /// Who hears that a peer has lost another, to which it is connected itself, disconnects that peer, until the other has
    /// found it again: partitions that overlap become whole ones. OTP's `global` does so since OTP 25 unless told not to.
    pub prevent_overlapping_partitions: bool,
    /// Only the process itself may register or join itself: the client that started it.
    pub strict: bool,
    /// Processes trap exit signals: the loser of a conflict lives on without the name, and finds the reason among its
    /// messages. With Syn's rules alone.
    pub traps_exits: bool,
    /// Stamps are read in units of this. Wall clocks of some systems step by 15.6 ms.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub clock_unit: Duration,
    /// A calling task writes its node's table up to this long after the answer is there: its node is busy.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub caller_lag: Duration,
    /// A death is reported up to this long after it happened.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub death_lag: Duration,
    /// This many processes are started and named when the node boots: a cluster that is in use already.
    pub preload: u32,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            protocol: Protocol::Syn,
            scopes: vec![DEFAULT_SCOPE.to_owned()],
            resolver: Resolver::Latest,
            kill_later: None,
            net_tick: Duration::from_secs(5),
            call_timeout: Duration::from_secs(5),
            redial: Duration::from_millis(500),
            prevent_overlapping_partitions: false,
            strict: false,
            traps_exits: false,
            clock_unit: Duration::from_nanos(1),
            caller_lag: Duration::ZERO,
            death_lag: Duration::ZERO,
            preload: 0,
            flaw: None,
        }
    }
}

/// Whose rules a node follows. All nodes of a cluster follow the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Syn 3, faithfully: wall-clock stamps, and a table that scope and callers write.
    #[default]
    Syn,
    /// The corrected one: claims by owner, ranks from a hybrid logical clock.
    Converged,
}

/// Defects that Syn, or the models on the way to it, once had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Snapshots are merged by union and a lost peer's entries are kept: what was unregistered meanwhile lives on.
    PhantomOnMerge,
    /// A peer that comes back after a netsplit is taken for known: nothing is asked, nothing is sent again.
    NoSyncAfterHeal,
    /// The loser of a conflict is killed, and nobody else is told.
    LoserNotBroadcast,
    /// Snapshots leave by another way than broadcasts, which can overtake them.
    AckSyncOvertaken,
    /// Names are counted up and down, not looked up: what is removed twice counts twice.
    DoubleCount,
    /// A snapshot only adds: what its owner no longer has stays.
    NoSnapshotReconcile,
    /// Of two processes with equal stamps each node keeps its own.
    TieKeepsBoth,
    /// A process that loses one of its names is no longer watched.
    EarlyDemonitor,
    /// A lookup shows a process of this node that has died, until the report of its death is handled.
    DeadPidLookup,
    /// Whom a custom resolver gives up is to be stopped, and nobody does it: it lives on without the name.
    LoserLivesOn,
}

/// How long Logflare's tasks wait before they stop whom its resolver gives up: `:rand.uniform(1500)` ms.
const KILL_LATER: Duration = Duration::from_millis(1500);

impl Options {
    /// How much later whom a resolver gives up is stopped, if at all.
    pub(super) fn kills_later(&self) -> Option<Duration> {
        self.kill_later.or_else(|| (self.resolver == Resolver::Earliest).then_some(KILL_LATER))
    }
}

impl Config {
    /// Whether another resolver than Syn's, which kills, decides who keeps a name.
    pub(super) fn has_custom_resolver(&self) -> bool {
        self.resolve.is_some() || self.options.resolver != Resolver::Latest
    }

    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        at_least(
            SHORTEST,
            &[
                ("net_tick", self.options.net_tick),
                ("call_timeout", self.options.call_timeout),
                ("redial", self.options.redial),
            ],
        )?;
        if self.options.clock_unit.is_zero() {
            return invalid("clock_unit: 0s is below 1ns".to_owned());
        }
        if self.options.protocol == Protocol::Converged && self.options.flaw.is_some() {
            return invalid("flaw: the converged protocol has none".to_owned());
        }
        if self.options.protocol == Protocol::Converged && self.options.traps_exits {
            return invalid("traps_exits: the converged protocol ends whom it has lost".to_owned());
        }
        let custom = self.has_custom_resolver();
        if self.options.protocol == Protocol::Converged && custom {
            return invalid("resolver: the converged protocol has its own, a total order".to_owned());
        }
        if self.options.kill_later.is_some() && !custom {
            return invalid("kill_later: the resolver latest kills at once".to_owned());
        }
        if self.options.flaw == Some(Flaw::LoserLivesOn) && self.options.kills_later().is_none() {
            return invalid("flaw: loser-lives-on is one of a resolver that kills later".to_owned());
        }
        for (index, scope) in self.options.scopes.iter().enumerate() {
            if let Err(refusal) = check_name(scope) {
                return invalid(format!("scopes: {refusal}"));
            }
            let same = |other: &String| ScopeName::new(other) == ScopeName::new(scope);
            if self.options.scopes[..index].iter().any(same) {
                return invalid(format!("scopes: {scope:?} is listed twice"));
            }
        }
        for (index, (peer, _)) in self.peers.iter().enumerate() {
            if *peer == self.id {
                return invalid(format!("peers: {peer} is this node"));
            }
            if self.peers[..index].iter().any(|(other, _)| other == peer) {
                return invalid(format!("peers: {peer} is listed twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_read_durations_with_units_and_flaws_in_kebab_case() {
        let json = r#"{ "net_tick": "60s", "redial": "250ms", "flaw": "ack-sync-overtaken" }"#;
        let options: Options = serde_json::from_str(json).unwrap();
        assert_eq!(options.net_tick, Duration::from_secs(60));
        assert_eq!(options.redial, Duration::from_millis(250));
        assert_eq!(options.call_timeout, Options::default().call_timeout);
        assert_eq!(options.flaw, Some(Flaw::AckSyncOvertaken));
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Options>(r#"{ "nettick": "60s" }"#).is_err());
    }

    #[test]
    fn a_peer_may_neither_be_this_node_nor_come_twice() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let config = |peers: &[u16]| Config {
            id: NodeId(1),
            listen: address,
            peers: peers.iter().map(|id| (NodeId(*id), address)).collect(),
            options: Options::default(),
            resolve: None,
        };
        assert!(config(&[2, 3]).validate().is_ok());
        assert!(config(&[1]).validate().is_err());
        assert!(config(&[2, 2]).validate().is_err());
    }

    #[test]
    fn a_timer_of_zero_is_an_error() {
        let options = Options { net_tick: Duration::ZERO, ..Options::default() };
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let config = Config { id: NodeId(1), listen, peers: Vec::new(), options, resolve: None };
        assert!(config.validate().is_err());
    }

    #[test]
    fn a_scope_may_neither_be_nameless_nor_come_twice() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let valid = |scopes: &[&str]| {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let options = Options { scopes, ..Options::default() };
            Config { id: NodeId(1), listen, peers: Vec::new(), options, resolve: None }.validate().is_ok()
        };
        assert!(valid(&["default", "eu"]) && valid(&[]));
        assert!(!valid(&["eu", ""]));
        assert!(!valid(&["eu", "eu"]));
    }

    #[test]
    fn only_a_custom_resolver_kills_later_and_the_earliest_does_unless_told_otherwise() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let judge = |options: Options| {
            let kills_later = options.kills_later();
            Config { id: NodeId(1), listen, peers: Vec::new(), options, resolve: None }
                .validate()
                .map(|()| kills_later)
                .map_err(|error| error.to_string())
        };
        let of = |resolver, kill_later| Options { resolver, kill_later, ..Options::default() };
        let soon = Some(Duration::from_millis(20));
        assert_eq!(judge(of(Resolver::Earliest, None)), Ok(Some(KILL_LATER)));
        assert_eq!(judge(of(Resolver::Earliest, soon)), Ok(soon));
        assert_eq!(judge(of(Resolver::KeepThis, soon)), Ok(soon));
        assert_eq!(judge(of(Resolver::KeepThis, None)), Ok(None));
        assert_eq!(judge(of(Resolver::Latest, None)), Ok(None));
        let refused = Err("kill_later: the resolver latest kills at once".to_owned());
        assert_eq!(judge(of(Resolver::Latest, soon)), refused);
        let flawed = |resolver| Options { flaw: Some(Flaw::LoserLivesOn), ..of(resolver, None) };
        assert!(judge(flawed(Resolver::Earliest)).is_ok() && judge(flawed(Resolver::KeepThis)).is_err());
    }

    #[test]
    fn the_converged_protocol_refuses_a_custom_resolver_and_syn_does_not() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        for (protocol, accepted) in [(Protocol::Syn, true), (Protocol::Converged, false)] {
            let options = Options { protocol, ..Options::default() };
            let named = Options { resolver: Resolver::KeepThis, ..options.clone() };
            let own = Some(Resolve::new(|_, theirs, _| Some(theirs.pid)));
            for (options, resolve) in [(named, None), (options, own)] {
                let config = Config { id: NodeId(1), listen, peers: Vec::new(), options, resolve };
                assert_eq!(config.validate().is_ok(), accepted);
            }
        }
    }
}
