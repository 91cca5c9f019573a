//! **lease**: whoever does a write holds the leader's lock.
//!
//! Judged is that no other holds it: between two holders, and where Patroni's failsafe mode stands in for the store,
//! nobody may.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;

/// Who got the lock last, and has not lost it since as far as it knows; and who needs none.
#[derive(Debug, Default)]
pub(super) struct Lock {
    holder: Option<MachineId>,
    /// A primary that nobody here manages: who has the lock only follows it.
    elsewhere: Option<MachineId>,
}

impl Lock {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((host, Fact::Lock { acquired })) => self.changed(host, *acquired),
            Some((host, Fact::Elsewhere)) => self.elsewhere = Some(host),
            Some((host, Fact::Committed { .. })) => return self.committed(host),
            _ => {}
        }
        Ok(())
    }

    /// A machine's manager has got the lock, or has it no longer.
    fn changed(&mut self, host: MachineId, acquired: bool) {
        if acquired {
            self.holder = Some(host);
        } else if self.holder == Some(host) {
            self.holder = None;
        }
    }

    /// A primary has done a write.
    fn committed(&self, host: MachineId) -> Result<(), Broken> {
        match self.holder {
            Some(holder) if holder != host && self.elsewhere != Some(host) => {
                let why = format!("{} has done a write, and {} holds the lock", name(host), name(holder));
                Err(Broken::new(why).node(host.number()).node(holder.number()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);
    const N7: MachineId = MachineId::numbered(7);

    #[test]
    fn the_holder_writes_until_another_holds_the_lock() {
        let mut lock = Lock::default();
        assert_eq!(lock.committed(N4), Ok(()), "there was none yet");
        lock.changed(N4, true);
        assert_eq!(lock.committed(N4), Ok(()));
        lock.changed(N5, true);
        assert_eq!(lock.committed(N5), Ok(()));
        assert_eq!(lock.committed(N4).unwrap_err().to_string(), "n4 has done a write, and n5 holds the lock");
    }

    #[test]
    fn a_primary_elsewhere_needs_no_lock() {
        let mut lock = Lock { elsewhere: Some(N7), ..Lock::default() };
        lock.changed(N4, true);
        assert_eq!(lock.committed(N7), Ok(()));
        assert!(lock.committed(N5).is_err());
    }

    #[test]
    fn what_an_old_holder_has_lost_is_not_the_new_ones() {
        let mut lock = Lock::default();
        lock.changed(N4, true);
        lock.changed(N5, true);
        lock.changed(N4, false);
        assert!(lock.committed(N4).is_err());
        lock.changed(N5, false);
        assert_eq!(lock.committed(N4), Ok(()), "nobody holds it");
    }
}
