//! Each flaw's near twin: the zoo's scenario without the flaw does not show what the flaw shows.

use sim::catalog::Catalog;
use sim::once;
use sim::run::Attention;
use std::time::Duration;

/// How much of each twin is simulated: sixty short runs, a dozen long ones.
const SIMULATED: Duration = Duration::from_secs(1320);
const SEEDS_MAX: u32 = 60;

#[test]
fn the_rule_without_its_flaw_is_not_caught() {
    for mut twin in Catalog::new(splitbrain::systems::ALL).load("zoo", &[]).unwrap() {
        let shown = twin.scenario.check.expect.violation.take().expect("a zoo scenario shows a violation");
        switch_off(&mut twin.scenario.cluster.options).expect("a zoo scenario switches a flaw on");
        let seeds = SIMULATED.as_secs() / twin.scenario.workload.duration.get().as_secs();
        for seed in 0..seeds.min(SEEDS_MAX.into()) {
            let (report, _) = once(twin.system, &twin.scenario, seed, Attention::QUICK);
            let found = report.violations.iter().find(|violation| violation.checker == shown);
            assert!(found.is_none(), "{} seed {seed} without the flaw: {found:?}", twin.name);
        }
    }
}

/// Takes the flaw out, whichever part of the system has it.
fn switch_off(options: &mut toml::Table) -> Option<toml::Value> {
    options
        .remove("flaw")
        .or_else(|| options.iter_mut().find_map(|(_, part)| part.as_table_mut().and_then(switch_off)))
}
