//! The rules: names, sets of tables, how fresh a replica is. Plain functions on state.

mod backup;
mod freshness;
mod sets;

pub(super) use backup::{dump, seal, undump, unseal};
pub(super) use freshness::Freshness;
pub(super) use sets::{Progress, Set};

const TABLES: &str = "tables";
const SEQUENCES: &str = "sequences";
const PROGRESS: &str = "progress";

/// Whether a table may have this name.
pub(super) fn is_table(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && ![TABLES, SEQUENCES, PROGRESS].contains(&name)
}

/// The key that says that there is a table.
pub(super) fn table_key(table: &str) -> String {
    format!("{TABLES}/{table}")
}

/// The key of a row.
pub(super) fn row_key(table: &str, row: u64) -> String {
    format!("{table}/{row}")
}

/// The key of a table's sequence: the last number that was taken from it.
pub(super) fn sequence_key(table: &str) -> String {
    format!("{SEQUENCES}/{table}")
}

/// The key under which a target says how far it is.
pub(super) fn progress_key() -> String {
    format!("{PROGRESS}/subscriber")
}

/// What a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'k> {
    /// That there is a table of this name.
    Table(&'k str),
    /// The sequence of a table.
    Sequence(&'k str),
    /// A row of a table, and its number.
    Row(&'k str, &'k str),
    /// How far the target is, or a key of somebody else.
    Other,
}

/// What a key is about.
pub fn about(key: &str) -> About<'_> {
    match key.split_once('/') {
        Some((TABLES, table)) => About::Table(table),
        Some((SEQUENCES, table)) => About::Sequence(table),
        Some((table, row)) if is_table(table) => About::Row(table, row),
        _ => About::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_it_is_about() {
        assert_eq!(about(&row_key("orders", 7)), About::Row("orders", "7"));
        assert_eq!(about(&table_key("orders")), About::Table("orders"));
        assert_eq!(about(&sequence_key("orders")), About::Sequence("orders"));
        assert_eq!(about(&progress_key()), About::Other);
        assert_eq!(about("orders"), About::Other);
    }
}
