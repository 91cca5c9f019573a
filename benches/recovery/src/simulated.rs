//! Recovery by the clock of the disk model. The log is in memory there, so memory says nothing; what a processor takes is
//! not simulated.

use crate::report::{Report, megabytes};
use crate::sizes::{Sizes, sizes};
use crate::{Options, work};
use host::disk::Disk;
use host::time::Instant;
use host::world::{Config, DiskSettings, lab};
use protocols::bookings::Journal;
use std::error::Error;
use std::time::Duration;

/// A log, and how long its recovery took.
struct Recovery {
    sizes: Sizes,
    took: Duration,
}

/// Measures each length, without snapshots and with.
pub fn measure(options: &Options) -> Result<Report, Box<dyn Error>> {
    let columns =
        ["commands", "", "MB on disk", "MB read", "ms", "ms at the disk's bandwidth", "as fast as the disk"];
    let mut report = Report::new(columns);
    for commands in options.lengths() {
        for (what, snapshot) in [("log", None), ("log and snapshots", Some(options.snapshot))] {
            let Recovery { sizes, took } = recover(commands, snapshot).map_err(|error| error.to_string())?;
            let seconds = took.as_secs_f64();
            let reading = sizes.read as f64 / DiskSettings::default().bandwidth as f64;
            report.add_row([
                commands.to_string(),
                what.to_owned(),
                megabytes(sizes.on_disk),
                megabytes(sizes.read),
                format!("{:.2}", seconds * 1e3),
                format!("{:.2}", reading * 1e3),
                format!("{:.2} ×", reading / seconds),
            ]);
            report.add_point(what, commands, seconds);
            if snapshot.is_none() {
                report.add_point("the disk's bandwidth", commands, reading);
            }
        }
    }
    Ok(report)
}

/// Fills a log, and opens it again.
fn recover(commands: u32, snapshot: Option<u32>) -> Result<Recovery, Box<dyn Error + Send + Sync>> {
    lab::run(Config::new(1, lab::machines(1)), async move |lab| {
        let machine = lab.machine();
        let recovery = lab.on(machine, recovery(commands, snapshot));
        recovery.await.expect("the machine lives")
    })
}

async fn recovery(commands: u32, snapshot: Option<u32>) -> Result<Recovery, Box<dyn Error + Send + Sync>> {
    let (disk, options) = (Disk::of_this_machine(), work::options());
    let mut journal = Journal::open(&disk, &options).await?;
    work::fill::<Box<dyn Error + Send + Sync>>(&mut journal, commands, snapshot, |_, _, _| Ok(())).await?;
    let before = (journal.version(), journal.bookings().collect::<Vec<_>>());
    let sizes = sizes(&disk).await?;
    let begin = Instant::now();
    let recovered = Journal::open(&disk, &options).await?;
    let took = begin.elapsed();
    assert!(before == (recovered.version(), recovered.bookings().collect()), "all is there");
    Ok(Recovery { sizes, took })
}
