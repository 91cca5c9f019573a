//! What an operator can ask of a cluster.

use super::message::{Keys, Member, Settings, Switchover, text};
use super::node::order_reinitialise;
use super::options::{Options, StandbyCluster};
use crate::common::Change;
use crate::store::{Client, ClientError};
use std::io;
use std::net::SocketAddr;

/// An operator: it writes down what it wants, and the agents see to it.
#[derive(Debug)]
pub struct Operator {
    store: Client,
    keys: Keys,
}

/// Why an order was not given, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The store did not take it, or may have.
    #[error(transparent)]
    Store(#[from] ClientError),
    /// No agent with this number has told of itself.
    #[error("there is no member {0}")]
    NoSuchMember(u32),
    /// Its agent does not answer, or has not in time.
    #[error("the agent of {0} does not answer: {1}")]
    Unreachable(u32, io::Error),
    /// Its agent says no.
    #[error("{0}")]
    Refused(String),
    /// The field and the bound that it misses.
    #[error("{0}")]
    Invalid(String),
}

impl OperatorError {
    /// Whether the order surely was not given.
    pub fn is_definite(&self) -> bool {
        match self {
            OperatorError::Store(error) => error.is_definite(),
            OperatorError::Unreachable(..) => false,
            OperatorError::NoSuchMember(_) | OperatorError::Refused(_) | OperatorError::Invalid(_) => true,
        }
    }
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
        self.change(|settings| settings.pause = true).await
    }

    /// Agents do their work again.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn resume(&mut self) -> Result<(), ClientError> {
        self.change(|settings| settings.pause = false).await
    }

    /// Lets a standby cluster go: its leader becomes a primary, with what it has.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn promote_cluster(&mut self) -> Result<(), ClientError> {
        self.change(|settings| settings.standby_cluster = None).await
    }

    /// Makes it a standby cluster, of the primary that listens there. What only it has is lost.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn follow_primary(&mut self, primary: SocketAddr) -> Result<(), ClientError> {
        self.change(|settings| settings.standby_cluster = Some(StandbyCluster { primary })).await
    }

    /// Changes options of all agents, for instance whether writes wait for standbys (`patronictl edit-config`).
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn change_options(&mut self, change: &Change) -> Result<(), OperatorError> {
        Options::default().changed(change).map_err(OperatorError::Invalid)?;
        Ok(self.change(|settings| settings.changed.then(change)).await?)
    }

    /// Has a standby throw away what it has and take a copy of the leader (`patronictl reinit`).
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn reinitialise(&mut self, member: u32) -> Result<(), OperatorError> {
        let kept = self.store.get(&self.keys.member(member)).await?;
        let told: Option<Member> = kept.and_then(|kept| serde_json::from_str(&kept.value).ok());
        let health = told.ok_or(OperatorError::NoSuchMember(member))?.health;
        let refused = order_reinitialise(health).await;
        match refused.map_err(|error| OperatorError::Unreachable(member, error))? {
            Some(why) => Err(OperatorError::Refused(why)),
            None => Ok(()),
        }
    }

    /// There is one operator at a time: what another one writes meanwhile is lost.
    async fn change(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), ClientError> {
        let key = self.keys.key("config");
        let kept = self.store.get(&key).await?;
        let mut settings: Settings =
            kept.and_then(|kept| serde_json::from_str(&kept.value).ok()).unwrap_or_default();
        change(&mut settings);
        self.store.put(&key, &text(&settings), None).await.map(drop)
    }
}
