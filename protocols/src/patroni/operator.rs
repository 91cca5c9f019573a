//! What an operator can ask of a cluster.

use super::cluster::{Keys, Settings, Switchover, text};
use crate::store::{Client, ClientError};
use std::net::SocketAddr;

/// An operator: it writes down what it wants, and the agents see to it.
#[derive(Debug)]
pub struct Operator {
    store: Client,
    keys: Keys,
}

impl Operator {
    /// Of the cluster with this name, in the store with these replicas.
    pub fn new(store: Vec<SocketAddr>, scope: &str) -> Operator {
        Operator { store: Client::new(store), keys: Keys::new(scope) }
    }

    /// Who has the lock now.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn leader(&mut self) -> Result<Option<u32>, ClientError> {
        let leader = self.store.get(&self.keys.key("leader")).await?;
        Ok(leader.and_then(|leader| leader.value.parse().ok()))
    }

    /// Asks the leader to hand over to the candidate, or to the best standby. It is asked, not done: a leader that has
    /// nobody to hand over to forgets it, and so does one that is not `leader`.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn switchover(
        &mut self,
        leader: Option<u32>,
        candidate: Option<u32>,
    ) -> Result<(), ClientError> {
        let wish = Switchover { leader, candidate };
        self.store.put(&self.keys.key("failover"), &text(&wish), None).await.map(drop)
    }

    /// Agents watch from now on, and do nothing of their own accord: nobody takes over, and nobody stops.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn pause(&mut self) -> Result<(), ClientError> {
        self.set(true).await
    }

    /// Agents do their work again.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn resume(&mut self) -> Result<(), ClientError> {
        self.set(false).await
    }

    async fn set(&mut self, pause: bool) -> Result<(), ClientError> {
        self.store.put(&self.keys.key("config"), &text(&Settings { pause }), None).await.map(drop)
    }
}
