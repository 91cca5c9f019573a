//! **one-owner**: two masters that hear each other do not stay two.
//!
//! A partition has a master on each side, and that is no mistake. Judged is what they were told: both have been
//! masters, and have heard each other, for as long as three takeovers may last. What they make of it is theirs; that it
//! came in is said before that.

use super::fact::{Fact, name};
use super::heard::Heard;
use host::world::{MachineId, Probe};
use sim::check::Broken;
use std::collections::{BTreeMap, BTreeSet};

/// Three times as long as a backup waits that was configured by the defaults.
const BOUND_NS: u64 = 11_000_000_000;
/// Who has not heard the other for so long hears it no longer.
const SILENCE_NS: u64 = 5_000_000_000;

/// Masters that hear each other.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    masters: BTreeSet<MachineId>,
    /// Since when the first hears the second without a silence, and when it did last, in ns.
    hears: BTreeMap<(MachineId, MachineId), (u64, u64)>,
}

impl Rivals {
    /// Whether what was just heard may be.
    pub(super) fn judge(&mut self, heard: &Heard, probe: Option<&Probe>) -> Result<(), Broken> {
        match (heard.fact(), probe) {
            (Some((host, Fact::Daemon { is_master })), _) => self.changed(host, *is_master),
            (Some((host, Fact::AnotherMaster { is })), Some(probe)) => {
                return self.heard(probe.at_ns, host, *is);
            }
            _ => {}
        }
        Ok(())
    }

    fn changed(&mut self, host: MachineId, is_master: bool) {
        if is_master {
            self.masters.insert(host);
        } else {
            self.masters.remove(&host);
            self.hears.retain(|(one, other), _| *one != host && *other != host);
        }
    }

    /// A master has heard another.
    fn heard(&mut self, at_ns: u64, host: MachineId, other: MachineId) -> Result<(), Broken> {
        if !self.masters.contains(&host) || !self.masters.contains(&other) {
            return Ok(());
        }
        let (since, last) = self.hears.entry((host, other)).or_insert((at_ns, at_ns));
        if *last + SILENCE_NS < at_ns {
            *since = at_ns;
        }
        *last = at_ns;
        let since = (*since).max(match self.hears.get(&(other, host)) {
            Some((since, last)) if last + SILENCE_NS >= at_ns => *since,
            _ => at_ns,
        });
        if at_ns - since < BOUND_NS {
            return Ok(());
        }
        let (one, two, seconds) = (name(host), name(other), (at_ns - since) as f64 / 1e9);
        let why = format!("{one} and {two} are masters, and have heard each other for {seconds:.1} s");
        Err(Broken::new(why).node(host.number()).node(other.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: MachineId = MachineId::numbered(1);
    const N2: MachineId = MachineId::numbered(2);

    /// Two masters hear each other from second 1 to 12, or the second of them does not hear the first in some seconds.
    fn hear(deaf: std::ops::Range<u64>) -> Result<(), Broken> {
        let mut rivals = Rivals::default();
        [N1, N2].into_iter().for_each(|host| rivals.changed(host, true));
        (1..=12).try_for_each(|second| {
            let at_ns = second * 1_000_000_000;
            rivals.heard(at_ns, N1, N2)?;
            if deaf.contains(&second) { Ok(()) } else { rivals.heard(at_ns, N2, N1) }
        })
    }

    #[test]
    fn two_that_hear_each_other_for_long_are_one_too_many() {
        let why = hear(0..0).unwrap_err().to_string();
        assert_eq!(why, "n1 and n2 are masters, and have heard each other for 11.0 s");
    }

    #[test]
    fn two_of_which_one_hears_nothing_may_be() {
        assert_eq!(hear(0..20), Ok(()));
        assert_eq!(hear(3..10), Ok(()), "it has heard the other anew since");
        assert!(hear(3..6).is_err(), "a few were lost");
    }

    #[test]
    fn one_that_yields_begins_anew() {
        let mut rivals = Rivals::default();
        [N1, N2].into_iter().for_each(|host| rivals.changed(host, true));
        for second in 1..=30 {
            let at_ns = second * 1_000_000_000;
            assert_eq!(rivals.heard(at_ns, N1, N2), Ok(()));
            assert_eq!(rivals.heard(at_ns, N2, N1), Ok(()));
            if second % 10 == 0 {
                rivals.changed(N2, false);
                rivals.changed(N2, true);
            }
        }
    }
}
