//! What the testbed does to links.

use super::{LinkFault, LinkSettings, Way};
use crate::world::{MachineId, OutOfRange, World};

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
        self.net.ip.wire.link(Way { from, to }).set(settings);
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
        self.net.ip.wire.link(Way { from, to }).begin(fault);
        Ok(())
    }

    /// One fault of exactly this kind ends. Returns false, and does nothing, when there was none.
    pub fn clear_link_fault(&mut self, from: MachineId, to: MachineId, fault: LinkFault) -> bool {
        self.net.ip.wire.link(Way { from, to }).end(fault)
    }

    /// Loses every packet from one machine to another, until [`World::mend`].
    pub fn cut(&mut self, from: MachineId, to: MachineId) {
        self.net.cut(&mut self.ground, Way { from, to });
    }

    /// Ends one cut.
    ///
    /// # Panics
    ///
    /// When nothing is cut.
    pub fn mend(&mut self, from: MachineId, to: MachineId) {
        self.net.ip.wire.link(Way { from, to }).mend();
    }

    /// Keeps every packet from one machine to another on the wire, until [`World::release`].
    pub fn hold(&mut self, from: MachineId, to: MachineId) {
        self.net.ip.wire.link(Way { from, to }).hold();
    }

    /// Ends one hold; when it was the last, what waited travels on.
    ///
    /// # Panics
    ///
    /// When nothing is held.
    pub fn release(&mut self, from: MachineId, to: MachineId) {
        self.net.release(&mut self.ground, Way { from, to });
    }
}
