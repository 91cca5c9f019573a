//! `promote_command`: the order of its steps, and what it does about one that fails.

use crate::repmgr::options::{First, Flaw, Options};

/// A step. Poolers are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repmgr) enum Step {
    /// `PAUSE` of a whole pooler.
    Pause(usize),
    /// `repmgr standby promote`.
    Promote,
    /// The new address, and `RELOAD`.
    Reload(usize),
    /// `RESUME` of a whole pooler.
    Resume(usize),
}

/// The steps with so many poolers.
pub(in crate::repmgr) fn steps(first: First, poolers: usize) -> Vec<Step> {
    let all = || 0..poolers;
    match first {
        First::Promote => [Step::Promote].into_iter().chain(all().map(Step::Reload)).collect(),
        First::Pause => {
            let told = all().flat_map(|pooler| [Step::Reload(pooler), Step::Resume(pooler)]);
            all().map(Step::Pause).chain([Step::Promote]).chain(told).collect()
        }
    }
}

/// What a script does after a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repmgr) enum After {
    /// It ends, with all as it is.
    Stop,
    /// It takes the next step.
    GoOn,
    /// It resumes what it has paused, and ends.
    Resume,
}

/// What a script does after this step has failed.
pub(in crate::repmgr) fn after(failed: Step, options: &Options) -> After {
    // The flaw: `set -e`.
    if !options.promote.goes_on || options.flaw == Some(Flaw::BouncerUnreachable) {
        return After::Stop;
    }
    if failed == Step::Promote { After::Resume } else { After::GoOn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repmgr::options::Promote;

    #[test]
    fn it_promotes_and_tells_or_pauses_promotes_tells_and_resumes() {
        let promotes = [Step::Promote, Step::Reload(0), Step::Reload(1)];
        assert_eq!(steps(First::Promote, 2), promotes);
        let pauses = [Step::Pause(0), Step::Promote, Step::Reload(0), Step::Resume(0)];
        assert_eq!(steps(First::Pause, 1), pauses);
        assert_eq!(steps(First::Pause, 0), [Step::Promote]);
    }

    #[test]
    fn it_stops_at_the_first_error_unless_told_otherwise_and_then_it_leaves_nobody_paused() {
        assert_eq!(after(Step::Pause(1), &Options::default()), After::Stop);
        assert_eq!(after(Step::Promote, &Options::default()), After::Stop);
        let promote = Promote { goes_on: true, ..Promote::default() };
        let told = Options { promote, ..Options::default() };
        assert_eq!([Step::Pause(1), Step::Reload(0)].map(|step| after(step, &told)), [After::GoOn; 2]);
        assert_eq!(after(Step::Promote, &told), After::Resume);
        let flawed = Options { flaw: Some(Flaw::BouncerUnreachable), ..told };
        assert_eq!([Step::Pause(1), Step::Promote].map(|step| after(step, &flawed)), [After::Stop; 2]);
    }
}
