//! `promote_command`: the order of its steps, and what it does about one that fails.

use crate::repmgr::options::{First, Flaw, Options, Push};

/// A step. Poolers and applications are counted from 0.
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
    /// An application is told, and has to answer.
    Tell(usize),
    /// All applications are told; nobody waits for what they say.
    Notify,
}

/// The steps with so many poolers, and these applications.
pub(in crate::repmgr) fn steps(first: First, poolers: usize, push: Option<&Push>) -> Vec<Step> {
    let all = || 0..poolers;
    let promotes: Vec<Step> = match first {
        First::Promote => [Step::Promote].into_iter().chain(all().map(Step::Reload)).collect(),
        First::Pause => {
            let told = all().flat_map(|pooler| [Step::Reload(pooler), Step::Resume(pooler)]);
            all().map(Step::Pause).chain([Step::Promote]).chain(told).collect()
        }
    };
    match push {
        None => promotes,
        Some(push) if push.waits => (0..push.applications.len()).map(Step::Tell).chain(promotes).collect(),
        Some(_) => promotes.into_iter().chain([Step::Notify]).collect(),
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
    use std::net::SocketAddr;
    use std::time::Duration;

    #[test]
    fn it_promotes_and_tells_or_pauses_promotes_tells_and_resumes() {
        let promotes = [Step::Promote, Step::Reload(0), Step::Reload(1)];
        assert_eq!(steps(First::Promote, 2, None), promotes);
        let pauses = [Step::Pause(0), Step::Promote, Step::Reload(0), Step::Resume(0)];
        assert_eq!(steps(First::Pause, 1, None), pauses);
        assert_eq!(steps(First::Pause, 0, None), [Step::Promote]);
    }

    /// The talk, "kinds of push mechanisms": "ensure that the promotion is dependent on n number of apps returning a
    /// successful response", or "promote first, fire notifications to all your apps".
    #[test]
    fn it_waits_for_each_application_before_it_promotes_or_tells_all_of_them_after() {
        let applications = vec![SocketAddr::from(([10, 0, 0, 7], 1)); 2];
        let push =
            |waits| Push { applications: applications.clone(), waits, timeout: Duration::from_secs(2) };
        let waits = [Step::Tell(0), Step::Tell(1), Step::Promote, Step::Reload(0)];
        assert_eq!(steps(First::Promote, 1, Some(&push(true))), waits);
        let fires = [Step::Promote, Step::Reload(0), Step::Notify];
        assert_eq!(steps(First::Promote, 1, Some(&push(false))), fires);
        assert_eq!(after(Step::Tell(1), &Options::default()), After::Stop, "and nothing is promoted");
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
