//! The subscriber: it brings a target the tables of a set. How far it is stands in the target, with the rows.

use crate::database::{Client, ClientError, Condition, Snapshot, Subscription, SubscriptionError, Write};
use crate::replication::message::SetError;
use crate::replication::options::Config;
use crate::replication::rules::{self, Progress, Set};
use host::sometimes;
use host::time::sleep;
use std::io;

/// Its number at the source, and at the target.
const NUMBER: u32 = 1000;

/// Why it begins again.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Source(#[from] SubscriptionError),
    #[error(transparent)]
    Target(#[from] ClientError),
    #[error("the progress at the target cannot be read: {0}")]
    Progress(#[from] serde_json::Error),
    #[error(transparent)]
    Set(#[from] SetError),
}

/// Brings over what comes, until the future is dropped.
///
/// # Errors
///
/// When the set names an unknown table, or what stands at the target is no progress.
pub(super) async fn run(config: &Config) -> io::Result<()> {
    loop {
        match follow(config).await {
            Ended::Set(error) => return Err(io::Error::new(io::ErrorKind::InvalidInput, error)),
            Ended::Progress(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            error => tracing::debug!(%error, "begins again"),
        }
        sleep(config.options.retry).await;
    }
}

/// From where the target is, for as long as it goes.
async fn follow(config: &Config) -> Ended {
    match try_follow(config).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

async fn try_follow(config: &Config) -> Result<std::convert::Infallible, Ended> {
    let patience = config.options.patience;
    let mut target = Client::new(config.target).patience(patience).of_primary();
    let mut progress = match target.get(&rules::progress_key()).await? {
        Some(progress) => serde_json::from_str(&progress)?,
        None => copy(config, &mut target, None).await?,
    };
    let place = (progress.history.clone(), progress.last);
    let mut changes = match Subscription::after(config.source, NUMBER, place, patience).await {
        Err(SubscriptionError::Gone) => {
            sometimes!("subscriber copies again");
            progress = copy(config, &mut target, Some(progress.set)).await?;
            Subscription::after(config.source, NUMBER, (progress.history.clone(), progress.last), patience)
                .await?
        }
        subscribed => subscribed?,
    };
    loop {
        let puts = changes.next().await?;
        let is_quiet = puts.is_empty();
        for put in puts.into_iter().filter(|put| progress.set.takes(&put.key)) {
            write(&mut target, put.key, put.value).await?;
        }
        let (history, last) = changes.place();
        (progress.history, progress.last) = (history.clone(), last);
        if !is_quiet {
            save(&mut target, &progress).await?;
        }
        changes.confirm().await?;
    }
}

/// Brings over what is there.
async fn copy(config: &Config, target: &mut Client, set: Option<Set>) -> Result<Progress, Ended> {
    let snapshot = Snapshot::of(config.source, NUMBER, config.options.patience).await?;
    let mut set = match set {
        Some(set) => set,
        None => Set::new(&config.options, &snapshot)?,
    };
    for (key, value) in set.taken(&snapshot) {
        write(target, key.clone(), value.clone()).await?;
    }
    let progress = Progress { history: snapshot.history, last: snapshot.last, set };
    save(target, &progress).await?;
    sometimes!("tables copied");
    Ok(progress)
}

/// Rows first, then how far it is: after a crash some come once more, in their order.
async fn save(target: &mut Client, progress: &Progress) -> Result<(), Ended> {
    write(target, rules::progress_key(), serde_json::to_string(progress)?).await
}

async fn write(target: &mut Client, key: String, value: String) -> Result<(), Ended> {
    let id = host::entropy::u64() | 1;
    Ok(target.write(Write { id, key, value, condition: Condition::None }).await.map(drop)?)
}
