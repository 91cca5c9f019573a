//! Each flaw's near twin: the zoo's scenario without the flaw does not show what the flaw shows.

use sim::catalog::Catalog;
use sim::run::once;

const SEEDS: u64 = 60;

#[test]
fn the_rule_without_its_flaw_is_not_caught() {
    for mut twin in Catalog(splitbrain::systems::ALL).load("zoo", &[]).unwrap() {
        let shown = twin.scenario.check.expect.violation.take().expect("a zoo scenario shows a violation");
        twin.scenario.cluster.options.remove("flaw").expect("a zoo scenario switches a flaw on");
        for seed in 0..SEEDS {
            let (report, _) = once(twin.system, &twin.scenario, seed, false);
            let found = report.violations.iter().find(|violation| violation.checker == shown);
            assert!(found.is_none(), "{} seed {seed} without the flaw: {found:?}", twin.name);
        }
    }
}
