//! **routed**: in the end every pool leads to the master that Agrajag has published; where it is told, and nothing is
//! published, to the one primary.

use super::fact::name;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeMap;

/// `pools`: where each leads, if anywhere. `master`: where they ought to, if that can be said.
pub(super) fn check(
    pools: &BTreeMap<MachineId, Option<MachineId>>,
    master: Option<MachineId>,
) -> Result<(), Broken> {
    let Some(master) = master else { return Ok(()) };
    match pools.iter().find(|(_, leads)| **leads != Some(master)) {
        None => Ok(()),
        Some((pool, leads)) => {
            let leads = leads.map_or_else(|| "nowhere".to_owned(), |to| format!("to {}", name(to)));
            let why = format!("{} leads {leads}, and {} is the master", name(*pool), name(master));
            Err(Broken::new(why).node(pool.number()).node(master.number()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);

    /// n7 and n8 lead there; n5 is published.
    fn judge(leads: [Option<MachineId>; 2]) -> Result<(), String> {
        let pools = (7..).map(MachineId::numbered).zip(leads).collect();
        check(&pools, Some(N5)).map_err(|why| why.to_string())
    }

    #[test]
    fn all_lead_to_who_is_published() {
        assert_eq!(judge([Some(N5); 2]), Ok(()));
        assert_eq!(check(&BTreeMap::from([(N4, None)]), None), Ok(()), "nobody is");
    }

    #[test]
    fn one_that_leads_elsewhere_or_nowhere_is_found() {
        assert_eq!(judge([Some(N5), Some(N4)]).unwrap_err(), "n8 leads to n4, and n5 is the master");
        assert_eq!(judge([None, Some(N5)]).unwrap_err(), "n7 leads nowhere, and n5 is the master");
    }
}
