//! Backups as bytes, and what is restored from them: what cannot be restored says why.

use crate::common::versioned;
use crate::database::{Put, Snapshot};
use crate::replication::message::RestoreError;
use std::collections::BTreeMap;

const VERSION: u8 = 1;
/// The checksum before what is sealed.
const SEAL_BYTES: usize = 4;
/// The last line of a dump, with how many come before it.
const COMPLETE: &str = "-- complete: ";

/// A snapshot, and changes after it.
pub(in crate::replication) fn seal(base: &Snapshot, changes: &[Put]) -> Vec<u8> {
    let sealed = versioned::encode(VERSION, &(base, changes));
    [&crc32fast::hash(&sealed).to_le_bytes()[..], &sealed].concat()
}

/// What a sealed backup has.
///
/// # Errors
///
/// When it is not what was sealed.
pub(in crate::replication) fn unseal(bytes: &[u8]) -> Result<BTreeMap<String, String>, RestoreError> {
    let (seal, sealed) = bytes.split_at_checked(SEAL_BYTES).ok_or(RestoreError::Truncated)?;
    if seal != crc32fast::hash(sealed).to_le_bytes() {
        return Err(RestoreError::Seal);
    }
    let opened = versioned::decode(VERSION, sealed);
    let (base, changes): (Snapshot, Vec<Put>) = opened.ok_or(RestoreError::Version)?;
    let mut contents = base.contents;
    contents.extend(changes.into_iter().map(|put| (put.key, put.value)));
    Ok(contents)
}

/// Lines that people can read, one a key, and a last one that says that there are no more.
pub(in crate::replication) fn dump(contents: &BTreeMap<String, String>) -> Vec<u8> {
    let line = |pair: (&String, &String)| serde_json::to_string(&pair).expect("texts are JSON") + "\n";
    let lines: String = contents.iter().map(line).collect();
    format!("{lines}{COMPLETE}{}\n", contents.len()).into_bytes()
}

/// What a dump has.
///
/// # Errors
///
/// When a line is none of a dump, or the last one is missing or counts others.
pub(in crate::replication) fn undump(bytes: &[u8]) -> Result<BTreeMap<String, String>, RestoreError> {
    let text = std::str::from_utf8(bytes).map_err(|_| RestoreError::Line { line: 0 })?;
    let (lines, complete) = text.rsplit_once(COMPLETE).ok_or(RestoreError::Truncated)?;
    let count = complete.strip_suffix('\n').and_then(|count| count.parse::<usize>().ok());
    let pairs: Result<BTreeMap<String, String>, RestoreError> = (1..)
        .zip(lines.lines())
        .map(|(line, text)| serde_json::from_str(text).map_err(|_| RestoreError::Line { line }))
        .collect();
    let contents = pairs?;
    if count == Some(contents.len()) { Ok(contents) } else { Err(RestoreError::Truncated) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Lsn;

    fn contents(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn snapshot() -> Snapshot {
        Snapshot { contents: contents(&[("a/1", "x"), ("a/2", "--\n\"")]), ..Snapshot::default() }
    }

    #[test]
    fn what_is_sealed_is_restored_with_the_changes_after_it() {
        let put = Put { lsn: Lsn(3), key: "a/1".to_owned(), value: "y".to_owned() };
        assert_eq!(unseal(&seal(&snapshot(), &[])).unwrap(), snapshot().contents);
        assert_eq!(unseal(&seal(&snapshot(), &[put])).unwrap()["a/1"], "y");
    }

    #[test]
    fn a_backup_that_was_cut_anywhere_is_not_restored() {
        let sealed = seal(&snapshot(), &[]);
        for length in 0..sealed.len() {
            let error = unseal(&sealed[..length]).unwrap_err();
            let expected = if length < SEAL_BYTES { RestoreError::Truncated } else { RestoreError::Seal };
            assert_eq!(error, expected);
        }
        let dumped = dump(&snapshot().contents);
        for length in 0..dumped.len() {
            let cut = undump(&dumped[..length]);
            assert!(matches!(cut, Err(RestoreError::Truncated | RestoreError::Line { .. })), "{length}");
        }
    }

    #[test]
    fn a_backup_of_another_version_and_a_line_of_something_else_say_so() {
        let other = versioned::encode(VERSION + 1, &0_u8);
        let sealed = [&crc32fast::hash(&other).to_le_bytes()[..], &other].concat();
        assert_eq!(unseal(&sealed), Err(RestoreError::Version));
        assert_eq!(undump(b"[\"a\",\"b\"]\nodd\n-- complete: 2\n"), Err(RestoreError::Line { line: 2 }));
    }

    #[test]
    fn a_dump_is_restored_to_what_it_was_made_of() {
        let contents = snapshot().contents;
        assert_eq!(undump(&dump(&contents)).unwrap(), contents);
        assert_eq!(undump(&dump(&BTreeMap::new())).unwrap(), BTreeMap::new());
        assert_eq!(undump(b"[\"a\",\"b\"]\n-- complete: 2\n"), Err(RestoreError::Truncated));
    }
}
