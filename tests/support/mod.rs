//! What several test targets need.

use sim::catalog::{Case, Catalog};
use sim::once;
use sim::run::{Attention, Recording, Report};

/// The scenario with this short name.
pub fn case(name: &str) -> Case {
    let mut cases =
        Catalog::new(splitbrain::systems::ALL).load(name, &[]).expect("the scenario is there and right");
    cases.pop().expect("a name is one scenario")
}

/// One recorded run.
pub fn record(case: &Case, seed: u64) -> (Report, Recording) {
    let (report, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
    (report, recording.expect("it was recorded"))
}
