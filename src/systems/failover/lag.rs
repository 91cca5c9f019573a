//! **lag**: who gets the lock lacks no more of what the leader before had written down in the store than the option
//! allows.
//!
//! That much, and what was written since, is all that asynchronous replication may lose: Patroni's documentation,
//! Replication modes. An operator's wish goes before it: from the first one on, nothing is judged.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::MachineId;
use sim::check::Broken;

/// What the next leader must have.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// So many entries may be lacking.
    most: Option<u64>,
    /// The last position that a leader had written down, and who.
    kept: Option<(MachineId, u64)>,
    is_wished: bool,
}

impl Lag {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard) -> Result<(), Broken> {
        match heard.fact() {
            Some((_, Fact::MayLack { entries })) => self.most = Some(*entries),
            Some((_, Fact::Wished)) => self.is_wished = true,
            Some((host, Fact::Kept { lsn })) => self.kept = Some((host, *lsn)),
            Some((host, Fact::Lock { acquired: true })) => return self.acquired(host, heard.logs.end(host)),
            _ => {}
        }
        Ok(())
    }

    /// A machine's manager has got the lock, and its database's log ends there.
    fn acquired(&self, host: MachineId, end: u64) -> Result<(), Broken> {
        let (Some(most), Some((leader, kept))) = (self.most, self.kept) else { return Ok(()) };
        let lacks = kept.saturating_sub(end);
        if self.is_wished || host == leader || lacks <= most {
            return Ok(());
        }
        let (node, before) = (name(host), name(leader));
        let why = format!(
            "{node} has got the lock, and lacks {lacks} entries of the {kept} that {before} had written down; {most} \
             may be lacking"
        );
        Err(Broken::new(why).node(host.number()).node(leader.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N4: MachineId = MachineId::numbered(4);
    const N5: MachineId = MachineId::numbered(5);

    #[test]
    fn who_lacks_as_much_as_may_be_lacking_may_lead() {
        let lag = Lag { most: Some(3), kept: Some((N4, 10)), is_wished: false };
        assert_eq!(lag.acquired(N5, 7), Ok(()));
        assert_eq!(lag.acquired(N5, 12), Ok(()), "it has what was written since");
    }

    #[test]
    fn who_lacks_more_may_not_unless_an_operator_wishes_so() {
        let lag = Lag { most: Some(3), kept: Some((N4, 10)), is_wished: false };
        assert_eq!(
            lag.acquired(N5, 6).unwrap_err().to_string(),
            "n5 has got the lock, and lacks 4 entries of the 10 that n4 had written down; 3 may be lacking"
        );
        assert_eq!(lag.acquired(N4, 6), Ok(()), "nobody is asked to follow itself");
        assert_eq!(Lag { is_wished: true, ..lag }.acquired(N5, 6), Ok(()));
    }
}
