//! What the benchmarks share: many seeds, on all cores.

/// How many seeds `SPLITBRAIN_SEEDS` asks for.
pub fn seeds(otherwise: u64) -> u64 {
    std::env::var("SPLITBRAIN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// One run for each seed, in no particular order.
pub fn on_all_cores<T: Send>(seeds: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let share = |worker| (worker..seeds).step_by(workers as usize).map(&run).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        shares.into_iter().flat_map(|share| share.join().expect("a run panicked")).collect()
    })
}
