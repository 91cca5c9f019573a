//! A machine's disk: what survives which death, what tears, what fails, and how long it takes.
//!
//! # The model
//!
//! A file is an *inode*, found by number, with its bytes twice: **live**, what the page cache shows every reader at
//! once, and the **medium**, what a power loss leaves. Between the two stand the **pending** operations (a write at a
//! place, a new length), in order. A sync moves those that were issued before it to the medium, when its time is over.
//! A directory has its names twice as well, and between the two stands one **journal** for the whole disk, whose
//! records are link, unlink and rename; a rename is one record, so it happens or it does not. `sync_dir` moves the
//! records that concern a directory.
//!
//! | death | page cache | what was pending |
//! |---|---|---|
//! | process crash | lives on | stays pending |
//! | power loss | gone | inode by inode: none, all, a prefix with the last operation torn, or any prefix per sector; of the journal a prefix, or a subset where the file system is [weak](DirectoryOrder::Weak) |
//! | torn | gone | the last operation of each file torn, a write in the middle; all else arrived |
//! | wiped | gone | gone, with everything else |
//!
//! Tearing falls on absolute multiples of the sector size. A sector holds what it held, or what it should hold, or, by
//! a chance of its own, garbage where the write was to go. *Any prefix per sector* is what write-back in any order can
//! leave: the kernel writes whole sectors from its cache, so a sector is as it was after some operation, never a later
//! operation without an earlier one.
//!
//! Each death begins a new *life* (what others call an incarnation). Handles and futures carry the life that they
//! belong to, because a killed task's destructors run late, possibly when the next one is at work; what comes from
//! another life is refused.
//!
//! **Faults** ([`DiskFault`]) answer with an error, with wrong bytes, late, or never. A failed sync does what Linux
//! does: some of the dirty data arrives, the rest is forgotten (a later sync succeeds without it), the cache keeps it
//! or drops it, and every handle that was open hears of it once. Wrong bytes (flips, misdirected writes, decay,
//! unreadable sectors) are on the *medium*: readers see them once the cached copy is gone, and overwriting heals them.
//!
//! **Time**: one queue a disk serves so many operations and bytes a second; an answer takes its latency on top. An
//! operation takes effect when it is issued, except a read and a sync, which do when they are answered.
//!
//! # Where it comes from
//!
//! Pillai et al., *All File Systems Are Not Created Equal* (OSDI '14) and Mohan et al., *CrashMonkey* (OSDI '18): which
//! states a crash may leave. Rebello et al., *Can Applications Recover from fsync Failures?* (ATC '20): the failed
//! sync. Bairavasundaram et al., *An Analysis of Data Corruption in the Storage Stack* (FAST '08): decay, misdirected
//! writes. FoundationDB's `AsyncFileNonDurable`, TigerBeetle's `testing/storage.zig`, LazyFS's torn-op and torn-seq:
//! the faults.
//!
//! # What it gives up
//!
//! * A buffered write costs as much time as if it went through to the device; there is no cheaper page cache.
//! * Syncing a file never makes its *name* durable, though most file systems would. POSIX does not promise it.
//! * A torn sector keeps the bytes beside the write ("powersafe overwrite"), so syncing protects what it protects.
//! * Write-back by age: pending operations stay pending until a sync, a power loss, or too many of them.
//! * Symbolic and hard links, permissions, time stamps, memory maps, quotas. Inodes and directories take no space.
//!
//! Error numbers are Linux's.
//!
//! | file | noun |
//! |---|---|
//! | `settings.rs`, `fault.rs` | what a disk is, and what is wrong with it |
//! | `content.rs`, `medium.rs`, `pending.rs` | bytes: in pages, on the medium, on their way there |
//! | `file.rs`, `power.rs` | a file, and what a power loss leaves of it |
//! | `tree.rs`, `journal.rs` | names and inodes, and the way to the medium for them |
//! | `queue.rs` | time |
//! | `operation.rs`, `handle.rs` | what a node asks, and what it holds |
//! | `steer.rs` | what the testbed does to a disk |

mod content;
mod fault;
mod file;
pub(crate) mod handle;
mod journal;
mod medium;
mod operation;
mod pending;
mod power;
mod queue;
mod settings;
mod steer;
mod tree;

pub use fault::{Decay, DiskFault};
pub use operation::DiskOperation;
pub use settings::{DirectoryOrder, DiskSettings, SectorSize};

use super::draw::LateDraw;
use super::{Config, Death, Draw, MachineId, OutOfRange, Stream};
use content::PAGE;
use fault::Faults;
use file::File;
use journal::Journal;
use queue::Queue;
use std::io;
use tree::{Directory, Tree};

/// The disks of all machines.
pub(super) struct Disks(Vec<Disk>);

impl Disks {
    pub(super) fn new(config: &Config) -> Self {
        Disks(config.machines.iter().map(|machine| Disk::new(config.seed, &machine.name)).collect())
    }

    /// What is drawn from now on is of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        for disk in &mut self.0 {
            disk.seed = seed;
            disk.stream.reseed(seed);
            disk.queue.reseed(seed);
        }
    }

    fn of(&mut self, host: MachineId) -> &mut Disk {
        &mut self.0[host.index()]
    }
}

/// One machine's disk.
pub(crate) struct Disk {
    seed: u64,
    name: String,
    settings: DiskSettings,
    tree: Tree,
    journal: Journal,
    queue: Queue,
    faults: Faults,
    /// Decides where and when faults strike.
    stream: LateDraw,
    /// Counts deaths. What belongs to another life is refused.
    life: u64,
}

impl Disk {
    fn new(seed: u64, name: &str) -> Self {
        Disk {
            seed,
            name: name.to_owned(),
            settings: DiskSettings::default(),
            tree: Tree::new(),
            journal: Journal::default(),
            queue: Queue::new(seed, name),
            faults: Faults::default(),
            stream: LateDraw::new(seed, |disk| Stream::Disk(disk), name),
            life: 0,
        }
    }

    /// The machine dies, and a new life begins. Tells how many pending operations and records there were and how many
    /// files and directories are left, if it was more than a process.
    fn dies(&mut self, death: Death) -> Option<[u64; 2]> {
        self.life += 1;
        self.queue.forget_waiting();
        let unsettled = self.tree.unsettled() + self.journal.len();
        match death {
            Death::Process => {
                self.tree.close_all();
                return None;
            }
            Death::Power => {
                // Its own stream: what a power loss leaves does not depend on faults that struck before.
                let mut draw =
                    Draw::new(self.seed, Stream::PowerLoss { machine: &self.name, life: self.life });
                let garbage = self.settings.garbage;
                self.queue.power_off();
                self.journal.power_loss(&mut self.tree, self.settings.directories, &mut draw);
                self.tree.power_loss(|file| file.power_loss(&mut draw, garbage));
            }
            Death::Torn => {
                self.queue.power_off();
                self.journal.arrive(&mut self.tree);
                self.tree.power_loss(File::torn);
            }
            Death::Wiped => {
                self.queue.power_off();
                (self.tree, self.journal) = (Tree::new(), Journal::default());
            }
        }
        Some([unsettled, self.tree.count()])
    }

    /// How many pages may still be written to for the first time.
    fn room(&self) -> u64 {
        if self.faults.effect().full {
            return 0;
        }
        (self.settings.capacity / PAGE as u64).saturating_sub(self.tree.pages())
    }
}

fn os_error(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}
