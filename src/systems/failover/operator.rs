//! An operator: what he asks of each manager.

use super::client::Ret;
use super::options::{Manager, Options, Places};
use protocols::{patroni, stolon, vrrp};
use sim::Outcome;

/// An operator's hand on the manager.
pub(super) enum Operator {
    Patroni(patroni::Operator),
    Stolon(stolon::Operator),
    /// And what he tells the master's daemon.
    Daemons(vrrp::Operator, vrrp::Order),
    /// `repmgr standby switchover` is not modelled.
    Nobody,
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
            Manager::Repmgr | Manager::Agrajag => Operator::Nobody,
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
            Operator::Nobody => return Outcome::Fail("there is no switchover".to_owned()),
        };
        asked.map_or_else(Outcome::Unknown, |()| Outcome::Ok(Ret::Asked))
    }
}
