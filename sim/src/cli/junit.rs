//! `--junit FILE`: a sweep as a test report, which nextest, GitHub, GitLab and Jenkins read. A scenario is a test.

use super::out::{self, Colour};
use super::sweep_table;
use super::written::Draft;
use crate::catalog::Case;
use crate::sweep::Summary;
use miette::IntoDiagnostic;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;

/// A report that will be written.
#[derive(Debug)]
pub(super) struct Junit(Draft);

impl Junit {
    /// Proves before anything is run that the file can be written.
    pub(super) fn at(path: &Path) -> miette::Result<Self> {
        Draft::new(path).map(Junit)
    }

    /// Writes what a sweep found.
    pub(super) fn write(self, cases: &[Case], summary: &Summary) -> miette::Result<()> {
        let mut suite = TestSuite::new("sweep");
        suite.add_test_cases(
            sweep_table::results(cases, summary)
                .into_iter()
                .enumerate()
                .map(|(index, (result, colour))| test(&cases[index], summary, index, &result, colour)),
        );
        let mut report = Report::new("splitbrain");
        report.add_test_suite(suite);
        let text = report.to_string().into_diagnostic()?;
        self.0.keep(|out| out.write_all(text.as_bytes()))
    }
}

fn test(case: &Case, summary: &Summary, index: usize, result: &str, colour: Colour) -> TestCase {
    let of_case = &summary.cases[index];
    let status = match colour {
        Colour::Bad => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let seed = of_case.first_unexpected.or(of_case.first_seed).unwrap_or_default();
            status.set_message(result).set_description(out::replay_command(case, seed));
            status
        }
        _ if of_case.runs == 0 || of_case.unknown > 0 => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(result);
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut test = TestCase::new(case.name.clone(), status);
    test.set_classname(case.name.split('/').next().unwrap_or_default());
    test.set_system_out(format!("{} runs: {result}", of_case.runs));
    test
}
