//! An operator: what he asks of either manager.

use super::client::Ret;
use super::options::{Manager, Options};
use protocols::{patroni, stolon};
use sim::Outcome;
use std::net::SocketAddr;

/// An operator's hand on the manager.
pub(super) enum Operator {
    Patroni(patroni::Operator),
    Stolon(stolon::Operator),
}

impl Operator {
    /// Of the cluster in this store.
    pub(super) fn new(stores: &[SocketAddr], options: &Options) -> Operator {
        match options.manager {
            Manager::Patroni => {
                Operator::Patroni(patroni::Operator::new(stores.to_vec(), &options.patroni.scope))
            }
            Manager::Stolon => Operator::Stolon(stolon::Operator::new(stores)),
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
        };
        asked.map_or_else(Outcome::Unknown, |()| Outcome::Ok(Ret::Asked))
    }
}
