//! Where a case runs: the two builds differ here and nowhere else.

use futures::future::BoxFuture;
use host::disk::Disk;
use std::io;

pub const EBADF: i32 = 9;
pub const EBUSY: i32 = 16;
pub const EEXIST: i32 = 17;
pub const EINVAL: i32 = 22;
pub const EISDIR: i32 = 21;
pub const ENAMETOOLONG: i32 = 36;
pub const ENOENT: i32 = 2;
pub const ENOTDIR: i32 = 20;
pub const ENOTEMPTY: i32 = 39;

/// A case, boxed: an executor for each would take minutes to compile.
struct Case(Box<dyn FnOnce(Disk) -> BoxFuture<'static, ()> + Send>);

/// Runs a case with an empty disk.
pub fn on_a_disk<F: Future<Output = ()> + Send + 'static>(case: impl FnOnce(Disk) -> F + Send + 'static) {
    run(Case(Box::new(|disk| Box::pin(case(disk)))));
}

/// On a folder of a machine's disk.
#[cfg(madsim)]
fn run(Case(case): Case) {
    use crate::support::{machines, simulate};
    use host::world::MachineId;
    simulate(machines(1, 1), |cluster| async move {
        let case = async { case(Disk::at("var/lib/case").await.expect("a folder")).await };
        cluster.on(MachineId::numbered(1), case).await.expect("the case is done");
    });
}

/// On a folder of its own.
#[cfg(not(madsim))]
fn run(Case(case): Case) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CASES: AtomicU32 = AtomicU32::new(0);
    let number = CASES.fetch_add(1, Ordering::Relaxed);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk");
    let folder = folder.join(format!("{}-{number}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { case(Disk::at(folder.join("case")).await.expect("a folder")).await });
    // What a failed case leaves is there to be looked at.
    std::fs::remove_dir_all(folder).expect("it is ours");
}

/// The number of an outcome that must be an error of the operating system's.
pub fn errno<T>(outcome: io::Result<T>) -> i32 {
    let error = outcome.err().expect("an error");
    error.raw_os_error().unwrap_or_else(|| panic!("{error:?} has no number"))
}

/// Bytes that repeat nowhere near.
pub fn noise(len: usize, salt: u64) -> Vec<u8> {
    let mut state = salt.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
