//! What the testbed does to a disk.

use super::operation::{DiskOperation, Owner};
use super::{Death, Decay, Disk, DiskFault, DiskSettings, Disks, OutOfRange};
use crate::world::{Ground, Happening, MachineId, Observed, World};

impl World {
    /// Sets a machine's disk up, before anything is on it.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    ///
    /// # Panics
    ///
    /// When the disk is in use: its files remember their sector size.
    pub fn set_disk(&mut self, host: MachineId, settings: DiskSettings) -> Result<(), OutOfRange> {
        settings.check()?;
        let disk = self.disks.of(host);
        assert!(disk.tree.count() == 1, "the disk of {} is in use", disk.name);
        disk.settings = settings;
        Ok(())
    }

    /// A fault begins, also on a machine that is down. Faults overlap; see [`DiskFault`].
    ///
    /// # Errors
    ///
    /// The parameter of the fault that is out of its range.
    pub fn set_disk_fault(&mut self, host: MachineId, fault: DiskFault) -> Result<(), OutOfRange> {
        fault.check()?;
        let now = self.now_ns();
        let disk = self.disks.of(host);
        disk.faults.set(fault);
        if fault == DiskFault::Hang {
            disk.queue.hang(now);
        }
        Ok(())
    }

    /// One fault of exactly this kind ends. Returns false, and does nothing, when there was none.
    pub fn clear_disk_fault(&mut self, host: MachineId, fault: DiskFault) -> bool {
        let cleared = self.disks.of(host).faults.clear(fault);
        self.release_disk(host);
        cleared
    }

    /// Every fault of a disk ends. What decayed or went astray stays so until it is overwritten.
    pub fn clear_disk_faults(&mut self, host: MachineId) {
        self.disks.of(host).faults.clear_all();
        self.release_disk(host);
    }

    fn release_disk(&mut self, host: MachineId) {
        let disk = self.disks.of(host);
        if !disk.faults.effect().stall {
            disk.queue.release();
        }
    }

    /// So many sectors of a disk go bad, at random among those that hold data. Readers notice once they no longer have
    /// them cached, as after a power loss or [`World::drop_disk_caches`]. Returns how many sectors were there to pick
    /// from; with none, nothing happens.
    pub fn decay_disk(&mut self, host: MachineId, sectors: u32, decay: Decay) -> u64 {
        self.disks.of(host).decay(sectors, decay)
    }

    /// The machine's kernel drops the pages of all files without unsynced data from its cache.
    pub fn drop_disk_caches(&mut self, host: MachineId) {
        self.disks.of(host).tree.drop_caches();
    }
}

impl Disks {
    /// The calling task's machine and its life.
    pub(super) fn owner(&mut self, ground: &Ground) -> Owner {
        let host = ground.machines.current().expect("disks belong to machines");
        // Between death and restart only destructors of the dead run: they have no disk.
        let life = if ground.machines.runs(host) { self.of(host).life } else { u64::MAX };
        Owner { host, life }
    }

    /// What a machine's death does to its disk.
    pub(in crate::world) fn machine_dies(&mut self, ground: &mut Ground, host: MachineId, death: Death) {
        let Some(left) = self.of(host).dies(death) else { return };
        if left != [0, 1] {
            let at = ground.clock.now_ns();
            let kind = (host.index() as u64) << 40 | (DiskOperation::PowerLoss as u64) << 32;
            ground.record.event(Observed::Disk, at, kind, left[0]);
            ground.record.bytes(&left[1].to_le_bytes());
            let (operation, [pending, files]) = (DiskOperation::PowerLoss, left);
            let path = format!("with {pending} operations pending; {files} inodes are left");
            let died = || Happening::Disk { host, operation, path, offset: 0, bytes: 0, errno: None };
            ground.record.keep(at, died);
        }
    }
}

impl Disk {
    fn decay(&mut self, sectors: u32, decay: Decay) -> u64 {
        let files: Vec<_> = self.tree.files().map(|(inode, file)| (inode, file.sectors())).collect();
        let total = files.iter().map(|(_, sectors)| sectors).sum();
        for _ in 0..if total == 0 { 0 } else { sectors } {
            let mut sector = self.stream.draw().below(total);
            for (inode, held) in &files {
                if sector < *held {
                    let draw = self.stream.draw();
                    // Only files have sectors.
                    let _ = self.tree.change(*inode, |file| {
                        file.decay(sector, decay, draw);
                        Ok(())
                    });
                    break;
                }
                sector -= held;
            }
        }
        total
    }
}
