//! The vault: five kinds of backups, each restored as soon as it was taken. A backup that nobody has restored is none.

use crate::database::{Put, Snapshot, Subscription};
use crate::replication::options::Config;
use crate::replication::rules;
use crate::replication::view::View;
use host::disk::Disk;
use host::probe;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Its number at the source.
const NUMBER: u32 = 2001;
/// The folder of what is kept.
const FOLDER: &str = "backups";

type Contents = BTreeMap<String, String>;

/// A vault, and what its archive begins with.
pub(super) struct Vault {
    disk: Disk,
    base: Option<Arc<Snapshot>>,
}

impl Vault {
    pub fn new(disk: Disk) -> Vault {
        Vault { disk, base: None }
    }

    /// Takes a backup by each method, restores it, and says whether it has what the source has.
    pub async fn drill(&mut self, config: &Config, seen: &View) -> BTreeMap<&'static str, String> {
        let mut drilled = BTreeMap::new();
        let Some(source) = seen.source.clone() else { return drilled };
        let base = self.base.replace(Arc::clone(&source)).unwrap_or_else(|| Arc::clone(&source));
        let sealed = |of: &Option<Arc<Snapshot>>| of.as_deref().map(|of| rules::seal(of, &[]));
        let archived = archive(config, &base, &source).await.map(|changes| rules::seal(&base, &changes));
        let restore_sealed: fn(&[u8]) -> _ = rules::unseal;
        let restore_dump: fn(&[u8]) -> _ = rules::undump;
        for (method, taken, restore) in [
            ("base", Some(rules::seal(&source, &[])), restore_sealed),
            ("archive", archived, restore_sealed),
            ("dump", Some(rules::dump(&source.contents)), restore_dump),
            ("replica", sealed(&seen.replica), restore_sealed),
            ("target", sealed(&seen.target), restore_sealed),
        ] {
            let outcome = match taken {
                None => "not taken".to_owned(),
                Some(taken) => match self.keep(method, &taken).await {
                    Err(error) => format!("not kept: {error}"),
                    Ok(kept) => restore(&kept).map_or_else(
                        |error| format!("not restored: {error}"),
                        |restored| compare(&source.contents, restored),
                    ),
                },
            };
            probe!("drill", method, outcome.as_str());
            drilled.insert(method, outcome);
        }
        drilled
    }

    /// Puts a backup in the place of the one before once it is on the disk, and reads it back.
    async fn keep(&self, method: &str, taken: &[u8]) -> io::Result<Vec<u8>> {
        let (name, unfinished) = (format!("{FOLDER}/{method}"), format!("{FOLDER}/{method}.unfinished"));
        self.disk.create_dir_all(FOLDER).await?;
        let file = self.disk.create(&unfinished).await?;
        file.write_all_at(taken, 0).await?;
        file.sync_all().await?;
        self.disk.rename(&unfinished, &name).await?;
        self.disk.sync_dir(FOLDER).await?;
        self.disk.read(&name).await
    }
}

/// The changes from one snapshot of the source to a later one; none if its log has them no more, or it does not answer.
async fn archive(config: &Config, base: &Snapshot, upto: &Snapshot) -> Option<Vec<Put>> {
    let (place, patience) = ((base.history.clone(), base.last), config.options.patience);
    let mut changes = Vec::new();
    if base.last < upto.last {
        let mut subscription = Subscription::after(config.source, NUMBER, place, patience).await.ok()?;
        while subscription.place().1 < upto.last {
            changes.extend(subscription.next().await.ok()?.into_iter().filter(|put| put.lsn <= upto.last));
        }
    }
    Some(changes)
}

/// What a restored database lacks of the source.
fn compare(source: &Contents, mut restored: Contents) -> String {
    restored.remove(&rules::progress_key());
    let lacks = source.iter().find(|(key, value)| restored.get(*key) != Some(value));
    match lacks {
        Some((key, _)) => format!("restored, and lacks {key}"),
        None if restored.len() > source.len() => "restored, and has more".to_owned(),
        None => WORKS.to_owned(),
    }
}

/// What is said of a method that works.
pub(super) const WORKS: &str = "works";
