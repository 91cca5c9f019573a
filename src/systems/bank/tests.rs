//! Each checker of probes, with a good run and its near twin. `scenarios/zoo` has the same for those that look at
//! views.

use super::*;
use host::probe::Value;
use host::world::{MachineId, Probe};

/// What a checker says of these probes of n1, one after the other.
fn judge(
    mut check: impl FnMut(&Seen<'_, View>) -> Result<(), Broken>,
    probes: &[(&'static str, &[Value])],
) -> Result<(), Broken> {
    let views = Views::new(Vec::new());
    probes.iter().try_for_each(|(name, values)| {
        let probe = Probe { at_ns: 0, host: Some(MachineId::numbered(1)), name, values: values.to_vec() };
        check(&Seen::new(Some(&probe), &views))
    })
}

fn written(what: &str, id: &str, lsn: u64) -> [Value; 3] {
    [Value::from(what), Value::from(id), Value::from(lsn)]
}

#[test]
fn once_accepts_each_step_of_a_transfer_and_refuses_the_second_of_one() {
    let steps = [written("reserved", "a.1", 1), written("credited", "a.1", 1), written("captured", "a.1", 2)];
    let probes: Vec<(&str, &[Value])> = steps.iter().map(|step| ("written", &step[..])).collect();
    let once = || {
        let mut written = Written::default();
        move |seen: &Seen<'_, View>| written.once(seen)
    };
    assert_eq!(judge(once(), &probes), Ok(()));
    for second in
        [written("credited", "a.1", 5), written("declined", "a.1", 5), written("released", "a.1", 5)]
    {
        let mut probes = probes.clone();
        probes.push(("written", &second));
        assert!(judge(once(), &probes).is_err(), "{second:?}");
    }
    let other = written("credited", "a.2", 5);
    assert_eq!(judge(once(), &[probes, vec![("written", &other[..])]].concat()), Ok(()));
    assert!(judge(once(), &[("answer changed", &[Value::from("a.1")])]).is_err());
}

#[test]
fn durability_accepts_a_branch_that_knows_more_than_it_said_and_refuses_one_that_knows_less() {
    let said = written("done", "a.1", 7);
    let came_back_with = |lsn: u64| {
        let mut durable = BTreeMap::new();
        judge(
            move |seen| came_back(&mut durable, seen),
            &[("recovered", &[Value::from(0_u64)]), ("written", &said), ("recovered", &[Value::from(lsn)])],
        )
    };
    assert_eq!(came_back_with(7), Ok(()));
    assert_eq!(came_back_with(8), Ok(()));
    assert!(came_back_with(6).is_err());
}

#[test]
fn conservation_accepts_an_audit_that_balances_and_refuses_one_that_is_off_by_a_penny() {
    let audit = |available: i64| [available, 20, 150, 30].map(Value::from);
    assert_eq!(judge(audited, &[("audit", &audit(100))]), Ok(()));
    assert!(judge(audited, &[("audit", &audit(99))]).is_err());
    assert!(judge(audited, &[("audit", &audit(101))]).is_err());
}

#[test]
fn closed_refuses_a_branch_that_moves_what_is_closed() {
    assert_eq!(judge(closed_is_still, &[("written", &written("done", "a.1", 1))]), Ok(()));
    assert!(judge(closed_is_still, &[("closed account moved", &[Value::from(3_u32)])]).is_err());
}
