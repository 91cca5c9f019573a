//! **listed**: in the end every orchestrator that says it is listed as present is, as each pool has read it.

use super::fact::name;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::{BTreeMap, BTreeSet};

/// `listed`: the machines of orchestrators that have seen to it. `read`: who is present, as each pool has read last.
pub(super) fn check(
    listed: &BTreeSet<MachineId>,
    read: &BTreeMap<MachineId, BTreeSet<MachineId>>,
) -> Result<(), Broken> {
    for (pool, present) in read {
        if let Some(host) = listed.iter().find(|host| !present.contains(host)) {
            let why = format!("{} is present, and {} has read that it is not", name(*host), name(*pool));
            return Err(Broken::new(why).node(host.number()).node(pool.number()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machines(numbers: &[u32]) -> BTreeSet<MachineId> {
        numbers.iter().copied().map(MachineId::numbered).collect()
    }

    /// n4 and n5 are listed, as they say; n7 has read these.
    fn judge(read: &[u32]) -> Result<(), String> {
        let read = BTreeMap::from([(MachineId::numbered(7), machines(read))]);
        check(&machines(&[4, 5]), &read).map_err(|why| why.to_string())
    }

    #[test]
    fn whoever_is_present_is_listed_and_others_may_be() {
        assert_eq!(judge(&[4, 5]), Ok(()));
        assert_eq!(judge(&[4, 5, 6]), Ok(()), "a session that has not ended yet");
        assert_eq!(check(&machines(&[4]), &BTreeMap::new()), Ok(()), "nobody has read");
    }

    #[test]
    fn one_that_is_present_and_not_listed_is_found() {
        assert_eq!(judge(&[4]).unwrap_err(), "n5 is present, and n7 has read that it is not");
    }
}
