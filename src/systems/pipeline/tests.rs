use super::*;
use host::probe::Value;
use sim::check::Views;

fn probe(name: &'static str, values: &[u64]) -> Probe {
    let values = values.iter().map(|value| Value::Uint(*value)).collect();
    Probe { at_ns: 1, host: Some(MachineId::numbered(2)), name, values }
}

#[test]
fn a_log_has_whole_lines_and_broken_ones_and_is_the_same_each_time() {
    let bodies: Vec<String> = (0..50).map(log::body).collect();
    let lines = || bodies.iter().flat_map(|body| body.lines());
    assert!(lines().any(log::is_broken) && lines().any(|line| !log::is_broken(line)));
    assert_eq!(log::body(7), log::body(7));
    assert_ne!(log::body(7), log::body(8));
}

#[test]
fn one_function_more_than_may_run_is_found_and_a_runner_that_begins_anew_runs_none() {
    let mut running = Running::default();
    let mut judge = |name, values: &[u64]| running.judge(Some(&probe(name, values)));
    assert!(judge("function begins", &[1, 2]).is_ok() && judge("function begins", &[2, 2]).is_ok());
    assert!(judge("function begins", &[3, 2]).unwrap_err().evidence.starts_with("3 functions run on n2"));
    assert!(judge("runner begins", &[]).is_ok() && judge("function begins", &[4, 1]).is_ok());
    assert!(judge("function ends", &[4]).is_ok() && judge("function begins", &[5, 1]).is_ok());
}

#[test]
fn what_leaves_at_the_limit_is_too_late() {
    assert!(in_time(&probe("pushed", &[1, 2999, 3000])).is_ok());
    assert!(in_time(&probe("pushed", &[1, 3000, 3000])).unwrap_err().evidence.contains("lines of o1"));
}

#[test]
fn without_a_bucket_or_a_collector_nothing_is_delivered() {
    let heard = Heard::default();
    let none = Views::new(vec![None, None]);
    assert_eq!(heard.durable(&none).unwrap_err().evidence, "the bucket is not up");
    assert_eq!(heard.delivered(&none).unwrap_err().evidence, "the collector is not up");
}

#[test]
fn runners_may_lose_their_disks_and_the_ends_may_not() {
    let mut harm = [Harm::default(); 4];
    harm[1] = Harm { wiped: true, down: true, ..Harm::default() };
    assert!(the_ends_are_intact(&harm).is_ok());
    harm[2].down = true;
    assert!(the_ends_are_intact(&harm).is_err());
    let of_collector = Harm { corrupted: true, ..Harm::default() };
    assert!(the_ends_are_intact(&[Harm::default(), Harm::default(), of_collector]).is_err());
}
