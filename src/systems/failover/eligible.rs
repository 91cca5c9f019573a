//! **eligible**: who is tagged never to lead never gets the leader's lock.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeSet;

/// The machines whose databases may not lead, as they have said.
#[derive(Debug, Default)]
pub(super) struct Eligible {
    may_not_lead: BTreeSet<MachineId>,
}

impl Eligible {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((host, Fact::MayNotLead)) => drop(self.may_not_lead.insert(host)),
            Some((host, Fact::Lock { acquired: true })) => return self.acquired(host),
            _ => {}
        }
        Ok(())
    }

    /// A machine's manager has got the lock.
    fn acquired(&self, host: MachineId) -> Result<(), Broken> {
        if self.may_not_lead.contains(&host) {
            let why = format!("{} has got the lock, and may not lead", name(host));
            return Err(Broken::new(why).node(host.number()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);

    #[test]
    fn only_who_was_told_not_to_may_not_lead() {
        let eligible = Eligible { may_not_lead: BTreeSet::from([N5]) };
        assert_eq!(eligible.acquired(N4), Ok(()));
        assert_eq!(eligible.acquired(N5).unwrap_err().to_string(), "n5 has got the lock, and may not lead");
    }
}
