//! An operator's hand on a cluster: stolon's command line.

use super::message::ClusterData;
use super::records::{Records, RecordsError};
use crate::common::Change;
use crate::store::ClientError;
use std::net::SocketAddr;
use std::time::Duration;

/// What an operator may do. Everything is a change of the cluster's data; the sentinel that leads does the rest.
#[derive(Debug)]
pub struct Operator {
    records: Records,
}

/// Why an order was not given, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The store did not take it, or may have.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// There is no cluster yet.
    #[error("there is no cluster")]
    NoCluster,
    /// The cluster has no such keeper.
    #[error("there is no keeper {0}")]
    NoSuchKeeper(u32),
    /// The keeper of the master cannot be removed. Let it fail first.
    #[error("keeper {0} has the master")]
    HasMaster(u32),
    /// The field and the bound that it misses.
    #[error("{0}")]
    Invalid(String),
    /// The sentinel wrote at the same time, again and again.
    #[error("the cluster's data changed too often")]
    Contended,
}

impl OperatorError {
    /// Whether the order surely was not given.
    pub fn is_definite(&self) -> bool {
        !matches!(self, OperatorError::Records(RecordsError::Store(ClientError::Unknown(_))))
    }
}

impl Operator {
    /// Of the cluster in the store with these replicas. A request may take 5 s.
    pub fn new(stores: &[SocketAddr]) -> Operator {
        Operator { records: Records::new(stores, Duration::from_secs(5)) }
    }

    /// What the sentinel knows and wants; none before it has written anything.
    ///
    /// # Errors
    ///
    /// See [`RecordsError`].
    pub async fn cluster(&mut self) -> Result<Option<ClusterData>, RecordsError> {
        Ok(self.records.cluster().await?.data)
    }

    /// Lets a keeper count as failed once: if it has the master, another one is elected. This is how one switches over.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`]; this holds for all orders.
    pub async fn fail_keeper(&mut self, keeper: u32) -> Result<(), OperatorError> {
        self.change(|data| {
            let known = data.keepers.get_mut(&keeper).ok_or(OperatorError::NoSuchKeeper(keeper))?;
            known.force_fail = true;
            Ok(())
        })
        .await
    }

    /// Removes a keeper and its database. If it still runs it comes back as a new one.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn remove_keeper(&mut self, keeper: u32) -> Result<(), OperatorError> {
        self.change(|data| {
            if data.master_keeper() == Some(keeper) {
                return Err(OperatorError::HasMaster(keeper));
            }
            data.keepers.remove(&keeper).ok_or(OperatorError::NoSuchKeeper(keeper))?;
            data.dbs.retain(|_, db| db.spec.keeper != keeper);
            Ok(())
        })
        .await
    }

    /// Changes the specification, for instance whether writes wait for standbys.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn change_options(&mut self, change: &Change) -> Result<(), OperatorError> {
        self.change(|data| {
            data.options = data.options.changed(change).map_err(OperatorError::Invalid)?;
            Ok(())
        })
        .await
    }

    /// Ends that the cluster is a standby of another: its master becomes a primary. A cluster that is none stays as it
    /// is. Whether the other one still takes writes is not asked: that is the operator's to know.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn promote(&mut self) -> Result<(), OperatorError> {
        self.change(|data| {
            data.options.standby_of = None;
            Ok(())
        })
        .await
    }

    async fn change(
        &mut self,
        change: impl Fn(&mut ClusterData) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        for _ in 0..ATTEMPTS {
            let read = self.records.cluster().await?;
            let mut data = read.data.ok_or(OperatorError::NoCluster)?;
            change(&mut data)?;
            if self.records.write_cluster(&data, read.revision).await? {
                return Ok(());
            }
        }
        Err(OperatorError::Contended)
    }
}

/// The sentinel writes every few seconds: a second attempt is rare.
const ATTEMPTS: u32 = 5;
