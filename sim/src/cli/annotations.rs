//! In a GitHub action, what went wrong as annotations beside the change: lines that its runner reads.

use super::out::{self, Colour};
use super::sweep_table;
use crate::catalog::Case;
use crate::sweep::Summary;

/// Says of each scenario what is wrong with it, where such a runner reads along.
pub(super) fn print(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    if std::env::var_os("GITHUB_ACTIONS").is_none() {
        return Ok(());
    }
    for (case, (result, colour)) in cases.iter().zip(sweep_table::results(cases, summary)) {
        if matches!(colour, Colour::Bad) {
            out::say(&error(&case.name, &case.path.display().to_string(), &result))?;
        }
    }
    Ok(())
}

fn error(title: &str, file: &str, message: &str) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    format!("::error title={},file={}::{}", property(title), property(file), escaped(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_an_annotation_early_is_escaped() {
        let said = error("a,b: c", "scenarios/x.toml", "100 %\nof: 3, runs");
        assert_eq!(said, "::error title=a%2Cb%3A c,file=scenarios/x.toml::100 %25%0Aof: 3, runs");
    }
}
