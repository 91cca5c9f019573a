//! **undisturbed**: a master that is heard stays one, where daemons were told so (`nopreempt`; UCARP's default;
//! repmgr's `primary_visibility_consensus`, where it is enough that a node that is seen has heard it).

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;
use std::collections::BTreeMap;

/// Whom a machine leaves alone: whom it has heard within so long, in ms.
#[derive(Debug, Default)]
pub(super) struct Peace(BTreeMap<MachineId, u64>);

impl Peace {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((host, Fact::Stays { within_ms })) => drop(self.0.insert(host, *within_ms)),
            Some((host, Fact::TakesOver { from, after_ms })) => {
                return self.takes_over(host, *from, *after_ms);
            }
            _ => {}
        }
        Ok(())
    }

    fn takes_over(&self, host: MachineId, from: MachineId, after_ms: u64) -> Result<(), Broken> {
        match self.0.get(&host) {
            Some(within) if after_ms < *within => {
                let (taker, master) = (name(host), name(from));
                let why = format!("{taker} takes over from {master}, which was heard {after_ms} ms before");
                Err(Broken::new(why).node(host.number()).node(from.number()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: MachineId = MachineId::numbered(1);
    const N2: MachineId = MachineId::numbered(2);

    #[test]
    fn only_a_master_that_was_silent_is_succeeded() {
        let peace = Peace([(N1, 3000)].into());
        assert_eq!(peace.takes_over(N1, N2, 3000), Ok(()));
        let why = peace.takes_over(N1, N2, 412).unwrap_err().to_string();
        assert_eq!(why, "n1 takes over from n2, which was heard 412 ms before");
        assert_eq!(peace.takes_over(N2, N1, 412), Ok(()), "n2 was not told so");
    }
}
