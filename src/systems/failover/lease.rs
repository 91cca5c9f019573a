//! **lease**: whoever does a write holds the leader's lock.
//!
//! Judged is that no other holds it: between two holders, and where Patroni's failsafe mode stands in for the store,
//! nobody may.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::HostId;

/// Who got the lock last, and has not lost it since as far as it knows; and who needs none.
#[derive(Debug, Default)]
pub(super) struct Lock {
    holder: Option<HostId>,
    /// A primary that nobody here manages: who has the lock only follows it.
    elsewhere: Option<HostId>,
}

impl Lock {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), String> {
        match heard.fact() {
            Some((host, Fact::Lock { acquired })) => self.changed(host, *acquired),
            Some((host, Fact::Elsewhere)) => self.elsewhere = Some(host),
            Some((host, Fact::Committed { .. })) => return self.committed(host),
            _ => {}
        }
        Ok(())
    }

    /// A machine's manager has got the lock, or has it no longer.
    fn changed(&mut self, host: HostId, acquired: bool) {
        if acquired {
            self.holder = Some(host);
        } else if self.holder == Some(host) {
            self.holder = None;
        }
    }

    /// A primary has done a write.
    fn committed(&self, host: HostId) -> Result<(), String> {
        match self.holder {
            Some(holder) if holder != host && self.elsewhere != Some(host) => {
                Err(format!("{} has done a write, and {} holds the lock", name(host), name(holder)))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_writes_until_another_holds_the_lock() {
        let mut lock = Lock::default();
        assert_eq!(lock.committed(3), Ok(()), "there was none yet");
        lock.changed(3, true);
        assert_eq!(lock.committed(3), Ok(()));
        lock.changed(4, true);
        assert_eq!(lock.committed(4), Ok(()));
        assert_eq!(lock.committed(3).unwrap_err(), "n4 has done a write, and n5 holds the lock");
    }

    #[test]
    fn a_primary_elsewhere_needs_no_lock() {
        let mut lock = Lock { elsewhere: Some(6), ..Lock::default() };
        lock.changed(3, true);
        assert_eq!(lock.committed(6), Ok(()));
        assert!(lock.committed(4).is_err());
    }

    #[test]
    fn what_an_old_holder_has_lost_is_not_the_new_ones() {
        let mut lock = Lock::default();
        lock.changed(3, true);
        lock.changed(4, true);
        lock.changed(3, false);
        assert!(lock.committed(3).is_err());
        lock.changed(4, false);
        assert_eq!(lock.committed(3), Ok(()), "nobody holds it");
    }
}
