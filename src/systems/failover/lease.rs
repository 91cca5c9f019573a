//! **lease**: whoever does a write holds the leader's lock.
//!
//! Judged is that no other holds it: between two holders, and where Patroni's failsafe mode stands in for the store,
//! nobody may.

use super::fact::name;
use host::world::HostId;

/// Who got the lock last, and has not lost it since as far as it knows.
#[derive(Debug, Default)]
pub(super) struct Lock(Option<HostId>);

impl Lock {
    /// A machine's manager has got the lock, or has it no longer.
    pub(super) fn changed(&mut self, host: HostId, acquired: bool) {
        if acquired {
            self.0 = Some(host);
        } else if self.0 == Some(host) {
            self.0 = None;
        }
    }

    /// A primary has done a write.
    pub(super) fn committed(&self, host: HostId) -> Result<(), String> {
        match self.0 {
            Some(holder) if holder != host => {
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
