//! Sizes drawn from the seed: options that a system may have, how many keys, how much work, and in what bursts.
//!
//! A system says what may be picked ([`Choice`](super::Choice)); what a file says itself stays. Every choice is made in half
//! of the seeds, from a stream of its own, so that most runs differ from the file in some ways and in no way all. What
//! comes out is said in the plan.

use super::model::{Bursts, Scenario};
use super::random::{Choice, Random};
use super::units::{Rate, Time};
use host::world::{Draw, Stream};
use toml::{Table, Value};

/// Work is so many times what the file says.
const LOADS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
/// More than so many operations a second are not drawn: a run would take too long.
const RATE_MAX: f64 = 100.0;
/// Bursts, and silences, in ms.
const BURSTS_MS: [u64; 4] = [300, 1000, 3000, 6000];

/// Draws them all.
pub(super) fn draw(plan: &mut Scenario, random: &Random, seed: u64) {
    for Choice { option, among } in &random.choices {
        let mut draw = Draw::new(seed, Stream::SwarmOption(option));
        let (chosen, is_drawn) = (*draw.pick(among), draw.chance(0.5));
        if is_drawn {
            put(&mut plan.cluster.options, option, chosen);
        }
    }
    let mut draw = Draw::new(seed, Stream::SwarmLoad);
    let workload = &mut plan.workload;
    let keys = *draw.pick(&[1, 2, workload.keys, workload.keys, 2 * workload.keys]);
    workload.keys = keys.clamp(1, workload.keys.saturating_mul(2));
    let load = *draw.pick(&LOADS);
    // What is below the least rate that there is, and what the file itself has above the most, remains as it was.
    let other =
        |rate: Rate| Rate::per_second((rate.get() * load).min(rate.get().max(RATE_MAX))).unwrap_or(rate);
    workload.rate = workload.rate.map(other);
    let mut time = || Time::from_millis(*draw.pick(&BURSTS_MS));
    let bursts = Bursts { on: time(), off: time() };
    if workload.bursts.is_none() && draw.chance(0.5) {
        workload.bursts = Some(bursts);
    }
}

/// Sets an option, unless it is said.
fn put(options: &mut Table, option: &str, chosen: &str) {
    let (path, last) = option.rsplit_once('.').map_or((None, option), |(path, last)| (Some(path), last));
    let mut table = options;
    for step in path.into_iter().flat_map(|path| path.split('.')) {
        let below = table.entry(step).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(below) = below else { return };
        table = below;
    }
    let value = format!("value = {chosen}").parse::<Table>().ok().and_then(|mut read| read.remove("value"));
    if let Some(value) = value {
        table.entry(last).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_set_unless_the_file_says_it() {
        let mut options: Table = "flush = 3\n[store]\nlease = \"2s\"".parse().expect("it is TOML");
        put(&mut options, "flush", "4");
        put(&mut options, "store.lease", "\"6s\"");
        put(&mut options, "store.kept", "7");
        let wanted: Table = "flush = 3\n[store]\nlease = \"2s\"\nkept = 7".parse().expect("it is TOML");
        assert_eq!(options, wanted);
    }
}
