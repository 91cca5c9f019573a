//! An operator: what he asks of each manager.
//!
//! | order | of Patroni | of stolon | of keepalived, UCARP | of repmgr, also with Agrajag |
//! |---|---|---|---|---|
//! | `switchover`, `handover` | `patronictl switchover` | `stolonctl failkeeper`, of the master | a restart, `SIGUSR2` | – |
//! | `specify` | `patronictl edit-config` | `stolonctl update --patch` | – | – |
//! | `pause`, `resume` | `patronictl pause`, `resume` | – | – | `repmgr service pause`, `unpause` |
//! | `reinitialise` | `patronictl reinit` | – | – | – |
//! | `remove` | – | `stolonctl removekeeper` | – | – |
//! | `promote` | `edit-config`: no `standby_cluster` | `stolonctl promote` | – | – |
//!
//! What a manager does not have is refused. `repmgr standby switchover` is not modelled.

use super::client::{Op, Ret};
use super::options::{Manager, Options};
use super::places::Places;
use protocols::common::Change;
use protocols::{patroni, repmgr, stolon, vrrp};
use serde::{Deserialize, Serialize};
use sim::Outcome;

/// An operator's hand on the manager.
pub(super) enum Operator {
    Patroni(patroni::Operator),
    Stolon(stolon::Operator),
    /// And what he tells the master's daemon.
    Daemons(vrrp::Operator, vrrp::Order),
    Nodes(repmgr::Operator),
    /// There is no cluster.
    Nobody,
}

/// What an operator changes: of the manager that there is, these options; and whether writes wait for standbys, which all
/// know by a name of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Said")]
pub struct Specification {
    #[serde(skip_serializing_if = "Option::is_none")]
    synchronous: Option<bool>,
    #[serde(skip_serializing_if = "Change::is_empty")]
    patroni: Change,
    #[serde(skip_serializing_if = "Change::is_empty")]
    stolon: Change,
}

/// A specification, as a scenario has it.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Said {
    synchronous: Option<bool>,
    patroni: Change,
    stolon: Change,
}

impl TryFrom<Said> for Specification {
    type Error = String;

    fn try_from(Said { synchronous, patroni, stolon }: Said) -> Result<Self, String> {
        let of = |manager, checked: Result<(), String>| checked.map_err(|why| format!("{manager}: {why}"));
        of("patroni", patroni::Options::default().changed(&patroni).map(drop))?;
        of("stolon", stolon::Options::default().changed(&stolon).map(drop))?;
        Ok(Specification { synchronous, patroni, stolon })
    }
}

impl Specification {
    /// Whether writes wait for standbys, and nothing else.
    pub(super) fn synchronous(on: bool) -> Self {
        Specification { synchronous: Some(on), ..Specification::default() }
    }

    /// What it changes of Patroni's.
    fn of_patroni(&self) -> Change {
        let mode = |on: bool| Change::of_one("synchronous_mode", if on { "on" } else { "off" }.into());
        let mut change = self.synchronous.map(mode).unwrap_or_default();
        change.then(&self.patroni);
        change
    }

    /// What it changes of stolon's.
    fn of_stolon(&self) -> Change {
        let replication = |on: bool| Change::of_one("synchronous_replication", on.into());
        let mut change = self.synchronous.map(replication).unwrap_or_default();
        change.then(&self.stolon);
        change
    }
}

impl Operator {
    /// Of the cluster in these places; none for one that cannot be.
    pub(super) fn new(places: Option<Places<'_>>, options: &Options) -> Operator {
        let stores = places.map_or(&[][..], |places| places.stores);
        let daemons = || vrrp::Operator::new(places.iter().flat_map(Places::daemons).collect());
        match options.manager {
            Manager::Patroni => {
                Operator::Patroni(patroni::Operator::new(stores.to_vec(), &options.patroni.scope))
            }
            Manager::Stolon => Operator::Stolon(stolon::Operator::new(stores)),
            Manager::Vrrp => Operator::Daemons(daemons(), vrrp::Order::Restart),
            Manager::Ucarp => Operator::Daemons(daemons(), vrrp::Order::Demote),
            Manager::Repmgr | Manager::Agrajag => places.map_or(Operator::Nobody, |places| {
                Operator::Nodes(repmgr::Operator::new(
                    &places.repmgr(places.stores.len() as u32 + 1, options),
                ))
            }),
        }
    }

    /// Asks for another primary: of Patroni for this one, if one is named, of stolon for whichever it may be.
    pub(super) async fn switchover(&mut self, candidate: Option<u32>) -> Outcome<Ret> {
        let asked = match self {
            Operator::Patroni(operator) => {
                operator.switchover(None, candidate).await.map_err(|error| error.to_string())
            }
            Operator::Stolon(operator) => match operator.cluster().await {
                Ok(data) => match data.and_then(|data| data.master_keeper()) {
                    Some(master) => operator.fail_keeper(master).await.map_err(|error| error.to_string()),
                    None => return Outcome::Fail("there is no master".to_owned()),
                },
                Err(error) => return Outcome::Fail(error.to_string()),
            },
            Operator::Daemons(operator, order) => {
                operator.order(*order).await.map_err(|error| error.to_string())
            }
            Operator::Nodes(_) | Operator::Nobody => {
                return Outcome::Fail("there is no switchover".to_owned());
            }
        };
        asked.map_or_else(Outcome::Unknown, |()| Outcome::Ok(Ret::Asked))
    }

    /// Anything else; a database is named by its machine's number.
    pub(super) async fn order(&mut self, order: &Op, database: Option<u32>) -> Outcome<Ret> {
        match self {
            Operator::Patroni(operator) => {
                let asked = match (order, database) {
                    (Op::Pause, _) => operator.pause().await.map_err(Into::into),
                    (Op::Resume, _) => operator.resume().await.map_err(Into::into),
                    (Op::Promote, _) => operator.promote_cluster().await.map_err(Into::into),
                    (Op::Specify(specification), _) => {
                        operator.change_options(&specification.of_patroni()).await
                    }
                    (Op::Reinitialise(_), Some(member)) => operator.reinitialise(member).await,
                    _ => return none("Patroni"),
                };
                asked.map_or_else(|error| failed(error.is_definite(), &error), |()| Outcome::Ok(Ret::Asked))
            }
            Operator::Stolon(operator) => {
                let asked = match (order, database) {
                    (Op::Promote, _) => operator.promote().await,
                    (Op::Specify(specification), _) => {
                        operator.change_options(&specification.of_stolon()).await
                    }
                    (Op::Remove(_), Some(keeper)) => operator.remove_keeper(keeper).await,
                    _ => return none("stolon"),
                };
                asked.map_or_else(|error| failed(error.is_definite(), &error), |()| Outcome::Ok(Ret::Asked))
            }
            Operator::Daemons(..) => none("a daemon of an address"),
            Operator::Nodes(operator) => {
                let paused = match order {
                    Op::Pause => true,
                    Op::Resume => false,
                    _ => return none("repmgr"),
                };
                let asked = operator.pause(paused).await;
                asked.map_or_else(|error| failed(false, &error), |()| Outcome::Ok(Ret::Asked))
            }
            Operator::Nobody => none("nobody"),
        }
    }
}

fn failed(is_definite: bool, error: &dyn std::error::Error) -> Outcome<Ret> {
    if is_definite { Outcome::Fail(error.to_string()) } else { Outcome::Unknown(error.to_string()) }
}

fn none(manager: &str) -> Outcome<Ret> {
    Outcome::Fail(format!("{manager} has no such order"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<Specification, String> {
        serde_json::from_str(text).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn a_specification_changes_what_there_is() {
        let both = said(r#"{ "synchronous": true, "stolon": { "max_standbys": 2 } }"#).unwrap();
        let stolon = stolon::Options::default().changed(&both.of_stolon()).unwrap();
        assert_eq!((stolon.synchronous_replication, stolon.max_standbys), (true, 2));
        let patroni = patroni::Options::default().changed(&both.of_patroni()).unwrap();
        assert_eq!(patroni.synchronous_mode, patroni::Synchronous::On);
        let written = serde_json::to_string(&both).unwrap();
        assert_eq!(said(&written), Ok(both), "{written}");
    }

    #[test]
    fn what_no_manager_has_is_refused() {
        for (text, why) in [
            (r#"{ "raft": {} }"#, "unknown field `raft`"),
            (r#"{ "stolon": { "max_standbys": 0 } }"#, "stolon: max_standbys: 0 is below 1"),
            (r#"{ "patroni": { "ttl": 30 } }"#, "patroni: invalid type"),
            (r#"{ "patroni": { "scope": "b" } }"#, "patroni: scope: it is said on each machine"),
        ] {
            let refused = said(text).unwrap_err();
            assert!(refused.starts_with(why), "{refused}");
        }
    }
}
