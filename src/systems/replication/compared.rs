//! What the auditor has seen in the end: **tables**, **sequences**, **replica** and **drills**.

use protocols::database::Snapshot;
use protocols::replication::{About, View, about};
use sim::check::{Broken, Views};
use std::collections::BTreeMap;

/// The source, and another, as the auditor has seen them.
fn seen(
    views: &Views<View>,
    other: impl Fn(&View) -> Option<&Snapshot>,
) -> Result<(&Snapshot, &Snapshot), Broken> {
    let Some((_, view)) = views.up().next() else { return Err(Broken::new("the auditor is not up")) };
    match (view.source.as_deref(), other(view)) {
        (Some(source), Some(other)) => Ok((source, other)),
        _ => Err(Broken::new("a database has not answered the auditor")),
    }
}

fn all(of: &Snapshot) -> BTreeMap<&str, &str> {
    of.contents.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// Tables and rows.
fn rows(of: &Snapshot) -> BTreeMap<&str, &str> {
    let is_row = |key: &str| matches!(about(key), About::Table(_) | About::Row(..));
    all(of).into_iter().filter(|(key, _)| is_row(key)).collect()
}

/// The target has every table and row as the source has it, and no other.
pub(super) fn tables(views: &Views<View>) -> Result<(), Broken> {
    let (source, target) = seen(views, |view| view.target.as_deref())?;
    differ(&rows(source), &rows(target), "target")
}

/// The replica has what the source has.
pub(super) fn replica(views: &Views<View>) -> Result<(), Broken> {
    let (source, replica) = seen(views, |view| view.replica.as_deref())?;
    differ(&all(source), &all(replica), "replica")
}

/// Whoever goes on at the target is given no number that a row has already.
pub(super) fn sequences(views: &Views<View>) -> Result<(), Broken> {
    let (_, target) = seen(views, |view| view.target.as_deref())?;
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, value) in &target.contents {
        match about(key) {
            About::Row(table, row) => {
                let most = taken.entry(table).or_default();
                *most = row.parse().unwrap_or(0).max(*most);
            }
            About::Sequence(table) => {
                last.insert(table, value.parse().unwrap_or(0));
            }
            _ => {}
        }
    }
    for (table, row) in taken {
        let next = last.get(table).copied().unwrap_or(0) + 1;
        if row >= next {
            let why = format!("the target's sequence of {table} gives {next} next, and row {row} is there");
            return Err(Broken::new(why).key(table));
        }
    }
    Ok(())
}

/// Every method of backup works, by the latest drill.
pub(super) fn drills(views: &Views<View>) -> Result<(), Broken> {
    let Some((_, view)) = views.up().next() else { return Err(Broken::new("the auditor is not up")) };
    if view.drills.is_empty() {
        return Err(Broken::new("no backup was restored"));
    }
    match view.drills.iter().find(|(_, outcome)| *outcome != "works") {
        Some((method, outcome)) => Err(Broken::new(format!("backups by {method}: {outcome}")).item(method)),
        None => Ok(()),
    }
}

/// The first key at which two differ.
fn differ(source: &BTreeMap<&str, &str>, other: &BTreeMap<&str, &str>, name: &str) -> Result<(), Broken> {
    for (key, value) in source {
        match other.get(key) {
            Some(there) if there == value => {}
            Some(there) => {
                let why = format!("{key} is {value:?} at the source, and {there:?} at the {name}");
                return Err(Broken::new(why).key(key));
            }
            None => return Err(Broken::new(format!("{key} is not at the {name}")).key(key)),
        }
    }
    match other.keys().find(|key| !source.contains_key(*key)) {
        Some(key) => Err(Broken::new(format!("{key} is at the {name} alone")).key(key)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn snapshot(rows: &[(&str, &str)]) -> Option<Arc<Snapshot>> {
        let contents = rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Some(Arc::new(Snapshot { contents, ..Snapshot::default() }))
    }

    fn views(source: &[(&str, &str)], target: &[(&str, &str)]) -> Views<View> {
        let view = View {
            source: snapshot(source),
            replica: snapshot(source),
            target: snapshot(target),
            ..View::default()
        };
        Views::new(vec![None, Some(view)])
    }

    const SOURCE: [(&str, &str); 3] = [("a/0", "x"), ("sequences/a", "0"), ("tables/a", "")];

    #[test]
    fn what_is_alike_but_for_the_progress_is_alike() {
        let mut target = SOURCE.to_vec();
        target.push(("progress/subscriber", "{}"));
        let views = views(&SOURCE, &target);
        assert!(tables(&views).is_ok() && replica(&views).is_ok() && sequences(&views).is_ok());
    }

    #[test]
    fn a_row_that_is_missing_or_another_or_too_many_is_named() {
        let of = |target: &[(&str, &str)]| tables(&views(&SOURCE, target)).unwrap_err().evidence;
        assert_eq!(of(&[("tables/a", "")]), "a/0 is not at the target");
        assert_eq!(
            of(&[("a/0", "y"), ("tables/a", "")]),
            "a/0 is \"x\" at the source, and \"y\" at the target"
        );
        assert_eq!(of(&[("a/0", "x"), ("a/1", "x"), ("tables/a", "")]), "a/1 is at the target alone");
    }

    #[test]
    fn a_sequence_that_was_left_behind_would_give_a_number_twice() {
        let behind = views(&SOURCE, &[("a/2", "x"), ("sequences/a", "1")]);
        assert!(sequences(&behind).unwrap_err().evidence.ends_with("gives 2 next, and row 2 is there"));
        assert!(sequences(&views(&SOURCE, &[("a/2", "x"), ("sequences/a", "2")])).is_ok());
        assert!(sequences(&views(&SOURCE, &[("a/1", "x")])).is_err());
    }

    #[test]
    fn a_method_that_does_not_work_is_named_and_no_drill_is_no_proof() {
        let of = |drills: &[(&'static str, &str)]| {
            let drills = drills.iter().map(|(method, outcome)| (*method, (*outcome).to_owned())).collect();
            super::drills(&Views::new(vec![Some(View { drills, ..View::default() })]))
        };
        assert!(of(&[("base", "works"), ("dump", "works")]).is_ok());
        let broken = of(&[("base", "works"), ("dump", "not restored: it is cut short")]).unwrap_err();
        assert_eq!(broken.evidence, "backups by dump: not restored: it is cut short");
        assert_eq!(of(&[]).unwrap_err().evidence, "no backup was restored");
    }

    #[test]
    fn a_database_that_the_auditor_has_not_seen_is_no_agreement() {
        assert!(tables(&Views::new(vec![None])).is_err());
        let none = Views::new(vec![Some(View::default())]);
        assert_eq!(replica(&none).unwrap_err().evidence, "a database has not answered the auditor");
    }
}
