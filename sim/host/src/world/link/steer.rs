//! What the testbed does to links.

use super::{Link, LinkFault, LinkSettings, LinkState, Transit};
use crate::world::{Config, Draw, MachineId, OutOfRange, Stream, World};

impl World {
    /// Sets up how packets travel from one machine to another. Those on the wire arrive when they would have.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub fn set_link(
        &mut self,
        from: MachineId,
        to: MachineId,
        settings: LinkSettings,
    ) -> Result<(), OutOfRange> {
        settings.check()?;
        let link = self.link(from, to);
        link.settings = settings;
        link.sum_up();
        Ok(())
    }

    /// A fault of a link begins. Faults overlap; see [`LinkFault`].
    ///
    /// # Errors
    ///
    /// The parameter of the fault that is out of its range.
    pub fn set_link_fault(
        &mut self,
        from: MachineId,
        to: MachineId,
        fault: LinkFault,
    ) -> Result<(), OutOfRange> {
        fault.check()?;
        let link = self.link(from, to);
        link.faults.push(fault);
        link.sum_up();
        Ok(())
    }

    /// One fault of exactly this kind ends. Returns false, and does nothing, when there was none.
    pub fn clear_link_fault(&mut self, from: MachineId, to: MachineId, fault: LinkFault) -> bool {
        let link = self.link(from, to);
        let place = link.faults.iter().position(|active| *active == fault);
        place.map(|place| link.faults.remove(place)).inspect(|_| link.sum_up()).is_some()
    }

    /// Loses every packet from one machine to another, until [`World::mend`].
    pub fn cut(&mut self, from: MachineId, to: MachineId) {
        if self.link(from, to).state() == LinkState::Held {
            self.lose_held(from, to);
        }
        self.link(from, to).cuts += 1;
    }

    /// Ends one cut.
    ///
    /// # Panics
    ///
    /// When nothing is cut.
    pub fn mend(&mut self, from: MachineId, to: MachineId) {
        let link = self.link(from, to);
        link.cuts = link.cuts.checked_sub(1).expect("every heal follows its own cut");
    }

    /// Keeps every packet from one machine to another on the wire, until [`World::release`].
    pub fn hold(&mut self, from: MachineId, to: MachineId) {
        self.link(from, to).holds += 1;
    }

    /// Ends one hold; when it was the last, what waited travels on.
    ///
    /// # Panics
    ///
    /// When nothing is held.
    pub fn release(&mut self, from: MachineId, to: MachineId) {
        let link = self.link(from, to);
        link.holds = link.holds.checked_sub(1).expect("every release follows its own hold");
        if link.state() == LinkState::Up {
            self.release_link(from, to);
        }
    }

    pub(in crate::world) fn link(&mut self, from: MachineId, to: MachineId) -> &mut Link {
        let count = self.hosts.len();
        &mut self.links[from.index() * count + to.index()]
    }

    /// Draws what becomes of a packet of `size` bytes.
    pub(in crate::world) fn transit(
        &mut self,
        from: MachineId,
        to: MachineId,
        now: u64,
        size: usize,
    ) -> Transit {
        let link = &mut self.links[from.index() * self.hosts.len() + to.index()];
        link.transit(now, size, |of| stream(&self.config, from, to, of))
    }

    /// Damages a datagram, where its link does that.
    pub(in crate::world) fn corrupt(&mut self, from: MachineId, to: MachineId, bytes: &mut [u8]) {
        let link = &mut self.links[from.index() * self.hosts.len() + to.index()];
        link.corrupt(bytes, |of| stream(&self.config, from, to, of));
    }
}

/// One of a link's streams.
fn stream(
    config: &Config,
    from: MachineId,
    to: MachineId,
    of: for<'a> fn(&'a str, &'a str) -> Stream<'a>,
) -> Draw {
    let (from, to) = (&config.machines[from.index()].name, &config.machines[to.index()].name);
    Draw::new(config.seed, of(from, to))
}
