//! What was set aside, for the person who decides: on the files of a service that does not run.

use super::{
    journal::{Journal, JournalError},
    message::{Answer, Command, Id, Version},
    options::Options,
    refusal::Refusal,
    rules::Poison,
};
use host::disk::Disk;

/// Why a command that was set aside is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The log is of no use, or its disk fails.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What is to be done about a command that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Forget it.
    Discard,
    /// Make up for it: who paid elsewhere is owed the price.
    Compensate,
}

/// Every command that is set aside, by its place in the log.
///
/// # Errors
///
/// When the log is of no use.
pub async fn poison(disk: &Disk, options: &Options) -> Result<Vec<(Version, Poison)>, JournalError> {
    let journal = Journal::open(disk, options).await?;
    Ok(journal.poison().map(|(version, poison)| (version, poison.clone())).collect())
}

/// Settles one, for good: a line in the log says so. Where there are two nodes, do it at the primary.
///
/// # Errors
///
/// When it is not set aside, or the log is of no use.
pub async fn settle(
    disk: &Disk,
    options: &Options,
    version: Version,
    settlement: Settlement,
) -> Result<(), SettleError> {
    let mut journal = Journal::open(disk, options).await?;
    let command = match settlement {
        Settlement::Discard => Command::Discard(version),
        Settlement::Compensate => Command::Compensate(version),
    };
    let id = Id { client: host::entropy::u64(), number: 1 };
    let answer = journal.submit(id, &command)?;
    // A refusal is a line, too.
    journal.commit().await?;
    match answer {
        Answer::Refused(refusal) => Err(refusal.into()),
        _ => Ok(()),
    }
}
